//! Where deployments run: the server of a project on this machine, and remote servers that this user
//! knows. URLs and token files of remote servers lie in the user's folder, never in a project.

use crate::{
    engine::Core,
    error::EngineError,
    home::{self, Home},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use yard_deploy::{
    DeployError, LocalServer, ServerClient, Tokens,
    client::read_token,
    local::Running,
    status::{Place, status_of},
};
use yard_types::{
    deploy::DeploymentStatus, ids::ModelId, ids::Sha256, project::ProjectState, serving::ServerModel,
};

/// A remote server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// Base URL.
    pub url: String,
    /// File whose first line is the token.
    pub token_file: PathBuf,
}

/// Reads the remote servers of a user.
pub fn remotes(home: &Home) -> Result<BTreeMap<String, Remote>, EngineError> {
    let path = home.root().join("targets.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            EngineError::failed(format!("the list of targets is damaged ({error}): \"{}\"", path.display()))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => Err(EngineError::Io { act: "read", path, source }),
    }
}

/// Checks that a server answers with the token, and remembers it for this user.
pub fn add_remote(home: &Home, name: &str, remote: Remote) -> Result<(), EngineError> {
    check_name(name)?;
    if !(remote.url.starts_with("http://") || remote.url.starts_with("https://")) {
        return Err(EngineError::refused(format!(
            "the URL of a target must begin with http:// or https://, got \"{}\"; give the URL with the pin that the \
             server prints when it starts, or reach it through a tunnel (for example `ssh -L`)",
            remote.url
        )));
    }
    let token = read_token(&remote.token_file).map_err(EngineError::failed)?;
    let client = ServerClient::new(&remote.url, Tokens::one(token)).map_err(EngineError::failed)?;
    client.check().map_err(EngineError::failed)?;
    let mut all = remotes(home)?;
    all.insert(name.to_owned(), remote);
    let text = serde_json::to_string_pretty(&all).map_err(EngineError::failed)?;
    home::make_private(home.root()).map_err(|source| EngineError::Io {
        act: "make",
        path: home.root().to_owned(),
        source,
    })?;
    home::write_atomic(&home.root().join("targets.json"), text.as_bytes(), home::PRIVATE)
}

/// Refuses names that a target can't have.
pub(crate) fn check_name(name: &str) -> Result<(), EngineError> {
    if yard_types::contract::valid_name(name) && name != "local" {
        return Ok(());
    }
    Err(EngineError::refused(format!(
        "target name \"{name}\" can't be used; expected lower-case letters, digits, - and _, and not \"local\""
    )))
}

/// A server that answers, with what the project shows of it.
pub(crate) struct Connection {
    pub(crate) client: ServerClient,
    pub(crate) place: Place,
    /// Whether it was started for this.
    pub(crate) started: bool,
}

impl Connection {
    /// Returns the project's view of a model on the server.
    pub(crate) fn status(&self, state: &ProjectState, model: &ServerModel) -> DeploymentStatus {
        let model_of = |sha: Sha256| -> Option<ModelId> {
            state.packages.iter().rev().find(|package| package.sha256 == sha).map(|package| package.model)
        };
        status_of(model, &self.place, &model_of)
    }
}

/// Returns the server of this project on this machine. Its folder carries the project's identity (the
/// hash of its first event), so that projects of one name do not meet.
pub(crate) fn local(core: &Core) -> Result<LocalServer, EngineError> {
    let (name, identity) = {
        let project = core.project();
        let first = project.events().first().map(|record| record.hash.short());
        (yard_types::contract::name_from_text(&project.state().name), first.unwrap_or_default())
    };
    let store = core.options.home.folder(&format!("servers/{name}-{identity}"))?;
    Ok(LocalServer { store, program: core.options.program.clone() })
}

/// Connects to a target; the server of this machine is started when it does not run.
pub(crate) fn connect(core: &Core, target: &str) -> Result<Connection, DeployError> {
    if target != "local" {
        return remote(core, target);
    }
    let server = local(core).map_err(|error| as_start_error(&error))?;
    server.ensure().map(|running| running_connection(&server.store, running))
}

/// Connects to a target that should run already.
pub(crate) fn find(core: &Core, target: &str) -> Result<Connection, DeployError> {
    if target != "local" {
        let connection = remote(core, target)?;
        connection.client.check()?;
        return Ok(connection);
    }
    let server = local(core).map_err(|error| as_start_error(&error))?;
    let url = core.state().deployment.as_ref().map_or_else(String::new, |status| status.url.clone());
    let gone =
        || DeployError::Unreachable { url, reason: "the server on this machine does not run".to_owned() };
    server.find().map(|running| running_connection(&server.store, running)).ok_or_else(gone)
}

fn running_connection(store: &Path, running: Running) -> Connection {
    let token = PathBuf::from(&running.file.tokens.infer);
    let token = if token.is_absolute() { token } else { store.join(token) };
    Connection {
        place: Place {
            target: "local".to_owned(),
            url: running.client.url().to_owned(),
            grpc: running.file.grpc,
            token_file: token.to_string_lossy().into_owned(),
        },
        client: running.client,
        started: running.started,
    }
}

fn remote(core: &Core, target: &str) -> Result<Connection, DeployError> {
    let missing = || DeployError::Unreachable {
        url: target.to_owned(),
        reason: "this user does not know the target; add it with `modelyard target add`".to_owned(),
    };
    let remote = remotes(&core.options.home)
        .map_err(|error| as_start_error(&error))?
        .remove(target)
        .ok_or_else(missing)?;
    let client = ServerClient::new(&remote.url, Tokens::one(read_token(&remote.token_file)?))?;
    let place = Place {
        target: target.to_owned(),
        url: client.url().to_owned(),
        grpc: None,
        token_file: remote.token_file.to_string_lossy().into_owned(),
    };
    Ok(Connection { client, place, started: false })
}

fn as_start_error(error: &EngineError) -> DeployError {
    DeployError::Start { reason: error.to_string(), log: PathBuf::new() }
}
