//! Everything that can go wrong: configurations, files, truncation. Encoding, counting and decoding
//! cannot fail.

/// What this crate returns.
pub type Result<T, E = BpeError> = std::result::Result<T, E>;

/// An error of configuration or of a tokenizer file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BpeError {
    /// A pattern name that is none of [`Pattern::NAMES`](crate::Pattern::NAMES).
    #[error(
        "unknown pattern {name:?}, expected one of {expected:?} or a regular expression as regex:..."
    )]
    UnknownPattern {
        /// The name as given.
        name: String,
        /// The names that exist.
        expected: &'static [&'static str],
    },
    /// A custom pattern that the regex engine refuses.
    #[error("the pattern {pattern:?} does not compile")]
    Regex {
        /// The pattern as given.
        pattern: String,
        /// What the regex engine says.
        #[source]
        source: Box<fancy_regex::Error>,
    },
    /// A search for the empty string, which is everywhere.
    #[error("an empty string cannot be searched for")]
    EmptyPattern,
    /// A text that cannot be truncated as asked.
    #[error("cannot truncate to {max_length} tokens: {reason}")]
    Truncation {
        /// The tokens that may remain.
        max_length: usize,
        /// Why, as a phrase.
        reason: &'static str,
    },
    /// A trainer configuration with faults; all of them are listed.
    #[error("trainer configuration: {}", faults.join("; "))]
    Config {
        /// Every fault found, one phrase each.
        faults: Vec<String>,
    },
    /// Counts made with one pattern were given to something of another pattern.
    #[error("pre-tokens were counted with the pattern {found}, expected {expected}")]
    PatternMismatch {
        /// The pattern of the receiver.
        expected: String,
        /// The pattern of the counts.
        found: String,
    },
    /// The storage of spilled counts refused.
    #[error("spilled counts: run {run}")]
    Spill {
        /// The number of the run, from 0.
        run: usize,
        /// What the storage says.
        #[source]
        source: std::io::Error,
    },
    /// A file of counts that is damaged, or none.
    #[error("not a file of counts, at byte {offset}: {reason}")]
    CorruptCounts {
        /// How many bytes were read before.
        offset: u64,
        /// What is wrong, as a phrase.
        reason: &'static str,
    },
    /// Writing a file of counts failed.
    #[error("counts cannot be written")]
    WriteCounts(#[source] std::io::Error),
    /// Reading a file of counts failed.
    #[error("counts cannot be read")]
    ReadCounts(#[source] std::io::Error),
    /// More text than the trainer can number.
    #[error("the pre-tokens to learn from are {what}")]
    TooMuchText {
        /// In what respect.
        what: &'static str,
    },
    /// A checkpoint that belongs to another configuration or to other counts.
    #[error("the checkpoint is of another {part}: it has {found}, expected {expected}")]
    CheckpointMismatch {
        /// What differs.
        part: &'static str,
        /// The value of the trainer or of the counts.
        expected: String,
        /// The value in the checkpoint.
        found: String,
    },
    /// A training run given to a trainer of another configuration, or with another base tokenizer.
    #[error("the training run is not one of this trainer: it has {found}, expected {expected}")]
    ForeignTraining {
        /// The configuration of the trainer, or the fingerprint of the base.
        expected: String,
        /// That of the run.
        found: String,
    },
    /// A tokenizer from which no smaller one can be cut, or on which none can be built.
    #[error("cannot be resized: {reason}")]
    NotResizable {
        /// Why, as a phrase.
        reason: &'static str,
    },
    /// The file is not JSON at all.
    #[error("not a JSON document")]
    Json(#[source] serde_json::Error),
    /// A component or value of a `tokenizer.json` that is not supported. It is never ignored.
    #[error("{path}: unsupported value {found}, supported: {supported}")]
    Unsupported {
        /// Where in the document, as `model.type` or `added_tokens[3].lstrip`.
        path: String,
        /// The value found, as JSON, cut to a readable length.
        found: String,
        /// What would be understood there.
        supported: &'static str,
    },
    /// A value of the wrong JSON type, or a required one that is missing.
    #[error("{path}: expected {expected}, found {found}")]
    Type {
        /// Where in the document.
        path: String,
        /// The kind of value expected.
        expected: &'static str,
        /// The value found, as JSON, cut to a readable length; `nothing` when it is missing.
        found: String,
    },
    /// A line of a `.tiktoken` file that is not `base64 SP rank`.
    #[error("line {line}: expected base64, a space and a rank")]
    TiktokenLine {
        /// 1-based.
        line: usize,
    },
    /// Two tokens with one id.
    #[error("id {id} belongs to both {first:?} and {second:?}")]
    DuplicateId {
        /// The id.
        id: u32,
        /// A token, as text.
        first: String,
        /// The other token, as text.
        second: String,
    },
    /// One token with two ids.
    #[error("the token {token:?} has the ids {first} and {second}")]
    DuplicateToken {
        /// The token, as text.
        token: String,
        /// An id.
        first: u32,
        /// The other id.
        second: u32,
    },
    /// A rank file in which an id is missing and no special token takes its place.
    #[error("no token has the id {id}, although ids up to {max} are in use")]
    MissingId {
        /// The lowest id without token.
        id: u32,
        /// The highest id in the file.
        max: u32,
    },
    /// Ids so far apart that the file is taken for corrupt: most of `0..=max` would be holes.
    #[error("{n_tokens} tokens have ids up to {max}")]
    SparseIds {
        /// Tokens in the file.
        n_tokens: usize,
        /// The highest id.
        max: u32,
    },
    /// Tokens of more than 4 GiB together.
    #[error("the tokens have {bytes} bytes together, at most 4 GiB are supported")]
    TooLarge {
        /// Their total length.
        bytes: usize,
    },
    /// A rank file must have every single byte.
    #[error("the byte {byte:#04x} has no token")]
    MissingByte {
        /// The first byte without token.
        byte: u8,
    },
    /// A merge that names a token which is not in the vocabulary.
    #[error("merge {index}: the token {token:?} is not in the vocabulary")]
    UnknownMergeToken {
        /// 0-based position in the list of merges.
        index: usize,
        /// The token, as written in the file.
        token: String,
    },
    /// The unknown token of a model is not in its vocabulary.
    #[error("the unknown token {token:?} is not in the vocabulary")]
    MissingUnknownToken {
        /// The token, as written in the file.
        token: String,
    },
    /// A precompiled character map of SentencePiece that is cut short or corrupt.
    #[error("the precompiled character map is corrupt: {reason}")]
    Charsmap {
        /// Why, as a phrase.
        reason: &'static str,
    },
    /// A file that is not a protocol buffer, or one whose fields have other types than SentencePiece's.
    #[error("byte {offset}: {reason}")]
    Protobuf {
        /// Where in the file.
        offset: usize,
        /// What is wrong there, as a phrase.
        reason: &'static str,
    },
    /// A SentencePiece model that contradicts itself or lacks something.
    #[error("sentencepiece model: {what} {reason}")]
    SentencePiece {
        /// The piece or field.
        what: String,
        /// What is wrong with it, as a phrase that goes on after it.
        reason: &'static str,
    },
    /// A vocabulary entry that no byte-level tokenizer can hold.
    #[error("the token {token:?} (id {id}) has characters outside the byte-level alphabet")]
    NotByteLevel {
        /// The token, as written in the file.
        token: String,
        /// Its id.
        id: u32,
    },
    /// An empty token or special token.
    #[error("the token with id {id} is empty")]
    EmptyToken {
        /// Its id.
        id: u32,
    },
    /// A tokenizer that the `.tiktoken` format cannot express.
    #[error("cannot be written as a rank file: {reason}")]
    NotARankFile {
        /// Why, as a phrase.
        reason: &'static str,
    },
    /// Bytes given as text that are not UTF-8.
    #[error("byte {offset} is not UTF-8")]
    InvalidUtf8 {
        /// The first byte that belongs to no character, counted from the beginning of the text.
        offset: u64,
    },
    /// Something that only a byte-level BPE model has was asked of another.
    #[error("the model is not byte-level BPE")]
    NotByteLevelModel,
    /// A line of a list of merges that is not two tokens.
    #[error("line {line}: expected two tokens with a space between")]
    MergesLine {
        /// 1-based.
        line: usize,
    },
    /// A tokenizer that a vocabulary and a list of merges cannot express.
    #[error(
        "cannot be written as vocabulary and merges: the merges do not make the token {token:?}"
    )]
    NotMerges {
        /// The first token that is only found as a whole pre-token.
        token: String,
    },
    /// Merges that were not learned one after another.
    #[error("merge {index} uses what no earlier merge makes, or makes what one has made")]
    MergeOrder {
        /// 0-based position in the list of merges.
        index: usize,
    },
    /// Counts made with one tokenizer were given to those of another.
    #[error("texts were counted with the tokenizer {found}, expected {expected}")]
    TokenizerMismatch {
        /// The fingerprint of the receiver's tokenizer.
        expected: String,
        /// The fingerprint of the other.
        found: String,
    },
}
