//! The lineage graph: data, recipe, runs, versions, where they serve, what watches them.

use super::stage;
use yard_state::{route::Selection, state::StudioState};
use yard_types::{
    ids::RunId,
    project::{ProjectState, RunState},
};
use yard_ui::{
    Icon, Status, fmt,
    lineage::{Graph, Node},
    section, text,
};

/// Runs that are drawn one by one; older ones without a package are one node.
const RUNS: usize = 5;

#[derive(Default)]
struct Build {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
    means: Vec<Option<Selection>>,
}

impl Build {
    fn add(&mut self, node: Node, parents: &[usize], meaning: Option<Selection>) -> usize {
        let at = self.nodes.len();
        self.nodes.push(node);
        self.means.push(meaning);
        self.edges.extend(parents.iter().map(|parent| (*parent, at)));
        at
    }
}

fn node(column: usize, icon: Icon, (name, fact): (String, String), status: Status) -> Node {
    Node { column, icon, name, fact, status }
}

/// Draws the graph; a clicked node is selected.
pub(super) fn show(
    ui: &mut egui::Ui,
    state: &StudioState,
    project: &ProjectState,
    chosen: &mut Option<Selection>,
) {
    section(ui, "Lineage", "parents of the selection in blue");
    if project.datasets.is_empty() {
        text::paragraph(ui, "Grows with the first import.");
        return;
    }
    let build = build(project);
    let selected = build.means.iter().position(|own| own.as_ref() == Some(&state.selection));
    let graph = Graph { name: "Lineage", nodes: &build.nodes, edges: &build.edges, selected };
    if let Some(index) = graph.show(ui)
        && let Some(Some(selection)) = build.means.get(index)
    {
        *chosen = Some(selection.clone());
    }
}

fn build(project: &ProjectState) -> Build {
    let mut build = Build::default();
    let mut recipes = Vec::new();
    for dataset in project.datasets.values() {
        let rows = format!("{} rows", fmt::count(dataset.profile.rows));
        let name = format!("{}@{}", short_name(&dataset.name), dataset.id);
        let data = build.add(node(0, Icon::Table, (name, rows), Status::Done), &[], None);
        let fitted = project.models.values().find(|model| model.dataset == dataset.id);
        let steps = fitted.map_or_else(
            || "not fitted yet".to_owned(),
            |model| fmt::counted(model.recipe_lines.len() as u64, "step", "steps"),
        );
        let recipe = node(1, Icon::ListBullets, ("recipe".to_owned(), steps), Status::Done);
        recipes.push((dataset.id, build.add(recipe, &[data], None)));
    }
    let runs = add_runs(&mut build, project, &recipes);
    let versions = add_versions(&mut build, project, &runs);
    add_serving(&mut build, project, &versions);
    build
}

fn short_name(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn packaged(project: &ProjectState, run: RunId) -> bool {
    project
        .models
        .values()
        .any(|model| model.run == run && project.packages.iter().any(|package| package.model == model.id))
}

fn add_runs(
    build: &mut Build,
    project: &ProjectState,
    recipes: &[(yard_types::ids::DatasetId, usize)],
) -> Vec<(RunId, usize)> {
    let mut found = Vec::new();
    let mut others = 0_u64;
    let newest: Vec<RunId> = project.runs.keys().rev().take(RUNS).copied().collect();
    for run in project.runs.values() {
        if !packaged(project, run.id) && !newest.contains(&run.id) {
            others += 1;
            continue;
        }
        let parents: Vec<usize> =
            recipes.iter().filter(|(dataset, _)| *dataset == run.dataset).map(|(_, at)| *at).collect();
        let status = match run.state {
            RunState::Running => Status::Running,
            RunState::Failed { .. } => Status::Error,
            _ => Status::Done,
        };
        let model = project.models.values().find(|model| model.run == run.id);
        let family = model.map_or(run.spec.family, |model| model.family).word().to_owned();
        let own = node(2, Icon::ChartLine, (format!("run {}", run.id), family), status);
        found.push((run.id, build.add(own, &parents, Some(Selection::Run(run.id)))));
    }
    if others > 0 {
        let words = (fmt::counted(others, "other run", "other runs"), "not packaged".to_owned());
        let parents: Vec<usize> = recipes.iter().map(|(_, at)| *at).collect();
        build.add(node(2, Icon::Stack, words, Status::Done), &parents, None);
    }
    found
}

fn add_versions(build: &mut Build, project: &ProjectState, runs: &[(RunId, usize)]) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    for package in &project.packages {
        let run = project.models.get(&package.model).map(|model| model.run);
        let parents: Vec<usize> =
            runs.iter().filter(|(own, _)| Some(*own) == run).map(|(_, at)| *at).collect();
        let (status, word) = stage(project, package);
        let words = (format!("version {}", package.version), word.to_owned());
        let own = node(3, Icon::Package, words, status);
        let at = build.add(own, &parents, Some(Selection::Package(package.version)));
        if status != Status::Done {
            found.push((package.version, at));
        }
    }
    found
}

fn add_serving(build: &mut Build, project: &ProjectState, versions: &[(u64, usize)]) {
    let Some(status) = &project.deployment else { return };
    let parents: Vec<usize> = versions.iter().map(|(_, at)| *at).collect();
    let name = if status.target == "local" { "this machine".to_owned() } else { status.target.clone() };
    let state = if status.state == "running" { Status::Ok } else { Status::Warn };
    let own = node(4, Icon::Desktop, (name, status.state.clone()), state);
    let target = build.add(own, &parents, None);
    if project.monitor.is_some() {
        let open = yard_state::next::open_alerts(project).len();
        let fact = fmt::counted(open as u64, "alert", "alerts");
        let status = if open == 0 { Status::Ok } else { Status::Warn };
        build.add(node(4, Icon::Pulse, ("monitor".to_owned(), fact), status), &[target], None);
    }
}
