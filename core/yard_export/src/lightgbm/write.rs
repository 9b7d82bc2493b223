//! Writing. The raw score is the calibrated margin, so that the library's own link gives the calibrated
//! probabilities; without a calibration it is the margin, bit for bit.
//!
//! A missing category always goes right in LightGBM. Where the model sends it left, the children are
//! swapped and the set becomes its complement over the codes that the recipe can make.

use super::{CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO};
use crate::{
    error::ExportError,
    exported::Exported,
    subject::{Subject, add},
};
use serde_json::json;
use std::collections::BTreeMap;
use yard_score::model::{CATEGORY_SPLIT, Link, MISSING_LEFT, Model, Sum, Tree, TreeEnsemble};
use yard_types::recipe::FeatureOp;

const USAGE: &str = "\
`model.txt` is a text model: `lightgbm.Booster(model_file=\"model.txt\")`. Its columns are features, in the
order of `features.json`: numbers as f32 values (NaN is missing) and category codes (the position in the
list of categories; an unseen category has the next code; NaN is missing).
`predict` gives the calibrated probability, `predict(raw_score=True)` the calibrated margin.
";

/// Exports trees.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let Model::Trees(ensemble) = &subject.parts.model else {
        return Err(ExportError::Unsupported {
            format: "LightGBM's text model",
            what: subject.family().to_owned(),
            lost: "it holds trees only",
            instead: "onnx",
        });
    };
    let mut notes = vec![
        "The recipe (reading fields, category codes, date parts) is not in the text model; features.json \
         describes it. To have it inside, export as onnx."
            .to_owned(),
    ];
    if subject.parts.recipe.features.iter().any(|f| matches!(f.op, FeatureOp::Rank { .. })) {
        notes.push(
            "A feature of op `rank` is the number itself here, in f64: its cuts are the thresholds."
                .to_owned(),
        );
    }
    if ensemble.sum == (Sum::OrderedF32 {}) {
        notes.push(
            "The model adds its leaf values in f32 in the order of the trees, LightGBM in f64: margins agree to \
             the rounding of f32."
                .to_owned(),
        );
    }
    if let Some(threshold) = subject.threshold {
        notes.push(format!("The decision threshold {threshold} is not in it; compare `predict` with it."));
    }
    let names = feature_names(subject);
    let text = text(subject, ensemble, &names);
    let features = serde_json::to_vec_pretty(&features_json(subject, &names)).unwrap_or_default();
    let readme = subject.readme("LightGBM text model", USAGE, &notes);
    let files = BTreeMap::from([
        ("model.txt".to_owned(), text.into_bytes()),
        ("features.json".to_owned(), features),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: Some("model.txt"), notes })
}

/// Feature names without the characters that the text model uses itself; distinct.
fn feature_names(subject: &Subject<'_>) -> Vec<String> {
    let mut used = std::collections::BTreeSet::new();
    let mut names = Vec::new();
    for feature in &subject.parts.recipe.features {
        let plain =
            |c: char| if c.is_whitespace() || c.is_control() || "\",:[]{}=".contains(c) { '_' } else { c };
        let stem: String = feature.name.chars().map(plain).collect();
        let mut name = if stem.is_empty() { "feature".to_owned() } else { stem.clone() };
        let mut number = 1;
        while !used.insert(name.clone()) {
            number += 1;
            name = format!("{stem}_{number}");
        }
        names.push(name);
    }
    names
}

fn features_json(subject: &Subject<'_>, names: &[String]) -> serde_json::Value {
    let recipe = &subject.parts.recipe;
    let feature = |(feature, name): (&yard_types::recipe::Feature, &String)| {
        let input = recipe.inputs.get(feature.input as usize);
        json!({
            "name": name,
            "feature": feature,
            "field": input.map(|input| &input.name),
            "categories": input.filter(|_| feature.op == FeatureOp::Code).map(|input| &input.categories),
        })
    };
    let features: Vec<_> = recipe.features.iter().zip(names).map(feature).collect();
    json!({ "model": subject.name(), "classes": subject.parts.classes, "features": features })
}

fn text(subject: &Subject<'_>, ensemble: &TreeEnsemble, names: &[String]) -> String {
    let outputs = ensemble.base.len();
    let trees = ordered(ensemble);
    let (slope, intercept) = subject.calibration();
    let mut blocks = Vec::with_capacity(trees.len() + outputs);
    // Where LightGBM averages, a tree for the base or the intercept would be one more to divide by.
    let averaged = ensemble.sum.divisor() > 1.0
        && intercept == 0.0
        && ensemble.sum.divisor() == (trees.len() / outputs.max(1)) as f64
        && ensemble.base.iter().all(|base| *base == 0.0);
    let slope = if averaged { slope } else { slope / ensemble.sum.divisor() };
    let bases = if ensemble.sum.is_grid() || !ensemble.base.iter().all(|base| *base == 0.0) {
        &ensemble.base[..]
    } else {
        &[]
    };
    for base in bases {
        blocks.push(block(blocks.len(), &Block::leaf(f64::from(*base) * slope)));
    }
    for tree in &trees {
        let index = blocks.len();
        blocks.push(match tree {
            None => block(index, &Block::leaf(0.0)),
            Some(tree) => block(index, &Block::tree(subject, tree, slope)),
        });
    }
    if intercept != 0.0 {
        blocks.push(block(blocks.len(), &Block::leaf(intercept)));
    }
    let objective = match subject.parts.link {
        Link::Identity => "regression".to_owned(),
        Link::Log => "poisson".to_owned(),
        Link::Logistic => "binary sigmoid:1".to_owned(),
        Link::Softmax => format!("multiclass num_class:{outputs}"),
    };
    let infos: Vec<String> = (0..names.len()).map(|feature| feature_info(subject, feature)).collect();
    let sizes: Vec<String> = blocks.iter().map(|block| block.len().to_string()).collect();
    let mut out = String::from("tree\nversion=v4\n");
    add(&mut out, format_args!("num_class={outputs}\nnum_tree_per_iteration={outputs}\nlabel_index=0\n"));
    add(&mut out, format_args!("max_feature_idx={}\nobjective={objective}\n", names.len().saturating_sub(1)));
    if averaged {
        out.push_str("average_output\n");
    }
    add(&mut out, format_args!("feature_names={}\nfeature_infos={}\n", names.join(" "), infos.join(" ")));
    add(&mut out, format_args!("tree_sizes={}\n\n{}", sizes.join(" "), blocks.concat()));
    out.push_str(
        "end of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n",
    );
    out
}

/// Trees in the order of iterations: output 0, 1, .. in turn; `None` where an output has fewer trees.
fn ordered(ensemble: &TreeEnsemble) -> Vec<Option<&Tree>> {
    let outputs = ensemble.base.len().max(1);
    let mut by_output: Vec<Vec<&Tree>> = vec![Vec::new(); outputs];
    for tree in &ensemble.trees {
        if let Some(list) = by_output.get_mut(tree.output as usize) {
            list.push(tree);
        }
    }
    let rounds = by_output.iter().map(Vec::len).max().unwrap_or(0);
    (0..rounds).flat_map(|round| by_output.iter().map(move |list| list.get(round).copied())).collect()
}

fn feature_info(subject: &Subject<'_>, feature: usize) -> String {
    match subject.code_count(feature) {
        Some(count) => (0..=count).map(|code| code.to_string()).collect::<Vec<_>>().join(":"),
        None => "[-1e+308:1e+308]".to_owned(),
    }
}

/// The numbers of one tree as text.
#[derive(Debug, Default)]
struct Block {
    features: Vec<String>,
    gains: Vec<String>,
    thresholds: Vec<String>,
    decisions: Vec<String>,
    left: Vec<String>,
    right: Vec<String>,
    leaves: Vec<String>,
    leaf_counts: Vec<String>,
    node_counts: Vec<String>,
    /// Ends of the sets, and their words.
    boundaries: Vec<usize>,
    words: Vec<u32>,
}

impl Block {
    fn leaf(value: f64) -> Self {
        Self { leaves: vec![number(value)], leaf_counts: vec!["0".to_owned()], ..Self::default() }
    }

    fn tree(subject: &Subject<'_>, tree: &Tree, slope: f64) -> Self {
        let mut out = Self { boundaries: vec![0], ..Self::default() };
        for node in 0..tree.feature.len() {
            out.split(subject, tree, node);
        }
        out.leaves = (0..tree.leaf_value.len()).map(|leaf| number(tree.leaf(leaf) * slope)).collect();
        out.leaf_counts = tree.leaf_cover.iter().map(|cover| count(*cover)).collect();
        out.node_counts = tree.node_cover.iter().map(|cover| count(*cover)).collect();
        out
    }

    fn split(&mut self, subject: &Subject<'_>, tree: &Tree, node: usize) {
        let feature = tree.feature[node] as usize;
        let missing_left = tree.flags[node] & MISSING_LEFT != 0;
        let (mut left, mut right) = (tree.left[node], tree.right[node]);
        let mut decision = MISSING_NAN << 2;
        if tree.flags[node] & CATEGORY_SPLIT == 0 {
            let (threshold, zero_missing) = threshold(subject, tree, node);
            if zero_missing {
                decision = MISSING_ZERO << 2;
            }
            decision |= if missing_left { DEFAULT_LEFT } else { 0 };
            self.thresholds.push(number(threshold));
        } else {
            decision |= CATEGORICAL;
            self.thresholds.push((self.boundaries.len() - 1).to_string());
            let mut set = category_set(tree, node);
            if missing_left {
                std::mem::swap(&mut left, &mut right);
                set = complement(&set, subject.code_count(feature).unwrap_or(0));
            }
            self.words.extend(&set);
            self.boundaries.push(self.words.len());
        }
        self.features.push(feature.to_string());
        self.gains.push(number(f64::from(tree.gain[node])));
        self.decisions.push(decision.to_string());
        self.left.push(left.to_string());
        self.right.push(right.to_string());
    }
}

/// Returns the threshold of a split in f64, and whether zero counts as missing there.
fn threshold(subject: &Subject<'_>, tree: &Tree, node: usize) -> (f64, bool) {
    let own = tree.threshold[node];
    match subject.parts.recipe.features.get(tree.feature[node] as usize).map(|feature| &feature.op) {
        Some(FeatureOp::Rank { cuts, zero_missing }) => {
            (crate::grid::cut_of(cuts, own).map_or(1e300, |cut| cut.clamp(-1e300, 1e300)), *zero_missing)
        }
        _ => (f64::from(own), false),
    }
}

/// Returns the words of a category split.
pub(crate) fn category_set(tree: &Tree, node: usize) -> Vec<u32> {
    let offset = tree.threshold[node] as usize;
    let count = tree.category_words.get(offset).copied().unwrap_or(0) as usize;
    tree.category_words.get(offset + 1..offset + 1 + count).unwrap_or_default().to_vec()
}

/// Returns the codes `0..=categories` (the last one is an unseen category) that are not in the set.
fn complement(set: &[u32], categories: usize) -> Vec<u32> {
    let mut out = vec![0_u32; categories / 32 + 1];
    for code in 0..=categories {
        let inside = set.get(code / 32).is_some_and(|word| word >> (code % 32) & 1 == 1);
        if !inside {
            out[code / 32] |= 1 << (code % 32);
        }
    }
    out
}

/// The shortest text that gives the same f64 back.
fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { format!("{value}") } else { format!("{value:e}") }
}

fn count(cover: f32) -> String {
    (cover.round().clamp(0.0, 2_147_483_000.0) as i64).to_string()
}

fn block(index: usize, block: &Block) -> String {
    let mut out = format!("Tree={index}\n");
    let categories = block.boundaries.len().saturating_sub(1);
    add(&mut out, format_args!("num_leaves={}\nnum_cat={categories}\n", block.leaves.len()));
    let mut line = |key: &str, values: &[String]| add(&mut out, format_args!("{key}={}\n", values.join(" ")));
    let words = |values: &[String]| vec!["0".to_owned(); values.len()];
    line("split_feature", &block.features);
    line("split_gain", &block.gains);
    line("threshold", &block.thresholds);
    line("decision_type", &block.decisions);
    line("left_child", &block.left);
    line("right_child", &block.right);
    line("leaf_value", &block.leaves);
    line("leaf_weight", &block.leaf_counts);
    line("leaf_count", &block.leaf_counts);
    line("internal_value", &words(&block.node_counts));
    line("internal_weight", &block.node_counts);
    line("internal_count", &block.node_counts);
    if categories > 0 {
        line("cat_boundaries", &block.boundaries.iter().map(usize::to_string).collect::<Vec<_>>());
        line("cat_threshold", &block.words.iter().map(u32::to_string).collect::<Vec<_>>());
    }
    out.push_str("is_linear=0\nshrinkage=1\n\n\n");
    out
}
