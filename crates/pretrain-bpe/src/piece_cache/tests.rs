//! The cache against a map.

use std::collections::HashMap;

use super::*;

fn key(piece: &[u8]) -> HashedKey {
    HashedKey::of(piece)
}

/// All three steps of looking a piece up.
fn get(cache: &mut PieceCache, piece: &[u8]) -> Option<Vec<u32>> {
    let first = cache.first_slots().get(&key(piece)).copied();
    let slot = first.or_else(|| cache.other_slot(&key(piece)));
    let mut out = Vec::new();
    match slot {
        Some(slot) => Some(slot.ids[..slot.n_ids()].to_vec()),
        None => cache.get_long(&key(piece), piece, &mut out).then_some(out),
    }
}

#[test]
fn keys_hold_the_bytes_and_their_number() {
    let text = b"ab\0\0abcdefghijklmnopqrstuvwxyz";
    let key = |start, end| PieceKey::new(text, start, end);
    assert_ne!(key(0, 2), key(0, 3), "NUL bytes count");
    assert_eq!(key(0, 2), key(4, 6));
    assert_eq!(PieceKey::new(b"ab", 0, 2), key(0, 2), "at the end of a text");
    assert_eq!(key(4, 19).high >> 56, 15);
    assert!(!key(4, 20).has_slot() && key(4, 19).has_slot());
    assert!(!Slot::default().holds(key(0, 16)), "a long piece has no slot, not even a free one");
}

#[test]
fn what_was_put_comes_back_or_nothing() {
    for max_bytes in [0, 1 << 18, 1 << 25] {
        let mut cache = PieceCache::new(max_bytes);
        let mut put = HashMap::new();
        for i in 0..60_000u32 {
            let piece = match i % 4 {
                0 => format!("{i}"),
                1 => format!("{i:015}"),
                2 => format!("{i:016}"),
                _ => format!("{i:0100}"),
            };
            let ids: Vec<u32> = (0..i % 7).map(|j| i ^ j << 16).collect();
            if get(&mut cache, piece.as_bytes()).is_none() {
                cache.put(&key(piece.as_bytes()), piece.as_bytes(), &ids);
            }
            assert_eq!(get(&mut cache, piece.as_bytes()).as_ref(), Some(&ids));
            put.insert(piece, ids);
        }
        let mut n_found = 0;
        for (piece, ids) in &put {
            if let Some(found) = get(&mut cache, piece.as_bytes()) {
                assert_eq!(&found, ids, "{piece}");
                n_found += 1;
            }
        }
        let is_large = max_bytes == 1 << 25;
        assert!(if is_large { n_found > 55_000 } else { n_found > 100 }, "{n_found}");
        assert!(cache.n_bytes() <= max_bytes.max(1 << 16), "{} of {max_bytes}", cache.n_bytes());
    }
}

#[test]
fn very_long_pieces_are_not_kept() {
    let mut cache = PieceCache::new(1 << 20);
    let piece = [b'a'; 5000];
    cache.put(&key(&piece), &piece, &[1; 5000]);
    assert_eq!(get(&mut cache, &piece), None);
}
