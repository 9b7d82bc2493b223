//! The way from bytes on a connection to an action and back: table of routes, guard, limits, answers.

pub(crate) mod date;
pub(crate) mod fast;
pub(crate) mod guard;
pub(crate) mod head;
pub(crate) mod intake;
pub(crate) mod reply;
pub(crate) mod routes;
pub(crate) mod trace;
