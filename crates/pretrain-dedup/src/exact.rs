//! Documents whose texts are equal, as they are or after normalisation.
//!
//! Two documents count as equal when the 128-bit xxh3 hashes of their (normalised) texts are equal.
//! Among n documents a false match has probability below n^2 / 2^129: one in 10^18 at ten billion.
//! The hash guards against accidents, not against somebody who constructs collisions.
//!
//! **Empty texts.** With [`Normalise::None`] they are equal to each other, as any equal bytes are.
//! With the other forms a text that normalises to nothing has nothing to compare and is always kept.
//!
//! **Memory.** 16 bytes per document while documents arrive, 4 more while [`ExactDedup::finish`]
//! sorts, then what [`Clusters`] states. An index loaded beside it takes 16 bytes per distinct text.
//! Nothing is spilled to disk.

mod index;

pub use index::ExactIndex;

use crate::cluster::first;
use crate::{Clusters, DocIndex, Normalise, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// When two documents are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExactConfig {
    /// What is done to the texts before they are compared.
    pub normalise: Normalise,
}

impl ExactConfig {
    /// The key of `text`, or `None` if nothing is left of it to compare. Pure, so that many threads
    /// can make keys for [`ExactDedup::push_key`].
    pub fn key(&self, text: &str) -> Option<ExactKey> {
        let text = self.normalise.apply(text);
        if text.is_empty() && self.normalise != Normalise::None {
            return None;
        }
        Some(ExactKey(xxh3_128(text.as_bytes())))
    }
}

/// xxh3-128 (seed 0) of a normalised text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExactKey(pub(crate) u128);

/// Collects documents one by one and finds the equal ones. The first of each group is kept.
#[derive(Debug)]
pub struct ExactDedup {
    config: ExactConfig,
    keys: Vec<ExactKey>,
    /// Documents without a key, ascending; their place in `keys` is filled with a zero key.
    without_key: Vec<u32>,
    index: Option<ExactIndex>,
}

impl ExactDedup {
    /// An empty collection.
    pub fn new(config: ExactConfig) -> Self {
        Self { config, keys: Vec::new(), without_key: Vec::new(), index: None }
    }

    /// Also removes every document of which `index` holds a copy.
    ///
    /// # Errors
    /// [`crate::DedupError::IndexParameters`] if the index was made under another normalisation.
    pub fn against(mut self, index: ExactIndex) -> Result<Self> {
        index.check(&self.config)?;
        self.index = Some(index);
        Ok(self)
    }

    /// Adds the next document.
    ///
    /// # Errors
    /// [`crate::DedupError::TooManyDocuments`].
    pub fn push(&mut self, text: &str) -> Result<DocIndex> {
        self.push_key(self.config.key(text))
    }

    /// Adds the next document by the key that [`ExactConfig::key`] gave for its text.
    ///
    /// # Errors
    /// [`crate::DedupError::TooManyDocuments`].
    pub fn push_key(&mut self, key: Option<ExactKey>) -> Result<DocIndex> {
        let document = DocIndex::after(self.keys.len())?;
        if key.is_none() {
            self.without_key.push(document.0);
        }
        self.keys.push(key.unwrap_or(ExactKey(0)));
        Ok(document)
    }

    /// The index of all texts seen, for later collections: those of the index given to
    /// [`ExactDedup::against`] and those pushed. Copies the keys.
    pub fn to_index(&self) -> ExactIndex {
        let order = self.order();
        let pushed = order.iter().map(|&document| self.keys[document as usize]);
        ExactIndex::new(self.config, self.index.iter().flat_map(ExactIndex::keys).chain(pushed))
    }

    /// The groups of equal documents.
    ///
    /// # Errors
    /// None in this version; the type leaves room for a store on disk.
    pub fn finish(self) -> Result<Clusters> {
        let order = self.order();
        let mut groups = Vec::new();
        let mut in_index = Vec::new();
        for run in order.chunk_by(|&a, &b| self.keys[a as usize] == self.keys[b as usize]) {
            let key = self.keys[run[0] as usize];
            let known = self.index.as_ref().is_some_and(|index| index.contains(key));
            if known || run.len() > 1 {
                let group: Vec<DocIndex> = run.iter().copied().map(DocIndex).collect();
                if known { in_index.push(group) } else { groups.push(group) }
            }
        }
        tracing::debug!(documents = self.keys.len(), groups = groups.len(), "exact groups found");
        Ok(Clusters::new(self.keys.len(), groups, in_index, first))
    }

    /// Documents that have a key, by key and then by position.
    fn order(&self) -> Vec<u32> {
        let mut skip = self.without_key.iter().copied().peekable();
        let mut order: Vec<u32> = (0..self.keys.len() as u32)
            .filter(|&document| skip.next_if_eq(&document).is_none())
            .collect();
        order.par_sort_unstable_by_key(|&document| (self.keys[document as usize], document));
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DedupError;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn dedup(normalise: Normalise, texts: &[&str]) -> Clusters {
        let mut dedup = ExactDedup::new(ExactConfig { normalise });
        for text in texts {
            dedup.push(text).unwrap();
        }
        dedup.finish().unwrap()
    }

    fn kept(clusters: &Clusters) -> Vec<u32> {
        let documents = 0..clusters.n_documents() as u32;
        documents.filter(|&document| clusters.is_kept(DocIndex(document))).collect()
    }

    #[test]
    fn normalisation_decides_what_is_equal() {
        let texts = ["A b", " A  b", "a b", "a,b", "", " ", "", "\0", "\0"];
        assert_eq!(kept(&dedup(Normalise::None, &texts)), [0, 1, 2, 3, 4, 5, 7]);
        assert_eq!(kept(&dedup(Normalise::Whitespace, &texts)), [0, 2, 3, 4, 5, 6, 7]);
        assert_eq!(kept(&dedup(Normalise::Folded, &texts)), [0, 3, 4, 5, 6, 7]);
        assert_eq!(kept(&dedup(Normalise::Simplified, &texts)), [0, 4, 5, 6, 7, 8]);
        assert_eq!(kept(&dedup(Normalise::None, &[])), [] as [u32; 0]);
    }

    #[test]
    fn an_index_of_earlier_data_removes_and_is_itself_never_removed() {
        let config = ExactConfig { normalise: Normalise::Folded };
        let mut earlier = ExactDedup::new(config);
        for text in ["one", "two", "two", " "] {
            earlier.push(text).unwrap();
        }
        let bytes = earlier.to_index().to_bytes();
        let index = ExactIndex::from_bytes(&bytes).unwrap();
        assert_eq!((index.len(), index.to_bytes()), (2, bytes));

        let mut later = ExactDedup::new(config).against(index.clone()).unwrap();
        for text in ["TWO", "three", "two", "three", "", "four"] {
            later.push(text).unwrap();
        }
        assert_eq!(later.to_index().len(), 4);
        let clusters = later.finish().unwrap();
        assert_eq!(kept(&clusters), [1, 4, 5]);
        assert_eq!(clusters.in_index().collect::<Vec<_>>(), [[DocIndex(0), DocIndex(2)]]);
        assert_eq!(clusters.len(), 1);

        let other = ExactDedup::new(ExactConfig { normalise: Normalise::None }).against(index);
        assert!(matches!(
            other,
            Err(DedupError::IndexParameters { field: "normalise", expected, found })
                if expected == "none" && found == "folded"
        ));
    }

    proptest! {
        #[test]
        fn equals_a_map_of_whole_texts(texts in prop::collection::vec("[ab]{0,3}", 0..40)) {
            let mut groups: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            for (i, text) in texts.iter().enumerate() {
                groups.entry(text).or_default().push(i as u32);
            }
            let mut expected: Vec<Vec<u32>> =
                groups.into_values().filter(|group| group.len() > 1).collect();
            expected.sort();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let clusters = dedup(Normalise::None, &texts);
            let found: Vec<Vec<u32>> =
                clusters.iter().map(|c| c.members.iter().map(|m| m.0).collect()).collect();
            prop_assert_eq!(found, expected);

            let left: Vec<&str> =
                kept(&clusters).into_iter().map(|document| texts[document as usize]).collect();
            prop_assert_eq!(dedup(Normalise::None, &left).n_removed(), 0);
        }
    }
}
