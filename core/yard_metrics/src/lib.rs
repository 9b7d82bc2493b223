//! Metrics, curves, intervals, costs, fairness, drift statistics and sketches, on slices.
