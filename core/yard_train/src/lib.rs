//! Learners, choice among them, evaluation; library and the worker binary yard-trainer.
