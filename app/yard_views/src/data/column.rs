//! The inspector of one column: distribution by class with a brush, statistics, role and type, what it
//! says about the target, findings.

use super::{
    act::{Act, why_not},
    bins::{Bins, bins},
    columns::role_command,
    words,
};
use egui::{Align2, CornerRadius, Rect, Sense, pos2, vec2};
use yard_state::state::StudioState;
use yard_types::{
    command::Command,
    event::DatasetRecord,
    profile::{ColumnProfile, Severity},
    schema::{Field, FieldType, Role},
};
use yard_ui::{
    Chip, Form, Select, Status, Type, fmt, inspector_head, inspector_section, key_value, legend, paint,
    plot::{Bars, Brush as Brushing, Names, Plot},
    space, status_line, text, tokens,
};

/// Values shown as bars.
const MOST_BARS: usize = 10;

type Brush = Option<(String, (f64, f64))>;

/// Draws the inspector.
pub(super) fn show(
    ui: &mut egui::Ui,
    state: &StudioState,
    (dataset, profile): (&DatasetRecord, &ColumnProfile),
    brush: &mut Brush,
) -> Vec<Act> {
    let Some(field) = words::field(dataset, &profile.name) else { return Vec::new() };
    inspector_head(ui, &format!("Column, {}", field.field_type.word()), &field.name, |ui| {
        Chip::neutral(words::role_icon(field.role), words::role_word(field.role)).show(ui)
    });
    if let Some(bins) = bins(profile)
        .filter(|_| !words::all_different(profile, dataset.profile.rows) || profile.mean.is_some())
    {
        inspector_section(ui, "", |ui| distribution(ui, state, (dataset, profile, &bins), brush));
    }
    inspector_section(ui, "Statistics", |ui| statistics(ui, state, profile));
    let acts = inspector_section(ui, "Role and type", |ui| role_and_type(ui, state, dataset, field));
    if let Some(sentence) = words::explanation(dataset, state.project.frame.as_ref(), profile) {
        inspector_section(ui, "Explain", |ui| text::paragraph(ui, sentence));
    }
    findings(ui, dataset, &field.name);
    acts
}

fn distribution(
    ui: &mut egui::Ui,
    state: &StudioState,
    (dataset, profile, bins): (&DatasetRecord, &ColumnProfile, &Bins),
    brush: &mut Brush,
) {
    let frame = state.project.frame.as_ref();
    let unit = frame.map_or("", |frame| frame.unit.as_str());
    let counted = if unit.is_empty() { "Rows".to_owned() } else { plural(unit) };
    let title = format!("{counted} by {}", profile.name);
    let names = words::series_names(frame);
    if bins.edges.is_empty() {
        text::small_strong(ui, title);
        values(ui, bins, (profile, &names));
        let n = fmt::count(dataset.profile.rows - profile.missing.min(dataset.profile.rows));
        text::note(ui, format!("n = {n}"));
        return;
    }
    histogram(ui, (&title, &names), (profile, bins), brush);
    let Some(brushed) =
        brush.as_ref().filter(|(name, _)| *name == profile.name).and_then(|(_, range)| bins.brushed(*range))
    else {
        text::note(
            ui,
            format!("n = {}; drag across the bars to select rows", fmt::count(bins.total() as u64)),
        );
        return;
    };
    let selected = format!("Selected {} rows", fmt::count(brushed.rows as u64));
    let rate = brushed.positives.map_or_else(String::new, |positives| {
        let whole = bins.positive.iter().sum::<f64>() / bins.total().max(1.0);
        let inside = fmt::percent(positives / brushed.rows.max(1.0));
        format!(", {} {inside} against {} in all", names[1], fmt::percent(whole))
    });
    text::paragraph(ui, selected + &rate);
}

/// "customer" as a heading: "Customers".
fn plural(unit: &str) -> String {
    let mut letters = unit.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}s", letters.as_str())
}

fn histogram(
    ui: &mut egui::Ui,
    (title, names): (&str, &[String; 2]),
    (profile, bins): (&ColumnProfile, &Bins),
    brush: &mut Brush,
) {
    let t = tokens(ui);
    let mut classes = vec![(names[0].clone(), t.series(0), bins.rest.clone())];
    if !bins.positive.is_empty() {
        classes.push((names[1].clone(), t.series(1), bins.positive.clone()));
    }
    let own = brush.as_ref().filter(|(name, _)| *name == profile.name).map(|(_, range)| *range);
    let snapped = own.and_then(|range| bins.brushed(range)).map(|brushed| (brushed.low, brushed.high));
    let label = format!("{} bins", bins.edges.len() - 1);
    let axis = yard_ui::Axis::new(&label).about(5);
    let axis =
        if profile.field_type == FieldType::Datetime { axis.about(3).format(words::day) } else { axis };
    let plot = stacked(title, axis, &bins.edges, &classes);
    match plot.height(212.0).brush(snapped).show(ui).brushed {
        Some(Brushing::Range(low, high)) => *brush = Some((profile.name.clone(), (low, high))),
        Some(Brushing::Cleared) => *brush = None,
        None => {}
    }
}

fn stacked<'a>(
    title: &'a str,
    axis: yard_ui::Axis<'a>,
    edges: &[f64],
    classes: &[(String, egui::Color32, Vec<f64>)],
) -> Plot<'a> {
    let mut plot = Plot::new(title, axis, yard_ui::Axis::new("").zero_based()).names(Names::Above);
    let mut below: Option<Bars> = None;
    for (name, colour, heights) in classes {
        let bars = Bars::histogram(name.clone(), *colour, edges, heights);
        let bars = below.as_ref().map_or_else(|| bars.clone(), |base| bars.clone().stacked_on(base));
        below = Some(bars.clone());
        plot = plot.bars(bars);
    }
    plot
}

/// Values as stacked bars with count and rate.
fn values(ui: &mut egui::Ui, bins: &Bins, (profile, names): (&ColumnProfile, &[String; 2])) {
    let t = tokens(ui);
    let counted = !bins.positive.is_empty();
    if counted {
        ui.horizontal_wrapped(|ui| {
            legend(ui, t.series(0), &names[0]);
            legend(ui, t.series(1), &names[1]);
        });
    }
    let total = |at: usize| bins.rest[at] + bins.positive.get(at).copied().unwrap_or(0.0);
    let count = bins.rest.len().min(bins.values.len());
    let top = (0..count).map(total).fold(1.0, f64::max);
    ui.spacing_mut().item_spacing.y = 0.0;
    for at in 0..count.min(MOST_BARS) {
        let parts = [bins.rest[at] / top, bins.positive.get(at).copied().unwrap_or(0.0) / top];
        let count = fmt::count(total(at) as u64);
        let figure = match bins.positive.get(at) {
            Some(positive) => format!("{count}  {:>6}", fmt::percent(positive / total(at).max(1.0))),
            None => count,
        };
        bar(ui, &bins.values[at], parts, &figure);
    }
    let more = profile.distinct.saturating_sub(count.min(MOST_BARS) as u64);
    if more > 0 {
        text::note(ui, format!("and {} more", fmt::counted(more, "value", "values")));
    }
    if counted {
        text::note(ui, format!("rows, share of {}", names[1]));
    }
}

fn bar(ui: &mut egui::Ui, value: &str, parts: [f64; 2], figure: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let spoken = format!("{value}: {figure}");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, spoken.as_str()));
    let t = tokens(ui);
    let (label, number) = (104.0, 104.0);
    let galley = paint::fitted(ui.painter(), value, Type::Label, t.text, label - space::S8);
    let cut = galley.elided;
    paint::galley_at(ui.painter(), rect.left_center(), Align2::LEFT_CENTER, galley);
    let area = Rect::from_min_max(
        pos2(rect.left() + label, rect.center().y - 5.0),
        pos2(rect.right() - number, rect.center().y + 5.0),
    );
    let mut x = area.left();
    for (at, part) in parts.into_iter().enumerate() {
        let width = part as f32 * area.width();
        let shape = Rect::from_min_size(pos2(x, area.top()), vec2(width, area.height()));
        ui.painter().rect_filled(shape, CornerRadius::ZERO, t.series(at));
        x += width;
    }
    paint::text_at(ui.painter(), rect.right_center(), Align2::RIGHT_CENTER, figure, Type::Mono, t.text);
    if cut {
        response.on_hover_text(value);
    }
}

fn statistics(ui: &mut egui::Ui, state: &StudioState, profile: &ColumnProfile) {
    key_value(ui, "Missing", &fmt::count(profile.missing));
    let decimals = words::decimals(profile);
    let shown = |value: Option<f64>, decimals: usize| match (profile.field_type, value) {
        (_, None) => None,
        (FieldType::Datetime, Some(value)) => Some(words::day(value)),
        (_, Some(value)) => Some(words::figure(profile, value, decimals)),
    };
    let spread = profile.field_type != FieldType::Datetime;
    let figures = [
        ("Mean", profile.mean, decimals.max(2)),
        ("Standard deviation", profile.sd.filter(|_| spread), decimals.max(2)),
        ("Minimum", profile.min, decimals),
        ("25 %", profile.q25, decimals),
        ("Median", profile.median, decimals),
        ("75 %", profile.q75, decimals),
        ("Maximum", profile.max, decimals),
    ];
    for (name, value, decimals) in figures {
        if let Some(text) = shown(value, decimals) {
            key_value(ui, name, &text);
        }
    }
    key_value(ui, "Distinct", &fmt::count(profile.distinct));
    if let Some(alone) = profile.alone {
        let frame = state.project.frame.as_ref();
        key_value(ui, words::alone_label(frame), &fmt::metric(alone))
            .on_hover_text(words::alone_definition(frame));
    }
}

fn role_and_type(ui: &mut egui::Ui, state: &StudioState, dataset: &DatasetRecord, field: &Field) -> Vec<Act> {
    let mut acts = Vec::new();
    let why = why_not(state);
    let target = field.role == Role::Target;
    let reason =
        if target && why.is_empty() { "Make another column the target to change this one" } else { why };
    let words: Vec<&str> = words::ROLES.iter().map(|role| words::role_word(*role)).collect();
    let mut at = words::ROLES.iter().position(|role| *role == field.role).unwrap_or(usize::MAX);
    let response = Form::default()
        .row(ui, "Role", |ui| Select::new("Role", &mut at, &words).enabled(reason.is_empty()).show(ui))
        .on_disabled_hover_text(reason);
    if response.changed()
        && let Some(role) = words::ROLES.get(at)
    {
        acts.extend(role_command(dataset, field, *role).map(Act::Send));
    }
    let types: Vec<&str> = words::TYPES.iter().map(|own| own.word()).collect();
    let mut at = words::TYPES.iter().position(|own| *own == field.field_type).unwrap_or(usize::MAX);
    let response = Form::default()
        .row(ui, "Type", |ui| Select::new("Type", &mut at, &types).enabled(why.is_empty()).show(ui))
        .on_disabled_hover_text(why);
    if response.changed()
        && let Some(field_type) = words::TYPES.get(at).copied().filter(|own| *own != field.field_type)
    {
        let column = field.name.clone();
        acts.push(Act::Send(Command::SetType { dataset: dataset.id, column, field_type }));
    }
    text::note(ui, words::role_meaning(field.role));
    acts
}

fn findings(ui: &mut egui::Ui, dataset: &DatasetRecord, name: &str) {
    let own: Vec<_> =
        dataset.profile.findings.iter().filter(|finding| finding.column.as_deref() == Some(name)).collect();
    if own.is_empty() {
        return;
    }
    inspector_section(ui, "Findings", |ui| {
        for finding in own {
            let status = match finding.severity {
                Severity::Error => Status::Error,
                Severity::Warning => Status::Warn,
                Severity::Info => Status::Info,
            };
            status_line(ui, status, &finding.message);
            for example in finding.examples.iter().take(5) {
                text::note(ui, example.as_str());
            }
        }
    });
}
