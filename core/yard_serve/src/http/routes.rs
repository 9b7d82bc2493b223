//! The route table: every path, method and scope that the server answers, in one list. The router reads
//! it, the guard reads it, the `OpenAPI` document is made of it, and a test walks it cell by cell.

use crate::{http::reply::Refusal, tokens::Scope};
use hyper::{Method, StatusCode};
use yard_types::contract::valid_name;

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Predict,
    Infer,
    Invocations,
    Ping,
    Version,
    Explain,
    Feedback,
    Live,
    Ready,
    ServerInfo,
    ModelInfo,
    ModelReady,
    Metrics,
    OpenApi,
    Models,
    Model,
    Windows,
    Log,
    Verify,
    Erase,
    Upload,
    Route,
    Promote,
    Watch,
    Rollout,
    Rollback,
    Stop,
    Shutdown,
    Statistics,
    Index,
    Load,
    Unload,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Path with `{m}` for a model name and `{v}` for a version.
    pub(crate) path: &'static str,
    /// Scopes that open it; empty: open to all.
    pub(crate) scopes: &'static [Scope],
    pub(crate) action: Action,
    /// One line for the `OpenAPI` document.
    pub(crate) summary: &'static str,
}

const fn route(
    method: Method,
    path: &'static str,
    scopes: &'static [Scope],
    action: Action,
    summary: &'static str,
) -> Route {
    Route { method, path, scopes, action, summary }
}

const INFER: &[Scope] = &[Scope::Infer];
const OBSERVE: &[Scope] = &[Scope::Observe];
const MANAGE: &[Scope] = &[Scope::Manage];
const READ: &[Scope] = &[Scope::Infer, Scope::Observe];
const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// All routes; the most used first.
pub(crate) static ROUTES: &[Route] = &[
    route(POST, "/v1/models/{m}:predict", INFER, Action::Predict, "Predicts a list of records."),
    route(POST, "/v2/models/{m}/infer", INFER, Action::Infer, "Open Inference Protocol: predicts tensors."),
    route(
        POST,
        "/v2/models/{m}/versions/{v}/infer",
        INFER,
        Action::Infer,
        "Open Inference Protocol: predicts tensors with one version.",
    ),
    route(POST, "/v1/models/{m}:explain", INFER, Action::Explain, "Predicts records and gives reasons."),
    route(POST, "/v1/models/{m}:feedback", INFER, Action::Feedback, "Stores labels of past predictions."),
    route(
        POST,
        "/invocations",
        INFER,
        Action::Invocations,
        "MLflow, SageMaker, Vertex: predicts a table with the only model, or the one of header modelyard-model.",
    ),
    route(GET, "/ping", &[], Action::Ping, "MLflow, SageMaker: whether a model answers."),
    route(GET, "/health", &[], Action::Ping, "MLflow: whether a model answers."),
    route(GET, "/version", READ, Action::Version, "MLflow: version of the server."),
    route(GET, "/v2/health/live", &[], Action::Live, "Whether the server runs."),
    route(GET, "/v2/health/ready", &[], Action::Ready, "Whether every routed version is ready."),
    route(GET, "/v2", READ, Action::ServerInfo, "Name, version and extensions of the server."),
    route(GET, "/v2/models/stats", OBSERVE, Action::Statistics, "Figures of the versions of all models."),
    route(GET, "/v2/models/{m}/stats", OBSERVE, Action::Statistics, "Figures of the versions of a model."),
    route(GET, "/v2/models/{m}/versions/{v}/stats", OBSERVE, Action::Statistics, "Figures of one version."),
    route(POST, "/v2/repository/index", MANAGE, Action::Index, "Lists the versions of all models."),
    route(POST, "/v2/repository/models/{m}/load", MANAGE, Action::Load, "Starts a stopped model."),
    route(POST, "/v2/repository/models/{m}/unload", MANAGE, Action::Unload, "Stops a model."),
    route(GET, "/v2/models/{m}", READ, Action::ModelInfo, "Inputs and outputs of a model."),
    route(GET, "/v2/models/{m}/ready", READ, Action::ModelReady, "Whether a model answers."),
    route(GET, "/v2/models/{m}/versions/{v}", READ, Action::ModelInfo, "Inputs and outputs of one version."),
    route(GET, "/v2/models/{m}/versions/{v}/ready", READ, Action::ModelReady, "Whether one version answers."),
    route(GET, "/metrics", OBSERVE, Action::Metrics, "Figures in the Prometheus text format."),
    route(GET, "/openapi.json", READ, Action::OpenApi, "This document."),
    route(GET, "/manage/models", OBSERVE, Action::Models, "States and figures of all models."),
    route(GET, "/manage/models/{m}", OBSERVE, Action::Model, "States and figures of a model."),
    route(
        GET,
        "/manage/models/{m}/windows",
        OBSERVE,
        Action::Windows,
        "Windows of the request log: counts, latencies, sketches, labels.",
    ),
    route(GET, "/manage/models/{m}/log", MANAGE, Action::Log, "Logged requests with their values."),
    route(GET, "/manage/log/verify", MANAGE, Action::Verify, "Whether the request log is as it was written."),
    route(
        POST,
        "/manage/models/{m}/erase",
        MANAGE,
        Action::Erase,
        "Erases the field values of logged requests; their digests stay.",
    ),
    route(
        POST,
        "/manage/models/{m}/versions",
        MANAGE,
        Action::Upload,
        "Uploads a package, verifies and loads it.",
    ),
    route(POST, "/manage/models/{m}/route", MANAGE, Action::Route, "Sets the stable version and the canary."),
    route(POST, "/manage/models/{m}/promote", MANAGE, Action::Promote, "Makes the canary stable."),
    route(
        POST,
        "/manage/models/{m}/watch",
        MANAGE,
        Action::Watch,
        "Stops or resumes acting on the evidence about the canary.",
    ),
    route(
        GET,
        "/manage/models/{m}/rollout",
        OBSERVE,
        Action::Rollout,
        "Evidence about the canary, and what happened.",
    ),
    route(
        POST,
        "/manage/models/{m}/rollback",
        MANAGE,
        Action::Rollback,
        "Ends the canary, or goes back to the previous version.",
    ),
    route(POST, "/manage/models/{m}/stop", MANAGE, Action::Stop, "Stops a model or unloads a version."),
    route(POST, "/manage/shutdown", MANAGE, Action::Shutdown, "Drains and ends the server."),
];

/// A route as others see it: for tests that walk the table, and for documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    /// HTTP method.
    pub method: String,
    /// Path with `{m}` for a model name and `{v}` for a version.
    pub path: &'static str,
    /// Scopes that open it; empty: open to all. A manage token opens every route.
    pub scopes: &'static [Scope],
}

/// Returns every route of the server.
pub fn route_table() -> Vec<RouteInfo> {
    let info = |route: &Route| RouteInfo {
        method: route.method.to_string(),
        path: route.path,
        scopes: route.scopes,
    };
    ROUTES.iter().map(info).collect()
}

/// A route with the parts of its path.
#[derive(Debug)]
pub(crate) struct Found<'p> {
    pub(crate) route: &'static Route,
    pub(crate) model: &'p str,
    pub(crate) version: Option<u64>,
}

/// What a path and method lead to.
#[derive(Debug)]
pub(crate) enum Lookup<'p> {
    Found(Found<'p>),
    /// The path exists with these other methods.
    OtherMethod(String),
    Nowhere,
}

/// Finds the route of a request. A percent sign is never part of a valid path, so that nothing is decoded
/// twice.
pub(crate) fn find<'p>(method: &Method, path: &'p str) -> Lookup<'p> {
    let mut others: Vec<&str> = Vec::new();
    for route in ROUTES {
        let Some((model, version)) = capture(route.path, path) else { continue };
        if route.method == *method {
            return Lookup::Found(Found { route, model, version });
        }
        others.push(route.method.as_str());
    }
    if others.is_empty() { Lookup::Nowhere } else { Lookup::OtherMethod(others.join(", ")) }
}

/// Matches a path against a template; `None` when it differs or a part is not a valid name or version.
fn capture<'p>(template: &str, mut path: &'p str) -> Option<(&'p str, Option<u64>)> {
    let (mut model, mut version) = ("", None);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        path = path.strip_prefix(&rest[..at])?;
        let end = path.find(['/', ':']).unwrap_or(path.len());
        let part = &path[..end];
        if rest[at..].starts_with("{m}") {
            model = part;
            if !valid_name(part) {
                return None;
            }
        } else {
            version = Some(version_number(part)?);
        }
        path = &path[end..];
        rest = &rest[at + 3..];
    }
    (path == rest).then_some((model, version))
}

/// Reads a version: digits without leading zeros.
fn version_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

/// Builds the refusal of a request that leads nowhere.
pub(crate) fn refusal(lookup: Lookup<'_>) -> Refusal {
    match lookup {
        Lookup::OtherMethod(allow) => Refusal {
            allow: Some(allow.clone()),
            ..Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                format!("this path does not take this method; allowed: {allow}"),
            )
        },
        _ => Refusal::not_found("no such path; see /openapi.json"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn check(method: &Method, path: &str, expected: Option<(Action, &str, Option<u64>)>) {
        let got = match find(method, path) {
            Lookup::Found(found) => Some((found.route.action, found.model, found.version)),
            _ => None,
        };
        assert_eq!(got, expected, "{method} {path}");
    }

    #[test]
    fn paths_lead_to_their_routes() {
        check(&POST, "/v1/models/churn:predict", Some((Action::Predict, "churn", None)));
        check(&POST, "/v2/models/a-b_9/versions/12/infer", Some((Action::Infer, "a-b_9", Some(12))));
        check(&GET, "/v2/models/ready", Some((Action::ModelInfo, "ready", None)));
        check(&GET, "/v2/models/ready/ready", Some((Action::ModelReady, "ready", None)));
        check(&GET, "/v2", Some((Action::ServerInfo, "", None)));
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "/",
            "/v2/",
            "//v2",
            "/v1/models/:predict",
            "/v1/models/..:predict",
            "/v1/models/Churn:predict",
            "/v1/models/a%2fb:predict",
            "/v1/models/a:predict:predict",
            "/v1/models/a:predict/",
            "/v1/models/a\\b:predict",
            "/v2/models/a/versions/01/infer",
            "/v2/models/a/versions/+1/infer",
            "/v2/models/a/versions//infer",
            "/v2/models/a/versions/99999999999999999999/infer",
            "/v2/models/%2e%2e/infer",
            "/v2/models/ /infer",
        ] {
            check(&POST, path, None);
        }
    }

    #[test]
    fn another_method_is_told_which_are_allowed() {
        let Lookup::OtherMethod(allow) = find(&Method::DELETE, "/v2/models/a/infer") else {
            panic!("the path exists");
        };
        assert_eq!(allow, "POST");
        assert_eq!(refusal(Lookup::OtherMethod(allow)).status, StatusCode::METHOD_NOT_ALLOWED);
    }
}
