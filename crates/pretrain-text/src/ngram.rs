//! Runs of n neighbouring items.

/// Every run of `n` neighbouring items, first to last; none when there are fewer than `n`, or when
/// `n` is 0.
///
/// ```
/// let words = ["a", "b", "c"];
/// let bigrams: Vec<_> = pretrain_text::ngrams(&words, 2).collect();
/// assert_eq!(bigrams, [["a", "b"], ["b", "c"]]);
/// assert_eq!(pretrain_text::ngrams(&words, 4).count(), 0);
/// ```
pub fn ngrams<T>(items: &[T], n: usize) -> impl Iterator<Item = &[T]> {
    // `windows(0)` panics; a window longer than any slice gives none.
    items.windows(if n == 0 { usize::MAX } else { n })
}
