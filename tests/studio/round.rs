//! One round of the loop in the window, then the pictures.

use crate::driver::{Studio, click, ctrl, wait};
use egui::{Key, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use yard_state::route::Place;
use yard_tests::{place::Place as Folder, program::program, rows::sample_path};

#[test]
fn the_loop_in_the_window() {
    let folder = Folder::new();
    let mut window = Studio::new(&folder.path("."), &program("modelyard")).open();
    window.run_steps(3);
    import_and_frame(&mut window);
    train_and_package(&mut window);
    deploy_and_watch(&mut window);
    retrain_and_promote(&mut window);
    palette(&mut window);
    names(&mut window);
    pictures(&mut window);
    ctrl(&mut window, Key::Num7);
    click(&mut window, "Stop the deployment");
    wait(&mut window, "the end of the server", |state| {
        state.project.deployment.as_ref().is_some_and(|status| status.state == "stopped")
    });
}

/// Types the sample's path on Start, then chooses the target on Frame.
fn import_and_frame(window: &mut Harness<'_, Studio>) {
    let path = sample_path("penguins").display().to_string();
    let field = window.get_by_role_and_label(Role::TextInput, "Path of a data or project file");
    field.focus();
    field.type_text(&path);
    window.run_steps(3);
    window.key_press(Key::Enter);
    wait(window, "the import", |state| state.project.dataset().is_some());
    ctrl(window, Key::Num2);
    window.get_by_role_and_label(Role::ComboBox, "Target").click();
    window.run_steps(3);
    window.get_by_label("species").click();
    wait(window, "the frame", |state| state.project.frame.is_some() && !state.project.splits.is_empty());
    let frame = window.state().state.project.frame.clone().unwrap();
    assert_eq!(frame.classes, ["Adelie", "Chinstrap", "Gentoo"]);
}

/// Trains with the primary key, evaluates and packages with buttons.
fn train_and_package(window: &mut Harness<'_, Studio>) {
    ctrl(window, Key::Num4);
    ctrl(window, Key::Enter);
    wait(window, "training", |state| !state.project.models.is_empty());
    ctrl(window, Key::Num5);
    if window.state().state.project.evaluations.iter().all(|own| own.split != "test") {
        ctrl(window, Key::Enter);
    }
    wait(window, "the evaluation", |state| state.project.evaluations.iter().any(|own| own.split == "test"));
    let test =
        window.state().state.project.evaluations.iter().find(|own| own.split == "test").cloned().unwrap();
    assert!(test.metric("accuracy") > 0.9, "penguins are easy: {}", test.metric("accuracy"));
    click(window, "Package run 1");
    wait(window, "the package", |state| !state.project.packages.is_empty());
}

/// Deploys by mouse, sends traffic, reads the windows by keyboard.
fn deploy_and_watch(window: &mut Harness<'_, Studio>) {
    ctrl(window, Key::Num7);
    click(window, "Deploy version 1 to this machine");
    wait(window, "the deployment", |state| {
        state.project.deployment.as_ref().is_some_and(|status| status.state == "running")
    });
    ctrl(window, Key::Num8);
    click(window, "Send sample traffic");
    wait(window, "the traffic", |_| true);
    ctrl(window, Key::Enter);
    wait(window, "monitoring", |state| {
        state.project.monitor.as_ref().is_some_and(|report| !report.windows.is_empty())
    });
    let requests: u64 =
        window.state().state.project.monitor.as_ref().unwrap().windows.iter().map(|own| own.requests).sum();
    assert!(requests >= 1_000, "{requests} rows in the windows");
}

/// Retrains from Monitor, then promotes and rolls back on Deploy, all by mouse.
fn retrain_and_promote(window: &mut Harness<'_, Studio>) {
    click(window, "Retrain on fresh data");
    wait(window, "the retrain", |state| state.project.last_retrain.is_some());
    ctrl(window, Key::Num7);
    click(window, "Promote version 2 to champion");
    let stable = |state: &yard_state::state::StudioState| {
        state.project.deployment.as_ref().and_then(|status| status.stable.clone()).map(|own| own.model.0)
    };
    wait(window, "the promotion", |state| stable(state) == Some(2));
    click(window, "Roll back the deployment");
    wait(window, "the way back", |state| stable(state) == Some(1));
}

/// The palette finds a command by typing and runs it.
fn palette(window: &mut Harness<'_, Studio>) {
    ctrl(window, Key::K);
    window.event(egui::Event::Text("registry".to_owned()));
    window.run_steps(3);
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert_eq!(window.state().state.place, Place::Registry);
}

/// No control of any place is without a name once everything is there to be shown; what a screen reader
/// gets is kept beside the pictures.
fn names(window: &mut Harness<'_, Studio>) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("studio");
    std::fs::create_dir_all(&folder).unwrap();
    for place in Place::EVERY {
        window.state_mut().state.place = place;
        window.run_steps(4);
        let (count, bad) = crate::names::unnamed(window);
        assert!(count > 12 && bad.is_empty(), "{place:?}: {count} controls, without a name {bad:?}");
        let lines = crate::names::dump(window).join("\n");
        std::fs::write(folder.join(format!("{}.txt", place.label().to_lowercase())), lines).unwrap();
    }
}

/// One picture per place and theme, where there is a renderer.
fn pictures(window: &mut Harness<'_, Studio>) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("studio");
    std::fs::create_dir_all(&folder).unwrap();
    for place in Place::EVERY {
        for dark in [false, true] {
            window.state_mut().state.place = place;
            window.state_mut().dark = dark;
            window.run_steps(6);
            let drawn = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| window.render()));
            let Ok(Ok(image)) = drawn else {
                // No software renderer on this machine; `.ci/run` installs one.
                return;
            };
            let word = if dark { "dark" } else { "light" };
            let colours: std::collections::BTreeSet<[u8; 4]> = image.pixels().map(|pixel| pixel.0).collect();
            assert!(colours.len() > 20, "{place:?} in {word} is blank");
            image.save(folder.join(format!("{}-{word}.png", place.label().to_lowercase()))).unwrap();
        }
    }
}
