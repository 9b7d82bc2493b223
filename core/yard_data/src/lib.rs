//! Data files: open, infer types, profile, findings, recipe fit, split.
