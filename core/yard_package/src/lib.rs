//! The .modelpack: read, verify, write, sign.
