//! Why a field has the default that it has, in one sentence for its tooltip. Hyperparameters have theirs
//! with their records in Train.

/// The reason by the field's name; empty for a field whose name says all.
pub(crate) fn of(name: &str) -> &'static str {
    match name {
        "Unit" => "What one row is, in the singular: figures are given per 1 000 of them",
        "Action" => "What is done when the probability reaches the threshold; shown instead of \"act\"",
        "Target" => "Type, classes and metric follow from the column; each can be changed",
        "Positive class" => "The rarer class by default: it is usually the one that is acted on",
        "Metric to choose by" => {
            "ROC AUC for two classes, log loss for more, RMSE for numbers: none depends on a threshold"
        }
        "Cost unit" => "Money, hours or any other unit; empty leaves the figures without one",
        "False positive" | "False negative" => {
            "Without costs both errors count 1, which puts the threshold at 0.5; only their ratio moves it"
        }
        "True positive" | "True negative" => {
            "0 by default: a right answer costs nothing; a benefit is negative"
        }
        "Latency p99, at most" => "No limit by default; the gate compares the p99 time of one row with it",
        "Package size, at most" => "No limit by default; the gate compares the package's bytes with it",
        "Validation" => "20 % by default: enough rows to choose by, most stay for training",
        "Test" => "20 % by default: looked at last, each look is recorded",
        "Seed" => "0 by default: the same seed gives the same split on any machine",
        "Each class alike" => "On by default: parts with the same share of each class have steadier figures",
        "Share of a canary" => "10 % by default: enough to see a difference, few are touched by a fault",
        "Shadow" => "Off by default: a shadow costs a second scoring of each request",
        "Fresh data" => {
            "Empty takes the current data set, so that a retrain without new rows repeats the run"
        }
        "Deploy as canary when the gates pass" => "On by default: a canary can be taken back at any time",
        "Requests" => "2 000 by default: two windows, each above the 500 rows that drift needs",
        "Drift" => "None by default: traffic as the held-out rows are",
        _ if name.ends_with("at least") || name.ends_with("at most") => {
            "No floor by default; with one the gate fails a model beyond it, whatever the champion reaches"
        }
        _ => "",
    }
}

/// Puts the reason on the response of a field.
pub(crate) fn on(response: egui::Response, name: &str) -> egui::Response {
    let reason = of(name);
    if reason.is_empty() { response } else { response.on_hover_text(reason) }
}
