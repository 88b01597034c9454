//! Made-up English.

use crate::{Draws, Vocabulary};

/// Documents of one to about thirty paragraphs, 5 kB on average. Besides words there are commas, quotes,
/// contractions, numbers, names and dashes; one word in eight is of the document's own few, as
/// real documents repeat the words of their subject. Half of the documents have typographic quotes and
/// dashes; of the others most are plain ASCII.
#[derive(Debug, Clone, Default)]
pub struct Prose {
    vocabulary: Vocabulary,
}

impl Prose {
    /// The language.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its words.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Document number `index`: paragraphs with an empty line between them.
    pub fn document(&self, index: u64) -> String {
        let mut draws = Draws::new("prose", index);
        let typographic = draws.one_in(2);
        let subject = (0..24).map(|_| self.vocabulary.draw_rare(&mut draws)).collect();
        let style = Style { subject, typographic };
        let mut text = String::new();
        for paragraph in 0..draws.size(0..5) {
            if paragraph > 0 {
                text.push_str("\n\n");
            }
            for sentence in 0..draws.within(2..=8) {
                if sentence > 0 {
                    text.push(' ');
                }
                self.sentence(&mut draws, &style, &mut text);
            }
        }
        text
    }

    /// A paragraph on no subject, of `n_sentences`.
    pub fn paragraph(&self, index: u64, n_sentences: usize) -> String {
        let mut draws = Draws::new("paragraph", index);
        let style = Style { subject: vec!["matter"], typographic: false };
        let mut text = String::new();
        for sentence in 0..n_sentences {
            if sentence > 0 {
                text.push(' ');
            }
            self.sentence(&mut draws, &style, &mut text);
        }
        text
    }

    fn sentence(&self, draws: &mut Draws, style: &Style<'_>, text: &mut String) {
        let [opening, closing, dash] =
            if style.typographic { ["“", "”", " — "] } else { ["\"", "\"", " - "] };
        let n_words = draws.within(5..=28);
        let quoted = draws.one_in(15);
        if quoted {
            text.push_str(opening);
        }
        for position in 0..n_words {
            if position > 0 {
                text.push_str(match draws.below(200) {
                    0..14 => ", ",
                    14 => dash,
                    15 => "; ",
                    _ => " ",
                });
            }
            let word = if draws.one_in(8) {
                draws.one_of(&style.subject)
            } else {
                self.vocabulary.draw(draws)
            };
            match draws.below(200) {
                0..3 => text.push_str(&draws.size(0..14).to_string()),
                3 => text.push_str(if draws.one_in(2) { "didn't" } else { "it's" }),
                4..8 => capitalise(word, text),
                _ if position == 0 => capitalise(word, text),
                _ => text.push_str(word),
            }
        }
        text.push_str(match draws.below(20) {
            0 => "?",
            1 => "!",
            _ => ".",
        });
        if quoted {
            text.push_str(closing);
        }
    }
}

/// What distinguishes a document.
struct Style<'a> {
    /// Words that come again and again.
    subject: Vec<&'a str>,
    /// Quotes and dashes as in print.
    typographic: bool,
}

fn capitalise(word: &str, text: &mut String) {
    let mut chars = word.chars();
    text.extend(chars.next().map(|first| first.to_ascii_uppercase()));
    text.push_str(chars.as_str());
}
