//! One module per place of the studio.
