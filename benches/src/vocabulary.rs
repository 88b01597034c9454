//! Words and how often they come.

use crate::Draws;
use std::collections::HashSet;

/// The most frequent words of English, which filters look for, most frequent first.
const FUNCTION_WORDS: &str = "the of and to in a is that for it was on with as be by at are this have \
    not from or he but his they you an which we their one all were has been had will more there if can \
    so no who would what when out up do about than into them some could time these two may then other \
    its only first new over any my most such after made our also well because through many very where \
    much before those under never here between each without same both during another while still \
    against why until again however";

const ONSETS: &[&str] = &[
    "b", "bl", "c", "ch", "cl", "cr", "d", "dr", "f", "fl", "g", "gr", "h", "j", "l", "m", "n",
    "p", "pl", "pr", "qu", "r", "s", "sh", "sl", "st", "str", "t", "th", "tr", "v", "w",
];
const VOWELS: &[&str] = &["a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ou"];
const CODAS: &[&str] =
    &["", "", "", "c", "ct", "l", "ll", "m", "n", "nd", "nt", "r", "s", "st", "t"];
const ENDINGS: &[&str] = &["", "", "s", "ed", "ing", "ly", "er", "ion", "able", "ment", "ness"];

/// The number of words.
const SIZE: usize = 40_000;

/// Words with Zipf-Mandelbrot frequencies: that of the word of rank `r` (from 0) is proportional to
/// `1 / (r + 2)`. The exponent is 1, so that no platform's `powf` decides what is drawn.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    words: Vec<String>,
    /// Sum of the weights up to and with each word.
    cumulative: Vec<f64>,
}

impl Vocabulary {
    /// Function words of English, then invented words; rarer ones are longer.
    pub fn new() -> Self {
        let mut draws = Draws::new("vocabulary", 0);
        let mut words: Vec<String> = FUNCTION_WORDS.split_whitespace().map(str::to_owned).collect();
        let mut seen: HashSet<String> = words.iter().cloned().collect();
        while words.len() < SIZE {
            let word = invent(&mut draws, words.len());
            if seen.insert(word.clone()) {
                words.push(word);
            }
        }
        let mut sum = 0.0;
        let weights = (0..SIZE).map(|rank| 1.0 / (rank as f64 + 2.0));
        let cumulative = weights.map(|weight| {
            sum += weight;
            sum
        });
        Self { cumulative: cumulative.collect(), words }
    }

    /// A word, as often as its rank says.
    pub fn draw(&self, draws: &mut Draws) -> &str {
        let total = self.cumulative.last().copied().unwrap_or_default();
        let target = draws.unit() * total;
        let rank = self.cumulative.partition_point(|&sum| sum <= target);
        &self.words[rank.min(self.words.len() - 1)]
    }

    /// One of the words of ranks 1,000 to 10,000, all of them alike.
    pub fn draw_rare(&self, draws: &mut Draws) -> &str {
        &self.words[draws.within(1000..=10_000) as usize]
    }
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self::new()
    }
}

fn invent(draws: &mut Draws, rank: usize) -> String {
    let syllables = match rank {
        0..400 => 1,
        400..2000 => 1,
        2000..12_000 => draws.within(1..=2),
        _ => 2,
    };
    let mut word = String::new();
    for _ in 0..syllables {
        for parts in [ONSETS, VOWELS, CODAS] {
            word.push_str(draws.one_of(parts));
        }
    }
    if rank >= 400 {
        word.push_str(if draws.one_in(3000) { "é" } else { draws.one_of(ENDINGS) });
    }
    word
}
