//! "Try it": one row sent to the endpoint (or scored here when nothing is deployed), as a form, as JSON
//! or as a `curl` line, with reasons that add up.

use yard_state::{actions::Action, run::model_choice, state::StudioState};
use yard_types::{command::Command, event::TryResult, schema::FieldType};
use yard_ui::{Button, Icon, Segmented, Status, TextField, fmt, marks, space, text, tokens};

/// Reasons drawn one by one.
const SHOWN: usize = 6;

/// Draws form, request and answer.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    let live = state.project.deployment.as_ref().is_some_and(|status| status.state == "running");
    let note = match state.project.deployment.as_ref().filter(|_| live) {
        Some(status) => format!("POST /v1/models/{}:predict", status.deployment),
        None => "scored in this window; the endpoint gives the same bits".to_owned(),
    };
    let mut tab = state.drafts.deploy.try_tab;
    yard_ui::section_with(ui, "Try it", &note, |ui| {
        Segmented::new(&mut tab, &["Form", "JSON", "curl"]).show(ui)
    });
    state.drafts.deploy.try_tab = tab;
    match tab {
        0 => form_ui(ui, state),
        1 => {
            let body = body(state);
            yard_ui::show::code(ui, "Request body", &body);
        }
        _ => {
            let line = curl(state);
            if yard_ui::code_with_copy(ui, "Request", &line) {
                state.ask(Action::Copy(line));
            }
        }
    }
    ui.add_space(space::S8);
    let button = Button::secondary(if live { "Send" } else { "Score" }).icon(Icon::Play);
    if button.show(ui).clicked()
        && let Some(dataset) = state.project.dataset()
    {
        let row = state.drafts.try_it.to_row(&dataset.schema);
        let model = model_choice(state);
        state.send(Command::TryRow { model, row, live });
    }
    if let Some(result) = state.tried.clone() {
        ui.add_space(space::S8);
        answer_ui(ui, state, &result);
    }
}

/// One field per feature in two columns; an empty field is a missing value.
pub(crate) fn form_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let fields: Vec<(String, FieldType)> = state.project.dataset().map_or_else(Vec::new, |dataset| {
        dataset.schema.features().map(|field| (field.name.clone(), field.field_type)).collect()
    });
    let half = fields.len().div_ceil(2);
    let width = (ui.available_width() - space::S16) / 2.0;
    crate::layout::two(ui, width, space::S16, |ui, side| {
        let part = match side {
            crate::layout::Side::Left => &fields[..half],
            crate::layout::Side::Right => &fields[half..],
        };
        for (name, field_type) in part {
            field_ui(ui, state, name, *field_type);
        }
    });
}

/// One field of the form: a choice for few categories, text else.
pub(crate) fn field_ui(ui: &mut egui::Ui, state: &mut StudioState, name: &str, field_type: FieldType) {
    let column = state
        .project
        .dataset()
        .and_then(|dataset| dataset.profile.columns.iter().find(|column| column.name == name));
    let choices: Vec<String> = column
        .filter(|column| {
            matches!(field_type, FieldType::Category | FieldType::Boolean) && column.distinct <= 20
        })
        .map_or_else(Vec::new, |column| column.top.iter().map(|top| top.value.clone()).collect());
    let hint =
        column.and_then(|column| column.median).map_or(String::new(), |median| fmt::significant(median, 4));
    let value = state.drafts.try_it.values.entry(name.to_owned()).or_default();
    yard_ui::Form::new(116.0).row(ui, name, |ui| {
        if choices.is_empty() {
            TextField::new(name, value).hint(&hint).unit(field_type.word()).show(ui);
            return;
        }
        let mut words = vec!["missing"];
        words.extend(choices.iter().map(String::as_str));
        let mut index = choices.iter().position(|word| word == value).map_or(0, |at| at + 1);
        if yard_ui::Select::new(name, &mut index, &words).show(ui).changed() {
            *value = if index == 0 { String::new() } else { choices[index - 1].clone() };
        }
    });
}

fn body(state: &StudioState) -> String {
    let row = state
        .project
        .dataset()
        .map(|dataset| state.drafts.try_it.to_row(&dataset.schema))
        .unwrap_or_default();
    serde_json::to_string_pretty(&serde_json::json!({ "instances": [row] })).unwrap_or_default()
}

fn curl(state: &StudioState) -> String {
    let row = state
        .project
        .dataset()
        .map(|dataset| state.drafts.try_it.to_row(&dataset.schema))
        .unwrap_or_default();
    let body = serde_json::json!({ "instances": [row] }).to_string();
    let (url, name, token) = state.project.deployment.as_ref().map_or(
        ("http://127.0.0.1:PORT".to_owned(), "MODEL".to_owned(), "TOKEN_FILE".to_owned()),
        |status| (status.url.clone(), status.deployment.clone(), status.token_file.clone()),
    );
    format!(
        "curl -s {url}/v1/models/{name}:predict \\\n  -H \"Authorization: Bearer $(cat {})\" \\\n  -H 'Content-Type: application/json' \\\n  -d {}",
        crate::command_line::quoted(&token),
        crate::command_line::quoted(&body)
    )
}

/// Draws an answer with its reasons.
pub(crate) fn answer_ui(ui: &mut egui::Ui, state: &StudioState, result: &TryResult) {
    if let Some(error) = &result.error {
        yard_ui::status_line(ui, Status::Error, error);
        return;
    }
    let frame = state.project.frame.as_ref();
    let positive = frame.and_then(|frame| frame.positive.as_deref());
    let probability = positive.and_then(|positive| result.probabilities.get(positive).copied());
    let headline = probability.map_or_else(|| words_of(&result.prediction), fmt::metric);
    ui.horizontal(|ui| {
        yard_ui::text::label(ui, headline, yard_ui::Type::Figure, tokens(ui).text);
        if let Some(decision) = result.decision {
            let action =
                frame.map_or("act", |frame| if frame.action.is_empty() { "act" } else { &frame.action });
            let word = if decision { action.to_owned() } else { format!("no {action}") };
            yard_ui::Chip::new(if decision { Status::Info } else { Status::Done }, word).show(ui);
        }
        text::note(ui, format!("{} ms, {}", fmt::fixed(result.ms, 2), result.source));
    });
    if let Some(probability) = probability {
        let threshold = state.chosen_model().map(|model| state.project.threshold(model.id));
        marks::score_bar(ui, "Probability", probability, threshold);
    }
    reasons_ui(ui, result);
}

fn words_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |own| fmt::significant(own, 6))
        }
        other => other.to_string(),
    }
}

/// Reasons as bars; what is left out is summed in one row, so that the rows add up.
fn reasons_ui(ui: &mut egui::Ui, result: &TryResult) {
    if result.reasons.is_empty() {
        return;
    }
    ui.add_space(space::S8);
    text::small_strong(ui, "Why, in the margin's unit");
    let t = tokens(ui);
    let bars: Vec<marks::Bar> = result
        .reasons
        .iter()
        .take(SHOWN)
        .map(|(name, value)| {
            let colour = if *value < 0.0 { t.series(0) } else { t.series(1) };
            marks::Bar::new(name.as_str(), value.abs(), fmt::difference(*value, 2)).colour(colour)
        })
        .collect();
    marks::bar_list(ui, "Reasons", (132.0, 20.0), &bars);
    let rest: f64 = result.reasons.iter().skip(SHOWN).map(|(_, value)| value).sum();
    let others = result.reasons.len().saturating_sub(SHOWN);
    yard_ui::key_value(
        ui,
        &format!("base and {others} other fields"),
        &fmt::difference(result.base + rest, 2),
    );
    yard_ui::key_value(ui, "sum = margin", &fmt::difference(result.margin, 2));
}
