//! Studio state as a fold of events, selection, undo, routes and `UiCommand`; no egui, no I/O.
