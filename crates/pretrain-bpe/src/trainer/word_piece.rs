//! WordPiece by likelihood: what BERT's vocabulary was trained for, and no library trains.
//!
//! Each step merges the pair that raises the likelihood of the text under a unigram model most for each
//! of its places: the greatest `count(xy) / (count(x) count(y))` (Schuster and Nakajima 2012, *Japanese
//! and Korean voice search*, as the Hugging Face course puts it). Fractions are compared exactly, in
//! integers; of equal ones the pair with the smaller texts merges first.

use std::cmp::Ordering;

use super::char_level::{char_frequencies, chars, most_frequent};
use super::config::WordPieceTrainerConfig;
use super::learn::{Merge, NO_SLOT, PairCounts, PairIndex, Words};
use super::training::Progress;
use super::vocab::GrowingVocab;
use crate::counts::{CountSource, PreTokenCounts, check_split};
use crate::error::{BpeError, Result};
use crate::merges::pair;

mod score;

use score::{Bound, Queue, Score};

/// Learns a WordPiece vocabulary from counts.
///
/// A normaliser is applied to the texts before they are counted.
#[derive(Clone, Debug)]
pub struct WordPieceTrainer {
    config: WordPieceTrainerConfig,
    /// Cut as the texts have to be.
    empty: PreTokenCounts,
}

/// A WordPiece vocabulary, and how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainedWordPiece {
    /// The tokens with their ids, in order of id: special tokens, then the characters, alone and with
    /// the prefix, in order of their texts, then the products of merges.
    pub vocab: Vec<(String, u32)>,
    /// The merges in order. An encoder does not need them.
    pub merges: Vec<LikelihoodMerge>,
}

/// A merge, with the counts that decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LikelihoodMerge {
    /// The id of the left token.
    pub left: u32,
    /// The id of the right token.
    pub right: u32,
    /// How often the two stood side by side.
    pub pair_count: u64,
    /// How often the left token occurred.
    pub left_count: u64,
    /// How often the right token occurred.
    pub right_count: u64,
}

impl WordPieceTrainer {
    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// [`BpeError::Config`] with every fault; [`BpeError::Regex`] when a custom pattern does not
    /// compile.
    pub fn new(config: WordPieceTrainerConfig) -> Result<Self> {
        config.check()?;
        let empty = PreTokenCounts::with_split(&config.split)?;
        Ok(Self { config, empty })
    }

    /// The configuration.
    pub fn config(&self) -> &WordPieceTrainerConfig {
        &self.config
    }

    /// Empty counts for this trainer's way of cutting. Make one per thread and merge them.
    pub fn counts(&self) -> PreTokenCounts {
        self.empty.clone()
    }

    /// Counts some texts on this thread.
    pub fn count<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> PreTokenCounts {
        let mut counts = self.counts();
        texts.into_iter().for_each(|text| counts.count(text.as_ref()));
        counts
    }

    /// Learns the vocabulary, on one thread. `progress` is called after each merge.
    ///
    /// Cost: for each merge the lengths of the words that hold its pair, and a look at the pairs whose
    /// score may be the greatest. A merge changes the scores of all pairs of its two tokens; they are
    /// computed anew only when the count of a token has fallen by 1/32 (see `Bound`). Memory, beside
    /// the counts: 4 bytes per character of the distinct words and 12 for each of them, 4 for each
    /// place of a pair, and about 150 for each pair that occurs `min_frequency` times.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when the counts were cut in another way,
    /// [`BpeError::TooMuchText`] past 16 GiB of ids or 2^64 occurrences, [`BpeError::Spill`] and
    /// [`BpeError::CorruptCounts`] when the counts are read from disk.
    pub fn train<C: CountSource>(
        &self,
        counts: &C,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<TrainedWordPiece> {
        check_split(&self.config.split, counts.split())?;
        let mut learner = Learner::new(&self.config, counts)?;
        let mut merges = Vec::new();
        while let Some(merge) = learner.step() {
            merges.push(merge);
            progress(Progress {
                vocab_size: learner.vocab.len(),
                target: self.config.vocab_size,
                frequency: merge.pair_count,
            });
        }
        Ok(TrainedWordPiece { vocab: learner.vocab.to_trained(&[]).vocab, merges })
    }
}

struct Learner<'c> {
    config: &'c WordPieceTrainerConfig,
    vocab: GrowingVocab,
    words: Words,
    /// The pairs that occur often enough to be merged.
    index: PairIndex,
    pairs: Vec<Candidate>,
    tokens: Vec<TokenState>,
    queue: Queue,
    /// By id, the place of the new pair with that neighbour; all [`NO_SLOT`] between merges.
    places: [Vec<u32>; 2],
}

/// A pair by its place.
struct Candidate {
    left: u32,
    right: u32,
    /// Which of its entries in the queue is the valid one.
    version: u32,
}

#[derive(Default)]
struct TokenState {
    count: u64,
    bound: Bound,
    /// Places of the pairs that it is part of.
    pairs: Vec<u32>,
}

impl<'c> Learner<'c> {
    fn new(config: &'c WordPieceTrainerConfig, counts: &dyn CountSource) -> Result<Self> {
        let mut vocab = GrowingVocab::new(&config.special_tokens);
        let frequency = char_frequencies(counts, config.min_count)?;
        let kept = most_frequent(frequency, config.limit_alphabet);
        let is_kept = |c: char| kept.binary_search(&c).is_ok();
        let unit = |i: usize, c: char| match i {
            0 => c.to_string(),
            _ => format!("{}{c}", config.continuing_subword_prefix),
        };
        let mut names = std::collections::BTreeMap::new();
        counts.for_each(&mut |word, count| {
            if count >= config.min_count && chars(word).all(is_kept) {
                chars(word).enumerate().for_each(|(i, c)| _ = names.entry((i > 0, c)).or_insert(0));
            }
        })?;
        let mut in_order: Vec<(String, (bool, char))> =
            names.keys().map(|&(inside, c)| (unit(usize::from(inside), c), (inside, c))).collect();
        in_order.sort_unstable();
        for (name, key) in in_order {
            names.insert(key, vocab.add_unit(name));
        }
        let mut words = Words::default();
        let (mut ids, mut is_full, mut total) = (Vec::new(), false, 0u128);
        let mut singles = Vec::new();
        counts.for_each(&mut |word, count| {
            if count < config.min_count.max(1) || !chars(word).all(is_kept) {
                return;
            }
            ids.clear();
            ids.extend(chars(word).enumerate().map(|(i, c)| names[&(i > 0, c)]));
            total += u128::from(count) * ids.len() as u128;
            match ids[..] {
                [] => {}
                // Nothing to merge, but the token's count is part of scores.
                [id] => singles.push((id, count)),
                _ => is_full |= !words.push(&ids, count),
            }
        })?;
        if is_full {
            return Err(BpeError::TooMuchText { what: "longer than 16 GiB of ids" });
        }
        if u64::try_from(total).is_err() {
            return Err(BpeError::TooMuchText { what: "so frequent that 64 bits overflow" });
        }
        let mut tokens: Vec<TokenState> = Vec::new();
        tokens.resize_with(vocab.len(), TokenState::default);
        words.for_each(|_, ids, count| {
            ids.iter().for_each(|&id| tokens[id as usize].count += count);
        });
        singles.iter().for_each(|&(id, count)| tokens[id as usize].count += count);
        let mut this = Self {
            config,
            vocab,
            words,
            index: PairIndex::default(),
            pairs: Vec::new(),
            tokens,
            queue: Queue::default(),
            places: Default::default(),
        };
        this.count_anew();
        Ok(this)
    }

    /// Makes the table of pairs from the words.
    fn count_anew(&mut self) {
        self.words.compact();
        let mut counts = PairCounts::default();
        self.words.count_pairs(&self.vocab, None, &mut counts);
        let min = self.min_frequency();
        self.index = PairIndex::with_room_for(counts.iter().filter(|pair| pair.1 >= min).count());
        self.queue = Queue::default();
        self.pairs.clear();
        for token in &mut self.tokens {
            token.pairs.clear();
            token.bound = Bound::of(token.count);
        }
        for (pair, count) in counts.iter().filter(|pair| pair.1 >= min) {
            self.insert((pair >> 32) as u32, pair as u32, count);
        }
        self.words.find_pairs(&self.index);
    }

    fn min_frequency(&self) -> u64 {
        self.config.min_frequency.max(1)
    }

    /// Adds a pair that has come into being.
    fn insert(&mut self, left: u32, right: u32, count: u64) -> u32 {
        let place = self.index.insert(pair(left, right), count);
        self.pairs.push(Candidate { left, right, version: 0 });
        self.tokens[left as usize].pairs.push(place);
        if left != right {
            self.tokens[right as usize].pairs.push(place);
        }
        self.enqueue(place);
        place
    }

    /// Puts a pair into the queue under the bound of its score.
    fn enqueue(&mut self, place: u32) {
        let candidate = &mut self.pairs[place as usize];
        candidate.version = candidate.version.wrapping_add(1);
        let bounds = [candidate.left, candidate.right].map(|id| self.tokens[id as usize].bound);
        let score = Score::new(self.index.count(place), bounds[0].least(), bounds[1].least());
        let version = candidate.version;
        let (pairs, vocab) = (&self.pairs, &self.vocab);
        self.queue.push(score, place, version, &|a, b| by_text(pairs, vocab, a, b));
    }

    /// The score of a pair now.
    fn score(&self, place: u32) -> Score {
        let candidate = &self.pairs[place as usize];
        let [left, right] =
            [candidate.left, candidate.right].map(|id| self.tokens[id as usize].count);
        Score::new(self.index.count(place), left, right)
    }

    /// The place of the pair with the greatest score.
    fn best(&mut self) -> Option<u32> {
        let min = self.min_frequency();
        let (pairs, vocab) = (&self.pairs, &self.vocab);
        let order = |a: u32, b: u32| by_text(pairs, vocab, a, b);
        let mut best: Option<(Score, u32)> = None;
        let mut looked_at = Vec::new();
        while let Some(top) = self.queue.peek() {
            let is_stale = top.version != pairs[top.place as usize].version;
            if is_stale || self.index.count(top.place) < min {
                self.queue.pop(&order);
                continue;
            }
            // The bound of the top is not less than the score of any pair that is left.
            let is_over = |&(score, place): &(Score, u32)| {
                top.score.cmp(&score).then_with(|| order(place, top.place)) == Ordering::Less
            };
            if best.as_ref().is_some_and(is_over) {
                break;
            }
            let score = self.score(top.place);
            let is_better = best.as_ref().is_none_or(|&(best, place)| {
                score.cmp(&best).then_with(|| order(place, top.place)) == Ordering::Greater
            });
            if is_better {
                best = Some((score, top.place));
            }
            looked_at.push(top);
            self.queue.pop(&order);
        }
        let best = best?.1;
        for entry in looked_at {
            if entry.place != best {
                self.queue.push(entry.score, entry.place, entry.version, &order);
            }
        }
        Some(best)
    }

    /// Learns one merge; `None` at the end.
    fn step(&mut self) -> Option<LikelihoodMerge> {
        if self.vocab.len() >= self.config.vocab_size {
            return None;
        }
        let place = self.best()?;
        let Candidate { left, right, .. } = self.pairs[place as usize];
        let merge = LikelihoodMerge {
            left,
            right,
            pair_count: self.index.count(place),
            left_count: self.tokens[left as usize].count,
            right_count: self.tokens[right as usize].count,
        };
        let prefix = &self.config.continuing_subword_prefix;
        let tail = self.vocab.name(right);
        let tail = tail.strip_prefix(prefix.as_str()).unwrap_or(tail);
        let name = [self.vocab.name(left), tail].concat();
        let n_before = self.vocab.len();
        let product = self.vocab.add_named_product(name);
        self.tokens.resize_with(self.vocab.len(), TokenState::default);
        self.words.merge(place, Merge { left, right, product }, self.vocab.len());
        let n_merged = self.words.n_merged();
        self.tokens[product as usize].count += n_merged;
        for id in [left, right] {
            self.tokens[id as usize].count -= n_merged;
        }
        if self.vocab.len() == n_before {
            // The product was a token before, so pairs with it may have been there before too.
            self.words.forget_neighbours();
            self.count_anew();
            return Some(merge);
        }
        self.index.clear(place);
        self.tokens[product as usize].bound = Bound::of(n_merged);
        self.update_pairs(Merge { left, right, product });
        for id in [left, right] {
            self.renew(id);
        }
        Some(merge)
    }

    /// Enters the pairs that a merge has made, and takes off those that it has broken.
    fn update_pairs(&mut self, merge: Merge) {
        let Merge { left, right, product } = merge;
        let min = self.min_frequency();
        let mut places = std::mem::take(&mut self.places);
        let mut seen: Vec<(usize, u32, u64)> = Vec::new();
        for (side, places) in places.iter_mut().enumerate() {
            places.resize(self.vocab.len(), NO_SLOT);
            self.words.for_each_neighbour(side, |id, count| seen.push((side, id, count)));
        }
        for &(side, id, count) in seen.iter().filter(|neighbour| neighbour.2 >= min) {
            let (left, right) = if side == 0 { (id, product) } else { (product, id) };
            places[side][id as usize] = self.insert(left, right, count);
        }
        // New pairs first: two merges side by side make a pair with the product and lose it again.
        for &(side, id, count) in &seen {
            let (left, right) = if side == 0 { (id, left) } else { (right, id) };
            self.index.lose(pair(left, right), count);
        }
        self.words.post_neighbours(self.index.len(), [&places[0], &places[1]]);
        seen.iter().for_each(|&(side, id, _)| places[side][id as usize] = NO_SLOT);
        self.places = places;
    }

    /// Gives the pairs of a token new bounds, if its count has fallen below its own.
    fn renew(&mut self, id: u32) {
        let min = self.min_frequency();
        let token = &mut self.tokens[id as usize];
        if token.bound.holds(token.count) {
            return;
        }
        token.bound = Bound::of(token.count);
        let mut places = std::mem::take(&mut token.pairs);
        places.retain(|&place| self.index.count(place) >= min);
        places.iter().for_each(|&place| self.enqueue(place));
        self.tokens[id as usize].pairs = places;
        let pairs = &self.pairs;
        let order = |a: u32, b: u32| by_text(pairs, &self.vocab, a, b);
        let is_valid = |place: u32, version| pairs[place as usize].version == version;
        self.queue.drop_stale(&is_valid, &order);
    }
}

/// The order of pairs by their texts.
fn by_text(pairs: &[Candidate], vocab: &GrowingVocab, a: u32, b: u32) -> Ordering {
    let texts = |place: u32| {
        let pair = &pairs[place as usize];
        (vocab.name(pair.left), vocab.name(pair.right))
    };
    texts(a).cmp(&texts(b))
}
