//! Open Inference Protocol v2 over gRPC, on an address of its own: the same guard, limits, scorer and log
//! as over HTTP. tonic does framing and statuses; messages are read and written here.

mod codec;
pub(crate) mod methods;
mod proto;
pub(crate) mod request;
mod respond;
mod status;
mod unary;
mod wire;

pub(crate) use respond::{handle, write_infer};
