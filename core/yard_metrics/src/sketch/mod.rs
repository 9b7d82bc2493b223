//! Sketches: what a package remembers of its training data and a server of its requests.
//!
//! A [`ReferenceSketch`] fixes the bins of a field from reference values and is stored in
//! `reference.json`; a [`CurrentSketch`] counts a server's values in the same bins, without allocation per
//! value; its [`SketchCounts`] are stored, merged and compared by [`compare`]. The score is a field like
//! the others, named [`SCORE_FIELD`]. [`LatencyHistogram`] keeps response times.

mod compare;
mod counts;
mod current;
mod latency;
mod reference;

pub use compare::{Comparison, RateCheck, compare, missing_check, rate_check, unseen_check};
pub use counts::{Moments, SketchCounts};
pub use current::CurrentSketch;
pub use latency::LatencyHistogram;
pub use reference::{Layout, MAX_CATEGORIES, NUMBER_BINS, ReferenceSet, ReferenceSketch, SCORE_FIELD};
