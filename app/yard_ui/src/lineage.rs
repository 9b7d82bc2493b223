//! A graph of what came from what: nodes in columns, edges as curves from left to right.
//!
//! The caller gives nodes with their column and edges by index; the rows are found here so that few
//! edges cross (barycentre of the parents; K. Sugiyama, S. Tagawa, M. Toda, 1981,
//! doi:10.1109/TSMC.1981.4308636).

use egui::{
    Align2, CornerRadius, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo,
    epaint::CubicBezierShape, pos2, vec2,
};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{RADIUS_CARD, S8},
    status::Status,
    tokens::tokens,
};

const NODE: egui::Vec2 = egui::Vec2::new(140.0, 40.0);
const COLUMN: f32 = 192.0;
const ROW: f32 = 56.0;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Column from the left.
    pub column: usize,
    /// Icon of its kind.
    pub icon: Icon,
    /// Name ("run 14").
    pub name: String,
    /// One fact ("boosting").
    pub fact: String,
    /// Its state; `Warn` and `Error` colour the outline.
    pub status: Status,
}

/// A graph. `edges` are pairs of node indices, from parent to child.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct Graph<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// The nodes.
    pub nodes: &'a [Node],
    /// Parent and child of each edge; indices outside of the nodes are left out.
    pub edges: &'a [(usize, usize)],
    /// The selected node; its ancestors are drawn in the accent.
    pub selected: Option<usize>,
}

impl Graph<'_> {
    /// Draws the graph, scrolled sideways if it is wider than the place; returns the clicked node.
    pub fn show(self, ui: &mut Ui) -> Option<usize> {
        let rows = place_rows(self.nodes, self.edges);
        let columns = self.nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
        let tallest = rows.iter().copied().fold(0.0_f32, f32::max) + 1.0;
        if columns == 0 {
            return None;
        }
        // The columns move closer together where the place is narrow, as long as edges have room.
        let least = NODE.x + 28.0;
        let spread = (ui.available_width() - NODE.x - 4.0) / (columns.max(2) - 1) as f32;
        let step = spread.clamp(least, COLUMN);
        let size = vec2(NODE.x + (columns - 1) as f32 * step + 4.0, tallest * ROW);
        egui::ScrollArea::horizontal()
            .id_salt(("lineage", self.name))
            .show(ui, |ui| {
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                let places: Vec<Rect> = self
                    .nodes
                    .iter()
                    .zip(&rows)
                    .map(|(node, row)| {
                        Rect::from_min_size(
                            rect.min
                                + vec2(node.column as f32 * step + 2.0, row * ROW + (ROW - NODE.y) / 2.0),
                            NODE,
                        )
                    })
                    .collect();
                self.paint(ui, &places)
            })
            .inner
    }

    fn paint(&self, ui: &Ui, places: &[Rect]) -> Option<usize> {
        let marked = self.ancestors();
        let on_path = |from: usize, to: usize| marked[from] && (marked[to] || Some(to) == self.selected);
        // Marked edges are drawn last, over the grey ones.
        for wanted in [false, true] {
            for (from, to) in
                self.edges.iter().copied().filter(|(from, to)| *from < places.len() && *to < places.len())
            {
                if on_path(from, to) == wanted {
                    edge(ui, places[from], places[to], wanted);
                }
            }
        }
        let mut clicked = None;
        for (at, node) in self.nodes.iter().enumerate() {
            if self.node_ui(ui, (at, node), places[at]).clicked() {
                clicked = Some(at);
            }
        }
        clicked
    }

    /// Which nodes lead to the selected one.
    fn ancestors(&self) -> Vec<bool> {
        let mut marked = vec![false; self.nodes.len()];
        let mut open: Vec<usize> = self.selected.into_iter().filter(|at| *at < marked.len()).collect();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut marked[at], true) {
                continue;
            }
            open.extend(
                self.edges
                    .iter()
                    .filter(|(from, to)| *to == at && *from < marked.len())
                    .map(|(from, _)| *from),
            );
        }
        marked
    }

    fn node_ui(&self, ui: &Ui, (at, node): (usize, &Node), place: Rect) -> Response {
        let response = ui.interact(place, ui.scope_id().with(("node", at)), Sense::click());
        let selected = self.selected == Some(at);
        let spoken = format!("{}, {}", node.name, node.fact);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &spoken));
        let t = tokens(ui);
        let fill = match (selected, response.hovered()) {
            (true, _) => t.selected,
            (false, true) => t.hover,
            _ => t.surface,
        };
        let line = match node.status {
            _ if selected => Stroke::new(1.5, t.accent),
            Status::Warn | Status::Error => Stroke::new(1.5, node.status.colour(t)),
            _ => Stroke::new(1.0, t.border),
        };
        ui.painter().rect(place, CornerRadius::same(RADIUS_CARD), fill, line, StrokeKind::Inside);
        let colour = if selected { t.accent } else { t.text_2 };
        icon::paint(
            ui.painter(),
            pos2(place.left() + 16.0, place.center().y),
            node.icon,
            icon::SMALL,
            colour,
            Look::Regular,
        );
        let left = place.left() + 32.0;
        let width = place.right() - S8 - left;
        let name = paint::fitted(ui.painter(), &node.name, Type::LabelStrong, t.text, width);
        let fact = paint::fitted(ui.painter(), &node.fact, Type::Caption, t.text_2, width);
        let cut = name.elided || fact.elided;
        paint::galley_at(ui.painter(), pos2(left, place.top() + 13.0), Align2::LEFT_CENTER, name);
        paint::galley_at(ui.painter(), pos2(left, place.top() + 28.0), Align2::LEFT_CENTER, fact);
        paint::focus_ring(ui, place, RADIUS_CARD, &response);
        if cut { response.on_hover_text(spoken) } else { response }
    }
}

/// A curve from the right of the parent to the left of the child; straight down inside a column.
fn edge(ui: &Ui, from: Rect, to: Rect, marked: bool) {
    let t = tokens(ui);
    let stroke = if marked { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.border_strong) };
    let down = to.left() < from.right();
    let (start, end) =
        if down { (from.center_bottom(), to.center_top()) } else { (from.right_center(), to.left_center()) };
    let bend = if down { vec2(0.0, (end.y - start.y) * 0.4) } else { vec2((end.x - start.x) * 0.5, 0.0) };
    let points = [start, start + bend, end - bend, end];
    ui.painter().add(CubicBezierShape::from_points_stroke(points, false, egui::Color32::TRANSPARENT, stroke));
    arrow_head(ui, end, down, stroke);
}

fn arrow_head(ui: &Ui, end: Pos2, down: bool, stroke: Stroke) {
    let (one, other) =
        if down { (vec2(-3.5, -5.0), vec2(3.5, -5.0)) } else { (vec2(-5.0, -3.5), vec2(-5.0, 3.5)) };
    ui.painter().add(Shape::line(vec![end + one, end, end + other], stroke));
}

/// Row of each node: columns are centred on the tallest one, nodes ordered by the mean of their parents.
fn place_rows(nodes: &[Node], edges: &[(usize, usize)]) -> Vec<f32> {
    let columns = nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
    let members = |column: usize| {
        (0..nodes.len()).filter(move |&at| nodes[at].column == column).collect::<Vec<usize>>()
    };
    let tallest = (0..columns).map(|column| members(column).len()).max().unwrap_or(0);
    let mut rows = vec![0.0_f32; nodes.len()];
    for column in 0..columns {
        let mut inside = members(column);
        let parents = |at: usize| {
            let above: Vec<f32> = edges
                .iter()
                .filter(|(from, to)| *to == at && *from < nodes.len() && nodes[*from].column < column)
                .map(|(from, _)| rows[*from])
                .collect();
            if above.is_empty() { None } else { Some(above.iter().sum::<f32>() / above.len() as f32) }
        };
        let wanted: Vec<(usize, Option<f32>)> = inside.iter().map(|&at| (at, parents(at))).collect();
        let key = |at: usize| {
            wanted.iter().find(|(other, _)| *other == at).and_then(|(_, mean)| *mean).unwrap_or(f32::MAX)
        };
        // Stable: nodes with the same parents keep the caller's order.
        inside.sort_by(|&one, &other| key(one).total_cmp(&key(other)));
        let start = (tallest - inside.len()) as f32 / 2.0;
        for (place, at) in inside.into_iter().enumerate() {
            rows[at] = start + place as f32;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(column: usize) -> Node {
        Node { column, icon: Icon::Cube, name: String::new(), fact: String::new(), status: Status::Idle }
    }

    #[test]
    fn columns_are_centred_and_children_follow_their_parents() {
        let nodes = [node(0), node(1), node(1), node(1), node(2), node(2)];
        // The first node of the last column belongs to the lowest of the middle one.
        let edges = [(0, 1), (0, 2), (0, 3), (3, 4), (1, 5), (9, 1)];
        let rows = place_rows(&nodes, &edges);
        assert_eq!(rows, [1.0, 0.0, 1.0, 2.0, 1.5, 0.5]);
    }

    #[test]
    fn ancestors_stop_at_loops_and_foreign_indices() {
        let nodes = [node(0), node(1), node(1)];
        let graph = Graph { name: "g", nodes: &nodes, edges: &[(0, 1), (1, 0), (7, 1)], selected: Some(1) };
        assert_eq!(graph.ancestors(), [true, true, false]);
        assert!(place_rows(&[], &[]).is_empty());
    }
}
