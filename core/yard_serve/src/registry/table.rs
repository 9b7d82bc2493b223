//! The routing table: one immutable value, swapped at once, so that a request sees one consistent state
//! and never waits for a change.

use crate::{
    http::reply::Refusal,
    rollout::watch::Watch,
    served::Served,
    split::{Share, key_hash},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use yard_types::serving::ShadowStats;

/// All models.
#[derive(Debug, Default)]
pub(crate) struct Table {
    models: HashMap<String, Arc<RoutedModel>>,
}

/// Comparison of a shadow with the version that answers.
#[derive(Debug, Default)]
pub(crate) struct ShadowFigures {
    pub(crate) rows: AtomicU64,
    pub(crate) disagreements: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) skipped: AtomicU64,
}

impl ShadowFigures {
    pub(crate) fn stats(&self) -> ShadowStats {
        ShadowStats {
            rows: self.rows.load(Relaxed),
            disagreements: self.disagreements.load(Relaxed),
            errors: self.errors.load(Relaxed),
            skipped: self.skipped.load(Relaxed),
        }
    }
}

/// A challenger in the table.
#[derive(Clone, Debug)]
pub(crate) struct RoutedCanary {
    pub(crate) served: Arc<Served>,
    pub(crate) share: Share,
    pub(crate) shadow: bool,
    /// Evidence about it, unless it is a shadow.
    pub(crate) watch: Option<Arc<Watch>>,
}

/// One model in the table.
#[derive(Debug)]
pub(crate) struct RoutedModel {
    pub(crate) name: String,
    pub(crate) salt: u64,
    pub(crate) stable: Option<Arc<Served>>,
    pub(crate) canary: Option<RoutedCanary>,
    /// Every version in memory, for requests that name one.
    pub(crate) versions: BTreeMap<u64, Arc<Served>>,
    /// Why no version answers.
    pub(crate) problem: String,
    pub(crate) shadow: Arc<ShadowFigures>,
}

/// Who answers a request, and who scores it without answering.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) served: Arc<Served>,
    pub(crate) shadow: Option<Shadow>,
    /// Whether the request belongs to the traffic: one sent by number to a version that has none is a trial,
    /// which is logged but not monitored.
    pub(crate) traffic: bool,
    /// The watch over the canary, and whether the canary answers; absent for requests that name a version.
    pub(crate) watch: Option<(Arc<Watch>, bool)>,
}

/// A version that scores without answering.
#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    pub(crate) served: Arc<Served>,
    pub(crate) figures: Arc<ShadowFigures>,
}

impl Table {
    pub(crate) fn new(models: impl Iterator<Item = RoutedModel>) -> Self {
        Self { models: models.map(|model| (model.name.clone(), Arc::new(model))).collect() }
    }

    /// Returns a model.
    pub(crate) fn model(&self, name: &str) -> Result<&Arc<RoutedModel>, Refusal> {
        self.models.get(name).ok_or_else(|| Refusal::not_found(format!("model \"{name}\" is unknown")))
    }

    /// Returns the model of this name, or without a name the only one that there is.
    pub(crate) fn only(&self, name: Option<&[u8]>) -> Result<&Arc<RoutedModel>, Refusal> {
        if let Some(name) = name {
            return self.model(&String::from_utf8_lossy(name));
        }
        let mut live = self.models.values().filter(|model| model.stable.is_some());
        match (live.next(), live.next()) {
            (Some(model), None) => Ok(model),
            (None, _) => Err(Refusal::not_found("no model answers yet")),
            _ => Err(Refusal::bad("model", "several models answer; name one in the header modelyard-model")),
        }
    }

    /// Returns the models by name.
    pub(crate) fn sorted(&self) -> Vec<&Arc<RoutedModel>> {
        let by_name: BTreeMap<&String, &Arc<RoutedModel>> = self.models.iter().collect();
        by_name.into_values().collect()
    }
}

impl RoutedModel {
    /// Returns whether requests are divided between two versions.
    pub(crate) fn splits(&self) -> bool {
        self.canary.as_ref().is_some_and(|canary| !canary.shadow)
    }

    /// Chooses by the version asked for, or by the key's hash.
    pub(crate) fn choose(&self, version: Option<u64>, key: &[u8]) -> Result<Choice, Refusal> {
        if let Some(version) = version {
            let served = self.pinned(version)?;
            let live = self.stable.iter().chain(self.canary.iter().map(|canary| &canary.served));
            let traffic = live.into_iter().any(|live| Arc::ptr_eq(live, &served));
            return Ok(Choice { served, shadow: None, traffic, watch: None });
        }
        let Some(stable) = &self.stable else {
            return Err(Refusal::unavailable(self.problem.clone()));
        };
        let mut choice = Choice { served: stable.clone(), shadow: None, traffic: true, watch: None };
        if let Some(canary) = &self.canary {
            if canary.shadow {
                choice.shadow = Some(Shadow { served: canary.served.clone(), figures: self.shadow.clone() });
            } else {
                let own = canary.share.holds(key_hash(self.salt, key));
                if own {
                    choice.served = canary.served.clone();
                }
                choice.watch = canary.watch.clone().map(|watch| (watch, own));
            }
        }
        Ok(choice)
    }

    /// Returns a version by number.
    pub(crate) fn pinned(&self, version: u64) -> Result<Arc<Served>, Refusal> {
        self.versions.get(&version).cloned().ok_or_else(|| {
            Refusal::not_found(format!("version {version} of model \"{}\" is not loaded", self.name))
        })
    }
}
