//! A collection with copies at known places.

use crate::{Corpus, Draws, Prose};

/// Documents of prose, of which one in ten is an exact copy of an earlier one, one in ten a near copy
/// (one word in 200 is another), and of the rest one in five ends with the same notice.
#[derive(Debug, Clone)]
pub struct Copies {
    /// The documents.
    pub corpus: Corpus,
    /// What each document is.
    origins: Vec<Origin>,
}

/// Where a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Original,
    /// The bytes of that document.
    Exact(usize),
    /// Those of that document with a few words changed.
    Near(usize),
}

/// Copies are made of documents this long, so that the exchange of a word changes a small part.
const MIN_COPIED_BYTES: usize = 2000;

impl Copies {
    /// A collection of about `n_bytes` bytes.
    pub fn new(n_bytes: usize) -> Self {
        let prose = Prose::new();
        let notice = prose.paragraph(0, 4);
        let (mut texts, mut origins): (Vec<String>, Vec<Origin>) = (Vec::new(), Vec::new());
        let mut sources: Vec<usize> = Vec::new();
        let mut left = n_bytes;
        while left > 0 {
            let index = texts.len();
            let mut draws = Draws::new("copies", index as u64);
            let kind = if sources.is_empty() { 9 } else { draws.below(10) };
            let (origin, text) = if kind < 2 {
                let source = draws.one_of(&sources);
                match kind {
                    0 => (Origin::Exact(source), texts[source].clone()),
                    _ => (Origin::Near(source), exchange(&texts[source], &prose, &mut draws)),
                }
            } else {
                let mut text = prose.document(index as u64);
                if text.len() >= MIN_COPIED_BYTES {
                    sources.push(index);
                    if draws.one_in(5) {
                        text = format!("{text}\n\n{notice}");
                    }
                }
                (Origin::Original, text)
            };
            left = left.saturating_sub(text.len());
            texts.push(text);
            origins.push(origin);
        }
        Self { corpus: Corpus { name: "copies", texts }, origins }
    }

    /// The groups of two or more equal documents, each in order, by their first.
    pub fn exact_groups(&self) -> Vec<Vec<u32>> {
        self.groups(|origin| match origin {
            Origin::Exact(source) => Some(Some(source)),
            Origin::Original => Some(None),
            Origin::Near(_) => None,
        })
    }

    /// The groups of two or more documents that are equal or nearly so, likewise.
    pub fn similar_groups(&self) -> Vec<Vec<u32>> {
        self.groups(|origin| match origin {
            Origin::Exact(source) | Origin::Near(source) => Some(Some(source)),
            Origin::Original => Some(None),
        })
    }

    /// Groups by source; documents without an answer belong to none.
    fn groups(&self, source: impl Fn(Origin) -> Option<Option<usize>>) -> Vec<Vec<u32>> {
        let mut groups = vec![Vec::new(); self.origins.len()];
        for (index, &origin) in self.origins.iter().enumerate() {
            if let Some(source) = source(origin) {
                groups[source.unwrap_or(index)].push(index as u32);
            }
        }
        groups.retain(|group| group.len() > 1);
        groups
    }
}

/// The text with every 200th word, from a random one on, replaced.
fn exchange(text: &str, prose: &Prose, draws: &mut Draws) -> String {
    let first = draws.below(200) as usize;
    let words = text.split(' ').enumerate().map(|(position, word)| {
        let replace = position % 200 == first;
        if replace { prose.vocabulary().draw_rare(draws) } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}
