//! Beside the form: what a decision costs by probability, what there is to beat, who reads the frame.

use yard_state::state::StudioState;
use yard_types::frame::{Costs, Frame, Task};
use yard_ui::{Axis, Line, Plot, Status, fmt, plot::Reference, section, space, table, text, tokens};

/// Draws the right column.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    ui.spacing_mut().item_spacing.y = space::S4;
    let Some(frame) = state.project.frame.clone() else {
        text::paragraph(ui, "Choose a target to go on.");
        return;
    };
    if frame.task == Task::Binary {
        cost_plot(ui, &frame);
        ui.add_space(space::S12);
    }
    policies_ui(ui, state, &frame);
    ui.add_space(space::S24);
    readers_ui(ui, state, &frame);
}

/// Two lines over the probability: what acting and not acting cost.
fn cost_plot(ui: &mut egui::Ui, frame: &Frame) {
    let t = tokens(ui);
    let costs = frame.costs_or_default();
    let action = if frame.action.is_empty() { "act" } else { frame.action.as_str() };
    let line = |name: String, colour, act: bool| {
        Line::new(name, colour, vec![[0.0, cost_at(&costs, 0.0, act)], [1.0, cost_at(&costs, 1.0, act)]])
    };
    let threshold = frame.threshold();
    let title = match frame.cost_unit.as_str() {
        "" => "Expected cost of one decision".to_owned(),
        unit => format!("Expected cost of one decision, {unit}"),
    };
    let note = format!("lower is better; {action} pays from probability {} on", fmt::metric(threshold));
    let x = format!("probability of {}", frame.positive.as_deref().unwrap_or("positive"));
    Plot::new(&title, Axis::new(&x).range(0.0, 1.0), Axis::new("cost"))
        .note(&note)
        .height(224.0)
        .line(line(format!("no {action}"), t.series(1), false))
        .line(line(action.to_owned(), t.series(0), true))
        .reference(Reference::vertical(threshold, format!("threshold {}", fmt::metric(threshold))))
        .show(ui);
}

fn cost_at(costs: &Costs, p: f64, act: bool) -> f64 {
    if act {
        (1.0 - p) * costs.false_positive + p * costs.true_positive
    } else {
        p * costs.false_negative + (1.0 - p) * costs.true_negative
    }
}

fn policies_ui(ui: &mut egui::Ui, state: &StudioState, frame: &Frame) {
    let evaluation = state.chosen_model().and_then(|model| state.project.evaluation(model.id, "test"));
    let Some((evaluation, cost)) = evaluation.and_then(|own| Some((own, own.expected_cost.as_ref()?))) else {
        if frame.task == Task::Binary {
            section(ui, "What there is to beat", "");
            text::paragraph(
                ui,
                "After the first evaluation: doing nothing, acting on all and the best single rule, beside the model.",
            );
        }
        return;
    };
    let note = format!("cost per 1 000, test n = {}", fmt::count(evaluation.rows));
    section(ui, "What there is to beat", &note);
    let positives = evaluation.positives;
    let negatives = evaluation.rows - positives;
    let costs = frame.costs_or_default();
    let mut rows = vec![
        (
            "Do nothing".to_owned(),
            cost.do_nothing,
            format!("{} missed × {}", fmt::count(positives), costs.false_negative),
        ),
        (
            "Act on all".to_owned(),
            cost.always,
            format!("{} wasted × {}", fmt::count(negatives), costs.false_positive),
        ),
    ];
    if let Some(rule) = &cost.best_rule {
        rows.push(("Best single rule".to_owned(), rule.cost, rule.rule.clone()));
    }
    let interval = match (cost.model.low, cost.model.high) {
        (Some(low), Some(high)) => format!("95 % {}", fmt::interval(low * 1000.0, high * 1000.0, 0)),
        _ => String::new(),
    };
    rows.push(("Kept model".to_owned(), cost.model.value, interval));
    let columns = [
        table::Column::new("Policy", 128.0),
        table::Column::new("Cost", 72.0).right(),
        table::Column::rest("Made of", 120.0),
    ];
    table::Table::new("Policies", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len()))
        .show(ui, |row, column| match column {
            0 => table::Cell::text(rows[row].0.as_str()),
            1 => table::Cell::number(fmt::fixed(rows[row].1 * 1000.0, 0)),
            _ => table::Cell::muted(rows[row].2.as_str()),
        });
}

/// Who reads the frame, and what they say now.
fn readers_ui(ui: &mut egui::Ui, state: &StudioState, frame: &Frame) {
    section(ui, "Read by", "");
    let project = &state.project;
    let gates = project.gates.last();
    let gate_state = gates.map_or((Status::Idle, "idle".to_owned()), |report| {
        let passed = report.gates.iter().filter(|gate| gate.ok).count();
        let status = if report.ok { Status::Ok } else { Status::Error };
        (status, format!("{passed} of {} pass", report.gates.len()))
    });
    let alerts = yard_state::next::open_alerts(project).len();
    let alert_state = match (&project.monitor, alerts) {
        (None, _) => (Status::Idle, "idle".to_owned()),
        (Some(_), 0) => (Status::Ok, "quiet".to_owned()),
        (Some(_), n) => (Status::Warn, format!("{n} fired")),
    };
    let threshold = if frame.task == Task::Binary {
        format!("{} from the costs", fmt::metric(frame.threshold()))
    } else {
        "none for this task".to_owned()
    };
    let limits = frame.floors.len()
        + usize::from(frame.latency_budget_ms.is_some())
        + usize::from(frame.size_budget_bytes.is_some());
    let rows = [
        ("Threshold", threshold, (Status::Ok, "in use".to_owned())),
        (
            "Gates",
            format!("quality, cost and {}", fmt::counted(limits as u64, "limit", "limits")),
            gate_state,
        ),
        ("Drift alert", "fields with 20 % of the importance".to_owned(), alert_state),
        ("Retrain", "the same gates, fresh data".to_owned(), (Status::Idle, "idle".to_owned())),
    ];
    let columns = [
        table::Column::new("Part", 96.0),
        table::Column::rest("What it takes", 140.0),
        table::Column::new("State", 100.0),
    ];
    table::Table::new("Readers of the frame", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len()))
        .show(ui, |row, column| match column {
            0 => table::Cell::text(rows[row].0),
            1 => table::Cell::muted(rows[row].1.as_str()),
            _ => table::Cell::status(rows[row].2.0, rows[row].2.1.as_str()),
        });
}

/// The threshold for other costs of a false negative.
pub(super) fn if_it_were_another(ui: &mut egui::Ui, frame: &Frame) {
    let costs = frame.costs_or_default();
    text::small_strong(ui, "If a false negative cost another");
    let factors = [0.5, 0.75, 1.0, 1.5, 2.0, 4.0];
    let columns = [
        table::Column::rest("Cost", 60.0).right(),
        table::Column::new("Threshold", 84.0).right(),
        table::Column::new("Change", 84.0).right(),
    ];
    let now = frame.threshold();
    table::Table::new("Threshold by cost", &columns)
        .rows(factors.len())
        .height(crate::start::table_height(factors.len()))
        .selected(Some(2))
        .show(ui, |row, column| {
            let cost = costs.false_negative * factors[row];
            let threshold = Costs { false_negative: cost, ..costs }.threshold();
            match column {
                0 => table::Cell::number(fmt::significant(cost, 3)),
                1 => table::Cell::number_opt(threshold.map(fmt::metric)),
                _ if row == 2 => table::Cell::missing(),
                _ => table::Cell::number_opt(threshold.map(|own| fmt::difference(own - now, 3))),
            }
        });
}
