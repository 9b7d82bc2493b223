//! Exact path-dependent `TreeSHAP`: Shapley values of the game in which an unknown feature is averaged
//! over both branches by their training covers.
//! Method: Lundberg, Erion and Lee (2018), "Consistent individualized feature attribution for tree
//! ensembles", arXiv:1802.03888, algorithm 2; Lundberg et al. (2020), doi:10.1038/s42256-019-0138-9.
//! Cost per row and tree: leaves × depth².

use crate::{
    forward::trees::goes_left,
    model::{Tree, TreeEnsemble},
};

/// A checked ensemble with its expected margins.
#[derive(Clone, Debug)]
pub(super) struct TreeShap {
    model: TreeEnsemble,
    base: Vec<f64>,
}

/// A feature on the way from the root: the share of rows that pass when it is unknown, whether this row
/// passes when it is known, and the weight of subsets of its position's size.
#[derive(Clone, Copy, Debug)]
struct Element {
    feature: u32,
    zero: f64,
    one: f64,
    weight: f64,
}

/// Stands for the root, which has no feature.
const NO_FEATURE: u32 = u32::MAX;

impl TreeShap {
    pub(super) fn new(model: TreeEnsemble) -> Self {
        let mut base: Vec<f64> = model.base.iter().map(|base| f64::from(*base)).collect();
        for tree in &model.trees {
            base[tree.output as usize] += expected_value(tree);
        }
        Self { model, base }
    }

    /// Returns the expected margin per output.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns `[outputs, n_features]`.
    pub(super) fn contributions(&self, x: &[f32]) -> Vec<f64> {
        let n = x.len();
        let mut phi = vec![0.0; n * self.base.len()];
        let mut path = Vec::new();
        for tree in &self.model.trees {
            let output = tree.output as usize;
            let mut walk = Walk { tree, x, phi: &mut phi[output * n..(output + 1) * n], path: &mut path };
            let root = if tree.feature.is_empty() { -1 } else { 0 };
            walk.path.clear();
            walk.visit(root, (0, 0), Element { feature: NO_FEATURE, zero: 1.0, one: 1.0, weight: 0.0 });
        }
        phi
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

fn expected_value(tree: &Tree) -> f64 {
    if tree.feature.is_empty() {
        return f64::from(tree.leaf_value[0]);
    }
    let mut sum = 0.0;
    let mut pending = vec![(0_i32, 1.0_f64)];
    while let Some((child, share)) = pending.pop() {
        if child < 0 {
            sum += share * f64::from(tree.leaf_value[-(child + 1) as usize]);
        } else {
            let (left, right) = shares(tree, child as usize);
            pending.push((tree.right[child as usize], share * right));
            pending.push((tree.left[child as usize], share * left));
        }
    }
    sum
}

struct Walk<'a> {
    tree: &'a Tree,
    x: &'a [f32],
    phi: &'a mut [f64],
    /// Paths of all open levels, one after the other.
    path: &'a mut Vec<Element>,
}

impl Walk<'_> {
    /// Visits a child. `parent` is where its parent's path lies (start, length), `step` the branch taken.
    fn visit(&mut self, child: i32, parent: (usize, usize), step: Element) {
        if step.zero == 0.0 && step.one == 0.0 {
            return; // no row and no subset comes here
        }
        let start = self.path.len();
        self.path.extend_from_within(parent.0..parent.0 + parent.1);
        self.path.push(step);
        extend(&mut self.path[start..]);
        if child < 0 {
            self.add_leaf(start, f64::from(self.tree.leaf_value[-(child + 1) as usize]));
        } else {
            self.split(child as usize, start);
        }
        self.path.truncate(start);
    }

    fn add_leaf(&mut self, start: usize, value: f64) {
        let path = &self.path[start..];
        for (k, element) in path.iter().enumerate().skip(1) {
            let weight = unwound_sum(path, k);
            self.phi[element.feature as usize] += weight * (element.one - element.zero) * value;
        }
    }

    fn split(&mut self, node: usize, start: usize) {
        let feature = self.tree.feature[node];
        let (mut zero, mut one) = (1.0, 1.0);
        if let Some(k) = self.path[start..].iter().position(|element| element.feature == feature) {
            let known = self.path[start + k];
            (zero, one) = (known.zero, known.one);
            unwind(&mut self.path[start..], k);
            self.path.pop();
        }
        let parent = (start, self.path.len() - start);
        let (left_share, right_share) = shares(self.tree, node);
        let left = goes_left(self.tree, node, self.x);
        let step = |share: f64, taken: bool| Element {
            feature,
            zero: zero * share,
            one: if taken { one } else { 0.0 },
            weight: 0.0,
        };
        self.visit(self.tree.left[node], parent, step(left_share, left));
        self.visit(self.tree.right[node], parent, step(right_share, !left));
    }
}

/// Spreads the weights over the last element of the path, which was just pushed.
fn extend(path: &mut [Element]) {
    let last = path.len() - 1;
    let Element { zero, one, .. } = path[last];
    path[last].weight = if last == 0 { 1.0 } else { 0.0 };
    let length = (last + 1) as f64;
    for i in (0..last).rev() {
        path[i + 1].weight += one * path[i].weight * (i + 1) as f64 / length;
        path[i].weight *= zero * (last - i) as f64 / length;
    }
}

/// Undoes [`extend`] for element `k`; afterwards the last element is to be dropped.
fn unwind(path: &mut [Element], k: usize) {
    let last = path.len() - 1;
    let Element { zero, one, .. } = path[k];
    let length = (last + 1) as f64;
    let mut next = path[last].weight;
    for i in (0..last).rev() {
        if one == 0.0 {
            path[i].weight *= length / (zero * (last - i) as f64);
        } else {
            let old = path[i].weight;
            path[i].weight = next * length / ((i + 1) as f64 * one);
            next = old - path[i].weight * zero * (last - i) as f64 / length;
        }
    }
    for i in k..last {
        let Element { feature, zero, one, .. } = path[i + 1];
        path[i] = Element { feature, zero, one, weight: path[i].weight };
    }
}

/// Returns the sum of the weights that [`unwind`] would leave.
fn unwound_sum(path: &[Element], k: usize) -> f64 {
    let last = path.len() - 1;
    let Element { zero, one, .. } = path[k];
    let length = (last + 1) as f64;
    let (mut next, mut sum) = (path[last].weight, 0.0);
    for i in (0..last).rev() {
        if one == 0.0 {
            sum += path[i].weight * length / (zero * (last - i) as f64);
        } else {
            let weight = next * length / ((i + 1) as f64 * one);
            sum += weight;
            next = path[i].weight - weight * zero * (last - i) as f64 / length;
        }
    }
    sum
}
