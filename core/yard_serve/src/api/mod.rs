//! What the routes do, one module for each group.

pub(crate) mod explain;
pub(crate) mod feedback;
pub(crate) mod infer;
pub(crate) mod invocations;
pub(crate) mod manage;
pub(crate) mod openapi;
pub(crate) mod predict;
pub(crate) mod prometheus;
pub(crate) mod raw;
pub(crate) mod repository;
pub(crate) mod score;
pub(crate) mod tensor;
pub(crate) mod tensors;
