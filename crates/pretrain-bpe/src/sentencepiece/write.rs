//! Writing a `.model` file.

use super::file::PieceKind;

/// A Unigram model that normalises spaces alone.
pub(crate) fn write_unigram<'a>(
    pieces: impl ExactSizeIterator<Item = (&'a str, f64, PieceKind)>,
    byte_fallback: bool,
) -> Vec<u8> {
    let vocab_size = pieces.len() as u64;
    let mut file = Vec::new();
    for (text, score, kind) in pieces {
        let mut piece = Vec::new();
        bytes(&mut piece, 1, text.as_bytes());
        piece.push(2 << 3 | 5);
        piece.extend((score as f32).to_le_bytes());
        let kind = match kind {
            PieceKind::Normal => 1,
            PieceKind::Unknown => 2,
            PieceKind::Control => 3,
            PieceKind::UserDefined => 4,
            PieceKind::Unused => 5,
            PieceKind::Byte => 6,
        };
        number(&mut piece, 3, kind);
        bytes(&mut file, 1, &piece);
    }
    let mut trainer = Vec::new();
    number(&mut trainer, 3, 1);
    number(&mut trainer, 4, vocab_size);
    number(&mut trainer, 35, u64::from(byte_fallback));
    bytes(&mut file, 2, &trainer);
    let mut normalizer = Vec::new();
    bytes(&mut normalizer, 1, b"identity");
    for flag in [3, 4, 5] {
        number(&mut normalizer, flag, 1);
    }
    bytes(&mut file, 3, &normalizer);
    file
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field that is a number.
fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

/// A field that is a string or a message.
fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}
