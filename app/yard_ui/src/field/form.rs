//! The row of a form: a label of fixed width, then the control, 32 points a row.

use egui::{Align, Align2, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::{
    fonts::Type,
    paint,
    space::{CONTROL, FORM_LABEL, FORM_ROW},
    tokens::tokens,
};

/// A form: rows whose labels have the same width.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    label_width: f32,
}

impl Default for Form {
    fn default() -> Self {
        Self { label_width: FORM_LABEL }
    }
}

impl Form {
    /// A form with labels of `label_width` points.
    pub fn new(label_width: f32) -> Self {
        Self { label_width }
    }

    /// One row: `label`, then what `control` draws in the rest of the width.
    ///
    /// The label is painted only: the control carries the name itself (pass the same word to it);
    /// inputs without a name get `label` as theirs.
    pub fn row<R>(self, ui: &mut Ui, label: &str, control: impl FnOnce(&mut Ui) -> R) -> R {
        self.lay_out(ui, label, Role::GenericContainer, |ui| ui.name_inputs(label, control))
    }

    /// One row whose content is no input (chips, links, text): the label is a label of its own.
    pub fn value<R>(self, ui: &mut Ui, label: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
        self.lay_out(ui, label, Role::Label, content)
    }

    fn lay_out<R>(self, ui: &mut Ui, label: &str, role: Role, content: impl FnOnce(&mut Ui) -> R) -> R {
        let outer = ui.available_rect_before_wrap();
        let colour = tokens(ui).text_2;
        let galley = paint::fitted(ui.painter(), label, Type::Label, colour, self.label_width - 8.0);
        let cut = galley.elided;
        let at = pos2(outer.left(), outer.top() + crate::space::control(ui) / 2.0);
        let place = paint::galley_at(ui.painter(), at, Align2::LEFT_CENTER, galley);
        if cut || role == Role::Label {
            let name = ui.interact(place, ui.scope_id().with(("form-label", label)), Sense::hover());
            if role == Role::Label {
                name.widget_info(|| WidgetInfo::labeled(role, true, label));
            }
            if cut {
                name.on_hover_text(label);
            }
        }
        let mut rest = outer;
        rest.min.x += self.label_width;
        rest.max.y = rest.max.y.max(rest.min.y + CONTROL);
        let builder =
            UiBuilder::new().max_rect(rest).layout(Layout::top_down(Align::Min)).id_salt(("form", label));
        let mut child = ui.new_child(builder);
        let inner = content(&mut child);
        let used = child.min_rect().height().max(CONTROL) + FORM_ROW - CONTROL;
        let row = Rect::from_min_size(outer.min, vec2(outer.width(), used - ui.spacing().item_spacing.y));
        ui.advance_cursor_after_rect(row);
        // The last row keeps its whole height inside the frame around.
        ui.expand_to_include_rect(child.min_rect());
        inner
    }
}

/// One row of a form with the usual label width.
pub fn form_row<R>(ui: &mut Ui, label: &str, control: impl FnOnce(&mut Ui) -> R) -> R {
    Form::default().row(ui, label, control)
}
