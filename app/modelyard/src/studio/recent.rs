//! Recent projects, in the user's folder. A damaged list is an empty list: it is a convenience only.

use std::path::PathBuf;
use yard_engine::{Engine, EngineOptions, Home};
use yard_state::state::{RecentProject, StudioState};
use yard_types::metric::metric_info;

const KEPT: usize = 12;
const FILE: &str = "recent.json";

/// Loads the list, newest first; projects whose file is gone are left out.
pub(crate) fn load(home: &Home) -> Vec<RecentProject> {
    let text = std::fs::read_to_string(home.root().join(FILE)).unwrap_or_default();
    let mut list: Vec<RecentProject> = serde_json::from_str(&text).unwrap_or_default();
    list.retain(|recent| std::path::Path::new(&recent.path).is_file());
    list
}

/// Returns the project that was used last, for a start without a name.
pub(crate) fn last_used(home: &Home) -> Option<PathBuf> {
    let list = load(home);
    list.iter().max_by(|a, b| a.opened_at.cmp(&b.opened_at)).map(|recent| PathBuf::from(&recent.path))
}

/// Puts a project that a command made at the head of the list, so that the studio opens with it.
pub(crate) fn remember(engine: &Engine, options: &EngineOptions) {
    let mut state = StudioState::new();
    state.open_project(&engine.path().display().to_string(), false, &engine.events());
    state.recent = load(&options.home);
    touch(&mut state, options.clock.now());
    save(&options.home, &state.recent);
}

/// Saves the list.
pub(crate) fn save(home: &Home, list: &[RecentProject]) {
    if let Ok(text) = serde_json::to_string_pretty(list) {
        // A list that can't be written is no reason to disturb the user.
        let _ =
            std::fs::create_dir_all(home.root()).and_then(|()| std::fs::write(home.root().join(FILE), text));
    }
}

/// Puts the open project at the head of the list, with its state in words.
pub(crate) fn touch(state: &mut StudioState, opened_at: String) {
    let project = &state.project;
    let frame = project.frame.as_ref();
    let metric = frame.map_or("", |frame| frame.metric.as_str());
    let evaluation = state.chosen_model().and_then(|model| project.evaluation(model.id, "test"));
    let entry = RecentProject {
        path: state.path.clone(),
        name: project.name.clone(),
        state: words(state),
        target: frame.map_or(String::new(), |frame| frame.target.clone()),
        metric: metric_info(metric).map_or(metric, |info| info.label).to_owned(),
        value: evaluation.map(|evaluation| evaluation.metric(metric)).filter(|value| value.is_finite()),
        rows: evaluation.map_or(0, |evaluation| evaluation.rows),
        opened_at,
        pinned: state.recent.iter().any(|own| own.path == state.path && own.pinned),
    };
    state.recent.retain(|recent| recent.path != entry.path);
    state.recent.insert(0, entry);
    // Pinned ones first, each group newest first; the sort is stable.
    state.recent.sort_by_key(|own| !own.pinned);
    state.recent.truncate(KEPT);
}

fn words(state: &StudioState) -> String {
    let project = &state.project;
    match &project.deployment {
        Some(status) if status.canary.is_some() => "canary".to_owned(),
        Some(status) if status.state == "running" => "deployed".to_owned(),
        _ if !project.packages.is_empty() => "packaged".to_owned(),
        _ if !project.models.is_empty() => "trained".to_owned(),
        _ if project.dataset().is_some() => "data imported".to_owned(),
        _ => "empty".to_owned(),
    }
}
