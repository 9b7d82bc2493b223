//! The menu of a plot: by its small button, by a right click, by Shift+F10.

use egui::{Context, Id, Key, Popup, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{
    Plot, PlotResponse, State, data,
    export::{self, Still},
    view,
};
use crate::{
    Icon,
    icon::{self, Look},
    overlay::{menu, menu_item},
    paint,
    tokens::tokens,
};

const SIDE: f32 = 20.0;
const WIDTH: f32 = 208.0;

fn as_table(ctx: &Context, id: Id) -> bool {
    ctx.data(|data| data.get_temp(id.with("table"))).unwrap_or(false)
}

/// Whether y is logarithmic: as the user toggled it, else as the caller says.
pub(super) fn log_of(plot: &Plot<'_>, ctx: &Context, id: Id) -> bool {
    let wanted: Option<bool> = ctx.data(|data| data.get_temp(id.with("log")));
    if can_log(plot) { wanted.unwrap_or(plot.y.log) } else { plot.y.log }
}

/// An axis that must show zero, or counts rows, has no logarithm.
fn can_log(plot: &Plot<'_>) -> bool {
    plot.heat.is_none() && plot.y.ticks.is_none() && plot.y.range.is_none_or(|(low, _)| low > 0.0)
}

/// The button at the top right, and the keys while the plot is focused.
pub(super) fn show(plot: &Plot<'_>, ui: &Ui, rect: Rect, (id, outcome): (Id, &mut PlotResponse)) {
    if !matches!(plot.state, State::Ready) {
        return;
    }
    let corner = Rect::from_min_size(pos2(rect.right() - SIDE, rect.top() - 2.0), vec2(SIDE, SIDE));
    let button = ui.interact(corner, id.with("menu"), Sense::click());
    let name = format!("Data of {}", plot.title);
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let t = tokens(ui);
    let colour = if button.hovered() || button.has_focus() { t.text } else { t.text_3 };
    icon::paint(ui.painter(), corner.center(), Icon::DotsThree, icon::SMALL, colour, Look::Regular);
    paint::focus_ring(ui, corner.shrink(1.0), 4, &button);
    let focused = outcome.response.has_focus() || button.has_focus();
    if focused && ui.input(|input| input.modifiers.shift && input.key_pressed(Key::F10)) {
        Popup::open_id(ui.ctx(), Popup::default_response_id(&button));
    }
    menu(&button, WIDTH, |ui| items(plot, ui, id, outcome));
}

/// The same menu at the pointer.
pub(super) fn context(plot: &Plot<'_>, area: &Response, (id, outcome): (Id, &mut PlotResponse)) {
    Popup::context_menu(area).width(WIDTH).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.set_min_width(WIDTH - 10.0);
        items(plot, ui, id, outcome);
    });
}

fn items(plot: &Plot<'_>, ui: &mut Ui, id: Id, outcome: &mut PlotResponse) {
    let table = as_table(ui.ctx(), id);
    let word = if table { "Show as plot" } else { "Show as table" };
    let item = |ui: &mut Ui, glyph, word| menu_item(ui, glyph, word, "").clicked();
    if item(ui, Icon::Table, word) {
        ui.data_mut(|data| data.insert_temp(id.with("table"), !table));
    }
    let size = vec2(plot.width.unwrap_or_else(|| outcome.response.rect.width()), plot.height);
    if item(ui, Icon::Copy, "Copy image") {
        ui.ctx().copy_image(Still::new(plot, ui, (size, id, 2.0)).image());
    }
    if item(ui, Icon::DownloadSimple, "Save as PNG…") {
        let image = Still::new(plot, ui, (size, id, 2.0)).image();
        if let Some(bytes) = export::png(&image) {
            export::push(ui.ctx(), plot.title, "png", bytes);
        }
    }
    if item(ui, Icon::DownloadSimple, "Save as SVG…") {
        let svg = Still::new(plot, ui, (size, id, 2.0)).svg(plot.title);
        export::push(ui.ctx(), plot.title, "svg", svg.into_bytes());
    }
    let bounds = view::zoomed(ui.ctx(), id).map(|(x, _)| x);
    if item(ui, Icon::Copy, "Copy data as CSV") {
        ui.ctx().copy_text(data::csv(plot, bounds));
    }
    if item(ui, Icon::DownloadSimple, "Save data as CSV…") {
        let csv = data::csv(plot, bounds);
        export::push(ui.ctx(), plot.title, "csv", csv.clone().into_bytes());
        outcome.save_csv = Some(csv);
    }
    if can_log(plot) {
        let word = if plot.y.log { "Linear axis" } else { "Logarithmic axis" };
        if item(ui, Icon::ChartLine, word) {
            ui.data_mut(|data| data.insert_temp(id.with("log"), !plot.y.log));
            view::reset(ui.ctx(), id);
        }
    }
    if item(ui, Icon::ArrowCounterClockwise, "Reset zoom") {
        view::reset(ui.ctx(), id);
    }
}
