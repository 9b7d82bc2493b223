//! Changes of the pointer: route, promote, roll back, stop. Each loads what it needs first, then writes the
//! pointer in one transaction, then swaps the table; what no longer answers is unloaded when the last
//! request that uses it has ended.

use super::{ModelEntry, Registry, unknown_model, unknown_version};
use crate::{http::reply::Refusal, rollout::watch::Watch, store::Pointer};
use std::{collections::BTreeSet, sync::Arc};
use yard_types::{
    deploy::VersionState,
    rollout::WatchPlan,
    serving::{RouteRequest, ServerModel, StopRequest},
};

impl Registry {
    /// Sets the stable version and the canary.
    pub(crate) fn route(&self, model: &str, request: &RouteRequest) -> Result<ServerModel, Refusal> {
        if let Some(canary) = &request.canary
            && !(0.0..=100.0).contains(&canary.percent)
        {
            let message = format!("canary: expected a percentage from 0 to 100, got {}", canary.percent);
            return Err(Refusal::bad("percent", message));
        }
        let plan = request.watch.unwrap_or_default();
        if let Some(problem) = plan.problem() {
            return Err(Refusal::bad("watch", problem));
        }
        let before = self.pointer(model)?.canary;
        let shown = self.change(model, Some(plan), |pointer| {
            let stable = request.stable.or(pointer.stable).ok_or_else(|| {
                Refusal::bad("stable", format!("model \"{model}\" has no stable version; name one"))
            })?;
            if request.canary.is_some_and(|canary| canary.version == stable) {
                return Err(Refusal::bad("canary", "the canary is the stable version; name another"));
            }
            let previous = if pointer.stable == Some(stable) { pointer.previous } else { pointer.stable };
            Ok(Pointer { stable: Some(stable), previous, canary: request.canary, stopped: false })
        })?;
        if let Some(canary) = request.canary
            && before != Some(canary)
        {
            let kind = if canary.shadow { "shadow" } else { "canary" };
            self.note(model, kind, canary.version, (false, format!("{} % of requests", canary.percent)));
        }
        Ok(shown)
    }

    /// Starts a stopped model with the version that it had; one that runs goes on as it is.
    pub(crate) fn start(&self, model: &str) -> Result<ServerModel, Refusal> {
        self.change(model, None, |pointer| {
            if pointer.stable.is_none() {
                let message = format!("model \"{model}\" has no stable version; route one");
                return Err(Refusal::bad("stable", message));
            }
            Ok(Pointer { stopped: false, ..*pointer })
        })
    }

    /// Makes the canary stable.
    pub(super) fn promote_canary(&self, model: &str, only: Option<u64>) -> Result<ServerModel, Refusal> {
        self.change(model, None, |pointer| {
            let canary = pointer.canary.ok_or_else(|| {
                Refusal::bad("canary", format!("model \"{model}\" has no canary to promote"))
            })?;
            still(model, only, canary.version)?;
            Ok(Pointer {
                stable: Some(canary.version),
                previous: pointer.stable,
                canary: None,
                stopped: false,
            })
        })
    }

    /// Ends the canary; without one, goes back to the version before.
    pub(super) fn roll_back(&self, model: &str, only: Option<u64>) -> Result<ServerModel, Refusal> {
        self.change(model, None, |pointer| {
            still(model, only, pointer.canary.map_or(0, |canary| canary.version))?;
            if pointer.canary.is_some() {
                return Ok(Pointer { canary: None, ..*pointer });
            }
            let previous = pointer.previous.ok_or_else(|| {
                Refusal::bad("previous", format!("model \"{model}\" has no version to go back to"))
            })?;
            Ok(Pointer { stable: Some(previous), previous: pointer.stable, canary: None, stopped: false })
        })
    }

    /// Stops a model, or unloads a version that does not answer.
    pub(crate) fn stop(&self, model: &str, request: StopRequest) -> Result<ServerModel, Refusal> {
        let Some(version) = request.version else {
            return self
                .change(model, None, |pointer| Ok(Pointer { stopped: true, canary: None, ..*pointer }));
        };
        let _changing = self.store();
        let mut models = self.models();
        let entry = models.get_mut(model).ok_or_else(|| unknown_model(model))?;
        if needed(&entry.pointer).contains(&version) {
            let message = format!("version {version} of model \"{model}\" is in use; route another first");
            return Err(Refusal::bad("in-use", message));
        }
        if !entry.versions.contains_key(&version) {
            return Err(unknown_version(model, version));
        }
        unload(entry, version);
        drop(models);
        self.publish();
        self.shown(model)
    }

    fn change(
        &self,
        model: &str,
        plan: Option<WatchPlan>,
        decide: impl FnOnce(&Pointer) -> Result<Pointer, Refusal>,
    ) -> Result<ServerModel, Refusal> {
        let store = self.store();
        let (old, known) = {
            let models = self.models();
            let entry = models.get(model).ok_or_else(|| unknown_model(model))?;
            let known: BTreeSet<u64> = entry.versions.keys().copied().collect();
            (entry.pointer, known)
        };
        let new = decide(&old)?;
        for version in needed(&new) {
            if !known.contains(&version) {
                return Err(unknown_version(model, version));
            }
            // A version kept for rolling back may fail to load; one that is to answer may not.
            let loaded = self.load(&store, model, version);
            if new.previous != Some(version) || new.stable == Some(version) {
                loaded?;
            }
        }
        let stored = match &plan {
            Some(plan) => store.set_watch(model, plan),
            None => Ok(()),
        };
        stored.and_then(|()| store.set_pointer(model, &new)).map_err(|error| {
            self.console.error(&error);
            Refusal::from(error)
        })?;
        self.apply(model, (old, new), plan);
        self.publish();
        self.console.info(format!("{model}: {}", in_words(&new)));
        drop(store);
        self.shown(model)
    }

    /// Puts a pointer in force and unloads what it no longer needs.
    fn apply(&self, model: &str, (old, new): (Pointer, Pointer), plan: Option<WatchPlan>) {
        let mut models = self.models();
        let Some(entry) = models.get_mut(model) else { return };
        entry.pointer = new;
        if new.canary.map(|canary| (canary.version, canary.shadow))
            != old.canary.map(|canary| (canary.version, canary.shadow))
            && new.canary.is_some()
        {
            entry.shadow = Arc::default();
        }
        // Another share of the same canary goes on with its evidence, unless it is to be watched otherwise.
        if let (Some(canary), Some(plan)) = (new.canary.filter(|canary| !canary.shadow), plan) {
            let same = |watch: &Arc<Watch>| watch.version == canary.version && watch.plan() == plan;
            if old.canary.is_none() || !entry.watch.as_ref().is_some_and(same) {
                entry.watch = Some(Arc::new(Watch::new(canary.version, plan)));
            }
        }
        let kept = needed(&new);
        for version in all(&old) {
            if !kept.contains(&version) {
                unload(entry, version);
            }
        }
    }
}

/// Refuses when the canary is not the one that the change is about.
fn still(model: &str, only: Option<u64>, canary: u64) -> Result<(), Refusal> {
    match only {
        Some(version) if version != canary => {
            let message = format!("version {version} of model \"{model}\" is no longer the canary");
            Err(Refusal::bad("canary", message))
        }
        _ => Ok(()),
    }
}

/// Takes a version out of the table; it is freed when the last request that uses it has ended.
fn unload(entry: &mut ModelEntry, version: u64) {
    let Some(version) = entry.versions.get_mut(&version) else { return };
    if let Some(served) = version.served.take() {
        version.leaving = Arc::downgrade(&served);
        version.state = VersionState::Draining;
    }
}

fn all(pointer: &Pointer) -> BTreeSet<u64> {
    let canary = pointer.canary.map(|canary| canary.version);
    pointer.stable.into_iter().chain(pointer.previous).chain(canary).collect()
}

/// Returns the versions that a pointer keeps in memory: none when stopped; the previous one too, so that
/// a rollback is immediate.
pub(super) fn needed(pointer: &Pointer) -> BTreeSet<u64> {
    if pointer.stopped { BTreeSet::new() } else { all(pointer) }
}

fn in_words(pointer: &Pointer) -> String {
    if pointer.stopped {
        return "stopped".to_owned();
    }
    let stable = pointer.stable.map_or_else(|| "none".to_owned(), |version| version.to_string());
    match pointer.canary {
        None => format!("version {stable} answers"),
        Some(canary) if canary.shadow => {
            format!("version {stable} answers, {} in its shadow", canary.version)
        }
        Some(canary) => format!("version {stable} answers, {} gets {} %", canary.version, canary.percent),
    }
}
