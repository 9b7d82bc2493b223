//! Two columns side by side, the left one of a fixed width.

/// Draws `left` in `width` points and `right` in the rest, `gap` points apart. One closure draws both,
/// told which, so that both may change the same state.
pub(crate) fn two(ui: &mut egui::Ui, width: f32, gap: f32, mut content: impl FnMut(&mut egui::Ui, Side)) {
    let whole = ui.available_rect_before_wrap();
    let mut bottom = whole.top();
    for side in [Side::Left, Side::Right] {
        let mut rect = whole;
        match side {
            Side::Left => rect.max.x = rect.min.x + width,
            Side::Right => rect.min.x += width + gap,
        }
        let layout = egui::Layout::top_down(egui::Align::Min);
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout).id_salt(side));
        child.set_width(rect.width());
        content(&mut child, side);
        bottom = bottom.max(child.min_rect().bottom());
    }
    ui.advance_cursor_after_rect(egui::Rect::from_min_max(whole.min, egui::pos2(whole.max.x, bottom)));
}

/// Which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}
