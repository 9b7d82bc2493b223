//! Exact path-dependent `TreeSHAP`: Shapley values of the game in which an unknown feature is averaged
//! over both branches by their training covers.
//!
//! A leaf of value v is reached in this game with weight `Π_j (o_j if feature j is known, else z_j)`,
//! over the features of its path: `o_j` says whether the row passes all its splits on j, `z_j` is the
//! share of training rows that pass them. The Shapley value of such a product is an integral (Owen's multilinear
//! extension): `φ_i = v (o_i − z_i) ∫₀¹ Π_{j≠i} (t o_j + (1 − t) z_j) dt`. The integrand is a polynomial,
//! so Gauss-Legendre quadrature with half as many points as the longest path has features is exact. At
//! each point the products are built up from the root, one factor per edge, and summed from the leaves,
//! so that all leaves share the work: edges × points per row and tree, for several rows at once.
//!
//! Methods: Lundberg, Erion and Lee (2018), "Consistent individualized feature attribution for tree
//! ensembles", arXiv:1802.03888 (the game); Owen (1972), "Multilinear extensions of games",
//! doi:10.1287/mnsc.18.5.64; Yu, Xu, Chen and Cai (2022), "Linear tree Shap", arXiv:2209.08192 (sums of
//! polynomials by edge).

use super::{
    lanes::Lanes,
    plan::{Factors, Move, Plan, expected_value},
    quadrature::Rule,
};
use crate::{
    forward::simd::{Body, Level},
    model::TreeEnsemble,
};
use std::collections::BTreeMap;

/// Rows that are explained side by side.
const SIDE: usize = 8;
/// Edges × points up to which factors are kept; beyond, they are computed for each block of rows.
const KEPT: usize = 1 << 22;

/// A checked ensemble with its expected margins.
#[derive(Clone, Debug)]
pub(super) struct TreeShap {
    model: TreeEnsemble,
    base: Vec<f64>,
    plans: Vec<Plan>,
    rules: BTreeMap<usize, Rule>,
    level: Level,
    kept: bool,
}

impl TreeShap {
    pub(super) fn new(model: TreeEnsemble) -> Self {
        let mut base: Vec<f64> = model.base.iter().map(|base| f64::from(*base)).collect();
        let (mut plans, mut rules, mut size) = (Vec::with_capacity(model.trees.len()), BTreeMap::new(), 0);
        let divisor = model.sum.divisor();
        for tree in &model.trees {
            base[tree.output as usize] += expected_value(tree) / divisor;
            let plan = Plan::new(tree, divisor);
            rules.entry(plan.points).or_insert_with(|| Rule::new(plan.points));
            size += plan.edges.len() * plan.points;
            plans.push(plan);
        }
        let kept = size <= KEPT;
        for plan in plans.iter_mut().filter(|_| kept) {
            plan.factors = plan.all_factors(&rules[&plan.points]).collect();
        }
        Self { model, base, plans, rules, level: Level::detect(), kept }
    }

    #[cfg(test)]
    pub(super) fn at_level(&mut self, level: Level, kept: bool) -> &Self {
        (self.level, self.kept) = (level, kept);
        self
    }

    /// Returns the expected margin per output.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns `[rows, outputs, n_features]` for rows of features; the bits of a row do not depend on the
    /// other rows.
    pub(super) fn contributions(&self, features: &[f32]) -> Vec<f64> {
        let n = (self.model.n_features as usize).max(1);
        let size = n * self.base.len();
        let mut out = vec![0.0; features.len() / n * size];
        if features.len() == n {
            self.block(features, &mut Lanes::<1>::new(n, self.base.len()), &mut out);
            return out;
        }
        let mut lanes = Lanes::<SIDE>::new(n, self.base.len());
        for (features, out) in features.chunks(n * SIDE).zip(out.chunks_mut(size * SIDE)) {
            self.block(features, &mut lanes, out);
        }
        out
    }

    fn block<const N: usize>(&self, features: &[f32], lanes: &mut Lanes<N>, out: &mut [f64]) {
        lanes.load(features);
        self.level.run(AddTrees { shap: self, lanes });
        for (row, out) in out.chunks_exact_mut(lanes.phi.len()).enumerate() {
            for (slot, phi) in out.iter_mut().zip(&lanes.phi) {
                *slot = phi.0[row];
            }
        }
    }
}

/// The loop over trees, compiled for the vectors of the processor.
struct AddTrees<'a, const N: usize> {
    shap: &'a TreeShap,
    lanes: &'a mut Lanes<N>,
}

impl<const N: usize> Body for AddTrees<'_, N> {
    #[allow(clippy::inline_always, reason = "vector loops need the bodies inside")]
    #[inline(always)]
    fn run(self) {
        let Self { shap, lanes } = self;
        let n = shap.model.n_features as usize;
        let mut computed: Vec<Factors> = Vec::new();
        for (tree, plan) in shap.model.trees.iter().zip(&shap.plans) {
            let rule = &shap.rules[&plan.points];
            if !shap.kept {
                computed.clear();
                computed.extend(plan.all_factors(rule));
            }
            let all = if shap.kept { &plan.factors } else { &computed };
            let of = |edge: u32| {
                let first = edge as usize * plan.points;
                (&plan.edges[edge as usize], &all[first..first + plan.points])
            };
            lanes.enter(plan, rule);
            let phi = tree.output as usize * n;
            for step in &plan.moves {
                match *step {
                    Move::Split(node, level) => lanes.split(tree, node as usize, level as usize),
                    Move::Down(edge) => {
                        let (edge, factors) = of(edge);
                        lanes.down(edge, factors);
                    }
                    Move::Up(edge) => {
                        let (edge, factors) = of(edge);
                        lanes.up(edge, factors, phi);
                    }
                    Move::Leaf(edge, value) => {
                        let (edge, factors) = of(edge);
                        lanes.leaf(edge, factors, (value, phi));
                    }
                }
            }
        }
    }
}
