//! Opening the window.

use std::path::Path;

/// Opens the studio with a project, or on Start without one.
pub(crate) fn open(project: Option<&Path>) -> anyhow::Result<()> {
    let _ = project;
    anyhow::bail!(
        "this build has no window; expected a build with a display; every command works without one: \
         see `modelyard --help`, or run `modelyard demo`"
    )
}
