//! Scorecards as tables: the points of every bin, read from the trees that hold them. A model is a scorecard
//! when each tree looks at one feature alone and all add to one margin: margin = (base + Σ points) × point.

use crate::{
    forward::trees::in_set,
    model::{CATEGORY_SPLIT, Link, MISSING_LEFT, Model, ScorerParts, Tree},
};
use serde::Serialize;
use yard_types::recipe::{FeatureOp, FittedRecipe};

/// Most codes and nodes of a feature that a table is made for.
const MOST: usize = 10_000;

/// A scorecard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scorecard {
    /// Points that every row gets.
    pub base: i64,
    /// Margin of one point: log-odds for a binary task, units of the target for a number.
    pub point: f64,
    /// Points that double the odds of the positive class; none for a number.
    pub doubling: Option<f64>,
    /// Fields in model order.
    pub lines: Vec<ScorecardLine>,
}

/// The points of one feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScorecardLine {
    /// Field.
    pub field: String,
    /// Feature, such as a part of a date; the field's own name where it is the field itself.
    pub feature: String,
    /// Index of the feature.
    pub index: u32,
    /// Bins.
    pub rows: Vec<ScorecardRow>,
}

/// A bin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScorecardRow {
    /// What belongs to it: `≤ 30`, `30 < x ≤ 45`, `> 45`, categories, `missing`.
    pub bin: String,
    /// Points.
    pub points: i64,
    /// Share of training rows, 0..=1.
    pub share: f64,
    /// What it holds, for computing.
    #[serde(skip)]
    pub held: Held,
}

/// Values of a bin.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// Numbers above the first, up to and with the second.
    Between(f32, f32),
    /// Category codes.
    Codes(Vec<u32>),
    /// Missing values.
    Missing,
}

impl Held {
    fn holds(&self, x: f32) -> bool {
        match self {
            Self::Between(above, to) => (x > *above || *above == f32::NEG_INFINITY) && x <= *to,
            Self::Codes(codes) => x >= 0.0 && codes.contains(&(x as u32)),
            Self::Missing => x.is_nan(),
        }
    }
}

impl Scorecard {
    /// Returns the points of a row of features, the base included.
    pub fn points(&self, features: &[f32]) -> i64 {
        let own = |line: &ScorecardLine| {
            let x = features.get(line.index as usize).copied().unwrap_or(f32::NAN);
            line.rows.iter().find(|row| row.held.holds(x)).map_or(0, |row| row.points)
        };
        self.base + self.lines.iter().map(own).sum::<i64>()
    }
}

/// Returns a model as a scorecard; `None` when it is none.
pub fn table(parts: &ScorerParts) -> Option<Scorecard> {
    let Model::Trees(model) = &parts.model else { return None };
    if !model.sum.is_grid() {
        return None;
    }
    let [base] = model.base[..] else { return None };
    let point = f64::from(model.grid);
    let points = |value: f32| (f64::from(value) / point) as i64;
    let mut lines = Vec::with_capacity(model.trees.len());
    for tree in &model.trees {
        lines.push(line(tree, &parts.recipe, &points)?);
    }
    let mut seen: Vec<u32> = lines.iter().map(|line| line.index).collect();
    seen.sort_unstable();
    if lines.is_empty() || seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let doubling = (parts.link == Link::Logistic).then(|| std::f64::consts::LN_2 / point);
    Some(Scorecard { base: points(base), point, doubling, lines })
}

fn line(tree: &Tree, recipe: &FittedRecipe, points: &impl Fn(f32) -> i64) -> Option<ScorecardLine> {
    let index = *tree.feature.first()?;
    if tree.feature.iter().any(|feature| *feature != index) || tree.feature.len() > MOST {
        return None;
    }
    let feature = recipe.features.get(index as usize)?;
    let input = recipe.inputs.get(feature.input as usize)?;
    let codes = if feature.op == FeatureOp::Code { input.categories.len() as u32 + 1 } else { 0 };
    if codes as usize > MOST {
        return None;
    }
    let held = if codes > 0 {
        Held::Codes((0..codes).collect())
    } else {
        Held::Between(f32::NEG_INFINITY, f32::INFINITY)
    };
    let mut leaves = Vec::new();
    collect(tree, (0, 0), (held, true), &mut leaves);
    let total: f64 = tree.leaf_cover.iter().map(|cover| f64::from(*cover)).sum();
    let row = |(leaf, held): (usize, Held)| ScorecardRow {
        bin: label(&held, &input.categories),
        points: points(tree.leaf_value[leaf]),
        share: if total > 0.0 { f64::from(tree.leaf_cover[leaf]) / total } else { 0.0 },
        held,
    };
    let rows = leaves.into_iter().map(row).collect();
    Some(ScorecardLine { field: input.name.clone(), feature: feature.name.clone(), index, rows })
}

/// Lists what reaches each leaf below a child; the flag says whether missing values do.
fn collect(
    tree: &Tree,
    (child, depth): (i32, usize),
    (held, missing): (Held, bool),
    out: &mut Vec<(usize, Held)>,
) {
    let Ok(node) = usize::try_from(child) else {
        let leaf = -(i64::from(child) + 1) as usize;
        let none = match &held {
            // Nothing is above the largest number but infinity, which goes with the missing values.
            Held::Between(above, to) => above >= to || (*above == f32::MAX && missing),
            Held::Codes(codes) => codes.is_empty(),
            Held::Missing => true,
        };
        if !none {
            out.push((leaf, held));
        }
        if missing {
            out.push((leaf, Held::Missing));
        }
        return;
    };
    if depth > 512 || node >= tree.feature.len() {
        return;
    }
    let left_missing = tree.flags[node] & MISSING_LEFT != 0;
    let (left, right) = divided(tree, node, held);
    collect(tree, (tree.left[node], depth + 1), (left, missing && left_missing), out);
    collect(tree, (tree.right[node], depth + 1), (right, missing && !left_missing), out);
}

/// Divides what reaches a node.
fn divided(tree: &Tree, node: usize, held: Held) -> (Held, Held) {
    let threshold = tree.threshold[node];
    let set = tree.flags[node] & CATEGORY_SPLIT != 0;
    match held {
        Held::Between(above, to) => {
            (Held::Between(above, to.min(threshold)), Held::Between(above.max(threshold), to))
        }
        Held::Codes(codes) => {
            let goes_left = |code: &u32| {
                let code = *code as f32;
                if set { in_set(&tree.category_words, threshold as usize, code) } else { code <= threshold }
            };
            let (left, right) = codes.into_iter().partition(goes_left);
            (Held::Codes(left), Held::Codes(right))
        }
        Held::Missing => (Held::Missing, Held::Missing),
    }
}

fn label(held: &Held, categories: &[String]) -> String {
    match held {
        Held::Missing => "missing".to_owned(),
        Held::Between(above, to) if *above == f32::NEG_INFINITY && *to >= f32::MAX => "any number".to_owned(),
        Held::Between(above, to) if *above == f32::NEG_INFINITY => format!("≤ {to}"),
        Held::Between(above, to) if *to >= f32::MAX => format!("> {above}"),
        Held::Between(above, to) => format!("{above} < x ≤ {to}"),
        Held::Codes(codes) => {
            let name = |code: &u32| categories.get(*code as usize).map_or("others", String::as_str);
            codes.iter().map(name).collect::<Vec<_>>().join(", ")
        }
    }
}
