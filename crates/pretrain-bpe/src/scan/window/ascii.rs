//! The ASCII classes of 64 bytes: with the vector instructions that every x86-64 has, or in portable
//! code. The tests compare them.

#![expect(unsafe_code, reason = "vector instructions are called where the processor has them")]

use super::{Ascii, WIDTH};

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn masks(chunk: &[u8; WIDTH]) -> Ascii {
    // SAFETY: SSE2 is part of x86-64, so every processor that runs this has it.
    unsafe { sse2(chunk) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn sse2(chunk: &[u8; WIDTH]) -> Ascii {
    use std::arch::x86_64::*;
    let mut this = Ascii::default();
    let (quarters, _) = chunk.as_chunks::<16>();
    for (i, quarter) in quarters.iter().enumerate() {
        let (words, _) = quarter.as_chunks::<8>();
        let bytes = _mm_set_epi64x(i64::from_le_bytes(words[1]), i64::from_le_bytes(words[0]));
        let put = |mask: &mut u64, vector: __m128i| {
            *mask |= u64::from(_mm_movemask_epi8(vector) as u32) << (16 * i);
        };
        let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
        // Moves first..=last to the lowest signed bytes, which one comparison tells from the others.
        let is_in = |bytes: __m128i, first: u8, last: u8| {
            let moved = _mm_add_epi8(bytes, _mm_set1_epi8(0x80u8.wrapping_sub(first) as i8));
            _mm_cmplt_epi8(moved, _mm_set1_epi8((0x80 + (last - first) + 1) as i8))
        };
        let blank = is(b' ');
        put(&mut this.letter, is_in(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), b'a', b'z'));
        put(&mut this.upper, is_in(bytes, b'A', b'Z'));
        put(&mut this.number, is_in(bytes, b'0', b'9'));
        put(&mut this.blank, blank);
        put(&mut this.space, _mm_or_si128(blank, is_in(bytes, b'\t', b'\r')));
        put(&mut this.newline, _mm_or_si128(is(b'\n'), is(b'\r')));
        put(&mut this.apostrophe, is(b'\''));
        put(&mut this.slash, is(b'/'));
        put(&mut this.high, bytes);
    }
    this
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn masks(chunk: &[u8; WIDTH]) -> Ascii {
    portable(chunk)
}

/// One bit per byte for which the class holds.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(chunk: &[u8; WIDTH]) -> Ascii {
    let mask = |is_in: fn(u8) -> bool| {
        let (words, _) = chunk.as_chunks::<8>();
        words.iter().enumerate().fold(0, |mask, (i, word)| {
            // 1 or 0 in each byte; the product gathers the eight in its topmost byte.
            let bits = u64::from_le_bytes(word.map(|byte| u8::from(is_in(byte))));
            mask | (bits.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i)
        })
    };
    Ascii {
        letter: mask(|byte| byte.is_ascii_alphabetic()),
        upper: mask(|byte| byte.is_ascii_uppercase()),
        number: mask(|byte| byte.is_ascii_digit()),
        space: mask(|byte| matches!(byte, b'\t'..=b'\r' | b' ')),
        newline: mask(|byte| matches!(byte, b'\n' | b'\r')),
        blank: mask(|byte| byte == b' '),
        apostrophe: mask(|byte| byte == b'\''),
        slash: mask(|byte| byte == b'/'),
        high: mask(|byte| byte >= 0x80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_code_equals_portable_code() {
        for first in 0..=255u8 {
            for step in [0, 1, 3, 7, 64] {
                let chunk = std::array::from_fn(|i| first.wrapping_add(step * i as u8));
                assert_eq!(masks(&chunk), portable(&chunk), "{chunk:?}");
            }
        }
        let mut chunk = [0; WIDTH];
        for i in 0..WIDTH {
            chunk[i] = b' ';
            assert_eq!(masks(&chunk).blank, super::super::low(i + 1));
        }
    }
}
