//! Asks the processor to load a cache line ahead of its use; does nothing where that can't be said.

/// Loads the line of `data[index]` into the second-level cache; an index out of range is ignored.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the instruction has no safe form; it reads nothing and never faults")]
#[allow(clippy::inline_always, reason = "one instruction in the hottest loop")]
pub(crate) fn prefetch(data: &[u64], index: usize) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    if let Some(word) = data.get(index) {
        // SAFETY: a hint on the address of a live reference; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(word).cast()) };
    }
}

/// Does nothing on this processor.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn prefetch(_data: &[u64], _index: usize) {}
