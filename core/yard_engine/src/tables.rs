//! Tables in memory, loaded once per content.

/// Cache of tables.
#[derive(Default)]
pub(crate) struct Tables {}
