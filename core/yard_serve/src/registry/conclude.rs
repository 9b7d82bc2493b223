//! The end of a canary, by its evidence or by hand, and what is kept of it: each end is an event with its
//! reason, and one by hand says what the evidence was at that moment.

use super::{Registry, unknown_model};
use crate::{
    http::reply::Refusal,
    rollout::watch::{Verdict, Watch},
    store::Pointer,
};
use std::sync::Arc;
use yard_types::{
    rollout::{FreezeRequest, RolloutEvent, RolloutReply},
    serving::ServerModel,
};

impl Registry {
    /// Carries a verdict out, when the version is still the canary.
    pub(crate) fn conclude(&self, model: &str, version: u64, verdict: &Verdict) -> Result<(), Refusal> {
        let kind = match verdict {
            Verdict::RollBack(_) => self.roll_back(model, Some(version)).map(|_| "rolled_back"),
            Verdict::Promote(_) => self.promote_canary(model, Some(version)).map(|_| "promoted"),
        }?;
        self.console.warn(format!("{model}, version {version}: {kind}: {}", verdict.reason()));
        self.note(model, kind, version, (true, verdict.reason().to_owned()));
        Ok(())
    }

    /// Makes the canary stable, by hand.
    pub(crate) fn promote(&self, model: &str, reason: Option<&str>) -> Result<ServerModel, Refusal> {
        let version = self.pointer(model)?.canary.map(|canary| canary.version);
        let evidence = self.evidence_in_words(model, version);
        let shown = self.promote_canary(model, None)?;
        let reason = format!("{}{evidence}", reason.unwrap_or("no reason given"));
        self.note(model, "promoted", version.unwrap_or_default(), (false, reason));
        Ok(shown)
    }

    /// Ends the canary, or goes back to the version before, by hand.
    pub(crate) fn rollback(&self, model: &str, reason: Option<&str>) -> Result<ServerModel, Refusal> {
        let pointer = self.pointer(model)?;
        let version = pointer.canary.map(|canary| canary.version);
        let evidence = self.evidence_in_words(model, version);
        let shown = self.roll_back(model, None)?;
        let reason = format!("{}{evidence}", reason.unwrap_or("no reason given"));
        self.note(model, "rolled_back", version.or(pointer.stable).unwrap_or_default(), (false, reason));
        Ok(shown)
    }

    /// Stops or resumes acting on the evidence. Returns a verdict that was held back.
    pub(crate) fn freeze(
        &self,
        model: &str,
        request: &FreezeRequest,
    ) -> Result<Option<(u64, Verdict)>, Refusal> {
        if request.reason.trim().is_empty() || request.reason.len() > 1_000 {
            return Err(Refusal::bad("reason", "watch: expected a reason of 1 to 1000 characters"));
        }
        let running = self.pointer(model)?.canary.filter(|canary| !canary.shadow);
        let watch = self.watch_of(model, running.map(|canary| canary.version));
        let Some(watch) = watch else {
            return Err(Refusal::bad("canary", format!("model \"{model}\" has no canary to watch")));
        };
        let verdict = watch.freeze(request.frozen);
        let plan = watch.plan();
        self.store().set_watch(model, &plan).map_err(Refusal::from)?;
        let kind = if request.frozen { "frozen" } else { "resumed" };
        self.note(model, kind, watch.version, (false, request.reason.clone()));
        Ok(verdict.map(|verdict| (watch.version, verdict)))
    }

    /// Returns evidence and events.
    pub(crate) fn rollout(&self, model: &str) -> Result<RolloutReply, Refusal> {
        self.pointer(model)?;
        let watch = self.models().get(model).and_then(|entry| entry.watch.clone());
        let events = self.store().events(model).map_err(Refusal::from)?;
        Ok(RolloutReply { evidence: watch.map(|watch| watch.evidence()), events })
    }

    pub(super) fn pointer(&self, model: &str) -> Result<Pointer, Refusal> {
        let models = self.models();
        models.get(model).map(|entry| entry.pointer).ok_or_else(|| unknown_model(model))
    }

    fn watch_of(&self, model: &str, version: Option<u64>) -> Option<Arc<Watch>> {
        let models = self.models();
        models.get(model)?.watch.clone().filter(|watch| Some(watch.version) == version)
    }

    fn evidence_in_words(&self, model: &str, version: Option<u64>) -> String {
        let Some(evidence) = self.watch_of(model, version).map(|watch| watch.evidence()) else {
            return String::new();
        };
        let (own, latest) = (evidence.canary, evidence.latest);
        format!(
            "; the evidence then: {}, {} requests of the canary, {} errors, log10 e-values {:.2} (errors) and {:.2} \
             (latency) of {:.2}",
            evidence.verdict, own.requests, own.errors, latest.errors, latest.latency, evidence.limit
        )
    }

    /// Keeps an event; a store that can't is said on the console, since the switch itself was made.
    pub(super) fn note(&self, model: &str, kind: &str, version: u64, (automatic, reason): (bool, String)) {
        let event = RolloutEvent { at: String::new(), kind: kind.to_owned(), version, automatic, reason };
        if let Err(error) = self.store().add_event(model, self.clock.now_micros(), &event) {
            self.console.error(&error);
        }
    }
}
