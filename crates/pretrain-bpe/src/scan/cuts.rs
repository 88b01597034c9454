//! Where pre-tokens begin inside a [`Window`], for all of its bytes at once.
//!
//! Each function takes a window at whose first byte a pre-token begins, and gives the positions where
//! further ones begin: those, and all of those, up to the highest position it gives. It gives none
//! where the window does not hold a whole pre-token and the start of the next, or holds something that
//! the masks cannot decide; then the [scanner](super::Scanner) finds the end of one pre-token.
//!
//! Why this works: apart from contractions, a pre-token of the named patterns begins at a place that a
//! few characters around it decide, whatever came before. Runs of bits are followed with carries:
//! adding a bit at the start of a run of ones clears the run and sets the bit after it.

use super::window::{Window, low};

/// The bits of `mask` that begin a run of ones.
#[inline(always)]
fn starts(mask: u64) -> u64 {
    mask & !(mask << 1)
}

/// The runs of `mask` that begin at the bits `at`, which must be starts of runs.
#[inline(always)]
fn runs_at(mask: u64, at: u64) -> u64 {
    mask & !mask.wrapping_add(at)
}

/// Keeps what is certain of `cuts` when the characters after the window are unknown: what follows the
/// start of a run of white space depends on the end of the run.
#[inline(always)]
fn certain(window: &Window, space: u64, cuts: u64) -> u64 {
    let n_last = (space << (64 - window.len)).leading_ones() as usize;
    // Of a run at the end only its first bit stays; position 0 is where the window began.
    let keep = if n_last == 0 { u64::MAX } else { low(window.len - n_last + 1) };
    cuts & keep & !1
}

/// Groups of at most `max_digits` numbers.
#[inline(always)]
fn number_groups(number: u64, max_digits: usize) -> u64 {
    let mut cuts = starts(number);
    let mut longer = number;
    for i in 1..=max_digits {
        // A number with as many before it as a group has.
        longer &= number << i;
    }
    let mut group = cuts << max_digits & longer;
    while group != 0 {
        cuts |= group;
        group = group << max_digits & longer;
    }
    cuts
}

/// GPT-2's pattern. `contraction` is the scanner's, for positions of the window.
#[inline(always)]
pub(super) fn gpt2(window: &Window, contraction: impl Fn(usize) -> Option<usize>) -> u64 {
    let &Window { letter, number, space, blank, other, .. } = window;
    if window.len == 0 {
        return 0;
    }
    let after_blank = blank << 1;
    let mut cuts = (starts(letter) | starts(number) | starts(other)) & !after_blank
        | starts(space)
        | space & !(space >> 1);
    let mut candidates = window.apostrophe & cuts & letter >> 1;
    while candidates != 0 {
        let at = candidates.trailing_zeros() as usize;
        candidates &= candidates - 1;
        if let Some(end) = contraction(at) {
            cuts &= !(2 << at);
            cuts |= bit(end) & letter;
        }
    }
    certain(window, space, cuts)
}

#[inline(always)]
fn bit(at: usize) -> u64 {
    if at < 64 { 1 << at } else { 0 }
}

/// The parts that the cl100k family and o200k share.
struct Words {
    /// Starts of runs of `other`, which are not the second half of ` ?[^\s\p{L}\p{N}]+`.
    free_others: u64,
    /// White space but newlines at the end of ` ?[^\s\p{L}\p{N}]+[\r\n]*`.
    space: u64,
    cuts: u64,
    /// The positions whose cuts are certain.
    known: u64,
}

/// `[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,max_digits}| ?[^\s\p{L}\p{N}]+T*|\s*[\r\n]+|\s+(?!\S)|\s+` with a
/// given T* of each.
#[inline(always)]
fn words(window: &Window, absorbed: u64, max_digits: usize) -> Words {
    let &Window { letter, number, newline, blank, continuation, .. } = window;
    let space = window.space & !absorbed;
    let other = window.other & !absorbed;
    let newline = newline & !absorbed;
    let free_others = starts(other) & !(blank << 1);
    // A word takes the one character before it: white space but a newline, or an `other` that stands
    // alone, that is one whose next character is the word's first.
    let after_one_other = (free_others << 1).wrapping_add(continuation) & !continuation;
    let plain_space = space & !newline;
    let word_starts = starts(letter) & !(plain_space << 1 | after_one_other);
    // White space ends after its last newline; of what remains the last character stands apart.
    let after_newline = newline << 1 & plain_space;
    let ends = plain_space.wrapping_add(after_newline) & !plain_space;
    let cuts = word_starts
        | number_groups(number, max_digits)
        | free_others
        | starts(space)
        | plain_space & !(space >> 1)
        | after_newline;
    // Where a newline ends such a run, the one before is not the last.
    let known =
        if ends & newline == 0 { u64::MAX } else { low(after_newline.trailing_zeros() as usize) };
    Words { free_others, space, cuts, known }
}

/// The cl100k family.
#[inline(always)]
pub(super) fn cl100k(
    window: &Window,
    max_digits: usize,
    contraction: impl Fn(usize) -> Option<usize>,
) -> u64 {
    if window.len == 0 {
        return 0;
    }
    let absorbed = runs_at(window.newline, window.other << 1 & window.newline);
    let Words { free_others, space, mut cuts, known } = words(window, absorbed, max_digits);
    let mut candidates = window.apostrophe & free_others & window.letter >> 1;
    while candidates != 0 {
        let at = candidates.trailing_zeros() as usize;
        candidates &= candidates - 1;
        if let Some(end) = contraction(at) {
            cuts |= bit(end) & window.letter;
        }
    }
    certain(window, space, cuts & known)
}

/// The o200k pattern.
#[inline(always)]
pub(super) fn o200k(window: &Window, contraction: impl Fn(usize) -> Option<usize>) -> u64 {
    if window.len == 0 {
        return 0;
    }
    let &Window { letter, newline, slash, other, .. } = window;
    // Newlines after an `other`, and all newlines and slashes that follow those.
    let first = other << 1 & newline;
    let following = (newline | slash) & !first;
    let absorbed = first | runs_at(following, first << 1 & following);
    let Words { space, mut cuts, mut known, .. } = words(window, absorbed, 3);
    // A word goes on from upper to lower case, not back.
    cuts |= window.upper_only & window.lower_only << 1;
    // After a caseless letter it may: that depends on what came before and on what follows.
    let unclear = window.upper_only & window.caseless << 1;
    if unclear != 0 {
        known &= low(unclear.trailing_zeros() as usize);
    }
    // A contraction belongs to the word before it, unless that is a contraction. Whether one follows
    // the last byte is unknown.
    let after_word = window.apostrophe & letter << 1;
    known &= !(after_word & bit(window.len - 1));
    let mut candidates = after_word & letter >> 1;
    let mut last_end = 0;
    while candidates != 0 {
        let at = candidates.trailing_zeros() as usize;
        candidates &= candidates - 1;
        if at != last_end
            && let Some(end) = contraction(at)
        {
            // Not before it, nor where its case changes ('lL).
            cuts &= low(at) | !low(end);
            cuts |= bit(end) & letter;
            last_end = end;
        }
    }
    certain(window, space, cuts & known)
}
