//! The trees of one margin: a sum of tree models. A split has two predicates; a missing value goes to the default
//! child. Splits on codes ask for the words of a field.

use super::{fields, output, schema, xml::Xml};
use crate::subject::Subject;
use yard_score::model::{CATEGORY_SPLIT, MISSING_LEFT, Tree, TreeEnsemble};

pub(super) fn sum(xml: &mut Xml, subject: &Subject<'_>, (model, index): (&TreeEnsemble, usize)) {
    xml.open("MiningModel", &[("functionName", "regression")]);
    schema(xml, subject, None);
    output(xml, index);
    let base = model.base.get(index).copied().unwrap_or(0.0);
    xml.open("Targets", &[]);
    xml.empty("Target", &[("rescaleConstant", &format!("{:?}", f64::from(base)))]);
    xml.close();
    xml.open("Segmentation", &[("multipleModelMethod", "sum")]);
    let mut own: Vec<&Tree> = model.trees.iter().filter(|tree| tree.output as usize == index).collect();
    let nothing = Tree { leaf_value: vec![0.0], ..Tree::default() };
    if own.is_empty() {
        own.push(&nothing);
    }
    for (number, tree) in own.into_iter().enumerate() {
        xml.open("Segment", &[("id", &number.to_string())]);
        xml.empty("True", &[]);
        let attributes = [
            ("functionName", "regression"),
            ("missingValueStrategy", "defaultChild"),
            ("splitCharacteristic", "binarySplit"),
        ];
        xml.open("TreeModel", &attributes);
        schema(xml, subject, None);
        let root = if tree.feature.is_empty() { -1 } else { 0 };
        Writer { subject, tree }.node(xml, (root, "r".to_owned()), None);
        xml.close();
        xml.close();
    }
    xml.close();
    xml.close();
}

struct Writer<'a> {
    subject: &'a Subject<'a>,
    tree: &'a Tree,
}

impl Writer<'_> {
    /// Writes a node with its predicate; a node's way from the root is its name.
    fn node(&self, xml: &mut Xml, (child, id): (i32, String), asked: Option<(usize, bool)>) {
        let Ok(node) = usize::try_from(child) else {
            let value = self.tree.leaf_value.get(-(i64::from(child) + 1) as usize).copied().unwrap_or(0.0);
            xml.open("Node", &[("id", &id), ("score", &format!("{:?}", f64::from(value)))]);
            self.predicate(xml, asked);
            xml.close();
            return;
        };
        let (left, right) = (format!("{id}0"), format!("{id}1"));
        let missing_left = self.tree.flags[node] & MISSING_LEFT != 0;
        xml.open("Node", &[("id", &id), ("defaultChild", if missing_left { &left } else { &right })]);
        self.predicate(xml, asked);
        self.node(xml, (self.tree.left[node], left), Some((node, true)));
        self.node(xml, (self.tree.right[node], right), Some((node, false)));
        xml.close();
    }

    /// Writes what a node asks of its parent's split; the root asks nothing.
    fn predicate(&self, xml: &mut Xml, asked: Option<(usize, bool)>) {
        let Some((node, left)) = asked else { return xml.empty("True", &[]) };
        let feature = self.tree.feature[node] as usize;
        let field = fields::feature_name(self.subject, feature);
        let Some(count) = self.subject.code_count(feature) else {
            let operator = if left { "lessOrEqual" } else { "greaterThan" };
            let value = format!("{:?}", self.tree.threshold[node]);
            xml.empty("SimplePredicate", &[("field", &field), ("operator", operator), ("value", &value)]);
            return;
        };
        let goes_left = |code: usize| self.goes_left(node, code);
        // Words that are not known are on the side that is told by what it does not hold.
        let others = goes_left(count);
        let input = self.subject.parts.recipe.features.get(feature).map_or(0, |own| own.input as usize);
        let categories = self.subject.parts.recipe.inputs.get(input).map_or(&[][..], |own| &own.categories);
        let words: Vec<&String> = categories
            .iter()
            .enumerate()
            .filter(|(code, _)| goes_left(*code) != others)
            .map(|(_, word)| word)
            .collect();
        let operator = if left == others { "isNotIn" } else { "isIn" };
        xml.open("SimpleSetPredicate", &[("field", &field), ("booleanOperator", operator)]);
        let quoted: Vec<String> = words
            .iter()
            .map(|word| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        xml.text("Array", &[("type", "string"), ("n", &words.len().to_string())], &quoted.join(" "));
        xml.close();
    }

    fn goes_left(&self, node: usize, code: usize) -> bool {
        if self.tree.flags[node] & CATEGORY_SPLIT == 0 {
            return code as f32 <= self.tree.threshold[node];
        }
        let set = crate::lightgbm::category_set(self.tree, node);
        set.get(code / 32).is_some_and(|word| word >> (code % 32) & 1 == 1)
    }
}
