//! Asking for memory before it is read: an instruction where there is one, nothing elsewhere.

#![expect(unsafe_code, reason = "the instruction is only to be had as an unsafe function")]

/// Asks the processor to fetch the cache line at which `at` begins.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn fetch<T>(at: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: SSE is part of x86-64, and the instruction reads and writes nothing that a program sees,
    // whatever the address; this one is that of a reference.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast()) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn fetch<T>(_: &T) {}
