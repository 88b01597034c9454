//! Sums over words that do not depend on the number of threads.

use super::alphabet::Words;

/// Words are summed in so many parts, and the parts one after the other.
const N_PARTS: usize = 16;

/// Runs `work` on each part of the words and `add` on the results in order.
#[cfg(feature = "rayon")]
pub(super) fn for_each_part<T: Send>(
    words: &Words,
    work: impl Fn(&[(String, u64)]) -> T + Send + Sync,
    add: impl FnMut(T),
) {
    use rayon::prelude::*;
    let parts: Vec<T> = words.par_chunks(part_len(words)).map(work).collect();
    parts.into_iter().for_each(add);
}

/// Runs `work` on each part of the words and `add` on the results in order.
#[cfg(not(feature = "rayon"))]
pub(super) fn for_each_part<T>(
    words: &Words,
    work: impl Fn(&[(String, u64)]) -> T,
    add: impl FnMut(T),
) {
    words.chunks(part_len(words)).map(work).for_each(add);
}

fn part_len(words: &Words) -> usize {
    words.len().div_ceil(N_PARTS).max(1)
}
