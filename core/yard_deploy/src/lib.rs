//! Deployment targets, rollout steps, health, rollback.
