//! Settings: what this user prefers. Each change is applied at once, kept without a Save button, and
//! undone by Ctrl+Z. Knows nothing about where the settings are stored; the binary does that.

use crate::{
    head::{self, Head},
    layout::{self, Side},
};
use yard_state::{
    actions::Action,
    next,
    settings::{Settings, ThemeChoice, ZOOM},
    state::StudioState,
};
use yard_ui::{Form, Icon, NumberField, Segmented, Select, fmt, section, space, text};

/// Width of the labels.
const LABEL: f32 = 136.0;

/// Applies settings to the toolkit: theme, contrast, zoom, motion.
pub(crate) fn apply(ctx: &egui::Context, settings: &Settings) {
    let theme = match settings.theme {
        ThemeChoice::System => yard_ui::Theme::System,
        ThemeChoice::Light => yard_ui::Theme::Light,
        ThemeChoice::Dark => yard_ui::Theme::Dark,
    };
    yard_ui::apply(ctx, theme);
    yard_ui::high_contrast(ctx, settings.high_contrast);
    yard_ui::reduce_motion(ctx, settings.reduced_motion);
    yard_ui::touch(ctx, settings.touch);
    ctx.set_zoom_factor(settings.zoom);
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    let step = next::next_step(state);
    let head = Head {
        title: "Settings",
        context: "Of this user, for all projects; applied and kept at once, Ctrl+Z takes a change back"
            .to_owned(),
        primary: format!("Go to {}", step.place.label()),
        icon: Icon::ArrowRight,
        others: Vec::new(),
    };
    head::show(ui, state, &head);
    let width = (ui.available_width() - space::S48) / 2.0;
    layout::two(ui, width, space::S48, |ui, side| match side {
        Side::Left => {
            appearance_ui(ui, state);
            ui.add_space(space::S24);
            control_ui(ui, state);
        }
        Side::Right => {
            work_ui(ui, state);
            ui.add_space(space::S24);
            files_ui(ui, state);
        }
    });
}

fn appearance_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Appearance", "both themes show the same");
    let words = ThemeChoice::ALL.map(ThemeChoice::word);
    let mut index = ThemeChoice::ALL.iter().position(|own| *own == state.settings.theme).unwrap_or(0);
    let response = Form::new(LABEL).value(ui, "Theme", |ui| Segmented::new(&mut index, &words).show(ui));
    let changed = response.changed();
    response.on_hover_text("System follows the desktop, also when it changes at dusk");
    if changed {
        state.change_settings("theme", |own| own.theme = ThemeChoice::ALL[index]);
    }
    let mut contrast = state.settings.high_contrast;
    let response = Form::new(LABEL)
        .row(ui, "", |ui| yard_ui::checkbox(ui, &mut contrast, "High contrast"))
        .on_hover_text("Text at 7:1 and lines at 4.5:1 on every ground (WCAG 2.2, level AAA for text)");
    if response.changed() {
        state.change_settings("high contrast", |own| own.high_contrast = contrast);
    }
    let mut percent = f64::from(state.settings.zoom * 100.0).round();
    let response = Form::new(LABEL).row(ui, "Zoom", |ui| {
        NumberField::new("Zoom", &mut percent)
            .range(f64::from(ZOOM.0) * 100.0, f64::from(ZOOM.1) * 100.0)
            .decimals(0)
            .step(10.0)
            .unit("%")
            .show(ui)
    });
    let changed = response.changed();
    response.on_hover_text("80 to 200 %; Ctrl+plus and Ctrl+minus change it by 10");
    if changed {
        let zoom = (percent / 100.0) as f32;
        state.change_settings("zoom", |own| own.zoom = zoom.clamp(ZOOM.0, ZOOM.1));
    }
}

fn control_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Motion and touch", "");
    let mut reduced = state.settings.reduced_motion;
    let response = Form::new(LABEL)
        .row(ui, "", |ui| yard_ui::checkbox(ui, &mut reduced, "Reduced motion"))
        .on_hover_text("No animations, no smooth scrolling, no blinking cursor");
    if response.changed() {
        state.change_settings("reduced motion", |own| own.reduced_motion = reduced);
    }
    let mut touch = state.settings.touch;
    let response = Form::new(LABEL)
        .row(ui, "", |ui| yard_ui::checkbox(ui, &mut touch, "Touch-friendly controls"))
        .on_hover_text("Buttons and fields 32 points high instead of 28");
    if response.changed() {
        state.change_settings("touch-friendly controls", |own| own.touch = touch);
    }
}

fn work_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Training", "");
    let mut threads = state.settings.threads.map(f64::from);
    let response = Form::new(LABEL).row(ui, "Threads", |ui| {
        NumberField::optional("Threads", &mut threads)
            .range(1.0, 1024.0)
            .decimals(0)
            .hint("all cores")
            .show(ui)
    });
    let changed = response.changed();
    response.on_hover_text("Fewer leave room for other programs; a model is the same for any number");
    if changed {
        let count = threads.map(|own| own as u32);
        state.change_settings("threads", |own| own.threads = count);
    }
    device_ui(ui, state);
}

fn device_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let mut devices = vec!["auto".to_owned()];
    devices.extend(if state.devices.is_empty() { vec!["cpu".to_owned()] } else { state.devices.clone() });
    if !devices.contains(&state.settings.device) {
        devices.push(state.settings.device.clone());
    }
    let words: Vec<&str> = devices.iter().map(String::as_str).collect();
    let mut index = words.iter().position(|own| *own == state.settings.device).unwrap_or(0);
    let response = Form::new(LABEL)
        .row(ui, "Default device", |ui| Select::new("Default device", &mut index, &words).show(ui));
    let response = response.on_hover_text("Device of new runs; auto takes a GPU for nets when there is one");
    if response.changed() {
        state.change_settings("default device", |own| own.device.clone_from(&devices[index]));
        state.drafts.train.device.clone_from(&devices[index]);
    }
    if !state.device_note.is_empty() {
        text::note(ui, state.device_note.as_str());
    }
}

fn files_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Where files live", "nothing leaves this machine");
    if state.home.is_empty() {
        text::paragraph(ui, "This window keeps no files.");
        return;
    }
    let home = state.home.clone();
    let below = |name: &str| format!("{home}/{name}");
    let rows = [
        ("Settings", below("settings.json"), "this page"),
        ("Recent projects", below("recent.json"), "the list on Start"),
        ("Samples", below("samples"), "projects of the samples"),
        ("Crash reports", below("crashes"), "kept here, sent nowhere"),
    ];
    for (name, path, what) in &rows {
        let line = yard_ui::key_text(ui, name, what);
        line.on_hover_text(path.as_str());
    }
    ui.add_space(space::S8);
    yard_ui::show::code(ui, "Folder", &home);
    ui.horizontal(|ui| {
        if text::icon_link(ui, Icon::FolderOpen, "Open folder").clicked() {
            state.ask(Action::OpenFolder(home.clone().into()));
        }
        if text::icon_link(ui, Icon::Copy, "Copy path").clicked() {
            state.ask(Action::Copy(home.clone()));
        }
    });
    text::note(ui, "The variable MODELYARD_HOME names another folder.");
}

/// Draws the inspector: what is in force, and how to set it on the command line.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    text::note(ui, "Settings");
    text::strong(ui, "In force");
    yard_ui::divider(ui, space::S12);
    let own = state.settings.clone();
    let on = |on: bool| if on { "on" } else { "off" };
    yard_ui::key_text(ui, "Theme", own.theme.word());
    yard_ui::key_text(ui, "High contrast", on(own.high_contrast));
    yard_ui::key_value(ui, "Drawn at", &fmt::percent_with(f64::from(own.zoom), 0));
    yard_ui::key_text(ui, "Reduced motion", on(own.reduced_motion));
    let threads = own.threads.map_or("all cores".to_owned(), |count| count.to_string());
    yard_ui::key_value(ui, "Threads", &threads);
    yard_ui::key_text(ui, "Default device", &own.device);
    yard_ui::divider(ui, space::S12);
    text::paragraph(ui, "Threads and device as options of the command line, for one run:");
    let file = crate::command_line::project_file(state);
    let threads = own.threads.map_or(String::new(), |count| format!(" --threads {count}"));
    let line = format!("modelyard train {file} \\\n  --device {}{threads}", own.device);
    crate::command_line::show(ui, state, &line);
}
