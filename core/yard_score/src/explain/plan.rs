//! A tree as a list of moves for [`super::trees`]: down each edge, to the leaf, back up; and the factors of
//! each edge, which depend on the covers alone.

use super::quadrature::Rule;
use crate::model::Tree;

/// A tree in the order of a walk that comes back.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) moves: Vec<Move>,
    pub(super) edges: Vec<Edge>,
    /// Points of the quadrature.
    pub(super) points: usize,
    /// Levels of memory.
    pub(super) depth: usize,
    /// `[edges, points]`; empty when they are not kept.
    pub(super) factors: Vec<Factors>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    /// Ask a split, on this level, which rows go left.
    Split(u32, u32),
    /// Go down an edge to a split.
    Down(u32),
    /// Come back up an edge from a split.
    Up(u32),
    /// Go down an edge to a leaf and come back.
    Leaf(u32, f64),
}

/// From a split to one of its children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) feature: u32,
    pub(super) left: bool,
    /// Level of the child; the root has 0.
    pub(super) level: u32,
    /// Level of the child of the last edge above of the same feature; 0 when there is none.
    pub(super) above: u32,
    /// Share of training rows which the splits on this feature let through, down to here and to `above`.
    pub(super) share: f64,
    pub(super) share_above: f64,
    /// The factor for rows that pass neither these splits nor those above.
    pub(super) neither: f64,
}

/// What an edge does to the product at a point, and what the feature of the edge gains there, for rows
/// that pass its splits down to here, and for rows that pass only those above. Rows that do not even pass
/// those: the factor is the quotient of the shares, and there is no gain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Factors {
    pub(super) pass: f64,
    pub(super) fail: f64,
    pub(super) gain_pass: f64,
    pub(super) gain_fail: f64,
}

impl Edge {
    fn factors(&self, t: f64) -> Factors {
        let product = |share: f64| t + (1.0 - t) * share;
        let gain = |share: f64| (1.0 - share) / product(share);
        let above = product(self.share_above);
        Factors {
            pass: product(self.share) / above,
            fail: (1.0 - t) * self.share / above,
            gain_pass: gain(self.share) - gain(self.share_above),
            gain_fail: -1.0 / (1.0 - t) - gain(self.share_above),
        }
    }
}

impl Plan {
    /// `divisor` is what the sum over all trees is divided by.
    pub(super) fn new(tree: &Tree, divisor: f64) -> Self {
        let mut plan = Self::default();
        // Features of the edges on the way, each with the share that its splits let through so far.
        let mut way: Vec<(u32, f64)> = Vec::new();
        if !tree.feature.is_empty() {
            plan.visit(tree, divisor, &mut way);
        }
        plan.points = plan.points.max(1);
        plan
    }

    /// Lists the moves below the root, without recursion of the program, as trees may be deep.
    fn visit(&mut self, tree: &Tree, divisor: f64, way: &mut Vec<(u32, f64)>) {
        // Splits on the way, each with the number of children that are done.
        let mut open = vec![(0_usize, 0_u8, None)];
        self.moves.push(Move::Split(0, 0));
        while let Some((node, done, edge)) = open.pop() {
            if done == 2 {
                way.pop();
                self.moves.extend(edge.map(Move::Up));
                continue;
            }
            open.push((node, done + 1, edge));
            let child = if done == 0 { tree.left[node] } else { tree.right[node] };
            let number = self.edge(tree, (node, done == 0), way);
            let Ok(child) = usize::try_from(child) else {
                let value = tree.leaf(-(child + 1) as usize) / divisor;
                self.moves.push(Move::Leaf(number, value));
                way.pop();
                continue;
            };
            self.moves.extend([Move::Down(number), Move::Split(child as u32, way.len() as u32)]);
            open.push((child, 0, Some(number)));
        }
    }

    /// Appends an edge to the list and to the way.
    fn edge(&mut self, tree: &Tree, (node, left): (usize, bool), way: &mut Vec<(u32, f64)>) -> u32 {
        let feature = tree.feature[node];
        let (left_share, right_share) = shares(tree, node);
        let above = way.iter().rposition(|(of, _)| *of == feature);
        let share_above = above.map_or(1.0, |at| way[at].1);
        let share = share_above * if left { left_share } else { right_share };
        way.push((feature, share));
        self.edges.push(Edge {
            feature,
            left,
            level: way.len() as u32,
            above: above.map_or(0, |at| at as u32 + 1),
            share,
            share_above,
            neither: if share_above > 0.0 { share / share_above } else { 0.0 },
        });
        self.depth = self.depth.max(way.len());
        // Distinct features on the way; the integrand has one factor less.
        let distinct = (0..way.len()).filter(|at| way[..*at].iter().all(|(of, _)| *of != way[*at].0)).count();
        self.points = self.points.max(distinct.div_ceil(2));
        self.edges.len() as u32 - 1
    }

    pub(super) fn all_factors<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = Factors> + 'a {
        self.edges.iter().flat_map(|edge| rule.points.iter().map(|t| edge.factors(*t)))
    }
}

/// Returns the shares of training rows that go left and right; one half each when none were counted.
fn shares(tree: &Tree, node: usize) -> (f64, f64) {
    let cover = |child: i32| {
        f64::from(if child >= 0 {
            tree.node_cover[child as usize]
        } else {
            tree.leaf_cover[-(child + 1) as usize].max(0.0)
        })
    };
    let (left, right) = (cover(tree.left[node]), cover(tree.right[node]));
    let sum = left + right;
    if sum > 0.0 { (left / sum, right / sum) } else { (0.5, 0.5) }
}

/// Returns the mean of a tree's leaves by the shares of training rows that reach them.
pub(super) fn expected_value(tree: &Tree) -> f64 {
    if tree.feature.is_empty() {
        return tree.leaf(0);
    }
    let mut sum = 0.0;
    let mut pending = vec![(0_i32, 1.0_f64)];
    while let Some((child, share)) = pending.pop() {
        if child < 0 {
            sum += share * tree.leaf(-(child + 1) as usize);
        } else {
            let (left, right) = shares(tree, child as usize);
            pending.push((tree.right[child as usize], share * right));
            pending.push((tree.left[child as usize], share * left));
        }
    }
    sum
}
