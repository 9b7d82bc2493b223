//! The one scorer: fitted recipe, forward pass of linear, tree and dense net models, explanations.
