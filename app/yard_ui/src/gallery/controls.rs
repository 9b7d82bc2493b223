//! Buttons, fields, chips, table, waiting states, toasts, palette.

use egui::{Frame, Ui, vec2};

use super::{GalleryState, gap};
use crate::{
    Button, Cell, Chip, Column, Empty, Entry, Figure, Form, Icon, IconButton, NumberField, Segmented, Select,
    Slider, Sort, Status, Table, TextField,
    field::PathField,
    fmt, key_cap, legend,
    marks::{self, Bars, Histogram, Interval},
    paint,
    show::{self, Better, section},
    space::RADIUS_DIALOG,
    status_word, text,
    tokens::tokens,
};

pub(super) fn buttons(ui: &mut Ui) {
    section(ui, "Buttons", "one filled button in a view");
    ui.horizontal(|ui| {
        ui.add(Button::primary("Start training").icon(Icon::Play).key("Ctrl+Enter"));
        ui.add(Button::secondary("Compare runs").icon(Icon::ChartLine).key("Ctrl+D"));
        ui.add(Button::quiet("Explain"));
        ui.add(Button::danger("Delete run 12").icon(Icon::Trash));
    });
    ui.horizontal(|ui| {
        ui.add(Button::secondary("Package run 14").icon(Icon::Package));
        ui.add(Button::secondary("Last 24 h").menu());
        ui.add(
            Button::secondary("Promote 1.3.0").icon(Icon::Crown).enabled_if(false, "no version is in canary"),
        );
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add(IconButton::new(Icon::Copy, "Copy"));
        ui.add(IconButton::new(Icon::DownloadSimple, "Download"));
        ui.add(IconButton::new(Icon::Bell, "Notifications").badge(3));
        ui.add(IconButton::new(Icon::SidebarSimple, "Inspector").selected(true));
        ui.add(IconButton::new(Icon::DotsThree, "More").enabled(false));
    });
    gap(ui);
}

pub(super) fn fields(ui: &mut Ui, state: &mut GalleryState) {
    section(ui, "Fields", "");
    let form = Form::new(112.0);
    let width = (ui.available_width() - 24.0) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 24.0;
        super::column(ui, width, |ui| {
            form.row(ui, "Latency, at most", |ui| {
                ui.add(NumberField::new("Latency, at most", &mut state.cost).unit("ms").decimals(2))
            });
            form.row(ui, "Family", |ui| {
                ui.add(Select::new("Family", &mut state.family, &["linear", "boosting", "forest", "mlp"]))
            });
            form.row(ui, "Unit", |ui| ui.add(TextField::new("Unit", &mut state.unit).hint("not set")));
            form.row(ui, "File", |ui| PathField::new("File", &mut state.path).show(ui));
        });
        super::column(ui, width, |ui| {
            form.row(ui, "ROC AUC, at least", |ui| {
                ui.add(NumberField::optional("ROC AUC, at least", &mut state.floor))
            });
            form.row(ui, "Trees", |ui| {
                ui.add(NumberField::new("Trees", &mut state.trees).unit("trees").range(1.0, 500.0))
            });
            form.row(ui, "Email", |ui| {
                ui.add(TextField::new("Email", &mut state.unit).error(Some("an address with @ expected")))
            });
            form.value(ui, "Curve", |ui| ui.add(Segmented::new(&mut state.segment, &["ROC", "PR", "Cost"])));
            form.row(ui, "Threshold", |ui| ui.add(Slider::new("Threshold", &mut state.threshold, 0.0, 1.0)));
            crate::checkbox(ui, &mut state.stratified, "Same share of each class in every split");
        });
    });
    gap(ui);
}

pub(super) fn chips(ui: &mut Ui) {
    section(ui, "Status, chips, keys", "");
    ui.horizontal_wrapped(|ui| {
        ui.add(Chip::new(Status::Ok, "healthy"));
        ui.add(Chip::new(Status::Running, "running"));
        ui.add(Chip::new(Status::Warn, "high drift"));
        ui.add(Chip::new(Status::Error, "failed"));
        ui.add(Chip::neutral(Icon::Clock, "stale since 14:02"));
        ui.add(Chip::neutral(Icon::Check, "feature"));
        ui.add(Chip::new(Status::Info, "target").icon(Icon::Target).button());
        ui.add(Chip::neutral(Icon::ShieldCheck, "protected"));
        key_cap(ui, "Ctrl+K");
        key_cap(ui, "F6");
    });
    ui.horizontal_wrapped(|ui| {
        for (status, word) in [
            (Status::Ok, "kept"),
            (Status::Done, "done"),
            (Status::Warn, "higher cost"),
            (Status::Error, "failed: loss not finite"),
            (Status::Idle, "not yet"),
        ] {
            status_word(ui, status, word);
        }
    });
    ui.horizontal_wrapped(|ui| {
        let t = tokens(ui);
        for (at, run) in [15, 14, 13, 11, 9, 6].into_iter().enumerate() {
            legend(ui, t.series(at), &format!("run {run}"));
        }
        crate::matrix::scale_legend(ui, "0", "1");
    });
    gap(ui);
}

pub(super) fn table(ui: &mut Ui, state: &mut GalleryState) {
    section(ui, "Table", "selected, hover, failed, plain; row 24");
    let columns = [
        Column::new("", 28.0),
        Column::new("Run", 56.0).right().sortable(),
        Column::new("Family", 88.0).sortable(),
        Column::new("0.77–0.86", 84.0).tooltip("ROC AUC with its 95 % interval"),
        Column::new("ROC AUC", 84.0).right().better(Better::Higher),
        Column::new("Cost / 1\u{2009}000", 96.0).right().better(Better::Lower),
        Column::rest("State", 96.0),
    ];
    let rows: [(u32, &str, f64, f64, Status, &str); 4] = [
        (14, "boosting", 0.829, 453.0, Status::Ok, "kept"),
        (13, "forest", 0.829, 456.0, Status::Done, "done"),
        (12, "mlp", f64::NAN, f64::NAN, Status::Error, "failed: loss not finite"),
        (11, "boosting", 0.827, 458.0, Status::Running, "running"),
    ];
    let t = tokens(ui);
    let response = Table::new("Runs", &columns)
        .rows(rows.len())
        .selected(state.row)
        .sort(Some(Sort { column: 1, descending: true }))
        .show(ui, |row, column| {
            let (run, family, auc, cost, status, word) = rows[row];
            let number = |value: f64, decimals| {
                if value.is_finite() { Cell::number(fmt::fixed(value, decimals)) } else { Cell::missing() }
            };
            match column {
                0 => Cell::swatch(t.series(row), row < 2, format!("Hide run {run}")),
                1 => Cell::number(run.to_string()),
                2 => Cell::text(family),
                3 => Cell::interval(Interval::new(auc, (auc - 0.023, auc + 0.021), (0.77, 0.86))),
                4 => number(auc, 3),
                5 => number(cost, 0),
                _ => Cell::status(status, word),
            }
        });
    state.row = response.selected.or(state.row);
    gap(ui);
}

pub(super) fn waiting(ui: &mut Ui) {
    section(ui, "Empty, loading, failed", "");
    let width = (ui.available_width() - 24.0) / 3.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        super::column(ui, width, |ui| {
            Empty::new(Icon::ChartLine, "Training runs and their curves appear here.")
                .action("Start training", "")
                .link("Review data first")
                .show(ui);
        });
        super::column(ui, width, |ui| {
            show::card(ui, |ui| {
                text::small_strong(ui, "ROC, test split");
                text::note(ui, "scoring 1\u{2009}409 rows");
                show::skeleton(ui, vec2(ui.available_width(), 32.0));
                show::progress(ui, "Scoring", Some(874.0 / 1409.0), "874 / 1\u{2009}409");
                text::note(ui, "2 s left");
            });
        });
        super::column(ui, width, |ui| {
            show::failed(
                ui,
                "Calibration",
                "No curve: slice has one class",
                "0 of 16 customers churned; both classes are needed. Widen the slice.",
            );
        });
    });
}

pub(super) fn figures(ui: &mut Ui) {
    section(ui, "Headline figures", "test split, n = 1\u{2009}409");
    show::figures(
        ui,
        vec![
            Figure::new("Expected cost per 1\u{2009}000", "451")
                .better(Better::Lower)
                .line("95 % 398–507")
                .compared(Status::Ok, "876 less than doing nothing"),
            Figure::new("ROC AUC", "0.843")
                .better(Better::Higher)
                .line("95 % 0.822–0.866")
                .line("1.2.0: 0.836"),
            Figure::new("Latency p50", "0.63").unit("ms").better(Better::Lower).line("REST, one row"),
            Figure::new("Labels arrived", fmt::MISSING).line("none due yet"),
        ],
    );
    gap(ui);
}

pub(super) fn toasts(ui: &mut Ui) {
    section(ui, "Code, progress", "");
    show::code_with_copy(
        ui,
        "Command",
        "modelyard train telco-churn.modelyard\n  --family boosting\n  --param trees=600",
    );
    show::progress(ui, "Training run 15", Some(0.45), "27 / 60");
    gap(ui);
}

pub(super) fn palette(ui: &mut Ui, state: &mut GalleryState) {
    section(ui, "Palette", "600 wide over a dimmed view");
    let entries = entries();
    let t = tokens(ui);
    Frame::new().fill(t.surface).stroke(paint::border(ui)).corner_radius(RADIUS_DIALOG).show(ui, |ui| {
        state.palette.content(ui, &entries);
    });
    gap(ui);
}

pub(super) fn entries() -> [Entry<'static>; 5] {
    [
        entry("Commands", Icon::Package, "Package run 14", "opens Package", "Ctrl+Enter"),
        entry("Commands", Icon::ShieldCheck, "Verify a package…", "any .modelpack file", ""),
        entry("Commands", Icon::Copy, "Copy as command", "modelyard package telco-churn.modelyard", ""),
        Entry {
            enabled: false,
            ..entry("Commands", Icon::Crown, "Unpack and promote", "no version is in canary", "")
        },
        entry("Places and objects", Icon::Package, "Package", "place", "Ctrl+6"),
    ]
}

fn entry<'a>(group: &'a str, icon: Icon, label: &'a str, hint: &'a str, shortcut: &'a str) -> Entry<'a> {
    Entry { group, icon, label, hint, shortcut, enabled: true }
}

pub(super) fn values(ui: &mut Ui) {
    section(ui, "Marks and values", "");
    let t = tokens(ui);
    let width = (ui.available_width() - 24.0) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 24.0;
        super::column(ui, width, |ui| {
            show::key_values(
                ui,
                [
                    ("Missing", "0".to_owned()),
                    ("Mean", fmt::fixed(64.76, 2)),
                    ("SHA-256", "3df6d4e742811174".to_owned()),
                ],
            );
            show::key_text(ui, "Data", "1 file, in place, unchanged");
            marks::score_bar(ui, "Probability", 0.782, Some(0.167));
            marks::share_bar(
                ui,
                "Traffic",
                &[(0.9, t.series(0), "champion 1.2.0"), (0.1, t.series(1), "canary 1.3.0")],
            );
        });
        super::column(ui, width, |ui| {
            let bars = [
                ("Contract", 0.88),
                ("tenure = 3", 0.52),
                ("TechSupport = No", 0.25),
                ("PaymentMethod", -0.14),
            ];
            let list: Vec<marks::Bar> = bars
                .iter()
                .map(|(label, value)| marks::Bar::new(*label, *value, fmt::difference(*value, 2)))
                .collect();
            marks::bar_list(ui, "Reasons", (120.0, 20.0), &list);
            ui.horizontal(|ui| {
                let stacked = Histogram::new(
                    Bars::Stacked,
                    vec![vec![5.0, 3.0, 2.0, 4.0, 6.0], vec![2.0, 1.0, 2.0, 1.0, 1.0]],
                );
                marks::mini_histogram(ui, "Distribution of tenure", vec2(100.0, 18.0), &stacked);
                let two = Histogram::new(
                    Bars::Outlined,
                    vec![vec![5.0, 3.0, 2.0, 4.0, 6.0], vec![2.0, 4.0, 5.0, 4.0, 1.0]],
                );
                marks::mini_histogram(ui, "Reference and now", vec2(80.0, 18.0), &two);
                marks::sparkline(ui, "Requests", vec2(80.0, 18.0), &[3.0, 4.0, 2.0, f64::NAN, 5.0, 6.0, 4.0]);
            });
        });
    });
}
