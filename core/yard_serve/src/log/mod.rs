//! What is kept of requests: the request log, the windows with their sketches, the labels, and the shadow's
//! comparison. All of it is done by one thread of its own, off the way of requests: a request hands over
//! what it has in memory anyway, and nobody waits.

pub(crate) mod chain;
pub(crate) mod inbox;
pub(crate) mod note;
mod privacy;
pub(crate) mod read;
mod shadow;
mod sketches;
mod window;
mod write;
pub(crate) mod writer;
