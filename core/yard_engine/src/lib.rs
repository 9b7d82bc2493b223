//! The facade: project file, job queue, lineage; command in, event out.
