//! The table of gRPC methods with their scopes: the guard reads it, and a test walks it cell by cell.

use crate::tokens::Scope;

/// What a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Infer,
    ServerLive,
    ServerReady,
    ModelReady,
    ServerMetadata,
    ModelMetadata,
    Statistics,
    Index,
    Load,
    Unload,
    Health,
}

/// One method.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) path: &'static str,
    /// Scopes that open it; empty: open to all.
    pub(crate) scopes: &'static [Scope],
    pub(crate) action: Action,
}

const READ: &[Scope] = &[Scope::Infer, Scope::Observe];

const fn method(path: &'static str, scopes: &'static [Scope], action: Action) -> Method {
    Method { path, scopes, action }
}

/// All methods; the most used first.
pub(crate) static METHODS: &[Method] = &[
    method("/inference.GRPCInferenceService/ModelInfer", &[Scope::Infer], Action::Infer),
    method("/inference.GRPCInferenceService/ServerLive", &[], Action::ServerLive),
    method("/inference.GRPCInferenceService/ServerReady", &[], Action::ServerReady),
    method("/inference.GRPCInferenceService/ModelReady", READ, Action::ModelReady),
    method("/inference.GRPCInferenceService/ServerMetadata", READ, Action::ServerMetadata),
    method("/inference.GRPCInferenceService/ModelMetadata", READ, Action::ModelMetadata),
    method("/inference.GRPCInferenceService/ModelStatistics", &[Scope::Observe], Action::Statistics),
    method("/inference.GRPCInferenceService/RepositoryIndex", &[Scope::Manage], Action::Index),
    method("/inference.GRPCInferenceService/RepositoryModelLoad", &[Scope::Manage], Action::Load),
    method("/inference.GRPCInferenceService/RepositoryModelUnload", &[Scope::Manage], Action::Unload),
    method("/grpc.health.v1.Health/Check", &[], Action::Health),
];

/// A method as others see it: for tests that walk the table, and for documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// Path of the method, `/SERVICE/METHOD`.
    pub path: &'static str,
    /// Scopes that open it; empty: open to all. A manage token opens every method.
    pub scopes: &'static [Scope],
}

/// Returns every gRPC method of the server.
pub fn method_table() -> Vec<MethodInfo> {
    METHODS.iter().map(|method| MethodInfo { path: method.path, scopes: method.scopes }).collect()
}

/// Finds the method of a path.
pub(crate) fn find(path: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.path == path)
}
