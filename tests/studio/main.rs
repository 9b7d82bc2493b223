//! The window, driven without a display: the loop by labels and roles, mouse and keyboard, against a real
//! engine and a real server process; and one picture per place and theme.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod driver;
mod guided;
mod keyboard;
#[path = "../../app/yard_views/tests/common/names.rs"]
mod names;
mod round;
