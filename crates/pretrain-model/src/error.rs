//! What can go wrong between a configuration, a file of weights and a generated token.

use crate::architectures::Architecture;
use std::path::{Path, PathBuf};

/// The result of every fallible operation here.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

/// A tensor whose shape is not the one that the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// Name of the parameter, ours or that of a file.
    pub name: String,
    /// Shape that follows from the configuration.
    pub expected: Vec<usize>,
    /// Shape that was given.
    pub found: Vec<usize>,
}

impl std::fmt::Display for ShapeMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (expected {:?}, found {:?})", self.name, self.expected, self.found)
    }
}

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The configuration describes no model; every fault is listed.
    #[error("impossible model configuration: {}", join(faults))]
    Config {
        /// The faults, in the order of the fields.
        faults: Vec<ConfigFault>,
    },
    /// A `config.json` is not JSON, or not an object.
    #[error("config.json does not parse")]
    Json {
        /// The parser's reason, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A field of `config.json` is absent and has no default.
    #[error("config.json lacks the field {field}")]
    MissingField {
        /// The field, with its parents (`rope_parameters.factor`).
        field: String,
    },
    /// A field of `config.json` has a value of another kind.
    #[error("config.json: {field} should be {expected}, found {found}")]
    WrongField {
        /// The field, with its parents.
        field: String,
        /// What belongs there.
        expected: &'static str,
        /// What is there, as JSON.
        found: String,
    },
    /// A field of `config.json` asks for something that this crate does not compute.
    #[error("config.json: {field} = {found} is not supported (supported: {supported})")]
    Unsupported {
        /// The field, with its parents.
        field: String,
        /// Its value, as JSON.
        found: String,
        /// The values that are.
        supported: &'static str,
    },
    /// The two spellings of one setting in a `config.json` disagree.
    #[error("config.json: {first} and {second} disagree")]
    Contradiction {
        /// One spelling.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A set of tensors is not the model's set of parameters.
    #[error(
        "the weights do not fit the configuration: missing [{}]; unexpected [{}]; misshapen [{}]",
        missing.join(", "), unexpected.join(", "), join(misshapen)
    )]
    Weights {
        /// Parameters of the model that were not given, sorted.
        missing: Vec<String>,
        /// Names that were given and are not parameters (or were given twice), sorted.
        unexpected: Vec<String>,
        /// Parameters of another shape, sorted by name.
        misshapen: Vec<ShapeMismatch>,
    },
    /// A tensor's shape does not have as many numbers as its data.
    #[error("tensor {name} of shape {shape:?} came with {found} numbers")]
    DataLength {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Length of the data that came with it.
        found: usize,
    },
    /// A file is not in the safetensors format.
    #[error("{path} is not a safetensors file", path = path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        #[source]
        source: safetensors::SafeTensorError,
    },
    /// A tensor has a number format that cannot become 32-bit floats.
    #[error("{path}: tensor {name} has dtype {found}, expected F32, BF16 or F16", path = path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The dtype in the file.
        found: String,
    },
    /// The index of sharded weights does not agree with the shards.
    #[error("{path}: {reason}", path = path.display())]
    ShardIndex {
        /// The index file.
        path: PathBuf,
        /// What does not agree.
        reason: String,
    },
    /// A directory holds no weights under a known name.
    #[error("{dir} holds neither model.safetensors nor model.safetensors.index.json", dir = dir.display())]
    NoWeights {
        /// The directory.
        dir: PathBuf,
    },
    /// A JSON file of a model directory does not parse.
    #[error("{path} does not parse", path = path.display())]
    JsonFile {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        #[source]
        source: serde_json::Error,
    },
    /// A `config.json` was read but describes no model of this crate.
    #[error("{path} describes no supported model", path = path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: Box<ModelError>,
    },
    /// The input arrays do not have `batch * seq` entries.
    #[error("{field} has {found} entries, expected {batch} x {seq}")]
    InputLength {
        /// Which array.
        field: &'static str,
        /// Rows.
        batch: usize,
        /// Tokens per row.
        seq: usize,
        /// Entries given.
        found: usize,
    },
    /// There is nothing to read.
    #[error("the input has {batch} rows of {seq} tokens")]
    EmptyInput {
        /// Rows.
        batch: usize,
        /// Tokens per row.
        seq: usize,
    },
    /// A token id has no row in the embedding.
    #[error("token id {id} at index {index} is outside the vocabulary of {vocab_size}")]
    TokenId {
        /// The id.
        id: u32,
        /// Its index in the input.
        index: usize,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// An input array is there and the model has no use for it, or is not and the model needs it.
    #[error("the input's {field} should be {expected} for this model")]
    InputField {
        /// The array.
        field: &'static str,
        /// "there" or "absent".
        expected: &'static str,
    },
    /// An id has no row in the table that it is looked up in.
    #[error("{field} has the id {id}, its table has {rows} rows")]
    OutsideTable {
        /// The array.
        field: &'static str,
        /// The id.
        id: u32,
        /// Rows of the table.
        rows: usize,
    },
    /// A model that sees later tokens, or gives no scores of tokens, continues no text.
    #[error("{architecture} continues no text")]
    NotGenerative {
        /// The family.
        architecture: Architecture,
    },
    /// A position has no row in the table of positions.
    #[error("position {position} is beyond the model's maximum of {max_seq_len} tokens")]
    Position {
        /// The position, counted from 0.
        position: usize,
        /// Length of the table.
        max_seq_len: usize,
    },
    /// Generation needs at least one token to start from.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// A generation setting is outside its range.
    #[error("generation setting {field} = {found} is outside {expected}")]
    Generation {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: f64,
        /// Its range.
        expected: &'static str,
    },
    /// The model gave a number that is not finite where a token had to be chosen.
    #[error("the logit of token {token} is {value}: no token can be chosen")]
    NotFinite {
        /// The token.
        token: u32,
        /// The logit.
        value: f32,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] pretrain_store::StoreError),
}

impl ModelError {
    /// Says which file a configuration came from.
    pub(crate) fn in_config_file(self, path: &Path) -> Self {
        Self::ConfigFile { path: path.to_path_buf(), source: Box::new(self) }
    }
}

fn join<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// One thing that is wrong with a [`ModelConfig`](crate::ModelConfig).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// A size is zero.
    #[error("{field} is 0")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// A size is not a multiple of another.
    #[error("{field} = {value} is not a multiple of {divisor_field} = {divisor}")]
    NotDivisible {
        /// The field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The field that should divide it.
        divisor_field: &'static str,
        /// That field's value.
        divisor: usize,
    },
    /// Rotary embedding turns pairs, so an even number of a head's features, and not none, has to turn.
    #[error("head_dim = {head_dim} is odd or zero where it turns, rotary positions need pairs")]
    OddHeadDim {
        /// Features of a head that turn.
        head_dim: usize,
    },
    /// The family has no place for a setting.
    #[error("{architecture} has no place for {field}")]
    NoPlace {
        /// The setting.
        field: &'static str,
        /// The family.
        architecture: Architecture,
    },
    /// A list has not an entry per block.
    #[error("{field} has {found} entries, expected {expected}, one per block")]
    Length {
        /// The list.
        field: &'static str,
        /// Its entries.
        found: usize,
        /// The blocks.
        expected: usize,
    },
    /// A number is outside its range.
    #[error("{field} = {found} is not {expected}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        found: f64,
        /// Its range.
        expected: &'static str,
    },
    /// A special token has no row in the embedding.
    #[error("{field} = {id} is outside the vocabulary of {vocab_size}")]
    SpecialToken {
        /// The field.
        field: &'static str,
        /// The id.
        id: u32,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// The number of parameters does not fit the machine's address space.
    #[error("the sizes multiply to more parameters than can be addressed")]
    TooLarge,
}
