//! Large zeroed buffers on large pages where the system has them: rows are fetched in scattered order,
//! and with 4 KiB pages much of that time goes into address translation.

/// Buffers below this size stay as they are.
#[cfg(target_os = "linux")]
const WORTH: usize = 4 << 20;

/// A vector of `len` default values.
pub(crate) fn zeroed<T: Clone + Default>(len: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(len);
    advise(&out.spare_capacity_mut()[..len]);
    out.resize(len, T::default());
    out
}

/// Asks for large pages under a buffer that nobody has touched yet.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the system call has no safe form in the standard library")]
fn advise<T>(buffer: &[std::mem::MaybeUninit<T>]) {
    const PAGE: usize = 4096;
    const MADV_HUGEPAGE: i32 = 14;
    unsafe extern "C" {
        fn madvise(address: *mut std::ffi::c_void, length: usize, advice: i32) -> i32;
    }
    let bytes = size_of_val(buffer);
    if bytes < WORTH {
        return;
    }
    let start = buffer.as_ptr().cast::<u8>();
    let skip = start.align_offset(PAGE).min(bytes);
    let length = (bytes - skip) / PAGE * PAGE;
    // SAFETY: the range lies within one allocation of ours; the advice changes how the kernel backs it,
    // never what it holds, and a refusal leaves all as it was.
    unsafe { madvise(start.wrapping_add(skip).cast_mut().cast(), length, MADV_HUGEPAGE) };
}

/// Nothing to ask for on this system.
#[cfg(not(target_os = "linux"))]
fn advise<T>(_buffer: &[std::mem::MaybeUninit<T>]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_size_are_zero() {
        for len in [0, 1, 1000, 5_000_001] {
            let buffer: Vec<u32> = zeroed(len);
            assert!(buffer.len() == len && buffer.iter().all(|&x| x == 0));
        }
    }
}
