//! What findings, gates and alerts mean and what to do about them: plain text by code, no figures.

/// Meaning, advice and page of help of a finding by its code.
pub(super) fn finding(code: &str) -> (&'static str, &'static str, &'static str) {
    match code {
        "missing" | "null_words" | "target_missing" | "empty_column" => (
            "Cells without a value carry information when their absence is no accident. Families treat them each in \
             their own way; rows without a target can't train.",
            "Ask how the gaps come about. A column that is mostly empty may be dropped; else leave it, the model learns \
             a direction for missing values.",
            "terms#Missing value",
        ),
        "leak_suspect" => (
            "This column alone comes close to the answer. Often it was written after the outcome was known, so it will \
             not be there in service.",
            "Ask when the value is written. Drop the column when that is after the decision.",
            "terms#Leak",
        ),
        "identifier" => (
            "Each row has a value of its own, so the column names rows and holds nothing that carries over to new ones.",
            "Make it the id: it stays with the scores, and the model does not see it.",
            "data#Roles",
        ),
        "constant" => (
            "All rows have the same value: no model can use it.",
            "Drop the column, or find out why it never changes.",
            "data#Roles",
        ),
        "duplicate_rows" => (
            "Equal rows can land in training and test, which makes figures look better than they are.",
            "If they are copies, remove them from the source; if they are real, name a group column so that they stay together.",
            "data#Split",
        ),
        "duplicate_column" => (
            "Two columns say the same. Importance is divided between them.",
            "Drop one of them.",
            "terms#Permutation importance",
        ),
        "class_imbalance" | "rare_class" | "one_class" => (
            "Few rows of a class carry little information about it: intervals are wide, and accuracy says little.",
            "Choose by ROC AUC, average precision or cost; collect more rows of the rare class.",
            "metrics#Balanced accuracy",
        ),
        "skewed" | "outliers" | "infinities" | "sentinel" => (
            "A few values lie far from the rest, or stand for something else than a number.",
            "Trees do not mind; for linear models and nets look at the values, and list codes such as -999 as missing.",
            "data#Findings",
        ),
        "many_categories" | "case_variants" | "mixed_types" | "free_text" | "misfit" | "trimmed" => (
            "The words of this column are many, mixed or written in several ways, so that equal things count as different.",
            "Unify the spelling in the source, or set the type that is meant.",
            "data#Findings",
        ),
        _ => (
            "The reader noticed this while it opened and profiled the file. The data are unchanged.",
            "Compare the sentence with what the column is meant to hold; set its type or role when they differ.",
            "data#Findings",
        ),
    }
}

/// Meaning and advice of a gate by its name.
pub(super) fn gate(name: &str) -> (&'static str, &'static str) {
    match name.split(' ').next().unwrap_or_default() {
        "quality" => (
            "The challenger's metric against the champion's on the same test rows, by a paired bootstrap. It passes \
             when the difference is not worse beyond noise.",
            "Train with more data or another family, or look at the slices where it lost.",
        ),
        "expected_cost" => (
            "Mean cost of a decision at the threshold, from the costs on Frame, against the champion's.",
            "Check the costs on Frame; a threshold set by hand is part of the package.",
        ),
        "floor" => (
            "The least (or most) that the frame allows for a metric.",
            "Raise the model or, with a reason, change the floor on Frame.",
        ),
        "latency" => (
            "The p99 time of one request on this machine against the budget on Frame.",
            "Fewer trees or a smaller net; or a larger budget.",
        ),
        "size" => (
            "Bytes of the package against the budget on Frame.",
            "Fewer trees or a smaller net; or a larger budget.",
        ),
        "golden" => (
            "The package answers its own golden examples bit by bit. A failure means that the file or the scorer is damaged.",
            "Build the package again; if it fails again, report it with the package.",
        ),
        "fairness" => (
            "The largest difference between groups of a protected column against the champion's.",
            "Compare the groups on Evaluate; a warning does not stop the rollout, people decide.",
        ),
        _ => (
            "A check that a model must pass before it may serve.",
            "Read the sentence above: it names value and limit.",
        ),
    }
}

/// Meaning, advice and page of help of an alert by its kind.
pub(super) fn alert(kind: &str) -> (&'static str, &'static str, &'static str) {
    match kind {
        "drift" => (
            "The values of this field are distributed otherwise than in the training rows, more than chance gives in 99 \
             of 100 windows of this size. It does not say by itself that answers are worse.",
            "Ask what changed at the source. If the field matters, send labels to see the live quality, or retrain on fresh data.",
            "terms#PSI",
        ),
        "missing" | "unseen" => (
            "The field arrives empty, or with values that the training rows did not hold, more often than before.",
            "Look at the sender first: a renamed column or a new code looks like this. Then retrain on rows that hold it.",
            "terms#Missing value",
        ),
        "quality" => (
            "With the labels that arrived, the live figure lies below the interval that the evaluation promised.",
            "Retrain on fresh data. If a canary was just promoted, roll back first.",
            "monitor#Retrain trigger",
        ),
        "cost" => (
            "Decisions cost more than the evaluation promised, at the threshold in use.",
            "Check that costs and threshold are still right, then retrain on fresh data.",
            "metrics#Expected cost",
        ),
        "errors" => (
            "The server refused or failed more requests than the limit.",
            "Read the log on Deploy: most often a sender changed a field's type. Roll back when it began with a new version.",
            "deploy#Steps",
        ),
        "latency" => (
            "The p99 of this window is above the budget on Frame.",
            "Look for load on this machine; a smaller model or a second server helps.",
            "frame#Limits",
        ),
        _ => (
            "Monitoring found this window out of its limits.",
            "Read the sentence above: it names value, limit and window.",
            "monitor#Alerts",
        ),
    }
}
