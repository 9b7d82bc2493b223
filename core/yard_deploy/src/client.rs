//! Speaks to a model server over HTTP: management, monitoring, predictions, feedback.
//!
//! Blocking; every request has a time limit. Tokens are sent only to the target's own URL: redirects
//! are not followed and no proxy of the environment is used.

use crate::{error::DeployError, pin};
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::Path;
use std::time::Duration;
use yard_types::ids::Sha256;
use yard_types::rollout::{FreezeRequest, RolloutReply};
use yard_types::serving::{
    FeedbackItem, FeedbackReply, LogReply, PredictReply, RouteRequest, ServerModel, ServerModels,
    StopRequest, UploadReply, WindowsReply,
};

/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit of an upload, which is verified before it is answered.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(10);

/// Tokens by scope. One token for all is allowed.
#[derive(Clone)]
pub struct Tokens {
    /// Predictions and feedback.
    pub infer: String,
    /// States, metrics, windows.
    pub observe: String,
    /// Everything else.
    pub manage: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(hidden)")
    }
}

impl Tokens {
    /// Uses one token for every scope.
    pub fn one(token: String) -> Self {
        Self { infer: token.clone(), observe: token.clone(), manage: token }
    }
}

/// Reads a token file: its first line, without spaces around it.
pub fn read_token(path: &Path) -> Result<String, DeployError> {
    let fail = |reason: String| DeployError::Token { reason, path: path.to_owned() };
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    let plain = !token.is_empty() && token.len() <= 4096 && token.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { Ok(token.to_owned()) } else { Err(fail("it is empty or holds more than a token".to_owned())) }
}

/// A connection to one server.
#[derive(Clone, Debug)]
pub struct ServerClient {
    url: String,
    tokens: Tokens,
    client: Client,
}

impl ServerClient {
    /// Makes a client for a base URL such as `http://127.0.0.1:8080`, or `https://host:8443#sha256=PIN`.
    pub fn new(url: &str, tokens: Tokens) -> Result<Self, DeployError> {
        let (url, pin) = pin::split(url)?;
        // Without a pin no key is accepted: such a server is not spoken to over TLS.
        let config = pin::config(pin.unwrap_or(Sha256([0; 32])))
            .map_err(|error| DeployError::Unreachable { url: url.clone(), reason: error.to_string() })?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(config)
            .build()
            .map_err(|error| DeployError::Unreachable { url: url.clone(), reason: text_of(&error) })?;
        Ok(Self { url, tokens, client })
    }

    /// Returns the base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks whether the server runs, with the token, so that a stranger on the same port is found out.
    pub fn check(&self) -> Result<(), DeployError> {
        self.get::<ServerModels>("/manage/models", &self.tokens.observe).map(drop)
    }

    /// Reads the state of a model; `None` when the server doesn't know it.
    pub fn model(&self, name: &str) -> Result<Option<ServerModel>, DeployError> {
        match self.get(&format!("/manage/models/{name}"), &self.tokens.observe) {
            Ok(model) => Ok(Some(model)),
            Err(DeployError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Uploads a package; the server verifies it, loads it and warms it up.
    pub fn upload(&self, name: &str, package: Vec<u8>) -> Result<UploadReply, DeployError> {
        let url = format!("{}/manage/models/{name}/versions", self.url);
        let request = self
            .client
            .post(&url)
            .timeout(UPLOAD_TIMEOUT)
            .header("content-type", "application/octet-stream")
            .body(package);
        read(&url, request, &self.tokens.manage)
    }

    /// Sets which versions answer.
    pub fn route(&self, name: &str, route: &RouteRequest) -> Result<ServerModel, DeployError> {
        self.post(&format!("/manage/models/{name}/route"), &self.tokens.manage, route)
    }

    /// Reads the evidence about a model's canary, and what happened to its rollouts.
    pub fn rollout(&self, name: &str) -> Result<RolloutReply, DeployError> {
        self.get(&format!("/manage/models/{name}/rollout"), &self.tokens.observe)
    }

    /// Stops or resumes acting on the evidence; the reason is kept.
    pub fn freeze(&self, name: &str, request: &FreezeRequest) -> Result<ServerModel, DeployError> {
        self.post(&format!("/manage/models/{name}/watch"), &self.tokens.manage, request)
    }

    /// Makes the canary stable.
    pub fn promote(&self, name: &str) -> Result<ServerModel, DeployError> {
        self.post(&format!("/manage/models/{name}/promote"), &self.tokens.manage, &Map::new())
    }

    /// Ends the canary, or goes back to the version before.
    pub fn roll_back(&self, name: &str) -> Result<ServerModel, DeployError> {
        self.post(&format!("/manage/models/{name}/rollback"), &self.tokens.manage, &Map::new())
    }

    /// Stops a model, or unloads one version.
    pub fn stop(&self, name: &str, version: Option<u64>) -> Result<ServerModel, DeployError> {
        self.post(&format!("/manage/models/{name}/stop"), &self.tokens.manage, &StopRequest { version })
    }

    /// Drains and ends the server.
    pub fn shut_down(&self) -> Result<(), DeployError> {
        self.post::<Value, _>("/manage/shutdown", &self.tokens.manage, &Map::new()).map(drop)
    }

    /// Reads windows of at least `size` rows.
    pub fn windows(&self, name: &str, size: u64) -> Result<WindowsReply, DeployError> {
        self.get(&format!("/manage/models/{name}/windows?size={size}"), &self.tokens.observe)
    }

    /// Reads the request log after a position.
    pub fn log(&self, name: &str, after: u64, limit: u64) -> Result<LogReply, DeployError> {
        let path = format!("/manage/models/{name}/log?after={after}&limit={limit}");
        self.get(&path, &self.tokens.manage)
    }

    /// Predicts records in order.
    pub fn predict(&self, name: &str, body: &Value) -> Result<PredictReply, DeployError> {
        self.post(&format!("/v1/models/{name}:predict"), &self.tokens.infer, body)
    }

    /// Predicts one record with reasons; the answer as the server gave it.
    pub fn explain(&self, name: &str, body: &Value) -> Result<Value, DeployError> {
        self.post(&format!("/v1/models/{name}:explain"), &self.tokens.infer, body)
    }

    /// Sends tensors to one version (Open Inference Protocol).
    pub fn infer(&self, name: &str, version: u64, body: &Value) -> Result<Value, DeployError> {
        self.post(&format!("/v2/models/{name}/versions/{version}/infer"), &self.tokens.infer, body)
    }

    /// Sends labels of past predictions.
    pub fn feedback(&self, name: &str, items: &[FeedbackItem]) -> Result<FeedbackReply, DeployError> {
        self.post(&format!("/v1/models/{name}:feedback"), &self.tokens.infer, items)
    }

    fn get<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, DeployError> {
        let url = format!("{}{path}", self.url);
        read(&url, self.client.get(&url), token)
    }

    fn post<T: DeserializeOwned, B: serde::Serialize + ?Sized>(
        &self,
        path: &str,
        token: &str,
        body: &B,
    ) -> Result<T, DeployError> {
        let url = format!("{}{path}", self.url);
        read(&url, self.client.post(&url).json(body), token)
    }
}

fn read<T: DeserializeOwned>(url: &str, request: RequestBuilder, token: &str) -> Result<T, DeployError> {
    let unreachable =
        |error: reqwest::Error| DeployError::Unreachable { url: url.to_owned(), reason: text_of(&error) };
    let response = request.bearer_auth(token).send().map_err(unreachable)?;
    let status = response.status().as_u16();
    let body = body_of(response, url)?;
    if !(200..300).contains(&status) {
        let message = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|value| value.get("error").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_else(|| String::from_utf8_lossy(&body).chars().take(300).collect());
        return Err(DeployError::Refused { status, message, url: url.to_owned() });
    }
    serde_json::from_slice(&body)
        .map_err(|error| DeployError::Answer { reason: error.to_string(), url: url.to_owned() })
}

fn body_of(response: Response, url: &str) -> Result<Vec<u8>, DeployError> {
    match response.bytes() {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(error) => Err(DeployError::Unreachable { url: url.to_owned(), reason: text_of(&error) }),
    }
}

/// The innermost cause says what happened ("connection refused").
fn text_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
