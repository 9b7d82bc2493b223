//! Harness and integration tests of Modelyard.
