//! SentencePiece models: reading `.model` files, encoding and decoding as `SentencePieceProcessor`.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::{BpeError, Result};
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::model::trie::Trie;
use crate::model::unigram::UNKNOWN_PENALTY;
use crate::model::viterbi::Viterbi;
use crate::model::word_cuts::MARK;
use crate::normalize::charsmap::Charsmap;
use crate::normalize::sentencepiece::{SentencePieceNormalizer, SpaceRules};
use crate::token::TokenId;
use crate::vocabulary::NO_TOKEN;

mod bpe;
mod file;
mod tokenizer;
mod wire;
mod write;

use bpe::{Merges, Splits};
pub use file::PieceKind;
use file::{ModelFile, ModelType, NormalizerSpec, Piece};
pub(crate) use write::write_unigram;

/// A SentencePiece model. Immutable, `Send + Sync`, every method takes `&self`.
///
/// All model types (BPE, Unigram, word, char) are understood, with user-defined symbols, byte fallback,
/// unused pieces, and normalisation by a precompiled character map. Sampling and n-best lists are not.
///
/// Control pieces (`<s>`, `</s>`) are never produced from text.
pub struct SentencePiece {
    pieces: Vec<Piece>,
    normalizer: SentencePieceNormalizer,
    denormalizer: Option<SentencePieceNormalizer>,
    model: Model,
    /// All pieces that text can be, without control, unknown and byte pieces.
    texts: Trie,
    unk_id: u32,
    /// The pieces of bytes, if unknown characters become bytes.
    bytes: Option<Box<[u32; 256]>>,
    unk_surface: String,
    names: [String; 3],
    self_tests: Vec<(String, String)>,
    /// As it was read.
    file: Vec<u8>,
    scratch: Mutex<Vec<ModelScratch>>,
}

#[derive(Clone)]
enum Model {
    /// Merges, and the user-defined symbols, which do not merge.
    Merges(Box<Merges>, Option<Trie>),
    Unigram(Viterbi, Trie),
    Word,
}

impl SentencePiece {
    /// Reads a `.model` file.
    ///
    /// # Errors
    /// When the bytes are not a protocol buffer with SentencePiece's fields, and when the model
    /// contradicts itself: no unknown piece or two, empty or repeated pieces, byte fallback without all
    /// bytes, a corrupt character map.
    pub fn from_bytes(file: &[u8]) -> Result<Self> {
        let ModelFile { pieces, trainer, normalizer, denormalizer, self_tests } =
            ModelFile::parse(file)?;
        let unk_id = check(&pieces, trainer.byte_fallback)?;
        let bytes = trainer.byte_fallback.then(|| byte_ids(&pieces)).transpose()?;
        let is_text = |piece: &Piece| {
            matches!(piece.kind, PieceKind::Normal | PieceKind::UserDefined | PieceKind::Unused)
        };
        let of_kind = |wanted: &dyn Fn(&Piece) -> bool| {
            let pieces = (0..).zip(&pieces).filter(|(_, piece)| wanted(piece));
            Trie::new(pieces.map(|(id, piece)| (piece.text.as_bytes(), id)))
        };
        let user_defined = pieces
            .iter()
            .any(|piece| piece.kind == PieceKind::UserDefined)
            .then(|| of_kind(&|piece| piece.kind == PieceKind::UserDefined));
        let model = match trainer.model_type {
            ModelType::Bpe => Model::Merges(Box::new(Merges::new(&pieces)), user_defined.clone()),
            ModelType::Char => {
                let chars: Vec<Piece> = pieces.iter().map(char_only).collect();
                Model::Merges(Box::new(Merges::new(&chars)), user_defined.clone())
            }
            ModelType::Unigram => {
                let used = |piece: &Piece| is_text(piece) && piece.kind != PieceKind::Unused;
                Model::Unigram(viterbi(&pieces, unk_id), of_kind(&used))
            }
            ModelType::Word => Model::Word,
        };
        let as_suffix = trainer.treat_whitespace_as_suffix;
        let denormalizer = denormalizer.filter(|spec| !spec.precompiled_charsmap.is_empty());
        Ok(Self {
            normalizer: build_normalizer(&normalizer, as_suffix, user_defined)?,
            denormalizer: denormalizer
                .map(|spec| build_normalizer(&spec, false, None))
                .transpose()?,
            texts: of_kind(&is_text),
            pieces,
            model,
            unk_id,
            bytes,
            unk_surface: trainer.unk_surface,
            names: [trainer.bos_piece, trainer.eos_piece, trainer.pad_piece],
            self_tests,
            file: file.to_vec(),
            scratch: Mutex::default(),
        })
    }

    /// The pieces of a text, as `SentencePieceProcessor.encode`: no BOS, no EOS. O(n log n) in the
    /// longest word (BPE), or linear times the longest piece (Unigram).
    pub fn encode(&self, text: &str) -> Vec<TokenId> {
        let mut ids = Vec::new();
        self.encode_into(text, &mut ids);
        ids.into_iter().map(TokenId).collect()
    }

    /// Appends the ids of the pieces of a text.
    pub fn encode_into(&self, text: &str, out: &mut Vec<u32>) {
        self.with_scratch(|this, scratch| this.ids(text, scratch, out));
    }

    /// [`encode_into`](Self::encode_into) in the scratch space of a tokenizer.
    pub(crate) fn ids(&self, text: &str, scratch: &mut ModelScratch, out: &mut Vec<u32>) {
        let mut normalized = String::new();
        self.normalizer.normalize_into(text, &mut normalized);
        let mut spans = Vec::new();
        self.tokenize(&normalized, scratch, &mut spans);
        out.extend(spans.iter().map(|span| span.id));
    }

    /// Appends the pieces of a text and the bytes of it that they stand for.
    pub(crate) fn spans(&self, text: &str, scratch: &mut ModelScratch, out: &mut Vec<Span>) {
        let (normalized, origins) = self.normalizer.normalize(text);
        let before = out.len();
        self.tokenize(&normalized, scratch, out);
        for span in &mut out[before..] {
            span.start = origins[span.start as usize];
            span.end = origins[span.end as usize];
        }
    }

    /// The pieces of a text and the bytes of it that they stand for: `begin` and `end` of
    /// SentencePiece's `SentencePieceText`, in bytes.
    ///
    /// Spaces that normalisation adds stand for nothing; of the byte pieces of one character, the last
    /// stands for it and those before for nothing.
    pub fn encode_with_offsets(&self, text: &str) -> Vec<(TokenId, Range<usize>)> {
        self.with_scratch(|this, scratch| {
            let mut spans = Vec::new();
            this.spans(text, scratch, &mut spans);
            let bytes = |span: &Span| span.start as usize..span.end as usize;
            spans.iter().map(|span| (TokenId(span.id), bytes(span))).collect()
        })
    }

    /// The text of pieces, as `SentencePieceProcessor.decode`. Ids that are no pieces are left out.
    pub fn decode(&self, ids: &[TokenId]) -> String {
        let rules = self.normalizer.rules();
        let strips = rules.add_dummy_prefix || rules.remove_extra_whitespaces;
        let mut text = String::new();
        let mut bytes = Vec::new();
        let (mut at_start, mut stripped) = (true, false);
        for &id in ids {
            let Some(piece) = self.pieces.get(id.0 as usize) else { continue };
            if piece.kind == PieceKind::Byte {
                bytes.extend(byte_of(&piece.text));
                continue;
            }
            flush_bytes(&mut bytes, &mut text);
            at_start &= !stripped && text.is_empty();
            stripped = false;
            match piece.kind {
                PieceKind::Control => {}
                PieceKind::Unknown => text.push_str(&self.unk_surface),
                _ => {
                    let mut surface = piece.text.as_str();
                    if at_start
                        && strips
                        && let Some(rest) = surface.strip_prefix(MARK)
                    {
                        surface = rest;
                        stripped = !rules.remove_extra_whitespaces;
                    }
                    text.extend(surface.chars().map(|c| if c == MARK { ' ' } else { c }));
                }
            }
        }
        flush_bytes(&mut bytes, &mut text);
        match &self.denormalizer {
            Some(denormalizer) => denormalizer.normalize(&text).0,
            None => text,
        }
    }

    /// The number of pieces; ids are below it.
    pub fn n_pieces(&self) -> usize {
        self.pieces.len()
    }

    /// The text of a piece, with `▁` for spaces.
    pub fn piece(&self, id: TokenId) -> Option<&str> {
        self.pieces.get(id.0 as usize).map(|piece| piece.text.as_str())
    }

    /// The score of a piece: its log probability (Unigram) or minus its rank (BPE).
    pub fn score(&self, id: TokenId) -> Option<f32> {
        self.pieces.get(id.0 as usize).map(|piece| piece.score)
    }

    /// What a piece is for.
    pub fn kind(&self, id: TokenId) -> Option<PieceKind> {
        self.pieces.get(id.0 as usize).map(|piece| piece.kind)
    }

    /// The piece with this text; control, unknown and byte pieces go first.
    pub fn piece_to_id(&self, piece: &str) -> Option<TokenId> {
        self.reserved(piece).or_else(|| self.texts.exact(piece.as_bytes())).map(TokenId)
    }

    /// What stands for text without piece.
    pub fn unk_id(&self) -> TokenId {
        TokenId(self.unk_id)
    }

    /// The control piece that begins a text.
    pub fn bos_id(&self) -> Option<TokenId> {
        self.control(&self.names[0])
    }

    /// The control piece that ends a text.
    pub fn eos_id(&self) -> Option<TokenId> {
        self.control(&self.names[1])
    }

    /// The control piece that pads a text.
    pub fn pad_id(&self) -> Option<TokenId> {
        self.control(&self.names[2])
    }

    /// The samples that old models carry: texts, and their pieces joined by spaces.
    pub fn self_tests(&self) -> &[(String, String)] {
        &self.self_tests
    }

    /// The `.model` file, as it was read.
    pub fn to_bytes(&self) -> &[u8] {
        &self.file
    }

    /// The text that is cut into pieces.
    pub fn normalize(&self, text: &str) -> String {
        self.normalizer.normalize(text).0
    }

    fn control(&self, piece: &str) -> Option<TokenId> {
        self.piece_to_id(piece).filter(|&id| self.kind(id) == Some(PieceKind::Control))
    }

    fn reserved(&self, text: &str) -> Option<u32> {
        let is_reserved = |piece: &Piece| {
            matches!(piece.kind, PieceKind::Control | PieceKind::Unknown | PieceKind::Byte)
        };
        let found = self.pieces.iter().position(|piece| is_reserved(piece) && piece.text == text);
        found.map(|id| id as u32)
    }

    fn with_scratch<T>(&self, work: impl FnOnce(&Self, &mut ModelScratch) -> T) -> T {
        let lock = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = lock().pop().unwrap_or_default();
        let result = work(self, &mut scratch);
        scratch.shrink();
        lock().push(scratch);
        result
    }

    /// Appends the pieces of a normalised text and where they stand in it.
    fn tokenize(&self, text: &str, scratch: &mut ModelScratch, out: &mut Vec<Span>) {
        match &self.model {
            Model::Unigram(viterbi, trie) => {
                let mut lattice = std::mem::take(&mut scratch.lattice);
                viterbi.for_each(trie, text, &mut lattice, |span| self.push(text, span, out));
                scratch.lattice = lattice;
            }
            Model::Merges(merges, user_defined) => {
                let (mut symbols, mut splits) = (Vec::new(), Splits::default());
                for_each_segment(text, user_defined.as_ref(), |start, segment| match segment {
                    Segment::Symbol(id, len) => {
                        symbols.push(Span { id, start, end: start + len });
                    }
                    Segment::Text(text) => {
                        merges.tokenize(text, start, scratch, &mut splits, &mut symbols);
                    }
                });
                merges.split_unused(&splits, &mut symbols);
                symbols.into_iter().for_each(|span| self.push(text, span, out));
            }
            Model::Word => {
                let starts = text.match_indices(MARK).map(|(at, _)| at).filter(|&at| at > 0);
                let mut start = 0;
                for end in starts.chain((!text.is_empty()).then_some(text.len())) {
                    let id = self.texts.exact(&text.as_bytes()[start..end]).unwrap_or(NO_TOKEN);
                    self.push(text, Span { id, start: start as u32, end: end as u32 }, out);
                    start = end;
                }
            }
        }
    }

    /// Appends a piece. What is no piece becomes bytes, or part of one run of the unknown piece.
    #[inline]
    fn push(&self, text: &str, span: Span, out: &mut Vec<Span>) {
        if (span.id as usize) < self.pieces.len() && span.id != self.unk_id {
            out.push(span);
            return;
        }
        let Span { start, end, .. } = span;
        if let Some(table) = &self.bytes {
            let bytes = &text.as_bytes()[start as usize..end as usize];
            out.extend(bytes.iter().map(|&byte| Span {
                id: table[byte as usize],
                start,
                end: start,
            }));
            if let Some(last) = out.last_mut() {
                last.end = end;
            }
            return;
        }
        match out.last_mut().filter(|last| last.id == self.unk_id) {
            Some(run) => run.end = end,
            None => out.push(Span { id: self.unk_id, start, end }),
        }
    }
}

impl Clone for SentencePiece {
    fn clone(&self) -> Self {
        Self {
            pieces: self.pieces.clone(),
            normalizer: self.normalizer.clone(),
            denormalizer: self.denormalizer.clone(),
            model: self.model.clone(),
            texts: self.texts.clone(),
            unk_id: self.unk_id,
            bytes: self.bytes.clone(),
            unk_surface: self.unk_surface.clone(),
            names: self.names.clone(),
            self_tests: self.self_tests.clone(),
            file: self.file.clone(),
            scratch: Mutex::default(),
        }
    }
}

impl std::fmt::Debug for SentencePiece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let model = match &self.model {
            Model::Merges(..) => "merges",
            Model::Unigram(..) => "unigram",
            Model::Word => "words",
        };
        f.debug_struct("SentencePiece")
            .field("n_pieces", &self.pieces.len())
            .field("model", &model)
            .finish_non_exhaustive()
    }
}

/// Parts of a normalised text.
enum Segment<'a> {
    /// A user-defined symbol and its length.
    Symbol(u32, u32),
    Text(&'a str),
}

/// Cuts user-defined symbols out, the longest at each place from left to right.
fn for_each_segment<'a>(
    text: &'a str,
    symbols: Option<&Trie>,
    mut sink: impl FnMut(u32, Segment<'a>),
) {
    let mut start = 0;
    if let Some(symbols) = symbols {
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            match symbols.longest(&text.as_bytes()[at..]) {
                Some((len, id)) => {
                    if start < at {
                        sink(start as u32, Segment::Text(&text[start..at]));
                    }
                    sink(at as u32, Segment::Symbol(id, len as u32));
                    at += len;
                    start = at;
                }
                None => at += c.len_utf8(),
            }
        }
    }
    if start < text.len() {
        sink(start as u32, Segment::Text(&text[start..]));
    }
}

fn build_normalizer(
    spec: &NormalizerSpec,
    treat_whitespace_as_suffix: bool,
    fixed: Option<Trie>,
) -> Result<SentencePieceNormalizer> {
    let map = &spec.precompiled_charsmap;
    let map = (!map.is_empty()).then(|| Charsmap::parse(map)).transpose()?;
    let rules = SpaceRules {
        add_dummy_prefix: spec.add_dummy_prefix,
        remove_extra_whitespaces: spec.remove_extra_whitespaces,
        escape_whitespaces: spec.escape_whitespaces,
        treat_whitespace_as_suffix,
    };
    Ok(SentencePieceNormalizer::new(rules, map, fixed))
}

/// Checks the pieces as SentencePiece does; returns the unknown piece.
fn check(pieces: &[Piece], byte_fallback: bool) -> Result<u32> {
    let fault = |what: String, reason| Err(BpeError::SentencePiece { what, reason });
    let mut seen = std::collections::HashMap::new();
    let mut unk_id = None;
    if u32::try_from(pieces.len()).is_err() {
        return fault(format!("{} pieces", pieces.len()), "are too many");
    }
    for (id, piece) in (0u32..).zip(pieces) {
        let named = || format!("piece {id} {:?}", piece.text);
        if piece.text.is_empty() || piece.text.contains('\0') {
            return fault(named(), "is empty or has a NUL");
        }
        if piece.text.len() >= MAX_PIECE_BYTES {
            return fault(format!("piece {id}"), "is longer than 8 kB");
        }
        let is_reserved = match piece.kind {
            PieceKind::Unknown => {
                if unk_id.replace(id).is_some() {
                    return fault(named(), "is a second unknown piece");
                }
                true
            }
            PieceKind::Byte => {
                if !byte_fallback || byte_of(&piece.text).is_none() {
                    return fault(named(), "is no byte, or there is no byte fallback");
                }
                true
            }
            PieceKind::Control => true,
            PieceKind::Normal | PieceKind::UserDefined | PieceKind::Unused => false,
        };
        if let Some(first) = seen.insert((is_reserved, piece.text.as_str()), id) {
            return Err(BpeError::DuplicateToken { token: piece.text.clone(), first, second: id });
        }
    }
    unk_id.map_or_else(|| fault("the unknown piece".to_owned(), "is missing"), Ok)
}

/// SentencePiece's own limit.
const MAX_PIECE_BYTES: usize = 8000;

/// The byte that `<0x0A>` stands for.
fn byte_of(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let is_canonical = |&digit: &u8| matches!(digit, b'0'..=b'9' | b'A'..=b'F');
    let digits = Some(digits)
        .filter(|digits| digits.len() == 2 && digits.as_bytes().iter().all(is_canonical))?;
    u8::from_str_radix(digits, 16).ok()
}

fn byte_ids(pieces: &[Piece]) -> Result<Box<[u32; 256]>> {
    let mut ids = Box::new([NO_TOKEN; 256]);
    for (id, piece) in (0..).zip(pieces).filter(|(_, piece)| piece.kind == PieceKind::Byte) {
        if let Some(byte) = byte_of(&piece.text) {
            ids[byte as usize] = id;
        }
    }
    match ids.iter().position(|&id| id == NO_TOKEN) {
        None => Ok(ids),
        Some(byte) => Err(BpeError::SentencePiece {
            what: format!("byte {byte:#04x}"),
            reason: "has no piece, although bytes take the place of unknown characters",
        }),
    }
}

/// A piece of a model that does not merge.
fn char_only(piece: &Piece) -> Piece {
    let is_char = crate::model::char_map::single(&piece.text).is_some();
    let kind = match piece.kind {
        PieceKind::Normal | PieceKind::Unused if !is_char => PieceKind::Control,
        kind => kind,
    };
    Piece { kind, ..piece.clone() }
}

/// Scores as SentencePiece 0.2.3 uses them, in single precision. That of a user-defined symbol is not the
/// one in the file: a tenth for each byte after the first, more than its parts can have. (Found by
/// experiment, as far as the published sources differ.)
fn viterbi(pieces: &[Piece], unk_id: u32) -> Viterbi {
    let normal = pieces.iter().filter(|piece| piece.kind == PieceKind::Normal);
    let min = normal.map(|piece| piece.score).fold(f32::MAX, f32::min);
    let score = |piece: &Piece| match piece.kind {
        PieceKind::UserDefined => (0.1 * (piece.text.len() as f64 - 1.0)) as f32,
        _ => piece.score,
    };
    Viterbi {
        scores: pieces.iter().map(score).map(f64::from).collect(),
        unk_id,
        unk_score: f64::from(min - UNKNOWN_PENALTY as f32),
        single_precision: true,
    }
}

/// Appends bytes as text; each byte that is part of no character becomes U+FFFD.
fn flush_bytes(bytes: &mut Vec<u8>, text: &mut String) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    bytes.clear();
}

#[cfg(test)]
mod tests;
