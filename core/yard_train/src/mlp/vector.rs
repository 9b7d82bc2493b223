//! One line of 32 numbers in the processor's registers: 512, 256 or however many bits wide.
//!
//! All widths do the same operations on each number in the same order, with fused multiply-add, so a net
//! has the same bits on each of them. Knows nothing of matrices ([`super::tiles`]).
#![allow(clippy::inline_always, reason = "vectors are only wide where the loop is inlined into its caller")]

use std::sync::OnceLock;

/// Numbers of a line.
pub(super) const LINE: usize = 32;

/// A line in memory.
pub(super) type Line = [f32; LINE];

/// A line in registers. Made for inlining into a function that was compiled for the width; the wide ones may
/// only be used where the processor has it ([`Level`]).
pub(super) trait Vector: Copy {
    fn load(line: &Line) -> Self;
    fn store(self, line: &mut Line);
    /// `self + factor × line`, rounded once.
    fn add_scaled(self, factor: f32, line: Self) -> Self;
    /// `self + a × b`, rounded once.
    fn add_product(self, a: Self, b: Self) -> Self;
    /// Negative numbers become 0; NaN stays.
    fn relu(self) -> Self;
    /// `self × factor` where `gate > 0`, else 0.
    fn gated(self, gate: Self, factor: f32) -> Self;
}

/// The widest registers that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Wide512,
    #[cfg(target_arch = "x86_64")]
    Wide256,
    Plain,
}

impl Level {
    /// Asks the processor, once.
    pub(crate) fn of_processor() -> Self {
        static FOUND: OnceLock<Level> = OnceLock::new();
        *FOUND.get_or_init(|| *Self::all().first().unwrap_or(&Self::Plain))
    }

    /// Returns all that this processor has, widest first.
    pub(super) fn all() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
                found.push(Self::Wide512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Wide256);
            }
        }
        found.push(Self::Plain);
        found
    }

    /// Runs a plain loop compiled for this width. Such loops neither fuse nor reorder operations.
    #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
    pub(super) fn run<R>(self, body: impl FnOnce() -> R) -> R {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn wide512<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn wide256<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is made only where its features were found.
            Self::Wide512 => unsafe { wide512(body) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Wide256 => unsafe { wide256(body) },
            Self::Plain => body(),
        }
    }
}

/// A line by plain arithmetic; the compiler uses what the target's baseline has.
#[derive(Clone, Copy)]
pub(super) struct Plain(Line);

impl Plain {
    #[inline(always)]
    fn map(self, act: impl Fn(usize, f32) -> f32) -> Self {
        let mut out = self.0;
        for (at, value) in out.iter_mut().enumerate() {
            *value = act(at, *value);
        }
        Self(out)
    }
}

impl Vector for Plain {
    #[inline(always)]
    fn load(line: &Line) -> Self {
        Self(*line)
    }

    #[inline(always)]
    fn store(self, line: &mut Line) {
        *line = self.0;
    }

    #[inline(always)]
    fn add_scaled(self, factor: f32, line: Self) -> Self {
        self.map(|at, value| factor.mul_add(line.0[at], value))
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        self.map(|at, value| a.0[at].mul_add(b.0[at], value))
    }

    #[inline(always)]
    fn relu(self) -> Self {
        self.map(|_, value| if value < 0.0 { 0.0 } else { value })
    }

    #[inline(always)]
    fn gated(self, gate: Self, factor: f32) -> Self {
        self.map(|at, value| if gate.0[at] > 0.0 { value * factor } else { 0.0 })
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Wide256, Wide512};

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "processor instructions, and their loads and stores through pointers")]
mod x86 {
    use super::{Line, Vector};
    use std::arch::x86_64::{
        __m256, __m512, _CMP_GT_OQ, _mm256_and_ps, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_max_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_maskz_mul_ps, _mm512_max_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    /// A line in two registers of AVX-512.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Wide512([__m512; 2]);

    // SAFETY of all functions below: they are inlined into functions with the features enabled, which are
    // called only where `Level` found them; pointers come from references to whole lines of 32 numbers,
    // and the offsets stay within.
    impl Vector for Wide512 {
        #[inline(always)]
        fn load(line: &Line) -> Self {
            let at = line.as_ptr();
            // SAFETY: see above.
            unsafe { Self([_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(16))]) }
        }

        #[inline(always)]
        fn store(self, line: &mut Line) {
            let at = line.as_mut_ptr();
            // SAFETY: see above.
            unsafe {
                _mm512_storeu_ps(at, self.0[0]);
                _mm512_storeu_ps(at.add(16), self.0[1]);
            }
        }

        #[inline(always)]
        fn add_scaled(self, factor: f32, line: Self) -> Self {
            // SAFETY: see above.
            unsafe {
                let factor = _mm512_set1_ps(factor);
                let sum = |at: usize| _mm512_fmadd_ps(factor, line.0[at], self.0[at]);
                Self([sum(0), sum(1)])
            }
        }

        #[inline(always)]
        fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: see above.
            let sum = |at: usize| unsafe { _mm512_fmadd_ps(a.0[at], b.0[at], self.0[at]) };
            Self([sum(0), sum(1)])
        }

        #[inline(always)]
        fn relu(self) -> Self {
            // SAFETY: see above. The second operand is the answer for NaN and for two zeros.
            unsafe {
                let zero = _mm512_setzero_ps();
                Self([_mm512_max_ps(zero, self.0[0]), _mm512_max_ps(zero, self.0[1])])
            }
        }

        #[inline(always)]
        fn gated(self, gate: Self, factor: f32) -> Self {
            // SAFETY: see above.
            unsafe {
                let (zero, factor) = (_mm512_setzero_ps(), _mm512_set1_ps(factor));
                let part = |at: usize| {
                    let open = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate.0[at], zero);
                    _mm512_maskz_mul_ps(open, self.0[at], factor)
                };
                Self([part(0), part(1)])
            }
        }
    }

    /// A line in four registers of AVX.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Wide256([__m256; 4]);

    impl Wide256 {
        #[inline(always)]
        fn of(part: impl Fn(usize) -> __m256) -> Self {
            Self([part(0), part(1), part(2), part(3)])
        }
    }

    impl Vector for Wide256 {
        #[inline(always)]
        fn load(line: &Line) -> Self {
            // SAFETY: see above.
            Self::of(|at| unsafe { _mm256_loadu_ps(line.as_ptr().add(8 * at)) })
        }

        #[inline(always)]
        fn store(self, line: &mut Line) {
            for (at, part) in self.0.into_iter().enumerate() {
                // SAFETY: see above.
                unsafe { _mm256_storeu_ps(line.as_mut_ptr().add(8 * at), part) };
            }
        }

        #[inline(always)]
        fn add_scaled(self, factor: f32, line: Self) -> Self {
            // SAFETY: see above.
            let factor = unsafe { _mm256_set1_ps(factor) };
            // SAFETY: see above.
            Self::of(|at| unsafe { _mm256_fmadd_ps(factor, line.0[at], self.0[at]) })
        }

        #[inline(always)]
        fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: see above.
            Self::of(|at| unsafe { _mm256_fmadd_ps(a.0[at], b.0[at], self.0[at]) })
        }

        #[inline(always)]
        fn relu(self) -> Self {
            // SAFETY: see above.
            Self::of(|at| unsafe { _mm256_max_ps(_mm256_setzero_ps(), self.0[at]) })
        }

        #[inline(always)]
        fn gated(self, gate: Self, factor: f32) -> Self {
            // SAFETY: see above.
            Self::of(|at| unsafe {
                let open = _mm256_cmp_ps::<_CMP_GT_OQ>(gate.0[at], _mm256_setzero_ps());
                _mm256_and_ps(open, _mm256_mul_ps(self.0[at], _mm256_set1_ps(factor)))
            })
        }
    }
}
