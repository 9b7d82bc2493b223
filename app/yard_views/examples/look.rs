//! Draws places from a recorded event file into the folder named by `LOOK`, for looking at them.
//!
//! `LOOK=FOLDER EVENTS=events.jsonl cargo run -p yard_views --example look`; `PLACE`, `FAMILY`, `SHOWN`, `COLUMN`,
//! `RUN`, `TALL` and `CLICK` choose what is shown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a developer's tool stops at the first fault")]

use egui_kittest::kittest::Queryable as _;
use yard_state::{
    route::Place,
    state::{Sample, StudioState},
};
use yard_views::Views;

fn state() -> StudioState {
    let mut state = StudioState::new();
    state.samples = vec![
        Sample {
            name: "telco-churn".into(),
            title: "Telco churn".into(),
            facts: "7 043 rows, 2 classes".into(),
        },
        Sample { name: "abalone".into(), title: "Abalone age".into(), facts: "4 177 rows, number".into() },
    ];
    if let Ok(file) = std::env::var("EVENTS") {
        let text = std::fs::read_to_string(&file).unwrap();
        let events: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        state.open_project("/projects/churn.modelyard", false, &events);
    }
    if let Ok(file) = std::env::var("NOTICES") {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.lines() {
            state.apply(&serde_json::from_str(line).unwrap());
        }
    }
    if let Some(family) =
        std::env::var("FAMILY").ok().and_then(|word| yard_types::run::Family::from_word(&word))
    {
        state.drafts.train.family = family;
    }
    if let Ok(runs) = std::env::var("SHOWN") {
        state.shown_runs =
            runs.split(',').filter_map(|run| run.parse().ok()).map(yard_types::ids::RunId).collect();
    }
    if let Ok(column) = std::env::var("COLUMN") {
        state.selection = yard_state::route::Selection::Column(column);
    }
    if let Some(run) = std::env::var("RUN").ok().and_then(|run| run.parse().ok()) {
        state.selection = yard_state::route::Selection::Run(yard_types::ids::RunId(run));
    }
    state
}

fn main() {
    let folder = std::env::var("LOOK").expect("LOOK names the folder of the pictures");
    let only = std::env::var("PLACE").ok().and_then(|word| Place::from_word(&word));
    for place in Place::ALL.into_iter().filter(|place| only.is_none_or(|own| own == *place)) {
        for (theme, word) in [(yard_ui::Theme::Light, "light"), (yard_ui::Theme::Dark, "dark")] {
            let tall = std::env::var("TALL")
                .ok()
                .and_then(|height| height.parse().ok())
                .map(|height| [1440.0, height]);
            for size in [[1440.0, 900.0], [1024.0, 680.0], [1200.0, 800.0]].into_iter().chain(tall) {
                let mut state = state();
                state.place = place;
                let mut views = Views::default();
                let mut harness = egui_kittest::Harness::builder()
                    .with_size(size)
                    .with_max_steps(20)
                    .wgpu()
                    .build_ui_state(
                        move |ui, state: &mut StudioState| {
                            yard_ui::apply(ui.ctx(), theme);
                            // The harness leaves a margin around its ui; the window has none.
                            let screen = ui.ctx().content_rect();
                            let mut child = ui.new_child(egui::UiBuilder::new().max_rect(screen));
                            child.set_clip_rect(screen);
                            yard_views::show(&mut child, state, &mut views);
                        },
                        state,
                    );
                harness.run_steps(6);
                if let Ok(label) = std::env::var("CLICK") {
                    harness.get_all_by_label(&label).last().unwrap().click();
                    harness.run_steps(4);
                }
                let name =
                    format!("{folder}/{}-{word}-{}x{}.png", place.label().to_lowercase(), size[0], size[1]);
                harness.render().unwrap().save(name).unwrap();
            }
        }
    }
}
