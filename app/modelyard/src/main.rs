//! The studio and the command line.

fn main() {}
