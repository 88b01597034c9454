//! What a `.model` file says: the messages of `sentencepiece_model.proto` that decide about encoding
//! and decoding.

use super::wire::Fields;
use crate::error::{BpeError, Result};

/// `ModelProto`.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelFile {
    pub(super) pieces: Vec<Piece>,
    pub(super) trainer: TrainerSpec,
    pub(super) normalizer: NormalizerSpec,
    pub(super) denormalizer: Option<NormalizerSpec>,
    /// Input and expected pieces, separated by spaces.
    pub(super) self_tests: Vec<(String, String)>,
}

/// `ModelProto.SentencePiece`.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) score: f32,
    pub(super) kind: PieceKind,
}

/// What a piece is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PieceKind {
    /// Text.
    Normal,
    /// What stands for text without a piece.
    Unknown,
    /// A mark that no text gives, as `<s>`.
    Control,
    /// Text that is always one piece.
    UserDefined,
    /// One byte, as `<0x0A>`.
    Byte,
    /// Not to be produced.
    Unused,
}

/// How a model cuts text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ModelType {
    #[default]
    Unigram,
    Bpe,
    Word,
    Char,
}

/// `TrainerSpec`.
#[derive(Clone, Debug)]
pub(super) struct TrainerSpec {
    pub(super) model_type: ModelType,
    pub(super) treat_whitespace_as_suffix: bool,
    pub(super) byte_fallback: bool,
    pub(super) unk_surface: String,
    pub(super) bos_piece: String,
    pub(super) eos_piece: String,
    pub(super) pad_piece: String,
}

impl Default for TrainerSpec {
    fn default() -> Self {
        Self {
            model_type: ModelType::default(),
            treat_whitespace_as_suffix: false,
            byte_fallback: false,
            unk_surface: " \u{2047} ".to_owned(),
            bos_piece: "<s>".to_owned(),
            eos_piece: "</s>".to_owned(),
            pad_piece: "<pad>".to_owned(),
        }
    }
}

/// `NormalizerSpec`.
#[derive(Clone, Debug)]
pub(super) struct NormalizerSpec {
    pub(super) precompiled_charsmap: Vec<u8>,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    pub(super) escape_whitespaces: bool,
}

impl Default for NormalizerSpec {
    fn default() -> Self {
        Self {
            precompiled_charsmap: vec![],
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        }
    }
}

impl ModelFile {
    /// Reads a file. Fields that do not bear on encoding and decoding are skipped.
    pub(super) fn parse(file: &[u8]) -> Result<Self> {
        let mut this = Self::default();
        for field in Fields::new(file) {
            let field = field?;
            match field.number {
                1 => this.pieces.push(Piece::parse(field.message()?)?),
                2 => this.trainer.merge(field.message()?)?,
                3 => this.normalizer.merge(field.message()?)?,
                4 => this.self_tests.append(&mut self_tests(field.message()?)?),
                5 => this.denormalizer.get_or_insert_default().merge(field.message()?)?,
                _ => {}
            }
        }
        Ok(this)
    }
}

impl Piece {
    fn parse(fields: Fields<'_>) -> Result<Self> {
        let mut this = Self { text: String::new(), score: 0.0, kind: PieceKind::Normal };
        for field in fields {
            let field = field?;
            match field.number {
                1 => this.text = field.string()?,
                2 => this.score = field.float()?,
                3 => {
                    this.kind = match field.int()? {
                        1 => PieceKind::Normal,
                        2 => PieceKind::Unknown,
                        3 => PieceKind::Control,
                        4 => PieceKind::UserDefined,
                        5 => PieceKind::Unused,
                        6 => PieceKind::Byte,
                        _ => {
                            let reason = "the type of a piece is none of 1 to 6";
                            return Err(BpeError::Protobuf { offset: field.offset, reason });
                        }
                    };
                }
                _ => {}
            }
        }
        Ok(this)
    }
}

impl TrainerSpec {
    fn merge(&mut self, fields: Fields<'_>) -> Result<()> {
        for field in fields {
            let field = field?;
            match field.number {
                3 => {
                    self.model_type = match field.int()? {
                        1 => ModelType::Unigram,
                        2 => ModelType::Bpe,
                        3 => ModelType::Word,
                        4 => ModelType::Char,
                        _ => {
                            let reason = "the type of the model is none of 1 to 4";
                            return Err(BpeError::Protobuf { offset: field.offset, reason });
                        }
                    };
                }
                24 => self.treat_whitespace_as_suffix = field.bool()?,
                35 => self.byte_fallback = field.bool()?,
                44 => self.unk_surface = field.string()?,
                46 => set_unless_empty(&mut self.bos_piece, field.string()?),
                47 => set_unless_empty(&mut self.eos_piece, field.string()?),
                48 => set_unless_empty(&mut self.pad_piece, field.string()?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn set_unless_empty(name: &mut String, value: String) {
    if !value.is_empty() {
        *name = value;
    }
}

impl NormalizerSpec {
    fn merge(&mut self, fields: Fields<'_>) -> Result<()> {
        for field in fields {
            let field = field?;
            match field.number {
                2 => self.precompiled_charsmap = field.bytes()?.to_vec(),
                3 => self.add_dummy_prefix = field.bool()?,
                4 => self.remove_extra_whitespaces = field.bool()?,
                5 => self.escape_whitespaces = field.bool()?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// `SelfTestData`.
fn self_tests(fields: Fields<'_>) -> Result<Vec<(String, String)>> {
    let mut samples = vec![];
    for field in fields {
        let field = field?;
        if field.number != 1 {
            continue;
        }
        let mut sample = (String::new(), String::new());
        for field in field.message()? {
            let field = field?;
            match field.number {
                1 => sample.0 = field.string()?,
                2 => sample.1 = field.string()?,
                _ => {}
            }
        }
        samples.push(sample);
    }
    Ok(samples)
}
