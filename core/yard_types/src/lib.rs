//! Plain data in the users' words: frame, schema, recipe, split, run, metric, manifest, command, event.
