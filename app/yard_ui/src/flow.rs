//! A flow diagram: how an amount divides and joins from column to column (rows through the splits,
//! requests through the routes of a canary).
//!
//! The caller gives nodes with their column and flows with their amounts; heights follow the amounts
//! (H. R. P. Sankey, Introductory note on the thermal efficiency of steam-engines, 1898).

use egui::{
    Align2, Color32, CornerRadius, Mesh, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    fmt,
    fonts::Type,
    paint,
    space::S4,
    tokens::{tokens, with_alpha},
};

const NODE: f32 = 12.0;
const GAP: f32 = 12.0;

/// A node of a flow diagram.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowNode {
    /// Column from the left.
    pub column: usize,
    /// Name.
    pub name: String,
    /// Colour of the node and of what flows out of it.
    pub colour: Color32,
}

/// An amount that goes from one node to another, by their indices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Where it comes from.
    pub from: usize,
    /// Where it goes to; a later column.
    pub to: usize,
    /// How much; 0, negative and not finite amounts are left out.
    pub amount: f64,
}

/// Draws the diagram in `height` points; returns the index of the node that was clicked. Flows that
/// name no node, or do not lead to the right, are left out.
pub fn flow(ui: &mut Ui, name: &str, (nodes, flows): (&[FlowNode], &[Flow]), height: f32) -> Option<usize> {
    let (rect, whole) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    whole.widget_info(|| WidgetInfo::labeled(Role::Figure, true, name));
    let flows = valid(nodes, flows);
    let places = places(nodes, &flows, rect);
    let mut out: Vec<f32> = places.iter().map(|place| place.top()).collect();
    let mut inside = out.clone();
    let scale = scale(nodes, &flows, rect.height());
    for flow in &flows {
        let width = flow.amount as f32 * scale;
        let (from, to) = (places[flow.from], places[flow.to]);
        let start = pos2(from.right(), out[flow.from]);
        let end = pos2(to.left(), inside[flow.to]);
        ui.painter().add(band((start, end), width, with_alpha(nodes[flow.from].colour, 90)));
        out[flow.from] += width;
        inside[flow.to] += width;
    }
    let last = nodes.iter().map(|node| node.column).max().unwrap_or(0);
    let mut clicked = None;
    for (at, node) in nodes.iter().enumerate() {
        let amount = amount(at, &flows);
        if node_ui(ui, (whole.id.with(at), places[at]), node, (amount, node.column == last)).clicked() {
            clicked = Some(at);
        }
    }
    clicked
}

fn valid(nodes: &[FlowNode], flows: &[Flow]) -> Vec<Flow> {
    let fits = |flow: &&Flow| {
        let columns =
            (nodes.get(flow.from).map(|node| node.column), nodes.get(flow.to).map(|node| node.column));
        matches!(columns, (Some(from), Some(to)) if from < to) && flow.amount > 0.0 && flow.amount.is_finite()
    };
    flows.iter().filter(fits).copied().collect()
}

/// What goes through a node: the larger of what comes in and what goes out.
fn amount(at: usize, flows: &[Flow]) -> f64 {
    let sum = |end: fn(&Flow) -> usize| {
        flows.iter().filter(|flow| end(flow) == at).map(|flow| flow.amount).sum::<f64>()
    };
    sum(|flow| flow.to).max(sum(|flow| flow.from))
}

/// Points for one unit, so that the fullest column fits.
fn scale(nodes: &[FlowNode], flows: &[Flow], height: f32) -> f32 {
    let columns = nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
    let fits = |column: usize| {
        let inside = (0..nodes.len()).filter(|at| nodes[*at].column == column);
        let (count, sum) = inside.fold((0, 0.0), |(count, sum), at| (count + 1, sum + amount(at, flows)));
        let room = height - GAP * (count as f32 - 1.0).max(0.0);
        if sum > 0.0 { room.max(1.0) / sum as f32 } else { f32::INFINITY }
    };
    let scale = (0..columns).map(fits).fold(f32::INFINITY, f32::min);
    if scale.is_finite() { scale } else { 0.0 }
}

fn places(nodes: &[FlowNode], flows: &[Flow], rect: Rect) -> Vec<Rect> {
    let columns = nodes.iter().map(|node| node.column).max().unwrap_or(0);
    let step = (rect.width() - NODE) / columns.max(1) as f32;
    let scale = scale(nodes, flows, rect.height());
    let mut tops = vec![rect.top(); columns + 1];
    let mut places = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let height = (amount(at, flows) as f32 * scale).max(1.0);
        let corner = pos2(rect.left() + node.column as f32 * step, tops[node.column]);
        places.push(Rect::from_min_size(corner, vec2(NODE, height)));
        tops[node.column] += height + GAP;
    }
    places
}

/// A ribbon of one height that bends from `start` to `end`.
fn band((start, end): (Pos2, Pos2), height: f32, colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    let steps = 24_u32;
    for at in 0..=steps {
        let share = at as f32 / steps as f32;
        let eased = share * share * (3.0 - 2.0 * share);
        let x = start.x + (end.x - start.x) * share;
        let y = start.y + (end.y - start.y) * eased;
        mesh.colored_vertex(pos2(x, y), colour);
        mesh.colored_vertex(pos2(x, y + height), colour);
        if at > 0 {
            let base = at * 2;
            mesh.add_triangle(base - 2, base - 1, base);
            mesh.add_triangle(base - 1, base, base + 1);
        }
    }
    mesh
}

fn node_ui(ui: &Ui, (id, place): (egui::Id, Rect), node: &FlowNode, (amount, last): (f64, bool)) -> Response {
    let response = ui.interact(place, id, Sense::click());
    let words = format!("{}: {}", node.name, fmt::fixed(amount, 0));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &words));
    ui.painter().rect_filled(place, CornerRadius::same(2), node.colour);
    let (at, anchor) = if last {
        (place.left_center() - vec2(S4, 0.0), Align2::RIGHT_CENTER)
    } else {
        (place.right_center() + vec2(S4, 0.0), Align2::LEFT_CENTER)
    };
    paint::text_at(ui.painter(), at, anchor, &words, Type::Caption, tokens(ui).text);
    paint::focus_ring(ui, place, 2, &response);
    response.on_hover_text(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(column: usize) -> FlowNode {
        FlowNode { column, name: String::new(), colour: Color32::BLUE }
    }

    #[test]
    fn heights_follow_the_amounts_and_odd_flows_are_left_out() {
        let nodes = [node(0), node(1), node(1)];
        let flow = |from, to, amount| Flow { from, to, amount };
        let all = [
            flow(0, 1, 30.0),
            flow(0, 2, 10.0),
            flow(1, 0, 5.0),
            flow(0, 9, 5.0),
            flow(0, 1, f64::NAN),
            flow(1, 2, 3.0),
        ];
        let flows = valid(&nodes, &all);
        assert_eq!(flows.len(), 2);
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(200.0, 100.0));
        let places = places(&nodes, &flows, rect);
        assert!((places[1].height() / places[2].height() - 3.0).abs() < 1e-3);
        assert!((places[0].height() - places[1].height() - places[2].height()).abs() < 1e-3);
        assert!(places.iter().all(|place| rect.expand(0.1).contains_rect(*place)), "{places:?}");
        assert_eq!(scale(&[], &[], 100.0), 0.0);
    }
}
