//! Brings a package into service: upload, verify, golden requests, switch. Each step is recorded with
//! its time; nothing is switched unless every step before it held.

use crate::{client::ServerClient, error::DeployError};
use serde_json::{Map, Value, json};
use yard_types::{
    deploy::{RolloutStep, VersionState},
    ids::Sha256,
    serving::{CanaryRoute, RouteRequest, ServerModel},
};

/// A request with its exact answer.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenCase {
    /// Field values.
    pub fields: Map<String, Value>,
    /// Margins.
    pub margins: Vec<f32>,
    /// Probabilities in class order; empty for regression.
    pub probabilities: Vec<f32>,
}

/// How a version comes into service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// It answers all requests.
    Whole,
    /// It answers this percentage beside the stable version.
    Canary(f64),
    /// It scores every request without answering.
    Shadow,
}

/// A rollout that went wrong, with the steps until then.
#[derive(Debug)]
pub struct RolloutFailure {
    /// Steps, the last one failed.
    pub steps: Vec<RolloutStep>,
    /// Why.
    pub error: DeployError,
}

/// What is rolled out, where to.
pub struct Rollout<'a> {
    /// Server.
    pub client: &'a ServerClient,
    /// Model name on the server.
    pub name: &'a str,
    /// The package.
    pub package: &'a [u8],
    /// Its hash.
    pub sha256: Sha256,
    /// Requests with exact answers.
    pub golden: &'a [GoldenCase],
    /// How.
    pub mode: Mode,
    /// Seconds since any fixed moment.
    pub clock: &'a dyn Fn() -> f64,
}

/// Records steps with times.
pub struct Steps<'a> {
    /// Steps so far.
    pub steps: Vec<RolloutStep>,
    clock: &'a dyn Fn() -> f64,
}

impl<'a> Steps<'a> {
    /// Starts without steps.
    pub fn new(clock: &'a dyn Fn() -> f64) -> Self {
        Self { steps: Vec::new(), clock }
    }

    /// Does a step; its detail is what `detail` says of the result.
    pub fn step<T>(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<T, DeployError>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, DeployError> {
        let start = (self.clock)();
        let result = act();
        let ms = ((self.clock)() - start) * 1e3;
        let (ok, detail) = match &result {
            Ok(value) => (true, detail(value)),
            Err(error) => (false, error.to_string()),
        };
        self.steps.push(RolloutStep { name: name.to_owned(), ok, detail, ms });
        result
    }
}

impl Rollout<'_> {
    /// Carries it out, adding its steps to `steps`. On failure the version is unloaded and the server
    /// answers as before.
    pub fn run(&self, steps: &mut Steps<'_>) -> Result<ServerModel, DeployError> {
        let upload = steps.step(
            "package uploaded",
            || {
                let reply = self.client.upload(self.name, self.package.to_vec())?;
                if reply.sha256 == self.sha256 {
                    return Ok(reply);
                }
                Err(DeployError::OtherPackage { expected: self.sha256.to_hex(), got: reply.sha256.to_hex() })
            },
            |reply| format!("{} bytes as version {}", self.package.len(), reply.version),
        )?;
        let version = upload.version;
        let checked = self.check(steps, version);
        if let Err(error) = checked {
            // The stable version never stopped answering; only the new one goes.
            let _ = self.client.stop(self.name, Some(version));
            return Err(error);
        }
        let route = self.route(version)?;
        let after = steps.step(
            "switched",
            || self.client.route(self.name, &route),
            |model| match (self.mode, model.canary) {
                (Mode::Canary(percent), Some(_)) => {
                    format!("version {version} answers {percent} % of the requests")
                }
                (Mode::Shadow, Some(_)) => {
                    format!("version {version} scores every request without answering")
                }
                _ => format!("version {version} answers all requests"),
            },
        )?;
        Ok(after)
    }

    fn check(&self, steps: &mut Steps<'_>, version: u64) -> Result<(), DeployError> {
        steps.step(
            "verified",
            || self.ready(version),
            |_| {
                format!(
                    "the server checked hashes, signature and golden examples; SHA-256 {}",
                    self.sha256.short()
                )
            },
        )?;
        let total = self.golden.len();
        steps.step(
            "golden requests",
            || self.compare_golden(version),
            |()| format!("{total} of {total} answers over HTTP have the same bits"),
        )
    }

    fn ready(&self, version: u64) -> Result<ServerModel, DeployError> {
        let missing = || DeployError::NotReady { version, state: "absent".to_owned(), reason: String::new() };
        let model = self.client.model(self.name)?.ok_or_else(missing)?;
        let own = model.versions.iter().find(|own| own.version == version).ok_or_else(missing)?;
        if own.state == VersionState::Ready {
            return Ok(model);
        }
        let reason = own.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        Err(DeployError::NotReady { version, state: format!("{:?}", own.state).to_lowercase(), reason })
    }

    fn route(&self, version: u64) -> Result<RouteRequest, DeployError> {
        let stable = self.client.model(self.name)?.and_then(|model| model.stable);
        let canary = match self.mode {
            // Nothing to compare with: the first version answers everything.
            _ if stable.is_none() || stable == Some(version) => None,
            Mode::Whole => None,
            Mode::Canary(percent) => Some(CanaryRoute { version, percent, shadow: false }),
            Mode::Shadow => Some(CanaryRoute { version, percent: 0.0, shadow: true }),
        };
        let stable = if canary.is_some() { None } else { Some(version) };
        Ok(RouteRequest { stable, canary, watch: None })
    }

    fn compare_golden(&self, version: u64) -> Result<(), DeployError> {
        if self.golden.is_empty() {
            return Ok(());
        }
        let answer = self.client.infer(self.name, version, &infer_body(self.golden))?;
        let margins: Vec<f32> = self.golden.iter().flat_map(|case| case.margins.clone()).collect();
        let probabilities: Vec<f32> =
            self.golden.iter().flat_map(|case| case.probabilities.clone()).collect();
        let name = if probabilities.is_empty() && output(&answer, "margin").is_none() {
            "prediction"
        } else {
            "margin"
        };
        let mut first = None;
        let mut bad = vec![false; self.golden.len()];
        for (name, expected) in [(name, margins), ("probability", probabilities)] {
            if expected.is_empty() {
                continue;
            }
            let got = output(&answer, name).unwrap_or_default();
            let width = (expected.len() / self.golden.len()).max(1);
            for (index, value) in expected.iter().enumerate() {
                let own = got.get(index).copied();
                if own.map(|own| (own as f32).to_bits()) != Some(value.to_bits()) {
                    first.get_or_insert_with(|| {
                        format!("{name} of request {}: expected {value}, got {own:?}", index / width + 1)
                    });
                    if let Some(slot) = bad.get_mut(index / width) {
                        *slot = true;
                    }
                }
            }
        }
        match first {
            None => Ok(()),
            Some(first) => {
                let total = self.golden.len();
                let equal = total - bad.iter().filter(|bad| **bad).count();
                Err(DeployError::Golden { equal, total, first })
            }
        }
    }
}

/// Returns the flat numbers of an output tensor.
fn output(answer: &Value, name: &str) -> Option<Vec<f64>> {
    let outputs = answer.get("outputs")?.as_array()?;
    let tensor = outputs.iter().find(|own| own.get("name").and_then(Value::as_str) == Some(name))?;
    tensor.get("data")?.as_array()?.iter().map(Value::as_f64).collect()
}

/// Turns records into tensors: one input per field, numbers as FP64, booleans as BOOL, else text.
fn infer_body(cases: &[GoldenCase]) -> Value {
    let names: std::collections::BTreeSet<&String> =
        cases.iter().flat_map(|case| case.fields.keys()).collect();
    let inputs: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let values: Vec<&Value> =
                cases.iter().map(|case| case.fields.get(name).unwrap_or(&Value::Null)).collect();
            let all = |test: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || test(value));
            let datatype = if all(Value::is_boolean) {
                "BOOL"
            } else if all(Value::is_number) {
                "FP64"
            } else {
                "BYTES"
            };
            let text = |value: &Value| match value {
                Value::Null | Value::String(_) => value.clone(),
                other => Value::String(other.to_string()),
            };
            let data: Vec<Value> = values
                .into_iter()
                .map(|value| if datatype == "BYTES" { text(value) } else { value.clone() })
                .collect();
            json!({"name": name, "shape": [cases.len(), 1], "datatype": datatype, "data": data})
        })
        .collect();
    json!({"id": "golden", "inputs": inputs})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn case(fields: &Value) -> GoldenCase {
        let fields = fields.as_object().unwrap().clone();
        GoldenCase { fields, margins: vec![0.0], probabilities: vec![0.5, 0.5] }
    }

    #[test]
    fn records_become_tensors_with_nulls_kept() {
        let cases = [case(&json!({"a": 1.5, "b": "x", "c": true})), case(&json!({"a": null, "b": 7}))];
        let body = infer_body(&cases);
        let expected = json!([
            {"name": "a", "shape": [2, 1], "datatype": "FP64", "data": [1.5, null]},
            {"name": "b", "shape": [2, 1], "datatype": "BYTES", "data": ["x", "7"]},
            {"name": "c", "shape": [2, 1], "datatype": "BOOL", "data": [true, null]},
        ]);
        assert_eq!(body["inputs"], expected);
    }

    #[test]
    fn steps_keep_their_time_and_the_failure() {
        let time = std::cell::Cell::new(0.0);
        let clock = || {
            time.set(time.get() + 0.25);
            time.get()
        };
        let mut steps = Steps::new(&clock);
        assert!(steps.step("a", || Ok(7), |n| format!("n = {n}")).is_ok());
        let missing =
            DeployError::NotReady { version: 2, state: "failed".into(), reason: ": bad hash".into() };
        assert!(steps.step::<()>("b", || Err(missing), |()| String::new()).is_err());
        assert_eq!(steps.steps[0].detail, "n = 7");
        assert_eq!((steps.steps[0].ms, steps.steps[1].ok), (250.0, false));
        assert!(steps.steps[1].detail.contains("bad hash"));
    }
}
