//! The token shard: one file of tokens, where its documents end, and its checksums.
//!
//! The byte layout is in `docs/formats/token-shard.md`; the constants of it are here, the writer and
//! the reader in the two files below. Not here: what a token means, and how tokens become sequences.

mod reader;
mod writer;

pub use reader::{DocumentSpan, TokenShard};
pub use writer::TokenShardWriter;

use crate::{PackError, Result};
use serde::{Deserialize, Serialize};

/// File name extension of a token shard, without the dot.
pub const SHARD_EXTENSION: &str = "tokens";

const FORMAT: &str = "token shard";
const MAGIC: [u8; 8] = *b"PTTOKENS";
const END_MAGIC: [u8; 8] = *b"PTTOKEND";
const VERSION: u32 = 1;
/// Bytes before the fingerprint: magic, version, width, vocabulary, fingerprint length, block size.
const FIXED_HEADER: usize = 32;
const FOOTER: usize = 56;
const BLOCK_BYTES: u32 = 1 << 20;
const MAX_FINGERPRINT: usize = 1024;
/// Labels are `i32`, so an id must fit in one.
const MAX_VOCAB: usize = 1 << 31;

/// What a shard says about the tokenizer its ids came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardHeader {
    /// Every id in the shard is below this. 1 to 2^31.
    pub vocab_size: usize,
    /// Fingerprint of the tokenizer, usually hexadecimal digits. At most 1024 bytes.
    pub tokenizer: String,
}

impl ShardHeader {
    /// Bytes per stored token: 2 where every id fits in 16 bits, else 4.
    pub fn token_bytes(&self) -> usize {
        if self.vocab_size <= 1 << 16 { 2 } else { 4 }
    }

    fn validate(&self) -> Result<()> {
        let mut faults = Vec::new();
        if self.vocab_size == 0 || self.vocab_size > MAX_VOCAB {
            faults.push(format!("vocab_size: {} is not in 1..=2^31", self.vocab_size));
        }
        if self.tokenizer.len() > MAX_FINGERPRINT {
            let len = self.tokenizer.len();
            faults.push(format!("tokenizer: {len} bytes, at most {MAX_FINGERPRINT} are stored"));
        }
        if faults.is_empty() { Ok(()) } else { Err(PackError::Config { faults }) }
    }

    /// Length of the encoded header in bytes, a multiple of 8: fixed part, fingerprint, zeros,
    /// checksum.
    fn encoded_len(fingerprint_bytes: usize) -> usize {
        (FIXED_HEADER + fingerprint_bytes).next_multiple_of(8) + 8
    }
}

/// Zero bytes between the payload and the index, so that the index is aligned to 8.
fn payload_padding(payload_bytes: u64) -> u64 {
    payload_bytes.next_multiple_of(8) - payload_bytes
}
