//! Many ascending sources as one.

use super::Record;
use crate::Result;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// The records of all sources in ascending order, equal ones as often as they occur. The sources have
/// to be ascending. Cost: about `log2` of the number of sources in comparisons per record.
#[derive(Debug)]
pub struct Merge<R, I> {
    sources: Vec<I>,
    heads: BinaryHeap<Reverse<(R, usize)>>,
    failed: bool,
}

impl<R: Record, I: Iterator<Item = Result<R>>> Merge<R, I> {
    /// Reads the first record of every source.
    ///
    /// # Errors
    /// A source cannot be read.
    pub fn new(mut sources: Vec<I>) -> Result<Self> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (i, source) in sources.iter_mut().enumerate() {
            if let Some(record) = source.next() {
                heads.push(Reverse((record?, i)));
            }
        }
        Ok(Self { sources, heads, failed: false })
    }
}

impl<R: Record, I: Iterator<Item = Result<R>>> Iterator for Merge<R, I> {
    type Item = Result<R>;

    #[inline]
    fn next(&mut self) -> Option<Result<R>> {
        if self.failed {
            return None;
        }
        let mut head = self.heads.peek_mut()?;
        let Reverse((record, source)) = *head;
        match self.sources[source].next() {
            Some(Ok(next)) => *head = Reverse((next, source)),
            None => drop(PeekMut::pop(head)),
            Some(Err(error)) => {
                self.failed = true;
                return Some(Err(error));
            }
        }
        Some(Ok(record))
    }
}
