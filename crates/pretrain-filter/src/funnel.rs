//! Counting what goes in and what comes out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::RuleName;
use crate::verdict::Verdict;

/// Documents, and their bytes of UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// How many documents.
    pub documents: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, documents: u64, bytes: u64) {
        self.documents = self.documents.saturating_add(documents);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What a filter did to a collection. Funnels of parts add up to that of the whole in any order.
///
/// ```
/// use pretrain_filter::{Funnel, Verdict};
///
/// let mut funnel = Funnel::default();
/// funnel.add(10, &Verdict::Keep);
/// funnel.add(20, &Verdict::Rewrite("short".to_owned()));
/// assert_eq!((funnel.input.documents, funnel.output().bytes), (2, 15));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    /// Everything that was judged.
    pub input: Count,
    /// What was kept as it is.
    pub kept: Count,
    /// What was kept in another form; the bytes are those of the new form.
    pub rewritten: Count,
    /// Bytes that rewriting removed (a rewritten text is never longer).
    pub removed_bytes: u64,
    /// What was dropped, by the check that failed first.
    pub dropped: BTreeMap<RuleName, Count>,
}

impl Funnel {
    /// Counts one verdict on a document of `bytes_in` bytes.
    pub fn add(&mut self, bytes_in: u64, verdict: &Verdict) {
        self.input.add(1, bytes_in);
        match verdict {
            Verdict::Keep => self.kept.add(1, bytes_in),
            Verdict::Rewrite(text) => {
                let bytes_out = text.len() as u64;
                self.rewritten.add(1, bytes_out);
                let removed = bytes_in.saturating_sub(bytes_out);
                self.removed_bytes = self.removed_bytes.saturating_add(removed);
            }
            Verdict::Drop(reason) => self.dropped.entry(reason.rule).or_default().add(1, bytes_in),
        }
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &Funnel) {
        self.input.add(other.input.documents, other.input.bytes);
        self.kept.add(other.kept.documents, other.kept.bytes);
        self.rewritten.add(other.rewritten.documents, other.rewritten.bytes);
        self.removed_bytes = self.removed_bytes.saturating_add(other.removed_bytes);
        for (rule, count) in &other.dropped {
            self.dropped.entry(*rule).or_default().add(count.documents, count.bytes);
        }
    }

    /// What comes out: kept and rewritten.
    pub fn output(&self) -> Count {
        let mut out = self.kept;
        out.add(self.rewritten.documents, self.rewritten.bytes);
        out
    }
}
