//! Hyperparameters of the families as the form and the tables show them: labels, units, defaults, ranges,
//! and why one would change them. The learners hold the truth and check again.

use yard_types::run::{Family, Params};

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A whole number from, to.
    Whole(u64, u64),
    /// A number from, to.
    Number(f64, f64),
    /// Sizes of hidden layers: `64,32` or `none`.
    Layers,
}

/// One hyperparameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    /// Name on the command line.
    pub(super) name: &'static str,
    /// Label.
    pub(super) label: &'static str,
    /// Unit or remark inside the field.
    pub(super) unit: &'static str,
    /// Default as shown in the empty field.
    pub(super) default: &'static str,
    /// What it may be.
    pub(super) kind: Kind,
    /// What it does and why one would change it.
    pub(super) reason: &'static str,
}

const fn param(
    (name, label, unit): (&'static str, &'static str, &'static str),
    default: &'static str,
    kind: Kind,
    reason: &'static str,
) -> Param {
    Param { name, label, unit, default, kind, reason }
}

const MANY: u64 = 1_000_000_000;

const LINEAR: &[Param] = &[param(
    ("l2", "L2", ""),
    "from a path",
    Kind::Number(0.0, 1e12),
    "Penalty on the coefficients, scikit-learn's 1/C. Empty: several are tried and the one with the least validation loss is kept",
)];

const LINEAR_MORE: &[Param] = &[param(
    ("l1_ratio", "L1 ratio", ""),
    "0",
    Kind::Number(0.0, 1.0),
    "Share of the penalty on absolute values (elastic net): coefficients that tell little become exactly zero",
)];

const SCORECARD: &[Param] = &[
    param(
        ("bins", "Bins", "a field"),
        "8",
        Kind::Whole(2, 50),
        "Most bins of a field; neighbours that do not differ beyond chance are joined anyway",
    ),
    param(
        ("fields", "Fields", "at most"),
        "25",
        Kind::Whole(1, 1_000),
        "Those that tell most about the target by information value",
    ),
];

const BOOSTING: &[Param] = &[
    param(
        ("trees", "Trees", "at most"),
        "2000",
        Kind::Whole(1, 100_000),
        "Early stopping keeps the best round, so many do no harm but time",
    ),
    param(
        ("leaves", "Leaves", "a tree"),
        "by the data",
        Kind::Whole(0, 8_000),
        "More leaves fit finer interactions and overfit sooner",
    ),
    param(
        ("learning_rate", "Learning rate", ""),
        "0.05",
        Kind::Number(1e-6, 10.0),
        "Factor on each tree; a smaller one needs more trees and often ends a little better",
    ),
    param(
        ("min_leaf", "Rows in a leaf", "at least"),
        "by the data",
        Kind::Whole(0, MANY),
        "More rows in a leaf resist noise; fewer help small data",
    ),
    param(
        ("l2", "L2", "on leaves"),
        "1",
        Kind::Number(0.0, 1e12),
        "Pulls the values of small leaves to zero",
    ),
    param(
        ("early_stopping", "Patience", "rounds"),
        "50",
        Kind::Whole(0, 100_000),
        "Stops after so many rounds without a better validation loss; 0 never stops early",
    ),
];

const BOOSTING_MORE: &[Param] = &[
    param(("depth", "Depth", "levels"), "no limit", Kind::Whole(0, 1_000), "0 sets no limit: the leaves do"),
    param(
        ("feature_fraction", "Features", "share a tree"),
        "by the data",
        Kind::Number(0.0, 1.0),
        "Below 1 each tree sees a part of the features: steadier with many correlated ones",
    ),
    param(
        ("bagging_fraction", "Rows", "share a tree"),
        "by the data",
        Kind::Number(0.0, 1.0),
        "Below 1 each tree is grown on a part of the rows",
    ),
    param(("bins", "Bins", "a feature"), "255", Kind::Whole(2, 255), "Fewer bins are faster and coarser"),
    param(
        ("min_gain", "Gain", "at least"),
        "0",
        Kind::Number(0.0, 1e300),
        "Splits that gain less are not made",
    ),
    param(
        ("min_hessian", "Hessian", "a leaf"),
        "0.001",
        Kind::Number(0.0, 1e12),
        "Smallest sum of second derivatives in a leaf; more resists noise where predictions are sure",
    ),
    param(
        ("cat_smooth", "Category prior", "rows"),
        "10",
        Kind::Number(0.0, 1e12),
        "Added to a category when categories are sorted by their mean; steadies rare ones",
    ),
    param(
        ("cat_l2", "Category L2", "on splits"),
        "10",
        Kind::Number(0.0, 1e12),
        "Penalty on both sides of a category split, on top of L2",
    ),
    param(
        ("max_cat_threshold", "Categories", "a side"),
        "32",
        Kind::Whole(1, 255),
        "Largest number of categories on the smaller side of a split",
    ),
    param(
        ("min_cat_rows", "Category rows", "at least"),
        "10",
        Kind::Whole(0, MANY),
        "Rarer categories are never sent left on their own",
    ),
];

const FOREST: &[Param] = &[
    param(("trees", "Trees", ""), "300", Kind::Whole(1, 100_000), "More trees only steady the average"),
    param(
        ("min_leaf", "Rows in a leaf", "at least"),
        "2",
        Kind::Whole(1, MANY),
        "More rows in a leaf give smoother probabilities and a smaller model",
    ),
    param(("leaves", "Leaves", "a tree"), "no limit", Kind::Whole(0, 1_000_000), "0 sets no limit"),
    param(
        ("feature_fraction", "Features", "a split"),
        "√ of all",
        Kind::Number(0.0, 1.0),
        "Features drawn at each split; empty takes the square root of their number (a third for numbers)",
    ),
];

const FOREST_MORE: &[Param] = &[
    param(("depth", "Depth", "levels"), "no limit", Kind::Whole(0, 1_000), "0 sets no limit"),
    param(
        ("bagging_fraction", "Rows", "share a tree"),
        "1",
        Kind::Number(1e-6, 1.0),
        "Size of the bootstrap sample",
    ),
    param(("bins", "Bins", "a feature"), "255", Kind::Whole(2, 255), "Fewer bins are faster and coarser"),
];

const MLP: &[Param] = &[
    param(
        ("layers", "Hidden layers", "units"),
        "64,32",
        Kind::Layers,
        "Units of each hidden layer with commas; none makes a linear model",
    ),
    param(
        ("epochs", "Epochs", "at most"),
        "100",
        Kind::Whole(1, 100_000),
        "Early stopping keeps the best epoch",
    ),
    param(
        ("learning_rate", "Learning rate", ""),
        "0.001",
        Kind::Number(1e-7, 1.0),
        "Step size of AdamW; lower it when the loss jumps or is not finite",
    ),
    param(
        ("l2", "L2", "decay"),
        "0.01",
        Kind::Number(0.0, 100.0),
        "Decoupled weight decay; more resists overfitting",
    ),
    param(
        ("batch", "Batch", "rows"),
        "by size",
        Kind::Whole(1, 1_000_000),
        "Rows of a step; empty grows with the data from 32 to 1024",
    ),
    param(
        ("patience", "Patience", "epochs"),
        "10",
        Kind::Whole(0, 100_000),
        "Stops after so many epochs without a better validation loss; 0 never stops early",
    ),
];

const MLP_MORE: &[Param] = &[param(
    ("dropout", "Dropout", "share"),
    "0",
    Kind::Number(0.0, 0.9),
    "Share of hidden units dropped in each step; more resists overfitting",
)];

const CNN: &[Param] = &[
    param(
        ("epochs", "Epochs", "passes"),
        "by rows",
        Kind::Whole(1, 100_000),
        "Largest number of passes over the training rows; the step size falls to nothing at the last",
    ),
    param(
        ("learning_rate", "Learning rate", ""),
        "0.005",
        Kind::Number(1e-7, 1.0),
        "Largest step size; lower it when the loss jumps",
    ),
    param(
        ("side", "Image side", "pixels"),
        "64",
        Kind::Whole(4, 256),
        "Longest side that images are made smaller to; more pixels show more and cost more",
    ),
    param(
        ("channels", "Channels", ""),
        "by size",
        Kind::Whole(0, 128),
        "Channels of the first convolutions, 0 by the size of the images; later ones have up to 128",
    ),
];

const CNN_MORE: &[Param] = &[
    param(
        ("patience", "Patience", "epochs"),
        "15",
        Kind::Whole(0, 100_000),
        "Stops after so many epochs without a better validation loss; 0 never stops early",
    ),
    param(("batch", "Batch", "rows"), "by rows", Kind::Whole(2, 65_536), "Rows of a step"),
    param(
        ("dropout", "Dropout", ""),
        "0.2",
        Kind::Number(0.0, 0.9),
        "Share of units dropped in each step; more against overfitting",
    ),
    param(
        ("hidden", "Hidden units", ""),
        "128",
        Kind::Whole(1, 4_096),
        "Units of the layer in which images and other columns meet",
    ),
    param(("l2", "Weight decay", ""), "0.05", Kind::Number(0.0, 100.0), "Pull of the weights towards zero"),
    param(
        ("shift", "Shift", "of the side"),
        "0.08",
        Kind::Number(0.0, 0.5),
        "Images are moved by up to this share of their sides in each epoch",
    ),
    param(
        ("rotate", "Rotation", "degrees"),
        "8",
        Kind::Number(0.0, 180.0),
        "Images are turned by up to so many degrees in each epoch",
    ),
    param(
        ("zoom", "Zoom", "share"),
        "0.08",
        Kind::Number(0.0, 0.5),
        "Images are made larger or smaller by up to this share in each epoch",
    ),
];

const WIDTH: Param = param(
    ("width", "Width", "values"),
    "by family",
    Kind::Whole(1, 2_048),
    "Values of a hidden vector; a transformer's heads must divide it",
);

const BLOCKS: Param = param(
    ("blocks", "Blocks", ""),
    "by rows",
    Kind::Whole(1, 32),
    "Blocks of layers, each with a way around it",
);

const DEEP_EPOCHS: Param = param(
    ("epochs", "Epochs", "at most"),
    "by rows",
    Kind::Whole(1, 100_000),
    "Largest number of passes over the training rows; the step size falls to nothing at the last",
);

const DEEP_RATE: Param = param(
    ("learning_rate", "Learning rate", ""),
    "0.001",
    Kind::Number(1e-7, 1.0),
    "Largest step size of AdamW; lower it when the loss jumps or is not finite",
);

const RESNET: &[Param] = &[BLOCKS, WIDTH, DEEP_EPOCHS, DEEP_RATE];
const TRANSFORMER: &[Param] = &[
    BLOCKS,
    WIDTH,
    param(("heads", "Heads", ""), "4", Kind::Whole(1, 64), "Heads of attention; they divide the width"),
    DEEP_EPOCHS,
    DEEP_RATE,
];

const DEEP_MORE: &[Param] = &[
    param(
        ("patience", "Patience", "epochs"),
        "12",
        Kind::Whole(0, 100_000),
        "Stops after so many epochs without a better validation loss; 0 never stops early",
    ),
    param(("batch", "Batch", "rows"), "by rows", Kind::Whole(1, 65_536), "Rows of a step"),
    param(
        ("dropout", "Dropout", "share"),
        "0.15",
        Kind::Number(0.0, 0.9),
        "Share of values dropped in each step; more resists overfitting",
    ),
    param(
        ("l2", "L2", "decay"),
        "0.02",
        Kind::Number(0.0, 100.0),
        "Decoupled weight decay; more resists overfitting",
    ),
    param(
        ("bins", "Bins", "a number"),
        "16",
        Kind::Whole(0, 256),
        "Most bins of the encoding of a number; 0 leaves numbers as they are",
    ),
];

const TEXT: &[Param] = &[
    BLOCKS,
    WIDTH,
    param(
        ("pieces", "Vocabulary", "pieces"),
        "4000",
        Kind::Whole(64, 200_000),
        "Most pieces of the tokenizer, which is learnt on the training rows",
    ),
    DEEP_EPOCHS,
    DEEP_RATE,
];

const TEXT_MORE: &[Param] = &[
    param(
        ("max_pieces", "Length", "pieces"),
        "128",
        Kind::Whole(4, 4_096),
        "Pieces of a text that are read; the rest is cut off",
    ),
    param(
        ("patience", "Patience", "epochs"),
        "5",
        Kind::Whole(0, 100_000),
        "Stops after so many epochs without a better validation loss; 0 never stops early",
    ),
    param(("batch", "Batch", "rows"), "32", Kind::Whole(1, 65_536), "Rows of a step"),
    param(
        ("dropout", "Dropout", "share"),
        "0.2",
        Kind::Number(0.0, 0.9),
        "Share of values dropped in each step; more resists overfitting",
    ),
];

/// The hyperparameters that the form shows at once, and those under "More settings".
pub(super) fn params(family: Family) -> (&'static [Param], &'static [Param]) {
    match family {
        Family::Auto | Family::Ensemble => (&[], &[]),
        Family::Linear => (LINEAR, LINEAR_MORE),
        Family::Scorecard => (SCORECARD, &[]),
        Family::Boosting => (BOOSTING, BOOSTING_MORE),
        Family::Forest => (FOREST, FOREST_MORE),
        Family::Mlp => (MLP, MLP_MORE),
        Family::Cnn => (CNN, CNN_MORE),
        Family::Resnet => (RESNET, DEEP_MORE),
        Family::Transformer => (TRANSFORMER, DEEP_MORE),
        Family::Text => (TEXT, TEXT_MORE),
    }
}

/// What is wrong with a value as typed; `None` for an empty or a fitting one.
pub(super) fn complaint(kind: Kind, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let expected = match kind {
        Kind::Whole(low, high) => {
            let fits = text.parse::<u64>().is_ok_and(|value| (low..=high).contains(&value));
            (!fits).then(|| format!("a whole number from {low} to {high}"))
        }
        Kind::Number(low, high) => {
            let fits = text.parse::<f64>().is_ok_and(|value| (low..=high).contains(&value));
            (!fits).then(|| format!("a number from {} to {}", plain(low), plain(high)))
        }
        Kind::Layers => {
            let fits = |part: &str| part.trim().parse::<u32>().is_ok_and(|units| (1..=8192).contains(&units));
            let good = text == "none" || text.split(',').all(fits);
            (!good).then(|| "layer sizes such as 64,32, or none".to_owned())
        }
    }?;
    Some(format!("expected {expected}"))
}

fn plain(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e6).contains(&value.abs()) { format!("{value:e}") } else { value.to_string() }
}

/// Patience of a run: rounds or epochs without a better loss after which it stops; `None` when it never
/// stops early or the family has none.
pub(super) fn patience(family: Family, params: &Params) -> Option<u32> {
    let (name, default) = match family {
        Family::Boosting => ("early_stopping", 50),
        Family::Mlp => ("patience", 10),
        Family::Cnn => ("patience", 15),
        Family::Resnet | Family::Transformer => ("patience", 12),
        Family::Text => ("patience", 5),
        _ => return None,
    };
    let value = params.get(name).and_then(|text| text.trim().parse().ok()).unwrap_or(default);
    (value > 0).then_some(value)
}

/// Parameters of a run in one phrase: "600 trees, 6 leaves, rate 0.03"; "defaults" when none was set.
pub(super) fn phrase(params: &Params) -> String {
    const FIRST: [(&str, &str, bool); 8] = [
        ("layers", "layers", true),
        ("trees", "trees", true),
        ("leaves", "leaves", true),
        ("epochs", "epochs", true),
        ("learning_rate", "rate", false),
        ("l2", "l2", false),
        ("batch", "batch", false),
        ("min_leaf", "min leaf", false),
    ];
    if params.is_empty() {
        return "defaults".to_owned();
    }
    let known = FIRST.iter().filter_map(|(name, word, after)| {
        let value = params.get(*name)?;
        Some(match (*name, after) {
            ("layers", _) => value.replace(',', "-"),
            (_, true) => format!("{value} {word}"),
            (_, false) => format!("{word} {value}"),
        })
    });
    let rest = params
        .iter()
        .filter(|(name, _)| FIRST.iter().all(|(own, ..)| own != name))
        .map(|(name, value)| format!("{} {value}", name.replace('_', " ")));
    known.chain(rest).collect::<Vec<String>>().join(", ")
}

/// Settings in force worth a line: those that the form shows at once, and those that differ from their
/// default; and how many are left out.
pub(super) fn notable(family: Family, in_force: &Params) -> (Vec<(&String, &String)>, usize) {
    let (first, more) = params(family);
    let shown = |(name, value): &(&String, &String)| {
        first.iter().any(|own| own.name == name.as_str()) || !is_default(more, name, value)
    };
    let kept: Vec<(&String, &String)> = in_force.iter().filter(shown).collect();
    let left = in_force.len() - kept.len();
    (kept, left)
}

fn is_default(params: &[Param], name: &str, value: &str) -> bool {
    let default = params.iter().find(|own| own.name == name).map(|own| own.default);
    default.is_some_and(|default| {
        default == value || (matches!(default, "no limit" | "by the data") && value == "0")
    })
}

/// The parameters of `own` whose value differs among `all`; all of them when none does.
pub(super) fn varying<'a>(own: &Params, all: &(impl Iterator<Item = &'a Params> + Clone)) -> Params {
    let differs =
        |name: &str, value: &str| all.clone().filter_map(|other| other.get(name)).any(|other| other != value);
    let varying: Params = own
        .iter()
        .filter(|(name, value)| differs(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if varying.is_empty() { own.clone() } else { varying }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_name_what_was_set() {
        let params = |pairs: &[(&str, &str)]| -> Params {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(phrase(&Params::new()), "defaults");
        let boosting =
            params(&[("learning_rate", "0.03"), ("trees", "600"), ("bins", "63"), ("leaves", "6")]);
        assert_eq!(phrase(&boosting), "600 trees, 6 leaves, rate 0.03, bins 63");
        assert_eq!(phrase(&params(&[("layers", "256,128"), ("l2", "1e-3")])), "256-128, l2 1e-3");
    }

    #[test]
    fn complaints_say_what_is_expected() {
        let whole = Kind::Whole(2, 65_536);
        assert_eq!(complaint(whole, ""), None);
        assert_eq!(complaint(whole, " 31 "), None);
        assert_eq!(complaint(whole, "1").as_deref(), Some("expected a whole number from 2 to 65536"));
        assert_eq!(complaint(Kind::Number(1e-7, 1.0), "1e-3"), None);
        assert_eq!(
            complaint(Kind::Number(1e-7, 1.0), "2").as_deref(),
            Some("expected a number from 1e-7 to 1")
        );
        assert_eq!(complaint(Kind::Layers, "64, 32"), None);
        assert!(complaint(Kind::Layers, "64;32").is_some());
    }

    #[test]
    fn patience_follows_family_and_settings() {
        let set = Params::from([("patience".to_owned(), "20".to_owned())]);
        assert_eq!(patience(Family::Mlp, &set), Some(20));
        assert_eq!(patience(Family::Boosting, &Params::new()), Some(50));
        assert_eq!(patience(Family::Forest, &Params::new()), None);
    }

    #[test]
    fn settings_at_their_defaults_are_counted_not_listed() {
        let set = |pairs: &[(&str, &str)]| -> Params {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let in_force = set(&[("bins", "255"), ("depth", "0"), ("trees", "9"), ("cat_l2", "3")]);
        let (kept, left) = notable(Family::Boosting, &in_force);
        assert_eq!(kept.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cat_l2", "trees"]);
        assert_eq!(left, 2);
    }

    #[test]
    fn trials_show_what_varies() {
        let one = Params::from([("l2".to_owned(), "1".to_owned()), ("trees".to_owned(), "9".to_owned())]);
        let two = Params::from([("l2".to_owned(), "2".to_owned()), ("trees".to_owned(), "9".to_owned())]);
        let all = [one.clone(), two];
        assert_eq!(phrase(&varying(&one, &all.iter())), "l2 1");
        assert_eq!(phrase(&varying(&one, &all[..1].iter())), "9 trees, l2 1");
    }
}
