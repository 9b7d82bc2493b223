//! Histogram gradient boosting and forests on integer gradients.
