//! Models, their versions and states: what the store says, what is in memory, and the routing table made
//! of both. Changes are made one at a time; a change is durable before it is visible.

mod admit;
mod change;
mod conclude;
pub(crate) mod table;

use crate::{
    clock::Clock,
    config::Console,
    error::ServeError,
    http::reply::Refusal,
    rollout::watch::Watch,
    served::Served,
    split::{Share, salt},
    store::{Pointer, Store, VersionRecord},
};
use arc_swap::ArcSwap;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};
use table::{RoutedCanary, RoutedModel, ShadowFigures, Table};
use yard_types::{
    deploy::{VersionState, VersionStats},
    serving::{ServerModel, ServerModels, ServerVersion},
};

/// The registry.
#[derive(Debug)]
pub(crate) struct Registry {
    table: ArcSwap<Table>,
    models: Mutex<BTreeMap<String, ModelEntry>>,
    /// Held by whoever changes something; the store is used under it alone.
    store: Mutex<Store>,
    uploads: AtomicU64,
    loaded: AtomicBool,
    clock: Arc<dyn Clock>,
    console: Console,
}

#[derive(Debug, Default)]
struct ModelEntry {
    pointer: Pointer,
    versions: BTreeMap<u64, VersionEntry>,
    shadow: Arc<ShadowFigures>,
    /// Evidence about the canary that runs, or ran last.
    watch: Option<Arc<Watch>>,
}

#[derive(Debug)]
struct VersionEntry {
    record: VersionRecord,
    /// Whether the store knows it; a version that failed before that is shown until the server ends.
    stored: bool,
    state: VersionState,
    reason: Option<String>,
    served: Option<Arc<Served>>,
    /// The version that was taken out of the table, while requests still use it.
    leaving: Weak<Served>,
}

impl VersionEntry {
    fn new(record: VersionRecord, stored: bool, state: VersionState) -> Self {
        Self { record, stored, state, reason: None, served: None, leaving: Weak::new() }
    }

    fn state(&self) -> VersionState {
        match self.state {
            VersionState::Draining if self.leaving.strong_count() == 0 => VersionState::Unloaded,
            state => state,
        }
    }

    fn shown(&self) -> ServerVersion {
        let version = self.record.version;
        let empty = || VersionStats { version, ..VersionStats::default() };
        ServerVersion {
            version,
            sha256: self.record.sha256,
            model_sha256: self.record.model_sha256,
            bytes: self.record.bytes,
            state: self.state(),
            reason: self.reason.clone(),
            stats: self.served.as_ref().map_or_else(empty, |served| served.figures.stats(version)),
        }
    }
}

impl ModelEntry {
    fn shown(&self, name: &str) -> ServerModel {
        ServerModel {
            name: name.to_owned(),
            stable: self.pointer.stable,
            previous: self.pointer.previous,
            canary: self.pointer.canary,
            stopped: self.pointer.stopped,
            versions: self.versions.values().map(VersionEntry::shown).collect(),
            shadow: self.shadow.stats(),
        }
    }

    fn served(&self, version: u64) -> Option<&Arc<Served>> {
        self.versions.get(&version)?.served.as_ref()
    }

    fn routed(&self, name: &str) -> RoutedModel {
        let live = !self.pointer.stopped;
        let stable = self.pointer.stable.filter(|_| live);
        let canary = self.pointer.canary.filter(|_| live);
        RoutedModel {
            name: name.to_owned(),
            salt: salt(name),
            stable: stable.and_then(|version| self.served(version)).cloned(),
            canary: canary.and_then(|canary| {
                Some(RoutedCanary {
                    served: self.served(canary.version)?.clone(),
                    share: Share::percent(canary.percent),
                    shadow: canary.shadow,
                    watch: self.watch.clone().filter(|watch| watch.version == canary.version),
                })
            }),
            versions: self
                .versions
                .iter()
                .filter_map(|(version, entry)| Some((*version, entry.served.clone()?)))
                .collect(),
            problem: self.problem(name),
            shadow: self.shadow.clone(),
        }
    }

    fn problem(&self, name: &str) -> String {
        match self.pointer.stable {
            _ if self.pointer.stopped => format!("model \"{name}\" is stopped; route a version to start it"),
            None => format!("model \"{name}\" has no stable version yet; route one"),
            Some(version) => match self.versions.get(&version) {
                Some(VersionEntry { reason: Some(reason), .. }) => {
                    format!("version {version} of model \"{name}\" failed: {reason}")
                }
                _ => format!("version {version} of model \"{name}\" is not ready yet"),
            },
        }
    }
}

impl Registry {
    /// Reads the store; nothing is loaded yet.
    pub(crate) fn open(store: Store, clock: Arc<dyn Clock>, console: Console) -> Result<Self, ServeError> {
        let swept = store.sweep()?;
        if swept > 0 {
            console.warn(format!("deleted {swept} unfinished uploads of an earlier run"));
        }
        let mut models: BTreeMap<String, ModelEntry> = BTreeMap::new();
        for record in store.versions()? {
            let entry = models.entry(record.model.clone()).or_default();
            entry.versions.insert(record.version, VersionEntry::new(record, true, VersionState::Unloaded));
        }
        for (name, pointer) in store.pointers()? {
            // Evidence is gathered anew after a restart: it then counts from there.
            let watch = match pointer.canary.filter(|canary| !canary.shadow) {
                Some(canary) => Some(Arc::new(Watch::new(canary.version, store.watch(&name)?))),
                None => None,
            };
            let entry = models.entry(name).or_default();
            (entry.pointer, entry.watch) = (pointer, watch);
        }
        let registry = Self {
            table: ArcSwap::default(),
            models: Mutex::new(models),
            store: Mutex::new(store),
            uploads: AtomicU64::new(0),
            loaded: AtomicBool::new(false),
            clock,
            console,
        };
        registry.publish();
        Ok(registry)
    }

    /// Returns the routing table of this moment.
    pub(crate) fn table(&self) -> arc_swap::Guard<Arc<Table>> {
        self.table.load()
    }

    fn models(&self) -> MutexGuard<'_, BTreeMap<String, ModelEntry>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Builds the table anew and swaps it in.
    fn publish(&self) {
        let table = Table::new(self.models().iter().map(|(name, entry)| entry.routed(name)));
        self.table.store(Arc::new(table));
    }

    /// Returns whether everything that should answer does.
    pub(crate) fn ready(&self) -> bool {
        self.loaded.load(Relaxed)
            && self.models().values().all(|entry| {
                let pointer = &entry.pointer;
                let wanted = pointer.stable.into_iter().chain(pointer.canary.map(|canary| canary.version));
                pointer.stopped || wanted.into_iter().all(|version| entry.served(version).is_some())
            })
    }

    /// Returns all models.
    pub(crate) fn shown_all(&self) -> ServerModels {
        ServerModels { models: self.models().iter().map(|(name, entry)| entry.shown(name)).collect() }
    }

    /// Returns one model.
    pub(crate) fn shown(&self, model: &str) -> Result<ServerModel, Refusal> {
        let models = self.models();
        let entry = models.get(model).ok_or_else(|| unknown_model(model))?;
        Ok(entry.shown(model))
    }
}

fn unknown_model(model: &str) -> Refusal {
    Refusal::not_found(format!("model \"{model}\" is unknown"))
}

fn unknown_version(model: &str, version: u64) -> Refusal {
    Refusal::not_found(format!("version {version} of model \"{model}\" is unknown"))
}
