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

/// The reverse; `None` for anything that [`encode`] does not write.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.chunks(4) {
        let n_digits = chunk.iter().position(|&byte| byte == b'=').unwrap_or(chunk.len());
        let mut bits = 0;
        for &byte in &chunk[..n_digits] {
            bits = bits << 6
                | match byte {
                    b'A'..=b'Z' => u32::from(byte - b'A'),
                    b'a'..=b'z' => u32::from(byte - b'a') + 26,
                    b'0'..=b'9' => u32::from(byte - b'0') + 52,
                    b'+' => 62,
                    b'/' => 63,
                    _ => return None,
                };
        }
        if chunk.len() != 4 || n_digits < 2 {
            return None;
        }
        bits <<= 6 * (4 - n_digits);
        bytes.extend_from_slice(&bits.to_be_bytes()[1..n_digits]);
    }
    let mut again = Vec::with_capacity(text.len());
    encode(&bytes, &mut again);
    (again == text).then_some(bytes)
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
}
