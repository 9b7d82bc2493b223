//! From a server's state to the deployment as the project shows it.

use yard_types::{
    deploy::{CanaryVersion, DeploymentStatus, ServedVersion},
    ids::{ModelId, Sha256},
    serving::{ServerModel, ServerVersion},
};

/// Where a deployment runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `local` or a target's name.
    pub target: String,
    /// Base URL.
    pub url: String,
    /// Address for gRPC, `HOST:PORT`, when it is known.
    pub grpc: Option<String>,
    /// File with the token for requests.
    pub token_file: String,
}

/// Builds the status. `model_of` tells which model of the project a package holds.
pub fn status_of(
    model: &ServerModel,
    place: &Place,
    model_of: &dyn Fn(Sha256) -> Option<ModelId>,
) -> DeploymentStatus {
    let find = |version: u64| model.versions.iter().find(|own| own.version == version);
    let served = |own: &ServerVersion| ServedVersion {
        model: model_of(own.sha256).unwrap_or(ModelId(0)),
        version: own.version,
        sha256: own.sha256,
    };
    let canary = model.canary.and_then(|route| {
        let served = served(find(route.version)?);
        Some(CanaryVersion { served, percent: route.percent, shadow: route.shadow })
    });
    DeploymentStatus {
        deployment: model.name.clone(),
        target: place.target.clone(),
        url: place.url.clone(),
        grpc: place.grpc.clone(),
        stable: model.stable.and_then(find).map(served),
        canary,
        state: if model.stopped { "stopped" } else { "running" }.to_owned(),
        token_file: place.token_file.clone(),
        stats: model.versions.iter().map(|own| own.stats.clone()).collect(),
        previous: model.previous.and_then(find).map(served),
    }
}
