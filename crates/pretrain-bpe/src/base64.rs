//! Base64 as rank files use it: RFC 4648, section 4, with padding.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the bytes in base64.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { digit } else { b'=' });
        }
    }
}

/// The value of each digit; 64 or more for other bytes.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 64 {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// The reverse; `None` for anything that [`encode`] does not write.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    decode_to(text, &mut bytes)?;
    Some(bytes)
}

/// Appends what [`decode`] gives. Where that is `None`, some bytes may have been appended.
pub(crate) fn decode_to(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (groups, []) = text.as_chunks::<4>() else { return None };
    let Some((&last, groups)) = groups.split_last() else { return Some(()) };
    for &group in groups {
        out.extend_from_slice(&bits_of(group)?.to_be_bytes()[1..]);
    }
    // Padding stands for zeros, and so must the bits that are left of the digit before it.
    let (digits, n_bytes) = match last {
        [first, second, b'=', b'='] => ([first, second, b'A', b'A'], 1),
        [first, second, third, b'='] => ([first, second, third, b'A'], 2),
        digits => (digits, 3),
    };
    let [_, bytes @ ..] = bits_of(digits)?.to_be_bytes();
    out.extend_from_slice(&bytes[..n_bytes]);
    bytes[n_bytes..].iter().all(|&byte| byte == 0).then_some(())
}

/// The 24 bits of four digits.
fn bits_of(digits: [u8; 4]) -> Option<u32> {
    let values = digits.map(|digit| u32::from(VALUES[usize::from(digit)]));
    let are_digits = values.iter().all(|&value| value < 64);
    are_digits.then(|| values.iter().fold(0, |bits, value| bits << 6 | value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_vectors() {
        // RFC 4648, section 10.
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (len, encoded) in vectors.iter().enumerate() {
            let mut out = vec![];
            encode(&b"foobar"[..len], &mut out);
            assert_eq!(out, encoded.as_bytes());
            assert_eq!(decode(&out).as_deref(), Some(&b"foobar"[..len]));
        }
        for wrong in ["Z", "Zg", "Zg=", "Zh==", "=g==", "Z===", "Zg==Zg==", "Z g=", "Zm9v="] {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_decodes_is_what_encode_writes() {
        // All groups of four of some digits, padding and strangers.
        let bytes = b"ABPQgwx89+/=- ";
        let n = bytes.len();
        for i in 0..n * n * n * n {
            let group = [i, i / n, i / n / n, i / n / n / n].map(|i| bytes[i % n]);
            let mut again = vec![];
            if let Some(decoded) = decode(&group) {
                encode(&decoded, &mut again);
                assert_eq!(again, group);
            } else {
                // Were it canonical, some one to three bytes would give it.
                let guess = group.map(|byte| DIGITS.iter().position(|&digit| digit == byte));
                let bits = guess.iter().fold(0, |bits, digit| bits << 6 | digit.unwrap_or(0));
                for len in 1..=3 {
                    again.clear();
                    encode(&(bits as u32).to_be_bytes()[1..1 + len], &mut again);
                    assert_ne!(again, group);
                }
            }
        }
    }
}
