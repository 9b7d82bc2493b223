//! Draws the gallery and the window in both themes, writes the pictures for the eye, and checks what
//! a reader of roles and names finds.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use egui::{Role, Vec2, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

use crate::{
    Theme, apply,
    gallery::{self, GalleryState},
    shell::ShellState,
};

#[derive(Default)]
struct State {
    gallery: GalleryState,
    shell: ShellState,
    clicked: Option<crate::ShellEvent>,
    toasts: crate::Toasts,
    asked: bool,
    answer: Option<crate::Answer>,
    palette: crate::Palette,
    chosen: Option<usize>,
}

fn theme_of(dark: bool) -> Theme {
    if dark { Theme::Dark } else { Theme::Light }
}

fn harness(
    size: Vec2,
    dark: bool,
    draw: impl Fn(&mut egui::Ui, &mut State) + 'static,
) -> Harness<'static, State> {
    let mut harness = Harness::builder().with_size(size).wgpu().build_ui_state(
        move |ui, state: &mut State| {
            apply(ui.ctx(), theme_of(dark));
            draw(ui, state);
        },
        State::default(),
    );
    harness.run_ok();
    harness
}

fn padded(ui: &mut egui::Ui, content: impl FnOnce(&mut egui::Ui)) {
    let t = crate::tokens(ui);
    let frame = egui::Frame::new().fill(t.surface).inner_margin(24);
    egui::CentralPanel::no_frame().frame(frame).show(ui, content);
}

/// `target/tmp`, three folders above the test program; cargo names it only to integration tests.
fn target_tmp() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().join("tmp")
}

/// Writes the picture beside the other outputs of the tests.
fn save(harness: &mut Harness<'_, State>, name: &str, dark: bool) {
    let image = harness.render().unwrap();
    let folder = target_tmp().join("yard_ui");
    std::fs::create_dir_all(&folder).unwrap();
    let theme = if dark { "dark" } else { "light" };
    image.save(folder.join(format!("{name}-{theme}.png"))).unwrap();
    // The harness leaves 8 points around what it draws.
    let corner = image.get_pixel(20, image.height() - 20);
    assert_eq!(corner[0] < 128, dark, "ground of {name}, {theme}: {corner:?}");
}

#[test]
fn controls_in_both_themes() {
    for dark in [false, true] {
        let mut harness = harness(vec2(1440.0, 1160.0), dark, |ui, state| {
            padded(ui, |ui| gallery::gallery(ui, &mut state.gallery));
        });
        save(&mut harness, "kit", dark);
        for (role, name) in [
            (Role::Button, "Start training"),
            (Role::Button, "Notifications, 3 new"),
            (Role::TextInput, "Latency, at most"),
            (Role::ComboBox, "Family"),
            (Role::TextInput, "Unit"),
            (Role::RadioButton, "ROC"),
            (Role::Slider, "Threshold"),
            (Role::CheckBox, "Same share of each class in every split"),
            (Role::Button, "target"),
            (Role::ColumnHeader, "ROC AUC"),
            (Role::ProgressIndicator, "Training run 15"),
            (Role::ListBoxOption, "Package run 14"),
            (Role::Meter, "Probability"),
            (Role::Link, "Review data first"),
        ] {
            assert!(harness.query_all_by_role_and_label(role, name).next().is_some(), "{role:?} {name}");
        }
        assert!(harness.get_by_role_and_label(Role::Button, "Promote 1.3.0").accesskit_node().is_disabled());
        assert_eq!(
            harness.get_by_role_and_label(Role::ComboBox, "Family").value().as_deref(),
            Some("boosting")
        );
    }
}

#[test]
fn lists_in_both_themes() {
    for dark in [false, true] {
        let mut harness = harness(vec2(1200.0, 880.0), dark, |ui, state| {
            padded(ui, |ui| gallery::lists(ui, &mut state.gallery));
        });
        save(&mut harness, "lists", dark);
        harness.get_by_role_and_label(Role::Link, "calibration").click();
        harness.run_ok();
        assert_eq!(harness.state().gallery.link, "calibration.md");
    }
}

#[test]
fn more_plots_and_the_grid_in_both_themes() {
    for dark in [false, true] {
        let mut plots = harness(vec2(1440.0, 740.0), dark, |ui, _| padded(ui, gallery::more_plots));
        save(&mut plots, "plots-more", dark);
        for name in ["Correlation of the numbers", "Effects on the score", "Trials of the search"] {
            assert!(plots.query_by_role_and_label(Role::Figure, name).is_some(), "{name}");
        }
        let mut grid = harness(vec2(1200.0, 560.0), dark, |ui, state| {
            padded(ui, |ui| drop(gallery::grid(ui, &mut state.gallery)));
        });
        save(&mut grid, "grid", dark);
        assert!(grid.query_by_role_and_label(Role::ColumnHeader, "category 1, category").is_some());
    }
}

#[test]
fn high_contrast_touch_and_reduced_motion_are_respected() {
    for dark in [false, true] {
        let mut harness = harness(vec2(1440.0, 1160.0), dark, |ui, state| {
            crate::high_contrast(ui.ctx(), true);
            crate::touch(ui.ctx(), true);
            crate::reduce_motion(ui.ctx(), true);
            padded(ui, |ui| gallery::gallery(ui, &mut state.gallery));
        });
        save(&mut harness, "kit-contrast", dark);
        let button = harness.get_by_role_and_label(Role::Button, "Compare runs").rect();
        let field = harness.get_by_role_and_label(Role::ComboBox, "Family").rect();
        assert_eq!((button.height(), field.height()), (32.0, 32.0));
    }
}

#[test]
fn plots_in_both_themes() {
    for dark in [false, true] {
        let mut harness = harness(vec2(1440.0, 1060.0), dark, |ui, state| {
            padded(ui, |ui| gallery::plots(ui, &mut state.gallery));
        });
        save(&mut harness, "plots", dark);
        for name in ["ROC, true positive rate", "Calibration, observed churn rate", "Requests per hour"] {
            assert!(harness.query_by_role_and_label(Role::Figure, name).is_some(), "{name}");
        }
        harness.get_by_label("FN, churned no offer: 45, 45 × 5 = 225").click();
        harness.get_by_label("run 9, boosting").click();
        harness.run_ok();
        assert_eq!(harness.state().gallery.cell, Some((1, 0)));
        assert_eq!(harness.state().gallery.node, Some(3));
    }
}

#[test]
fn window_in_both_themes_and_sizes() {
    for (name, size) in [("window", vec2(1440.0, 900.0)), ("window-small", vec2(1024.0, 680.0))] {
        for dark in [false, true] {
            let mut harness = harness(size, dark, |ui, state| {
                let response = gallery::window(ui, &mut state.shell, &mut state.gallery);
                state.clicked = response.event.or(state.clicked);
            });
            save(&mut harness, name, dark);
            for place in ["Start", "Train, running", "Monitor, attention", "Registry"] {
                assert!(harness.query_by_role_and_label(Role::Button, place).is_some(), "{place}");
            }
            harness.get_by_role_and_label(Role::Button, "Evaluate, done").click();
            harness.run_ok();
            assert_eq!(harness.state().clicked, Some(crate::ShellEvent::Place(4)));
        }
    }
}

#[test]
fn overlays_in_both_themes() {
    for dark in [false, true] {
        let mut harness = harness(vec2(1100.0, 800.0), dark, |ui, state| {
            gallery::window(ui, &mut state.shell, &mut state.gallery);
            state.answer = gallery::overlays(ui.ctx(), &mut state.toasts, state.asked).or(state.answer);
        });
        save(&mut harness, "toasts", dark);
        assert!(harness.query_by_label_contains("edge-01 can't be reached").is_some());
        harness.state_mut().asked = true;
        harness.run_ok();
        save(&mut harness, "dialog", dark);
        assert!(harness.get_by_role_and_label(Role::Button, "Keep").is_focused());
        harness.key_press(egui::Key::Escape);
        harness.run_ok();
        assert_eq!(harness.state().answer, Some(crate::Answer::Cancelled));
        harness.state_mut().asked = false;
        harness.state_mut().shell.inspector_over = true;
        harness.run_ok();
        let plot = harness.get_by_role_and_label(Role::Figure, "Log loss, nats, lower is better").rect();
        harness.hover_at(plot.center());
        harness.run_ok();
        save(&mut harness, "over", dark);
        assert!(harness.query_all_by_label("Run 15, mlp").count() > 1);
    }
}

#[test]
fn palette_runs_the_chosen_entry_by_keyboard() {
    let mut harness = harness(vec2(1100.0, 700.0), false, |ui, state| {
        gallery::window(ui, &mut state.shell, &mut state.gallery);
        state.chosen = gallery::palette_over(ui.ctx(), &mut state.palette).or(state.chosen);
    });
    harness.state_mut().palette.open();
    harness.run_ok();
    harness.get_by_role_and_label(Role::TextInput, "Search or run a command").type_text("verify");
    harness.run_ok();
    save(&mut harness, "palette", false);
    harness.key_press(egui::Key::Enter);
    harness.run_ok();
    assert_eq!(harness.state().chosen, Some(1));
    assert!(!harness.state().palette.is_open());
    harness.state_mut().palette.open();
    harness.run_ok();
    harness.key_press(egui::Key::ArrowDown);
    harness.key_press(egui::Key::ArrowDown);
    harness.run_ok();
    harness.key_press(egui::Key::Escape);
    harness.run_ok();
    assert!(!harness.state().palette.is_open());
}

/// Every page of the gallery.
fn page(ui: &mut egui::Ui, state: &mut State, page: usize) {
    match page {
        0 => padded(ui, |ui| gallery::gallery(ui, &mut state.gallery)),
        1 => padded(ui, |ui| gallery::lists(ui, &mut state.gallery)),
        2 => padded(ui, |ui| gallery::plots(ui, &mut state.gallery)),
        3 => padded(ui, gallery::more_plots),
        4 => padded(ui, |ui| drop(gallery::grid(ui, &mut state.gallery))),
        _ => drop(gallery::window(ui, &mut state.shell, &mut state.gallery)),
    }
}

#[test]
fn no_control_is_without_a_name() {
    for at in 0..6 {
        let mut harness = Harness::builder().with_size(vec2(1440.0, 1160.0)).build_ui_state(
            move |ui, state: &mut State| {
                apply(ui.ctx(), Theme::Light);
                page(ui, state, at);
            },
            State::default(),
        );
        harness.run_ok();
        let controls = [
            Role::Button,
            Role::Link,
            Role::TextInput,
            Role::ComboBox,
            Role::CheckBox,
            Role::RadioButton,
            Role::Slider,
            Role::Tab,
            Role::TreeItem,
            Role::ListBoxOption,
            Role::Row,
            Role::Table,
            Role::Grid,
            Role::Figure,
            Role::ProgressIndicator,
        ];
        let mut count = 0;
        for node in harness.query_all_by(|node| controls.contains(&node.role())) {
            let node = node.accesskit_node();
            let named = node.label().is_some_and(|label| !label.trim().is_empty());
            assert!(named, "page {at}: {:?} at {:?}", node.role(), node.bounding_box());
            count += 1;
        }
        assert!(count >= 6, "page {at}: {count} controls");
    }
}

#[test]
fn fields_are_worked_by_keyboard() {
    let mut harness = harness(vec2(1440.0, 900.0), false, |ui, state| {
        padded(ui, |ui| gallery::gallery(ui, &mut state.gallery));
    });
    let replace = |harness: &mut Harness<'_, State>, name: &str, text: &str| {
        harness.get_by_role_and_label(Role::TextInput, name).focus();
        harness.run_ok();
        harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        harness.get_by_role_and_label(Role::TextInput, name).type_text(text);
        harness.run_ok();
    };
    replace(&mut harness, "Latency, at most", "256 * 2");
    save(&mut harness, "arithmetic", false);
    harness.key_press(egui::Key::Enter);
    harness.run_ok();
    assert_eq!(harness.state().gallery.cost, 512.0);
    replace(&mut harness, "Trees", "9000");
    assert!(harness.query_by_label("1 to 500 expected").is_some());
    harness.key_press(egui::Key::Enter);
    harness.run_ok();
    assert_eq!(harness.state().gallery.trees, 600, "a refused number changes nothing");
    replace(&mut harness, "ROC AUC, at least", "0.8");
    harness.key_press(egui::Key::Tab);
    harness.run_ok();
    assert_eq!(harness.state().gallery.floor, Some(0.8));
    harness.get_by_role_and_label(Role::ComboBox, "Family").focus();
    harness.run_ok();
    harness.key_press(egui::Key::ArrowDown);
    harness.run_ok();
    assert_eq!(harness.state().gallery.family, 2);
    harness.get_by_role_and_label(Role::ComboBox, "Family").click();
    harness.run_ok();
    harness.get_by_role_and_label(Role::MenuItemRadio, "linear").click();
    harness.run_ok();
    assert_eq!(harness.state().gallery.family, 0);
    harness.get_by_role_and_label(Role::RadioButton, "PR").click();
    harness.get_by_role_and_label(Role::CheckBox, "Same share of each class in every split").click();
    harness.run_ok();
    assert_eq!((harness.state().gallery.segment, harness.state().gallery.stratified), (1, false));
}

#[test]
fn tab_walks_through_the_controls_in_reading_order() {
    let mut harness = harness(vec2(1440.0, 1160.0), false, |ui, state| {
        padded(ui, |ui| gallery::gallery(ui, &mut state.gallery));
    });
    let mut seen = Vec::new();
    for _ in 0..14 {
        harness.key_press(egui::Key::Tab);
        harness.run_ok();
        let focused = harness
            .query_all_by(|node| node.is_focused())
            .next()
            .and_then(|node| node.accesskit_node().label());
        seen.push(focused.unwrap_or_default());
    }
    let expected = [
        "Start training",
        "Compare runs",
        "Explain",
        "Delete run 12",
        "Package run 14",
        "Last 24 h",
        "Copy",
        "Download",
        "Notifications, 3 new",
        "Inspector",
        "Latency, at most",
        "Family",
        "Unit",
        "File",
    ];
    assert_eq!(seen, expected, "controls that are off are passed over");
}

#[test]
fn window_at_one_and_a_half() {
    let mut harness =
        Harness::builder().with_size(vec2(960.0, 600.0)).with_pixels_per_point(1.5).wgpu().build_ui_state(
            |ui, state: &mut State| {
                apply(ui.ctx(), Theme::Light);
                gallery::window(ui, &mut state.shell, &mut state.gallery);
            },
            State::default(),
        );
    harness.run_ok();
    save(&mut harness, "window-150", false);
    let primary = harness.get_by_role_and_label(Role::Button, "Start training").rect();
    assert!(primary.right() <= 960.0 && primary.width() > 100.0, "{primary:?}");
}
