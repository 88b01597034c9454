//! Settings that belong to no method, or to several.

use crate::stages::Documents;
use pretrain_corpus::Document;
use pretrain_dedup::staged::StagedConfig;
use pretrain_dedup::{Keep, Rank};
use serde_json::Value;

/// Memory for keys, sorting and tables unless told otherwise.
pub(super) const MEMORY_BYTES: u64 = 1 << 30;

/// What a run of deduplication is told beside its method.
#[derive(Debug)]
pub struct DedupOptions {
    /// Memory for keys, sorting and tables, in bytes. Changes nothing in the result.
    pub memory_bytes: u64,
    /// Verification and guard (MinHash).
    pub staged: StagedConfig,
    /// Which document of a cluster stays; for MinHash instead of what its settings say.
    pub keep: Option<Keep>,
    /// The metadata field with the date (a number) or score of a document.
    pub rank_field: Option<String>,
    /// The evaluation sets (decontamination).
    pub evaluations: Option<Documents>,
    /// Cut the matched words out instead of dropping the document (decontamination).
    pub cut: bool,
}

impl Default for DedupOptions {
    fn default() -> Self {
        Self {
            memory_bytes: MEMORY_BYTES,
            staged: StagedConfig::default(),
            keep: None,
            rank_field: None,
            evaluations: None,
            cut: false,
        }
    }
}

impl DedupOptions {
    /// Whatever of the options changes the result.
    pub(super) fn of_result(&self) -> Value {
        serde_json::json!({
            "staged": self.staged, "keep": self.keep, "rank_field": self.rank_field, "cut": self.cut,
        })
    }

    /// What a document counts.
    pub(super) fn rank(&self, document: &Document, keep: Keep) -> Rank {
        let field = self.rank_field.as_ref().and_then(|name| document.metadata.get(name));
        match keep {
            Keep::First => Rank::default(),
            Keep::Longest => Rank(document.text.len() as u64),
            Keep::Newest => field.and_then(Value::as_i64).map(Rank::from_time).unwrap_or_default(),
            _ => field.and_then(Value::as_f64).map(Rank::from_score).unwrap_or_default(),
        }
    }
}
