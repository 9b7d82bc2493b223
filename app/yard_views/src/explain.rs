//! "Explain this" for a finding, a metric, a gate, an alert: what was found with its figures and
//! thresholds, what it means, what to do, and the page of help. All of it is made from the project's
//! records; nothing is looked up or guessed.

mod words;

use crate::words as figures;
use yard_state::{
    next,
    route::Subject,
    state::{Overlay, StudioState},
};
use yard_types::{
    gate::Gate,
    metric::{Direction, metric_info},
    monitor::{Alert, DriftFigure},
    profile::Finding,
};
use yard_ui::{fmt, space, text};

/// An explanation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Explained {
    /// What is explained.
    pub(crate) title: String,
    /// The sentence that was found.
    pub(crate) found: String,
    /// Figures and thresholds by name.
    pub(crate) figures: Vec<(String, String)>,
    /// What it means.
    pub(crate) meaning: String,
    /// What to do.
    pub(crate) advice: String,
    /// Page of help.
    pub(crate) page: String,
}

/// Explains a subject; nothing when the project has it no more.
pub(crate) fn explained(state: &StudioState, subject: &Subject) -> Option<Explained> {
    match subject {
        Subject::Finding { code, column } => {
            let findings = &state.project.dataset()?.profile.findings;
            let found = findings.iter().find(|own| own.code == *code && own.column == *column)?;
            Some(finding(state, found))
        }
        Subject::Metric(name) => metric(state, name),
        Subject::Gate(name) => {
            let gate = state
                .project
                .gates
                .iter()
                .rev()
                .find_map(|report| report.gates.iter().find(|gate| gate.name == *name))?;
            Some(gate_words(gate))
        }
        Subject::Alert { kind, field, window } => {
            let alerts = &state.project.monitor.as_ref()?.alerts;
            let same = |own: &&Alert| own.kind == *kind && own.field == *field && own.window == *window;
            Some(alert(state, alerts.iter().find(same)?))
        }
    }
}

fn finding(state: &StudioState, own: &Finding) -> Explained {
    let (meaning, advice, page) = words::finding(&own.code);
    let rows = state.project.dataset().map_or(0, |dataset| dataset.profile.rows);
    let mut list = vec![("Cells or rows".to_owned(), fmt::count(own.count))];
    if rows > 0 && own.count <= rows {
        list.push(("of the rows".to_owned(), fmt::percent(own.count as f64 / rows as f64)));
    }
    if let Some(column) = own
        .column
        .as_ref()
        .and_then(|name| state.project.dataset()?.profile.columns.iter().find(|column| column.name == *name))
    {
        list.push(("Distinct values".to_owned(), fmt::count(column.distinct)));
        list.push(("Missing".to_owned(), fmt::count(column.missing)));
        if let Some(alone) = column.alone {
            list.push(("Strength alone".to_owned(), fmt::metric(alone)));
        }
    }
    if !own.examples.is_empty() {
        list.push((
            "Examples".to_owned(),
            own.examples.iter().take(3).cloned().collect::<Vec<_>>().join(", "),
        ));
    }
    let subject = own.column.as_deref().unwrap_or("the whole table");
    Explained {
        title: format!("{} in {subject}", sentence(&own.code.replace('_', " "))),
        found: own.message.clone(),
        figures: list,
        meaning: meaning.to_owned(),
        advice: advice.to_owned(),
        page: page.to_owned(),
    }
}

fn metric(state: &StudioState, name: &str) -> Option<Explained> {
    let info = metric_info(name)?;
    let model = state.chosen_model()?;
    let evaluation = state
        .project
        .evaluation(model.id, "test")
        .or_else(|| state.project.evaluations.iter().rev().find(|own| own.model == model.id))?;
    let value = evaluation.metrics.get(name)?;
    let better = if info.direction == Direction::Higher { "higher" } else { "lower" };
    let mut list = vec![
        ("Value".to_owned(), figures::metric(name, value.value)),
        ("Better".to_owned(), better.to_owned()),
        ("Rows".to_owned(), format!("{}, n = {}", evaluation.split, fmt::count(evaluation.rows))),
    ];
    let mut meaning = format!("{}.", info.definition);
    if let (Some(low), Some(high)) = (value.low, value.high) {
        list.insert(1, ("95 % interval".to_owned(), figures::interval(name, value)));
        let width = fmt::fixed(high - low, info.decimals);
        meaning
            .push_str(" Rows drawn again from these move the figure about as much as the interval is wide: ");
        meaning.push_str(&width);
        meaning.push('.');
    }
    let champion = state.project.champion().filter(|own| *own != model.id);
    let other = champion
        .and_then(|own| state.project.evaluation(own, &evaluation.split))
        .and_then(|own| own.metrics.get(name));
    let advice = match other {
        Some(other) => {
            list.push(("Champion".to_owned(), figures::metric(name, other.value)));
            "Compare with the champion by the gates: they look at the difference row by row, which is narrower \
             than two intervals side by side."
        }
        None => "Read the slices below for where it is worst; more rows narrow the interval.",
    };
    Some(Explained {
        title: format!("{} of run {}", info.label, model.run),
        found: format!("{} = {}", info.label, figures::metric_interval(name, value)),
        figures: list,
        meaning,
        advice: advice.to_owned(),
        page: format!("metrics#{}", info.label),
    })
}

fn gate_words(own: &Gate) -> Explained {
    let (meaning, advice) = words::gate(&own.name);
    let state = if own.ok { "passed" } else { "failed" };
    let effect = if own.required { "a failure stops the rollout" } else { "a failure is a warning" };
    Explained {
        title: format!("Gate {}", own.name.replace('_', " ")),
        found: own.detail.clone(),
        figures: vec![("State".to_owned(), state.to_owned()), ("Effect".to_owned(), effect.to_owned())],
        meaning: meaning.to_owned(),
        advice: if own.ok { "Nothing: it passed.".to_owned() } else { advice.to_owned() },
        page: "terms#Gate".to_owned(),
    }
}

fn alert(state: &StudioState, own: &Alert) -> Explained {
    let (meaning, advice, page) = words::alert(&own.kind);
    let window = state.project.monitor.as_ref().and_then(|report| report.windows.get(own.window as usize));
    let mut list = vec![("Window".to_owned(), fmt::count(own.window + 1))];
    if let Some(window) = window {
        list.push(("From, UTC".to_owned(), figures::date_time(&window.from)));
        list.push(("Rows".to_owned(), fmt::count(window.requests)));
        list.push(("Labels".to_owned(), fmt::count(window.labels)));
        let drift = window.drift.iter().find(|figure| Some(&figure.field) == own.field.as_ref());
        list.extend(drift.map_or_else(Vec::new, drift_figures));
    }
    let fires = if own.retrain { "yes, by the trigger's rule" } else { "no" };
    list.push(("Calls for a retrain".to_owned(), fires.to_owned()));
    Explained {
        title: sentence(&next::alert_words(own)),
        found: own.message.clone(),
        figures: list,
        meaning: meaning.to_owned(),
        advice: advice.to_owned(),
        page: page.to_owned(),
    }
}

fn drift_figures(own: &DriftFigure) -> Vec<(String, String)> {
    let mut list = vec![
        (own.method.replace('_', " ").to_uppercase(), fmt::metric(own.value)),
        ("Threshold, 99 % of no drift".to_owned(), fmt::metric(own.threshold)),
    ];
    list.extend(own.importance.map(|share| ("Importance".to_owned(), fmt::percent(share))));
    list
}

/// Sentence case.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Draws the layer while a subject is explained.
pub(crate) fn show(ctx: &egui::Context, state: &mut StudioState) {
    if state.overlay != Overlay::Explain {
        return;
    }
    let own = state.subject.as_ref().and_then(|subject| explained(state, subject));
    let Some(own) = own else {
        state.overlay = Overlay::None;
        return;
    };
    let mut page = false;
    let mut closed = false;
    let ((), left) = yard_ui::overlay::dialog_with(ctx, &own.title, |ui| {
        text::paragraph(ui, own.found.as_str());
        yard_ui::divider(ui, space::S4);
        for (name, value) in &own.figures {
            yard_ui::key_value(ui, name, value);
        }
        yard_ui::divider(ui, space::S4);
        text::small_strong(ui, "What it means");
        text::paragraph(ui, own.meaning.as_str());
        text::small_strong(ui, "What to do");
        text::paragraph(ui, own.advice.as_str());
        ui.horizontal(|ui| {
            closed = yard_ui::Button::secondary("Close explanation").show(ui).clicked();
            page = text::link(ui, "Open help page").clicked();
        });
    });
    if page {
        state.help(&own.page);
    } else if left || closed {
        state.overlay = Overlay::None;
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn every_page_of_an_explanation_exists() {
        let codes = ["missing", "leak_suspect", "identifier", "never_heard_of"];
        let kinds = ["drift", "quality", "errors", "latency", "cost", "missing", "unseen", "other"];
        let pages = codes.map(|code| words::finding(code).2).into_iter();
        for page in pages.chain(kinds.map(|kind| words::alert(kind).2)) {
            let (found, at) = crate::help::find(page);
            let (name, section) = page.split_once('#').unwrap_or((page, ""));
            assert!(found.name == name && (section.is_empty() || at.is_some()), "{page}");
        }
    }
}
