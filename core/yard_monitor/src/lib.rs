//! Windows, drift, live quality, alerts and retrain triggers.
