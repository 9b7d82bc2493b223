//! Runs a loop compiled for the widest vectors that the processor has.
//!
//! The loops are plain Rust: the compiler makes the vectors, and it neither fuses nor reorders
//! floating-point operations, so every version gives the same bits as the scalar one.

/// Runs `body`, which must be inlined for the vectors to be used.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "calling a function with target features from one without them")]
pub(crate) fn wide<R>(body: impl FnOnce() -> R) -> R {
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2")]
    fn wide512<R>(body: impl FnOnce() -> R) -> R {
        body()
    }
    #[target_feature(enable = "avx2")]
    fn wide256<R>(body: impl FnOnce() -> R) -> R {
        body()
    }
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
    {
        // SAFETY: the features were just found.
        unsafe { wide512(body) }
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the feature was just found.
        unsafe { wide256(body) }
    } else {
        body()
    }
}

/// Runs `body`: the baseline of this processor has its vectors.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn wide<R>(body: impl FnOnce() -> R) -> R {
    body()
}
