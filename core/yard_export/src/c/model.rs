//! The forward pass in C: `margins(x, margin)`.

use super::text::{array, c_double, c_float};
use crate::subject::{Subject, add};
use yard_score::model::{Activation, CATEGORY_SPLIT, DenseNet, LinearModel, Model, TreeEnsemble};

const TREES: &str = "\
static int in_set(uint32_t offset, float value) {
    uint32_t code, word;
    if (!(value >= 0.0f && value < 4294967296.0f)) return 0;
    code = (uint32_t)value;
    word = code / 32;
    return word < set_words[offset] && (set_words[offset + 1 + word] >> (code % 32) & 1);
}

/* A child is a node from 0 on, else the leaf -(child + 1). Flag 1: missing goes left. Flag 2: a set. */
static float leaf_of(const float *x, int32_t at) {
    while (at >= 0) {
        float value = x[node_feature[at]];
        int left;
        if (value != value) left = node_flags[at] & 1;
        else if (node_flags[at] & 2) left = in_set(node_set[at], value);
        else left = value <= node_threshold[at];
        at = left ? node_left[at] : node_right[at];
    }
    return leaf_value[-(at + 1)];
}

";

/// Writes the function and its arrays.
pub(super) fn margins(out: &mut String, subject: &Subject<'_>) {
    match &subject.parts.model {
        Model::Trees(ensemble) => trees(out, ensemble),
        Model::Linear(model) => linear(out, model),
        Model::Net(net) => dense(out, net),
        // Refused before.
        Model::Deep(_) | Model::Ensemble(_) => {}
    }
}

fn floats(values: &[f32]) -> Vec<String> {
    values.iter().map(|value| c_float(*value)).collect()
}

fn trees(out: &mut String, ensemble: &TreeEnsemble) {
    let (mut feature, mut threshold, mut set, mut flags) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut left, mut right, mut leaves, mut words) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut roots, mut outputs) = (Vec::new(), Vec::new());
    for tree in &ensemble.trees {
        let (first, first_leaf, first_word) = (feature.len() as i64, leaves.len() as i64, words.len() as i64);
        let place = |child: i32| {
            let child = i64::from(child);
            (if child >= 0 { child + first } else { child - first_leaf }).to_string()
        };
        roots.push(if tree.feature.is_empty() { (-1 - first_leaf).to_string() } else { first.to_string() });
        outputs.push(tree.output.to_string());
        for node in 0..tree.feature.len() {
            let by_set = tree.flags[node] & CATEGORY_SPLIT != 0;
            feature.push(tree.feature[node].to_string());
            threshold.push(c_float(if by_set { 0.0 } else { tree.threshold[node] }));
            set.push((if by_set { tree.threshold[node] as i64 + first_word } else { 0 }).to_string());
            flags.push(tree.flags[node].to_string());
            left.push(place(tree.left[node]));
            right.push(place(tree.right[node]));
        }
        leaves.extend(floats(&tree.leaf_value));
        words.extend(tree.category_words.iter().map(|word| format!("{word}u")));
    }
    array(out, "uint32_t", "node_feature", &feature, "0");
    array(out, "float", "node_threshold", &threshold, "0.0f");
    array(out, "uint32_t", "node_set", &set, "0");
    array(out, "uint8_t", "node_flags", &flags, "0");
    array(out, "int32_t", "node_left", &left, "-1");
    array(out, "int32_t", "node_right", &right, "-1");
    array(out, "float", "leaf_value", &leaves, "0.0f");
    array(out, "uint32_t", "set_words", &words, "0u");
    array(out, "int32_t", "tree_root", &roots, "-1");
    array(out, "uint32_t", "tree_output", &outputs, "0");
    array(out, "float", "base", &floats(&ensemble.base), "0.0f");
    out.push_str(TREES);
    add(
        out,
        format_args!(
            "static void margins(const float *x, float *margin) {{\n    uint32_t i;\n    for (i = 0; i < {}; i++) \
             margin[i] = base[i];\n    for (i = 0; i < {}u; i++) margin[tree_output[i]] += leaf_of(x, \
             tree_root[i]);\n}}\n\n",
            ensemble.base.len(),
            ensemble.trees.len().max(1),
        ),
    );
}

fn linear(out: &mut String, model: &LinearModel) {
    array(out, "float", "weights", &floats(&model.weights), "0.0f");
    array(out, "float", "bias", &floats(&model.bias), "0.0f");
    add(
        out,
        format_args!(
            "static void margins(const float *x, float *margin) {{\n    int k, j;\n    for (k = 0; k < {}; k++) {{\n        \
             double sum = (double)bias[k];\n        for (j = 0; j < {n}; j++) sum += (double)weights[k * {n} + j] * \
             (double)x[j];\n        if (sum > {high}) sum = {high};\n        if (sum < -{high}) sum = -{high};\n        \
             margin[k] = (float)sum;\n    }}\n}}\n\n",
            model.bias.len(),
            n = model.n_features,
            high = c_double(f64::from(f32::MAX)),
        ),
    );
}

const LAYER: &str = "\
/* Eight lanes, then pairs: the order of the scorer. */
static void layer(const float *x, int inputs, const float *w, const float *b, int outputs, int relu, float *y) {
    int k, j;
    for (k = 0; k < outputs; k++) {
        float lane[8] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f };
        float sum;
        for (j = 0; j < inputs; j++) {
            float product = w[k * inputs + j] * x[j];
            lane[j % 8] += product;
        }
        sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
        sum += b[k];
        y[k] = relu && sum < 0.0f ? 0.0f : sum;
    }
}

";

fn dense(out: &mut String, net: &DenseNet) {
    for (index, layer) in net.layers.iter().enumerate() {
        array(out, "float", &format!("weights_{index}"), &floats(&layer.weights), "0.0f");
        array(out, "float", &format!("bias_{index}"), &floats(&layer.bias), "0.0f");
    }
    out.push_str(LAYER);
    let width = net.layers.iter().map(|layer| layer.bias.len()).max().unwrap_or(1);
    out.push_str("static void margins(const float *x, float *margin) {\n");
    add(out, format_args!("    float a[{width}], b[{width}];\n    int i;\n"));
    let mut from = "x";
    for (index, layer) in net.layers.iter().enumerate() {
        let into = if index % 2 == 0 { "a" } else { "b" };
        let relu = u8::from(layer.activation == Activation::Relu);
        let (inputs, outputs) = (layer.inputs, layer.bias.len());
        add(
            out,
            format_args!(
                "    layer({from}, {inputs}, weights_{index}, bias_{index}, {outputs}, {relu}, {into});\n"
            ),
        );
        from = into;
    }
    if net.layers.len() < 2 {
        out.push_str("    (void)b;\n");
    }
    let (scale, shift) = (c_double(f64::from(net.scale)), c_double(f64::from(net.shift)));
    let outputs = net.layers.last().map_or(0, |layer| layer.bias.len());
    add(
        out,
        format_args!(
            "    for (i = 0; i < {outputs}; i++) {{\n        double scaled = (double){from}[i] * {scale};\n        \
             margin[i] = (float)(scaled + {shift});\n    }}\n}}\n\n"
        ),
    );
}
