//! Reading. Thresholds and leaf values are f64 in the text and stay so: a row takes the same way, and the
//! same sums are made, as in LightGBM itself.

use super::{
    CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO, fields,
    lines::{self, Part, malformed, unsupported},
};
use crate::{
    error::ImportError,
    imported::{ColumnInfo, Imported, LIMITS, Outcome, ReadTree, check_limit, ensemble},
};
use yard_score::model::{CATEGORY_SPLIT, Link, MISSING_LEFT, Sum, Tree};

const FORMAT: &str = "LightGBM text";

/// Reads a text model.
pub(crate) fn read(text: &str) -> Result<Imported, ImportError> {
    let parts = lines::split(text)?;
    let mut notes = Vec::new();
    let mut columns = fields::columns(&parts, &mut notes)?;
    check_limit(FORMAT, "the number of features", columns.len(), LIMITS.features)?;
    check_limit(FORMAT, "the number of trees", parts.trees.len(), LIMITS.trees)?;
    let header = &parts.header;
    let outputs = header.count("num_tree_per_iteration", Some(1))?;
    let outcome = outcome(header, outputs)?;
    let mut trees = Vec::with_capacity(parts.trees.len());
    for (index, part) in parts.trees.iter().enumerate() {
        let output = (index % outputs) as u32;
        trees.push(tree(part, output, &mut columns)?);
    }
    let rounds = trees.len().div_ceil(outputs).max(1) as f64;
    let divide_by = if header.has("average_output") { rounds } else { 1.0 };
    let model = ensemble(vec![0.0; outputs], trees, Sum::OrderedF64 { divide_by }, &mut columns)
        .ok_or_else(|| malformed("trees", "leaf values are not finite in f32", "finite leaf values"))?;
    Imported::new(FORMAT, columns, outcome, model, notes)
}

fn outcome(header: &Part<'_>, outputs: usize) -> Result<Outcome, ImportError> {
    let classes = header.count("num_class", Some(1))?;
    let text = if header.has("objective") { header.text("objective")? } else { "" };
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or("");
    let option = |key: &str| {
        let found = text.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix(':'));
        found.and_then(|value| value.parse::<f64>().ok())
    };
    let link = match name {
        "binary" | "cross_entropy" | "xentropy" => Link::Logistic,
        "multiclass" | "softmax" => Link::Softmax,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" | "" => Link::Identity,
        "poisson" | "gamma" | "tweedie" => Link::Log,
        _ => {
            let lost = "it turns margins into predictions in a way that the scorer does not have";
            let what = format!("objective \"{}\"", lines::short(name));
            return Err(unsupported(what, lost, "use binary, multiclass or regression"));
        }
    };
    if text.split_ascii_whitespace().any(|word| word == "sqrt") {
        let lost = "predictions are the square of the margin";
        return Err(unsupported("reg_sqrt", lost, "train without reg_sqrt"));
    }
    let expected = if link == Link::Softmax { classes } else { 1 };
    if outputs != expected || outputs == 0 || (link == Link::Softmax && classes < 2) {
        let problem = format!("{outputs} trees for each iteration, {classes} classes, objective {name}");
        return Err(malformed("header", problem, "one tree for each class and iteration"));
    }
    check_limit(FORMAT, "the number of classes", outputs, LIMITS.outputs)?;
    let slope = if name == "binary" { option("sigmoid").unwrap_or(1.0) } else { 1.0 };
    if !(slope.is_finite() && slope > 0.0) {
        return Err(malformed("header", format!("sigmoid is {slope}"), "a positive number"));
    }
    Ok(Outcome { link, outputs, slope, objective: name.to_owned() })
}

fn tree(part: &Part<'_>, output: u32, columns: &mut [ColumnInfo]) -> Result<ReadTree, ImportError> {
    if part.has("is_linear") && part.count("is_linear", None)? != 0 {
        let lost = "a leaf holds a linear model, the scorer's a number";
        return Err(unsupported("linear_tree", lost, "train with linear_tree=false"));
    }
    let leaves = part.count("num_leaves", None)?;
    let leaf_values: Vec<f64> = part.list("leaf_value", leaves)?;
    let n = leaves
        .checked_sub(1)
        .ok_or_else(|| malformed(part.place(), "it has no leaf", "at least one leaf"))?;
    if n == 0 {
        let tree = Tree { output, leaf_cover: vec![0.0], ..Tree::default() };
        return Ok(ReadTree { tree, leaves: leaf_values, thresholds: Vec::new() });
    }
    let mut sets = Sets::default();
    if part.count("num_cat", Some(0))? > 0 {
        sets = Sets { ends: part.any_list("cat_boundaries")?, words: part.any_list("cat_threshold")? };
    }
    let mut tree = Tree {
        output,
        feature: part.list("split_feature", n)?,
        left: part.list("left_child", n)?,
        right: part.list("right_child", n)?,
        gain: optional(part, "split_gain", n)?,
        node_cover: optional(part, "internal_count", n)?,
        leaf_cover: optional(part, "leaf_count", leaves)?,
        ..Tree::default()
    };
    let thresholds: Vec<f64> = part.list("threshold", n)?;
    let decisions: Vec<u8> = part.list("decision_type", n)?;
    for node in 0..n {
        let column = columns.get_mut(tree.feature[node] as usize).ok_or_else(|| {
            let problem = format!("split {node} is on feature {}", tree.feature[node]);
            malformed(part.place(), problem, "a feature of the header")
        })?;
        let place = format!("{}, split {node}", part.place());
        let split = if decisions[node] & CATEGORICAL != 0 {
            category(&place, thresholds[node], &sets, column, &mut tree.category_words)?
        } else {
            numeric(&place, thresholds[node], decisions[node], column)?
        };
        tree.threshold.push(split.threshold);
        tree.flags.push(split.flags);
    }
    Ok(ReadTree { tree, leaves: leaf_values, thresholds })
}

/// Figures that only explanations use: what is absent or not finite is 0.
fn optional(part: &Part<'_>, key: &str, expected: usize) -> Result<Vec<f32>, ImportError> {
    if !part.has(key) || part.text(key)?.is_empty() {
        return Ok(vec![0.0; expected]);
    }
    let values: Vec<f32> = part.list(key, expected)?;
    Ok(values.into_iter().map(|value| if value.is_finite() { value.max(0.0) } else { 0.0 }).collect())
}

/// A split in the scorer's form.
struct Split {
    threshold: f32,
    flags: u8,
}

fn numeric(place: &str, threshold: f64, decision: u8, column: &mut ColumnInfo) -> Result<Split, ImportError> {
    column.numeric = true;
    if threshold.is_nan() {
        return Err(malformed(place, "the threshold is not a number", "a number"));
    }
    let default_left = decision & DEFAULT_LEFT != 0;
    let kind = decision >> 2 & 3;
    let zero_missing = kind == MISSING_ZERO;
    if *column.zero_missing.get_or_insert(zero_missing) != zero_missing {
        let lost = "zero is missing in some splits of a column and not in others";
        return Err(unsupported("zero_as_missing", lost, "train with zero_as_missing=false"));
    }
    let missing_left = match kind {
        MISSING_NAN | MISSING_ZERO => default_left,
        // Where no missing value was seen in training, LightGBM reads one as zero.
        _ => 0.0 <= threshold,
    };
    Ok(Split { threshold: 0.0, flags: if missing_left { MISSING_LEFT } else { 0 } })
}

/// Sets of categories: set `i` is `words[ends[i]..ends[i + 1]]`.
#[derive(Debug, Default)]
struct Sets {
    ends: Vec<usize>,
    words: Vec<u32>,
}

/// Copies the set into the tree's words; codes are those of the file and are mapped later.
fn category(
    place: &str,
    threshold: f64,
    sets: &Sets,
    column: &mut ColumnInfo,
    out: &mut Vec<u32>,
) -> Result<Split, ImportError> {
    column.categorical = true;
    let wrong = |problem: &str| malformed(place, problem.to_owned(), "a set of categories within the tree");
    if threshold.fract() != 0.0 || !(0.0..16_777_216.0).contains(&threshold) {
        return Err(wrong("the number of the set is not a whole number"));
    }
    let set = threshold as usize;
    let (Some(from), Some(to)) = (sets.ends.get(set), sets.ends.get(set + 1)) else {
        return Err(wrong("the set does not exist"));
    };
    let words = sets.words.get(*from..*to).ok_or_else(|| wrong("the set is longer than the list"))?;
    check_limit(FORMAT, "the largest category", words.len() * 32, LIMITS.categories)?;
    for (index, word) in words.iter().enumerate() {
        column.codes.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| index as u32 * 32 + bit));
    }
    let offset = out.len();
    check_limit(FORMAT, "the size of the sets of a tree", offset, 1 << 24)?;
    out.push(words.len() as u32);
    out.extend_from_slice(words);
    Ok(Split { threshold: offset as f32, flags: CATEGORY_SPLIT })
}
