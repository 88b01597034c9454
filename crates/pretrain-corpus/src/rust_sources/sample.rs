//! A part of the built-in corpus, drawn by hash.

use super::packages::{Candidate, Kind, RustSources};
use super::split;
use crate::{BadReason, BadRecord, CorpusError, DocId, Document, Position, Record, Result};
use pretrain_store as store;
use serde::{Deserialize, Serialize};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How much to draw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// Chooses the order of the files.
    pub seed: u64,
    /// Bytes of text to reach, over both sources.
    pub max_bytes: u64,
    /// The part of `max_bytes` for the source `prose`, from 0 to 1; the rest is for `code`.
    pub prose_fraction: f64,
}

impl SampleConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`CorpusError::SampleConfig`] with all faults.
    pub fn validate(&self) -> Result<()> {
        let mut problems = Vec::new();
        if self.max_bytes == 0 {
            problems.push("max_bytes is 0".to_owned());
        }
        if !(0.0..=1.0).contains(&self.prose_fraction) {
            problems.push(format!("prose_fraction is {}, not within 0..=1", self.prose_fraction));
        }
        if problems.is_empty() { Ok(()) } else { Err(CorpusError::SampleConfig { problems }) }
    }
}

/// A file of the sample and what is taken from it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    candidate: Candidate,
    prose: Option<u64>,
    code: Option<u64>,
}

impl RustSources {
    /// Draws files until each source has its bytes, or has no more.
    ///
    /// Files are put in the order of `xxh3(seed, "<package>-<version>/<path>")`, so a package gets
    /// no favour for being first or whole; from each, a source takes its part as long as it is
    /// below its share of `max_bytes`. The last document of a source may pass the share, and a
    /// larger `max_bytes` gives a sample that begins with the smaller one. Files that cannot be
    /// decoded count no bytes but are in the list, so that reading it sets them aside.
    ///
    /// Reads files one at a time until the shares are met, for a Rust file has to be taken apart to
    /// know how much of it is prose; the result holds no text.
    ///
    /// # Errors
    /// The configuration is invalid, or a file cannot be read.
    pub fn sample(&self, config: &SampleConfig) -> Result<Vec<SourceFile>> {
        config.validate()?;
        let prose_budget = (config.max_bytes as f64 * config.prose_fraction).round() as u64;
        let mut left = Budget { prose: prose_budget, code: config.max_bytes - prose_budget };
        let hash = |candidate: &Candidate| xxh3_64_with_seed(candidate.id.as_bytes(), config.seed);
        let mut order: Vec<(u64, &Candidate)> =
            self.candidates.iter().map(|candidate| (hash(candidate), candidate)).collect();
        order.sort_unstable_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
        let mut files = Vec::new();
        for (_, candidate) in order {
            if left.prose == 0 && left.code == 0 {
                break;
            }
            if left.prose > 0 || candidate.kind == Kind::Rust {
                files.extend(left.take(candidate)?);
            }
        }
        Ok(files)
    }
}

/// Bytes still to be drawn.
struct Budget {
    prose: u64,
    code: u64,
}

impl Budget {
    fn take(&mut self, candidate: &Candidate) -> Result<Option<SourceFile>> {
        let mut file = SourceFile { candidate: candidate.clone(), prose: None, code: None };
        let Ok(parts) = Parts::load(candidate)? else { return Ok(Some(file)) };
        let draw = |left: &mut u64, text: &str| {
            let bytes = text.len() as u64;
            let taken = (*left > 0 && bytes > 0).then_some(bytes);
            *left = left.saturating_sub(taken.unwrap_or(0));
            taken
        };
        file.prose = draw(&mut self.prose, &parts.prose);
        file.code = draw(&mut self.code, &parts.code);
        Ok((file.prose.is_some() || file.code.is_some()).then_some(file))
    }
}

/// The texts of a file, empty where there is none.
struct Parts {
    prose: String,
    code: String,
}

impl Parts {
    fn load(candidate: &Candidate) -> Result<Result<Self, BadRecord>> {
        let text = match String::from_utf8(store::read(&candidate.path)?) {
            Ok(text) => text,
            Err(error) => {
                let valid_up_to = error.utf8_error().valid_up_to() as u64;
                return Ok(Err(BadRecord {
                    path: candidate.path.clone(),
                    position: Position::Offset(valid_up_to),
                    reason: BadReason::InvalidUtf8 { valid_up_to },
                }));
            }
        };
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(Ok(match candidate.kind {
            Kind::Prose => Self { prose: text, code: String::new() },
            Kind::Rust => {
                let split::Split { prose, code } = split::split(&text);
                Self { prose, code }
            }
        }))
    }
}

impl SourceFile {
    /// `<package>-<version>/<path>`: the ids of its documents without their source.
    pub fn name(&self) -> &str {
        &self.candidate.id
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.candidate.path
    }

    /// Bytes taken from it for `prose`.
    pub fn prose_bytes(&self) -> u64 {
        self.prose.unwrap_or(0)
    }

    /// Bytes taken from it for `code`.
    pub fn code_bytes(&self) -> u64 {
        self.code.unwrap_or(0)
    }

    /// Its documents in the sample, prose before code: one, two, or a bad record instead.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self) -> Result<Vec<Record>> {
        let parts = match Parts::load(&self.candidate)? {
            Ok(parts) => parts,
            Err(bad) => return Ok(vec![Record::Bad(bad)]),
        };
        let wanted = [("prose", self.prose, parts.prose), ("code", self.code, parts.code)];
        let wanted =
            wanted.into_iter().filter(|(_, taken, text)| taken.is_some() && !text.is_empty());
        wanted
            .map(|(source, _, text)| {
                let id = DocId::new(format!("{source}/{}", self.candidate.id))?;
                let mut document = Document::new(id, text);
                document.source = Some(source.to_owned());
                if let Some(license) = &self.candidate.package.license {
                    document.metadata.insert("license".to_owned(), license.as_str().into());
                }
                Ok(Record::Document(document))
            })
            .collect()
    }
}
