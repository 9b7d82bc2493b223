//! Tabs, tree, list with reorder, progress, badges, skeletons, toasts' history, Markdown.

use egui::Ui;

use super::{GalleryState, column, gap};
use crate::{
    Icon, Progress, Status, Tab, Toast, Toasts, TreeNode, badge, markdown, reorder, show::section,
    skeleton_lines, space::S32, tabs, text, tree,
};

const HELP: &str = "# ROC AUC\n\nThe chance that a random positive row gets a *higher* score than a random \
negative one: **0.5** is a coin, **1** is perfect order. See [calibration](calibration.md) for the values \
themselves, and `modelyard metrics` for all names.\n\n## When it misleads\n\n- Rare positives: look at \
[precision over recall](pr.md) too\n- Costs differ: choose the threshold by cost\n  1. enter both costs\n  2. \
drag the threshold\n\n> Ties count one half (Mann and Whitney, 1947).\n\n| metric | range | better | used \
for |\n|:--|--:|:-:|:--|\n| ROC AUC | 0–1 | ↑ | order of rows, whatever the threshold, in any class balance |\n| \
log loss | 0–∞ | ↓ | probabilities |\n\n```sh\nmodelyard evaluate churn.modelyard --model 14\n```\n";

/// Draws what the first page of the gallery has no room for.
pub fn lists(ui: &mut Ui, state: &mut GalleryState) {
    let width = (ui.available_width() - S32) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = S32;
        column(ui, width, |ui| {
            choices(ui, state);
            waits(ui);
            history(ui);
        });
        column(ui, width, |ui| {
            section(ui, "Markdown", "");
            let link = &mut state.link;
            markdown::show(ui, HELP, |target| target.clone_into(link));
        });
    });
}

fn choices(ui: &mut Ui, state: &mut GalleryState) {
    let list = [
        Tab::new("Findings").count(3),
        Tab::new("Columns").error(true),
        Tab::new("Rows"),
        Tab::new("Images").enabled(false),
    ];
    tabs(ui, "Parts of the data", &mut state.tab, &list);
    gap(ui);
    section(ui, "Tree", "");
    tree(ui, "Columns by kind", &nodes(), &mut state.tree);
    gap(ui);
    section(ui, "Order", "drag, or Alt+Up and Alt+Down");
    if let Some(wanted) = reorder(ui, "Recipe steps", &state.steps, &mut state.step) {
        wanted.apply(&mut state.steps);
    }
    gap(ui);
}

fn nodes() -> Vec<TreeNode> {
    vec![
        TreeNode::new(1, Icon::Hash, "Numbers").note(Status::Idle, "3 columns").children(vec![
            TreeNode::new(2, Icon::Hash, "tenure").note(Status::Idle, "0.0 % missing"),
            TreeNode::new(3, Icon::Hash, "MonthlyCharges").note(Status::Warn, "drift 0.31"),
            TreeNode::new(4, Icon::Hash, "TotalCharges").note(Status::Error, "11 not numbers"),
        ]),
        TreeNode::new(5, Icon::TextT, "Words")
            .note(Status::Idle, "15 columns")
            .children(vec![TreeNode::new(6, Icon::TextT, "Contract")]),
        TreeNode::new(7, Icon::Key, "customerID").note(Status::Idle, "left out").enabled(false),
    ]
}

fn waits(ui: &mut Ui) {
    section(ui, "Progress, badges, skeleton", "");
    Progress::new("Scoring the test split")
        .of(874, Some(1_409), "rows")
        .left(Some(72.0))
        .stoppable()
        .show(ui);
    Progress::new("Importing")
        .error(Some("row 18 has 13 fields, 12 expected; fix the row and try again"))
        .show(ui);
    ui.horizontal(|ui| {
        badge(ui, Status::Warn, 3, "findings");
        badge(ui, Status::Error, 1, "failed check");
        badge(ui, Status::Info, 1_409, "rows");
        badge(ui, Status::Idle, 0, "notes");
    });
    skeleton_lines(ui, "Loading the card", 3);
    gap(ui);
}

fn history(ui: &mut Ui) {
    section(ui, "Notifications", "what ended elsewhere");
    let mut toasts = Toasts::default();
    toasts.push(Toast::new(Status::Info, "Column TotalCharges dropped", "recipe step 4").undo());
    toasts.push(Toast::new(Status::Ok, "Run 15 finished", "0.815 ROC AUC on validation").action("Show", ""));
    toasts.history_ui(ui);
    text::note(ui, "newest first");
}
