//! Start: where the project stands in the loop, its goal, recent projects, samples, and where to drop a
//! file.

use crate::{
    head::{self, Head},
    layout::{self, Side},
    words,
};
use yard_state::{
    actions::{Action, Pick},
    command::UiCommand,
    next::{self, Stage, StageState},
    route::Place,
    state::StudioState,
};
use yard_types::evaluation::ExpectedCost;
use yard_ui::{Icon, PathField, Status, Type, fmt, marks, paint, section, space, table, text, tokens};

/// What Start keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    path: String,
    /// The keyboard was put on the path field.
    greeted: bool,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    head_ui(ui, state);
    if state.open {
        section(ui, "Loop", "from the decision to the endpoint and back");
        loop_strip(ui, state);
        ui.add_space(space::S24);
        goal_and_cost(ui, state);
        ui.add_space(space::S24);
    } else {
        welcome(ui);
    }
    recent_ui(ui, state);
    ui.add_space(space::S24);
    samples_and_drop(ui, state, view);
}

fn head_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let step = next::next_step(state);
    let (title, context, primary, icon) = if state.open {
        let decision = state.project.frame.as_ref().map_or("", |frame| frame.decision.as_str());
        let context = if decision.is_empty() { "no decision stated yet" } else { decision };
        (state.project.name.clone(), context.to_owned(), step.label, place_icon(step.place))
    } else {
        let context = "Frame the decision, train, deploy and watch a model, on this machine".to_owned();
        ("Modelyard".to_owned(), context, "Import data…".to_owned(), Icon::DownloadSimple)
    };
    let mut others = vec![(UiCommand::OpenProject, Icon::FolderOpen)];
    if state.open {
        others.push((UiCommand::ImportData, Icon::DownloadSimple));
    }
    head::show(ui, state, &Head { title: &title, context, primary, icon, others });
}

/// Icon of a place, as in the rail.
pub(crate) fn place_icon(place: Place) -> Icon {
    match place {
        Place::Start => Icon::House,
        Place::Frame => Icon::Target,
        Place::Data => Icon::Table,
        Place::Train => Icon::ChartLine,
        Place::Evaluate => Icon::Crosshair,
        Place::Package => Icon::Package,
        Place::Deploy => Icon::RocketLaunch,
        Place::Monitor => Icon::Pulse,
        Place::Registry => Icon::GitBranch,
        Place::Settings => Icon::Gear,
        Place::Help => Icon::Question,
    }
}

/// Status of a stage, for its icon.
pub(crate) fn stage_status(stage: StageState) -> Status {
    match stage {
        StageState::Blank => Status::Idle,
        StageState::Running => Status::Running,
        StageState::Attention => Status::Warn,
        StageState::Done => Status::Ok,
    }
}

fn welcome(ui: &mut egui::Ui) {
    text::paragraph(
        ui,
        "Most models die between the notebook and production. Here one file holds the decision, the data's \
         profile, every run, the package, the endpoint and what it does out there. Open a sample to see a whole \
         loop, or import a table of your own.",
    );
    ui.add_space(space::S24);
}

/// Eight stages, each a link to its place.
fn loop_strip(ui: &mut egui::Ui, state: &mut StudioState) {
    let t = tokens(ui);
    let places = &Place::ALL[1..];
    let width = ui.available_width() / places.len() as f32;
    let (whole, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 92.0), egui::Sense::hover());
    ui.painter().rect(
        whole,
        egui::CornerRadius::same(space::RADIUS_CARD),
        t.bg,
        egui::Stroke::new(1.0 / ui.pixels_per_point(), t.border),
        egui::StrokeKind::Inside,
    );
    for (at, place) in places.iter().enumerate() {
        let left = whole.left() + width * at as f32;
        let rect =
            egui::Rect::from_min_size(egui::pos2(left, whole.top()), egui::vec2(width, whole.height()));
        if at > 0 {
            ui.painter().vline(
                left,
                whole.y_range(),
                egui::Stroke::new(1.0 / ui.pixels_per_point(), t.border),
            );
        }
        let stage = next::stage(state, *place);
        if stage_ui(ui, rect, &stage) {
            state.ask(Action::Go(*place));
        }
    }
}

fn stage_ui(ui: &mut egui::Ui, rect: egui::Rect, stage: &Stage) -> bool {
    let t = tokens(ui);
    let id = ui.scope_id().with(("stage", stage.place.label()));
    let response = ui.interact(rect, id, egui::Sense::click());
    let name = format!("{} stage: {}, {}", stage.place.label(), stage.fact, stage.state.word());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Link, true, name.as_str()));
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink(1.0), egui::CornerRadius::same(space::RADIUS_CONTROL), t.hover);
    }
    let inner = rect.shrink2(egui::vec2(8.0, 10.0));
    let painter = ui.painter().with_clip_rect(rect);
    let look = yard_ui::icon::Look::Regular;
    let centre = egui::pos2(inner.left() + 8.0, inner.top() + 9.0);
    yard_ui::icon::paint(&painter, centre, place_icon(stage.place), 16.0, t.text_2, look);
    let title = egui::pos2(inner.left() + 20.0, inner.top() + 9.0);
    paint::text_at(&painter, title, egui::Align2::LEFT_CENTER, stage.place.label(), Type::Strong, t.text);
    let fact =
        paint::wrapped(&painter, &stage.fact, Type::Caption, t.text_2, inner.width(), egui::Align::Min);
    paint::galley_at(&painter, egui::pos2(inner.left(), inner.top() + 24.0), egui::Align2::LEFT_TOP, fact);
    let status = stage_status(stage.state);
    let below = egui::pos2(inner.left() + 7.0, inner.bottom() - 6.0);
    yard_ui::icon::paint(&painter, below, status.icon(), 14.0, status.colour(t), look);
    let word = egui::pos2(inner.left() + 18.0, inner.bottom() - 6.0);
    paint::text_at(
        &painter,
        word,
        egui::Align2::LEFT_CENTER,
        stage.state.word(),
        Type::Caption,
        status.colour(t),
    );
    paint::focus_ring(ui, rect.shrink(1.0), space::RADIUS_CONTROL, &response);
    response.on_hover_text(format!("Go to {}", stage.place.label())).clicked()
}

fn goal_and_cost(ui: &mut egui::Ui, state: &StudioState) {
    let left = 352.0_f32.min(ui.available_width() * 0.45);
    layout::two(ui, left, space::S48, |ui, side| match side {
        Side::Left => goal_ui(ui, state),
        Side::Right => cost_ui(ui, state),
    });
}

fn goal_ui(ui: &mut egui::Ui, state: &StudioState) {
    section(ui, "Goal", "");
    let project = &state.project;
    let Some(frame) = &project.frame else {
        text::paragraph(ui, "Choose a target on Frame: what is predicted, for which decision, at what cost.");
        return;
    };
    let unit = |value: f64| format!("{} {}", words::amount(value), frame.cost_unit);
    yard_ui::key_text(ui, "Unit", if frame.unit.is_empty() { "one row" } else { &frame.unit });
    yard_ui::key_text(ui, "Target", &frame.target);
    if let Some(costs) = frame.costs {
        yard_ui::key_text(ui, "False alarm", &unit(costs.false_positive));
        yard_ui::key_text(ui, "Missed", &unit(costs.false_negative));
    }
    yard_ui::key_text(ui, "Metric", words::metric_label(&frame.metric));
    let evaluation = state.chosen_model().and_then(|model| project.evaluation(model.id, "test"));
    if let Some((value, evaluation)) =
        evaluation.and_then(|evaluation| Some((evaluation.metrics.get(&frame.metric)?, evaluation)))
    {
        yard_ui::key_text(ui, "Kept model, test", &words::metric_interval(&frame.metric, value));
        yard_ui::key_text(ui, "Rows looked at", &fmt::count(evaluation.rows));
    }
    if let Some(budget) = frame.latency_budget_ms {
        yard_ui::key_text(ui, "Latency, at most", &format!("{} ms", fmt::significant(budget, 3)));
    }
}

fn cost_ui(ui: &mut egui::Ui, state: &StudioState) {
    let project = &state.project;
    let found = state.chosen_model().and_then(|model| project.evaluation(model.id, "test"));
    let Some((evaluation, cost)) = found.and_then(|own| Some((own, own.expected_cost.as_ref()?))) else {
        activity_ui(ui, state);
        return;
    };
    let unit = project.frame.as_ref().map_or("rows", |frame| frame.unit.as_str());
    let saved = (cost.do_nothing - cost.model.value) * 1000.0;
    let title = if saved > 0.0 {
        format!(
            "Expected cost: the model saves {} per 1 000 against doing nothing",
            fmt::significant(saved, 3)
        )
    } else {
        "Expected cost per 1 000".to_owned()
    };
    let note = format!(
        "lower is better; test split, n = {} {unit}s; line 95 % bootstrap",
        fmt::count(evaluation.rows)
    );
    text::small_strong(ui, title);
    text::note(ui, note);
    ui.add_space(space::S8);
    let bars = cost_bars(ui, cost);
    marks::bar_list(ui, "expected cost per 1 000", (112.0, 28.0), &bars);
}

fn cost_bars(ui: &egui::Ui, cost: &ExpectedCost) -> Vec<marks::Bar> {
    let t = tokens(ui);
    let thousand = |value: f64| fmt::count((value * 1000.0).round().max(0.0) as u64);
    let plain = |label: &str, value: f64| {
        marks::Bar::new(label, value.max(0.0) * 1000.0, thousand(value)).colour(t.neutral_mark)
    };
    let mut bars = vec![plain("Do nothing", cost.do_nothing), plain("Act on all", cost.always)];
    if let Some(rule) = &cost.best_rule {
        bars.push(plain("Best single rule", rule.cost));
    }
    let mut model =
        marks::Bar::new("Kept model", cost.model.value.max(0.0) * 1000.0, thousand(cost.model.value))
            .colour(t.series(0));
    if let (Some(low), Some(high)) = (cost.model.low, cost.model.high) {
        model = model.interval(low * 1000.0, high * 1000.0);
    }
    bars.push(model);
    bars
}

/// The last events, for projects without a cost to show.
fn activity_ui(ui: &mut egui::Ui, state: &StudioState) {
    section(ui, "Activity", "newest first");
    for record in state.events.iter().rev().take(6) {
        let sentence = crate::registry::event_words(&record.body);
        yard_ui::key_value(ui, &sentence, &words::clock(&record.at));
    }
}

fn recent_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Recent projects", "");
    if state.recent.is_empty() {
        text::paragraph(ui, "Projects that you open appear here with their state.");
        return;
    }
    let columns = [
        table::Column::new("Project", 160.0),
        table::Column::new("State", 112.0),
        table::Column::rest("Target", 96.0),
        table::Column::new("Metric", 120.0),
        table::Column::new("Test", 64.0).right(),
        table::Column::new("n", 56.0).right(),
        table::Column::new("Opened, UTC", 124.0).right(),
        table::Column::new("Pinned", 56.0),
        table::Column::new("Beside", 92.0),
    ];
    let recent = &state.recent;
    let open = recent.iter().position(|own| state.open && own.path == state.path);
    let response = table::Table::new("Recent projects", &columns)
        .rows(recent.len())
        .height(table_height(recent.len().min(6)))
        .selected(open)
        .show(ui, |row, column| {
            let own = &recent[row];
            match column {
                0 => table::Cell::text(own.name.as_str()),
                1 => table::Cell::status(state_status(&own.state), own.state.as_str()),
                2 => table::Cell::text(own.target.as_str()),
                3 => table::Cell::text(own.metric.as_str()),
                4 => table::Cell::number_opt(own.value.map(fmt::metric)),
                5 if own.rows == 0 => table::Cell::missing(),
                5 => table::Cell::number(fmt::count(own.rows)),
                6 => table::Cell::muted(words::date_time(&own.opened_at)),
                7 => table::Cell::link(if own.pinned { "Unpin" } else { "Pin" }),
                _ => table::Cell::link("New window"),
            }
        });
    let cell = response.cell.and_then(|(row, column)| Some((state.recent.get(row)?.path.clone(), column)));
    if let Some((path, column)) = cell.filter(|(_, column)| *column >= 7) {
        match column {
            7 => state.toggle_pin(&path),
            _ => state.ask(Action::NewWindow(Some(path.into()))),
        }
        return;
    }
    if let Some(path) = response.activated.and_then(|row| state.recent.get(row)).map(|own| own.path.clone()) {
        state.ask(Action::OpenProject(path.into()));
    }
}

/// Height of a table with a header and this many rows.
pub(crate) fn table_height(rows: usize) -> f32 {
    space::ROW * (rows as f32 + 1.0)
}

fn state_status(words: &str) -> Status {
    match words {
        "deployed" => Status::Ok,
        "canary" => Status::Running,
        _ => Status::Idle,
    }
}

fn samples_and_drop(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let width = (ui.available_width() - space::S24) / 2.0;
    layout::two(ui, width, space::S24, |ui, side| match side {
        Side::Left => samples_ui(ui, state),
        Side::Right => drop_ui(ui, state, view),
    });
}

fn samples_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Samples", "each opens as a project of its own");
    for sample in state.samples.clone() {
        ui.horizontal(|ui| {
            yard_ui::icon(ui, Icon::Cube);
            text::body(ui, sample.title.as_str());
            text::secondary(ui, sample.facts.as_str());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if text::link(ui, format!("Open {}", sample.title)).clicked() {
                    state.ask(Action::OpenSample(sample.name.clone()));
                }
            });
        });
    }
}

fn drop_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let dropped = yard_ui::show::drop_target(
        ui,
        "Drop a CSV or Parquet file anywhere",
        "it is read in place; nothing leaves this machine",
    );
    if dropped.clicked() {
        state.ask(Action::Pick(Pick::Data));
    }
    ui.add_space(space::S8);
    let first = ui.memory(|memory| memory.focused().is_none()) && !view.greeted && !state.open;
    let typed =
        PathField::new("Path of a data or project file", &mut view.path).hint("or type a path").show(ui);
    if first {
        // The first act of a new user is to name a file: the keyboard starts there.
        typed.field.request_focus();
    }
    view.greeted = true;
    if typed.browse {
        state.ask(Action::Pick(Pick::Data));
    }
    let entered = typed.field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if entered && !view.path.trim().is_empty() {
        state.ask(Action::ImportData(view.path.trim().into()));
    }
}

/// Draws the inspector: the project file and what happened last.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    if !state.open {
        text::note(ui, "Project");
        text::strong(ui, "None open");
        yard_ui::divider(ui, space::S12);
        text::paragraph(ui, "Everything the window does, the command line does too.");
        ui.add_space(space::S12);
        crate::command_line::show(ui, state, "modelyard demo");
        return;
    }
    text::note(ui, "Project");
    text::strong(ui, crate::command_line::project_file(state));
    yard_ui::divider(ui, space::S12);
    text::small_strong(ui, "File");
    yard_ui::key_value(ui, "Events", &fmt::count(state.project.seq));
    yard_ui::key_text(ui, "Last change, UTC", &words::date_time(&state.project.changed_at));
    let access = if state.read_only { "read-only" } else { "saved, this window writes" };
    yard_ui::key_text(ui, "Access", access);
    yard_ui::divider(ui, space::S12);
    text::small_strong(ui, "Activity");
    for record in state.events.iter().rev().take(8) {
        yard_ui::key_value(ui, &crate::registry::event_words(&record.body), &words::clock(&record.at));
    }
    yard_ui::divider(ui, space::S12);
    let line = format!("modelyard {}", crate::command_line::project_file(state));
    crate::command_line::show(ui, state, &line);
}
