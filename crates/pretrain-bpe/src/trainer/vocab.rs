//! The vocabulary as it grows.

use std::collections::HashMap;

use super::TrainedBpe;

/// Tokens by id, under the names of `tokenizer.json`: of a byte-level token the characters that stand
/// for its bytes, of a character-level token its text. Names decide identity, because a learned token
/// whose name equals a special token's takes over its id, as in Hugging Face's trainer.
#[derive(Clone, Debug, Default)]
pub(super) struct GrowingVocab {
    ids: HashMap<String, u32>,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
struct Token {
    name: String,
    /// Bytes or characters it is made of.
    n_units: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not part of any merge.
    Special,
    Unit,
    Product,
    Hole,
}

impl GrowingVocab {
    pub(super) fn new(special_tokens: &[String]) -> Self {
        let mut this = Self::default();
        for name in special_tokens {
            this.id_of(name.clone(), Kind::Special);
        }
        this
    }

    /// The next id, for a byte string of a tokenizer that is extended.
    pub(super) fn push_token(&mut self, name: String) {
        let id = self.tokens.len() as u32;
        let n_units = u32::try_from(name.chars().count()).unwrap_or(u32::MAX);
        let kind = if n_units == 1 { Kind::Unit } else { Kind::Product };
        self.ids.insert(name.clone(), id);
        self.tokens.push(Token { name, n_units, kind });
    }

    /// The next id, for an added token of such a tokenizer: never lent to a learned one.
    pub(super) fn push_added(&mut self, name: String) {
        self.tokens.push(Token { name, n_units: 0, kind: Kind::Special });
    }

    /// The next id, without token.
    pub(super) fn push_hole(&mut self) {
        self.tokens.push(Token { name: String::new(), n_units: 0, kind: Kind::Hole });
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The id of a name, made if there is none.
    fn id_of(&mut self, name: String, kind: Kind) -> u32 {
        let n_units = u32::try_from(name.chars().count()).unwrap_or(u32::MAX);
        if let Some(&id) = self.ids.get(&name) {
            let token = &mut self.tokens[id as usize];
            if token.kind == Kind::Special {
                (token.n_units, token.kind) = (n_units, kind);
            }
            return id;
        }
        let id = self.tokens.len() as u32;
        self.ids.insert(name.clone(), id);
        self.tokens.push(Token { name, n_units, kind });
        id
    }

    pub(super) fn add_unit(&mut self, name: String) -> u32 {
        self.id_of(name, Kind::Unit)
    }

    /// A token that no merge makes or uses, as those for single bytes in a character-level vocabulary.
    pub(super) fn add_idle(&mut self, name: String) -> u32 {
        self.id_of(name, Kind::Special)
    }

    /// What two tokens merge into.
    pub(super) fn add_product(&mut self, left: u32, right: u32) -> u32 {
        let name = [left, right].map(|id| self.tokens[id as usize].name.as_str()).concat();
        self.id_of(name, Kind::Product)
    }

    /// A token made by a merge that names its products in another way.
    pub(super) fn add_named_product(&mut self, name: String) -> u32 {
        self.id_of(name, Kind::Product)
    }

    /// The bytes or characters that a token is made of.
    #[inline(always)]
    pub(super) fn n_units(&self, id: u32) -> usize {
        self.tokens[id as usize].n_units as usize
    }

    pub(super) fn name(&self, id: u32) -> &str {
        &self.tokens[id as usize].name
    }

    /// Whether a pair of neighbours may become a token: Hugging Face counts pairs of units always, and
    /// others only below the limit.
    pub(super) fn is_counted(&self, left: u32, right: u32, limit: Option<usize>) -> bool {
        let Some(limit) = limit else { return true };
        let [left, right] = [left, right].map(|id| &self.tokens[id as usize]);
        let are_units = left.kind == Kind::Unit && right.kind == Kind::Unit;
        are_units || left.n_units as usize + (right.n_units as usize) < limit
    }

    /// Whether no merge makes or uses a token.
    pub(super) fn is_idle(&self, id: u32) -> bool {
        self.tokens[id as usize].kind == Kind::Special
    }

    pub(super) fn to_trained(&self, merges: &[(u32, u32)]) -> TrainedBpe {
        let mut trained = TrainedBpe {
            vocab: Vec::with_capacity(self.len()),
            merges: merges.to_vec(),
            idle: Vec::new(),
        };
        let tokens = (0..).zip(&self.tokens).filter(|(_, token)| token.kind != Kind::Hole);
        for (id, token) in tokens {
            trained.vocab.push((token.name.clone(), id));
            if token.kind == Kind::Special {
                trained.idle.push(id);
            }
        }
        trained
    }
}
