//! The whole frame of the window with a place in it.

use egui::Ui;

use crate::{
    Answer, Button, Chip, Dialog, Form, Icon, NumberField, Palette, Select, Status, Toast, Toasts,
    shell::{
        Job, NextStep, Place, Region, Shell, ShellResponse, ShellState, StatusBar, TopBar, inspector_head,
        inspector_section, view_head,
    },
    show::{self, section},
};

use super::GalleryState;

fn places() -> Vec<Place<'static>> {
    let place = |icon, name, fact, status, key| Place { icon, name, fact, status, key };
    vec![
        place(Icon::House, "Start", "Goal and recent work", Status::Idle, "Ctrl+1"),
        place(Icon::Target, "Frame", "false neg. costs 5×", Status::Ok, "Ctrl+2"),
        place(Icon::Table, "Data", "7\u{2009}043 rows, 4 findings", Status::Ok, "Ctrl+3"),
        place(Icon::ChartLine, "Train", "epoch 27 of 60", Status::Running, "Ctrl+4"),
        place(Icon::Crosshair, "Evaluate", "run 14, cost 451", Status::Ok, "Ctrl+5"),
        place(Icon::Package, "Package", "1.2.0 built", Status::Ok, "Ctrl+6"),
        place(Icon::RocketLaunch, "Deploy", "1.2.0 on 1 of 2 targets", Status::Ok, "Ctrl+7"),
        place(Icon::Pulse, "Monitor", "3 features drift", Status::Warn, "Ctrl+8"),
        place(Icon::GitBranch, "Registry", "3 versions", Status::Idle, "Ctrl+9"),
    ]
}

/// Draws the frame with a training place.
pub fn window(ui: &mut Ui, shell: &mut ShellState, state: &mut GalleryState) -> ShellResponse {
    let places = places();
    let frame = Shell {
        top: TopBar { project: "telco-churn", saved: "Saved 14:21", unseen: 3, palette_key: "Ctrl+K" },
        places: &places,
        current: 3,
        next: Some(NextStep {
            label: "Package run 14",
            evidence: "It costs 15 less per 1\u{2009}000 customers than 1.2.0 (95 %: −39 to +9).",
            key: "Ctrl+6",
        }),
        status: StatusBar {
            job: Some(Job {
                name: "Run 15, mlp",
                text: "epoch 27 of 60, 10 s left at most",
                done: Some(0.45),
                stoppable: true,
                stop_key: "Ctrl+.",
            }),
            facts: vec!["15 runs, 1 selected", "CPU 61 %", "Memory 184 MiB"],
            engine: Some((Status::Ok, "Engine ready")),
        },
    };
    frame.show(ui, shell, |ui, region| match region {
        Region::View => view(ui, state),
        Region::Inspector => inspector(ui),
    })
}

fn view(ui: &mut Ui, state: &mut GalleryState) {
    view_head(
        ui,
        "Train",
        "telco_churn@1, split by row hash 4\u{2009}225 train / 1\u{2009}409 validation / 1\u{2009}409 test, goal: lowest expected cost",
        |ui| {
            ui.add(Button::primary("Start training").icon(Icon::Play).key("Ctrl+Enter"));
            ui.add(Button::secondary("Compare 2 runs").icon(Icon::ChartLine).key("Ctrl+D"));
        },
    );
    let form = Form::default();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 24.0;
        super::column(ui, 228.0, |ui| {
            section(ui, "Recipe for run 16", "");
            form.row(ui, "Family", |ui| {
                ui.add(Select::new("Family", &mut state.family, &["linear", "boosting", "forest", "mlp"]))
            });
            form.row(ui, "Trees", |ui| ui.add(NumberField::new("Trees", &mut state.trees).unit("at most")));
            form.row(ui, "Learning rate", |ui| ui.add(NumberField::new("Learning rate", &mut state.cost)));
        });
        super::column(ui, ui.available_width(), |ui| {
            section(ui, "Curves", "epoch 27 of 60, no better epoch for 12 of 20");
            super::plots::losses(ui);
        });
    });
    super::controls::table(ui, state);
}

fn inspector(ui: &mut Ui) {
    inspector_head(ui, "Training run", "Run 15, mlp", |ui| ui.add(Chip::new(Status::Running, "running")));
    inspector_section(ui, "Progress", |ui| {
        show::progress(ui, "Run 15", Some(0.45), "27 / 60");
        show::key_value(ui, "Time left, at most", "10 s");
        show::key_value(ui, "Best epoch", "15");
    });
    inspector_section(ui, "Best so far", |ui| {
        show::key_value(ui, "ROC AUC, validation", "0.815 −0.013");
        crate::status_line(
            ui,
            Status::Info,
            "Worse than run 14 on both. Validation loss has risen since epoch 15: the net begins to overfit.",
        );
    });
    inspector_section(ui, "", |ui| {
        show::code_with_copy(
            ui,
            "Command",
            "modelyard train telco-churn.modelyard\n  --family mlp\n  --param epochs=60",
        );
    });
}

/// Draws three toasts and, if `asked`, a dialog over the window.
pub fn overlays(ctx: &egui::Context, toasts: &mut Toasts, asked: bool) -> Option<Answer> {
    if toasts.history().next().is_none() {
        toasts.push(
            Toast::new(
                Status::Ok,
                "Run 15 finished, not kept",
                "0.815 ROC AUC on validation, run 14 has 0.829",
            )
            .action("Show", ""),
        );
        toasts.push(Toast::new(Status::Info, "Column TotalCharges dropped", "recipe step 4").undo());
        let note = "no answer from 10.0.4.21:8443 in 5 s; 1.1.0 goes on serving there";
        toasts.push(
            Toast::new(Status::Error, "edge-01 can't be reached", note)
                .details("connect 10.0.4.21:8443: timed out after 5 s"),
        );
    }
    toasts.show(ctx);
    if !asked {
        return None;
    }
    Dialog::new("Erase customer 7576-OYWBN from the log?", "Erase 4 entries")
        .text("3 predictions and 1 label are removed from this machine's log; the proof of erasure stays. This can't be undone.")
        .cancel("Keep")
        .danger()
        .show(ctx)
}

/// Draws the palette over the window while it is open.
pub fn palette_over(ctx: &egui::Context, palette: &mut Palette) -> Option<usize> {
    palette.show(ctx, &super::controls::entries())
}
