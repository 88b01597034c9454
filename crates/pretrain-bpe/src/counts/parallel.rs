//! Counting on the threads of the caller's rayon pool.

use std::sync::Mutex;

use rayon::prelude::*;

use super::PreTokenCounts;
use crate::error::Result;
use crate::pattern::Pattern;

/// A thread takes texts from the source until they have this many bytes.
const BYTES_AT_ONCE: usize = 1 << 18;
const TEXTS_AT_ONCE: usize = 256;

impl PreTokenCounts {
    /// Counts texts on the current rayon pool; the result is that of counting one after another.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`](crate::BpeError::Regex) when a custom pattern does not compile.
    pub fn count_parallel<T: AsRef<str> + Sync>(pattern: &Pattern, texts: &[T]) -> Result<Self> {
        let mut counts = Self::new(pattern)?;
        counts.extend_parallel(texts.iter().map(|text| (text.as_ref(), 1)));
        Ok(counts)
    }

    /// Adds texts with their weights, on the current rayon pool; the result is that of counting one
    /// after another. The iterator is asked by one thread at a time, so that it may read a stream; it
    /// must not wait for the pool. Memory: one set of counts for each thread.
    pub fn extend_parallel<T, I>(&mut self, texts: I)
    where
        T: AsRef<str> + Send,
        I: Iterator<Item = (T, u64)> + Send,
    {
        let n_threads = rayon::current_num_threads();
        let texts = Mutex::new(texts.fuse());
        let empty = Self::of(self.splitter.clone());
        let mut parts: Vec<Self> = vec![empty; n_threads - 1];
        let count_some = |counts: &mut Self| {
            let mut some: Vec<(T, u64)> = Vec::new();
            loop {
                {
                    // A thread that panics in the iterator panics the whole scope.
                    let mut texts = texts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let mut n_bytes = 0;
                    while n_bytes < BYTES_AT_ONCE && some.len() < TEXTS_AT_ONCE {
                        let Some(text) = texts.next() else { break };
                        n_bytes += text.0.as_ref().len();
                        some.push(text);
                    }
                }
                if some.is_empty() {
                    return;
                }
                for (text, weight) in some.drain(..) {
                    counts.count_weighted(text.as_ref(), weight);
                }
            }
        };
        rayon::scope(|scope| {
            for part in &mut parts {
                scope.spawn(|_| count_some(part));
            }
            count_some(self);
        });
        let tables = self.tables.par_iter_mut().enumerate();
        tables.for_each(|(shard, table)| {
            parts.iter().for_each(|part| table.merge(&part.tables[shard]))
        });
        parts.iter().for_each(|part| self.totals.add(part.totals));
    }
}
