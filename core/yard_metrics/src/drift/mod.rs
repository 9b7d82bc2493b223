//! Distances and tests between a reference and a current sample.
//!
//! [`psi`] and its siblings compare shares per bin, [`ks`] and [`wasserstein`] raw samples, [`chi_square()`]
//! counts; [`benjamini_hochberg`] corrects for many tests. Undefined cases (an empty side) are `None`.

mod chi_square;
mod divergence;
mod fdr;
mod sample;

pub use chi_square::{ChiSquare, chi_square, cramers_v};
pub use divergence::{
    EMPTY_SHARE, hellinger, jensen_shannon, l_infinity, psi, psi_p_value, psi_threshold, shares,
};
pub use fdr::benjamini_hochberg;
pub use sample::{Ks, ks, normed_wasserstein, wasserstein};
