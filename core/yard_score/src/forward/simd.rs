//! Which vector instructions the processor has, and a way to run a plain loop compiled for them.
//!
//! The compiler neither fuses nor reorders floating-point operations, so every version gives the same
//! bits as the scalar one.

/// Vector instructions that the scorer has code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// What every processor of the architecture has.
    Base,
    /// 256-bit vectors of x86-64.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors of x86-64 with masks.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// A value at the start of a cache line, so that a vector never lies across two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// A loop of plain Rust. `run` and what it calls must be inlined for wider vectors to be used.
pub(crate) trait Body {
    fn run(self);
}

impl Level {
    /// Returns the highest level of this processor.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn detect() -> Self {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
        {
            Self::Avx512
        } else if is_x86_feature_detected!("avx2") {
            Self::Avx2
        } else {
            Self::Base
        }
    }

    /// Returns the highest level of this processor.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn detect() -> Self {
        Self::Base
    }

    /// Runs a loop compiled for these vectors.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
    pub(crate) fn run(self, body: impl Body) {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
        fn avx512(body: impl Body) {
            body.run();
        }
        #[target_feature(enable = "avx2")]
        fn avx2(body: impl Body) {
            body.run();
        }
        match self {
            Self::Base => body.run(),
            // SAFETY: a level is only made for a processor that has its instructions.
            Self::Avx2 => unsafe { avx2(body) },
            // SAFETY: as above.
            Self::Avx512 => unsafe { avx512(body) },
        }
    }

    /// Runs a loop: the baseline of this processor has its vectors.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn run(self, body: impl Body) {
        body.run();
    }

    /// Returns whether two vectors are a table of 32 values.
    pub(crate) fn looks_up(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self == Self::Avx512;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Returns all levels of this processor.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let higher = match Self::detect() {
            Self::Base => vec![],
            Self::Avx2 => vec![Self::Avx2],
            Self::Avx512 => vec![Self::Avx2, Self::Avx512],
        };
        #[cfg(not(target_arch = "x86_64"))]
        let higher = vec![];
        std::iter::once(Self::Base).chain(higher).collect()
    }
}

/// Loads and stores; the compiler makes one instruction of each.
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, __m512i, _mm_cvtss_f32, _mm_setr_epi8, _mm_shuffle_ps, _mm256_setr_ps,
        _mm512_castsi512_ps, _mm512_cvtepu8_epi32, _mm512_extractf32x4_ps, _mm512_setr_epi32, _mm512_setr_ps,
    };

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn load8(x: &[f32; 16], at: usize) -> __m256 {
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|lane| x[at + lane]);
        _mm256_setr_ps(a, b, c, d, e, f, g, h)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn load16(x: &[f32; 16]) -> __m512 {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *x;
        _mm512_setr_ps(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(crate) fn store16(x: __m512, out: &mut [f32; 16]) {
        let parts = [
            _mm512_extractf32x4_ps::<0>(x),
            _mm512_extractf32x4_ps::<1>(x),
            _mm512_extractf32x4_ps::<2>(x),
            _mm512_extractf32x4_ps::<3>(x),
        ];
        let mut all = [0.0; 16];
        for (part, out) in parts.into_iter().zip(all.as_chunks_mut::<4>().0) {
            *out = [
                _mm_cvtss_f32(part),
                _mm_cvtss_f32(_mm_shuffle_ps::<0b01>(part, part)),
                _mm_cvtss_f32(_mm_shuffle_ps::<0b10>(part, part)),
                _mm_cvtss_f32(_mm_shuffle_ps::<0b11>(part, part)),
            ];
        }
        *out = all;
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(crate) fn store_words(x: __m512i) -> [u32; 16] {
        let mut out = [0.0; 16];
        store16(_mm512_castsi512_ps(x), &mut out);
        out.map(f32::to_bits)
    }

    /// Widens bytes.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn load_bytes(x: &[u8; 16]) -> __m512i {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = x.map(u8::cast_signed);
        _mm512_cvtepu8_epi32(_mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn load_words(x: &[u32; 16]) -> __m512i {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = x.map(u32::cast_signed);
        _mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
    }
}
