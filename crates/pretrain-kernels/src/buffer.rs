//! Buffers of f32 that are used again instead of being returned to the operating system.
//!
//! A training step allocates and frees the same sizes over and over. Fresh maps cost a page fault
//! and a cleared page for each 4 KiB and zeroed vectors a pass over memory: together a sixth of a
//! step's processor time before this module (measured with glibc's allocator and with mimalloc).
//! A buffer that a tensor drops comes back here, and the next tensor of about that size takes it
//! with its old content, which every kernel overwrites.
//!
//! Free buffers are bounded: together with those in use they never exceed 1.25 times the most that
//! were in use at once, plus 16 MiB; beyond that the oldest are freed. [`release_buffers`] frees
//! all of them.
#![expect(unsafe_code, reason = "a buffer with an alignment and a drop of its own, for Bytes")]

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn_std::{AllocationController, AllocationProperty, Bytes};

/// Floats of one [`Line`].
const LINE: usize = 16;
/// Buffers of fewer lines than this (16 KiB) are left to the allocator.
const POOLED_FROM: usize = 256;
/// Lines that may be kept beyond 1.25 times the peak (16 MiB).
const SLACK: usize = 1 << 18;

/// A cache line, so that vector loads never straddle two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// `len` floats, aligned to a cache line.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// `len` floats of any value, to be overwritten. In debug builds they are NaN.
    pub(crate) fn stale(len: usize) -> Self {
        let lines = len.div_ceil(LINE);
        let lines = match pooled(lines).then(|| pool().take(lines)).flatten() {
            Some(lines) => lines,
            None => vec![Line([0.0; LINE]); lines],
        };
        let mut buffer = Self { lines, len };
        if cfg!(debug_assertions) {
            buffer.fill(f32::NAN);
        }
        buffer
    }

    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        let mut buffer = Self::stale(len);
        buffer.fill(0.0);
        buffer
    }

    /// A copy of `values`.
    pub(crate) fn copy_of(values: &[f32]) -> Self {
        let mut buffer = Self::stale(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// The same memory as the bytes of a tensor.
    pub(crate) fn into_bytes(self) -> Bytes {
        let len = self.len * size_of::<f32>();
        // SAFETY: `memory` of the controller is the `len` floats of the buffer, all initialised.
        unsafe { Bytes::from_controller(Box::new(self), len) }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        debug_assert!(self.len <= self.lines.len() * LINE);
        // SAFETY: a line is `LINE` floats without padding, `lines` has at least `len` of them (by
        // construction; neither field changes), and they are initialised.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        debug_assert!(self.len <= self.lines.len() * LINE);
        // SAFETY: as for `deref`; `self` is borrowed exclusively, and any bits are a float.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if pooled(self.lines.len()) {
            pool().give(std::mem::take(&mut self.lines));
        }
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        align_of::<Line>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let floats: &mut [f32] = self;
        // SAFETY: the same bytes; the caller promises to write initialised data only.
        unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), size_of_val(floats)) }
    }

    fn memory(&self) -> &[MaybeUninit<u8>] {
        let floats: &[f32] = self;
        // SAFETY: the same bytes, initialised, borrowed as long as `self`.
        unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), size_of_val(floats)) }
    }
}

/// Frees the buffers that are kept for reuse. Worth a call when a phase with large tensors ends in
/// a process that goes on.
pub fn release_buffers() {
    let mut pool = pool();
    pool.free.clear();
    pool.kept = 0;
    pool.peak = pool.used;
}

fn pooled(lines: usize) -> bool {
    lines >= POOLED_FROM
}

fn pool() -> MutexGuard<'static, Pool> {
    static POOL: Mutex<Pool> =
        Mutex::new(Pool { free: VecDeque::new(), kept: 0, used: 0, peak: 0 });
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sizes are in lines.
struct Pool {
    /// The oldest in front.
    free: VecDeque<Vec<Line>>,
    kept: usize,
    used: usize,
    peak: usize,
}

impl Pool {
    /// The newest free buffer of `lines` lines or at most an eighth more. `None` counts as used
    /// all the same: the caller allocates it.
    fn take(&mut self, lines: usize) -> Option<Vec<Line>> {
        let fits = lines..=lines + lines / 8;
        let found = self.free.iter().rposition(|free| fits.contains(&free.len()));
        let found = found.and_then(|i| self.free.remove(i));
        let size = found.as_ref().map_or(lines, Vec::len);
        if found.is_some() {
            self.kept -= size;
        }
        self.used += size;
        self.peak = self.peak.max(self.used);
        found
    }

    fn give(&mut self, lines: Vec<Line>) {
        self.used -= lines.len();
        self.kept += lines.len();
        self.free.push_back(lines);
        while self.kept + self.used > self.peak + self.peak / 4 + SLACK {
            let Some(oldest) = self.free.pop_front() else { break };
            self.kept -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn a_buffer_is_aligned_and_as_long_as_asked() {
        for len in [0, 1, 15, 16, 17, 4095, 4096, 100_003] {
            let mut buffer = Buffer::zeroed(len);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.as_ptr() as usize % 64, 0);
            assert!(buffer.iter().all(|&x| x == 0.0));
            buffer.fill(1.5);
            assert_eq!(Buffer::copy_of(&buffer).iter().sum::<f32>(), 1.5 * len as f32);
        }
    }

    #[test]
    fn bytes_read_write_clone_and_become_a_vector() {
        let mut bytes = Buffer::copy_of(&[1.0, 2.0, 3.0]).into_bytes();
        assert_eq!(bytes.len(), 12);
        bytes[4..8].copy_from_slice(&9f32.to_ne_bytes());
        let copy = bytes.clone();
        let data = TensorData::from_bytes(bytes, [3], burn::tensor::DType::F32);
        assert_eq!(data.into_vec::<f32>().unwrap(), [1.0, 9.0, 3.0]);
        assert_eq!(copy[8..], 3f32.to_ne_bytes());
    }

    #[test]
    fn the_pool_gives_back_what_fits_and_stays_bounded() {
        let mut pool = Pool { free: VecDeque::new(), kept: 0, used: 0, peak: 0 };
        let line = Line([0.0; LINE]);
        assert!(pool.take(1000).is_none());
        pool.give(vec![line; 1000]);
        assert!(pool.take(880).is_none(), "more than an eighth too large");
        assert_eq!(pool.take(900).map(|x| x.len()), Some(1000));
        assert_eq!((pool.kept, pool.used, pool.peak), (0, 1880, 1880));
        pool.give(vec![line; 1000]);
        pool.give(vec![line; 880]);
        assert_eq!((pool.kept, pool.used), (1880, 0));
        let mut pool = Pool { free: VecDeque::new(), kept: 0, used: 0, peak: 0 };
        for lines in (1..8).map(|i| i * SLACK / 8) {
            assert!(pool.take(lines).is_none_or(|x| x.len() >= lines));
            pool.give(vec![line; lines]);
            assert!(pool.kept <= pool.peak + pool.peak / 4 + SLACK);
        }
        assert!(pool.free.len() < 7, "the oldest were freed");
    }
}
