//! Which files are read, and what their names say about their content.

use crate::{CorpusError, Result};
use pretrain_store::{self as store, MANIFEST_NAME, Manifest};
use std::path::{Path, PathBuf};

/// How documents lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A JSON object per line.
    Jsonl,
    /// A row per document.
    Parquet,
    /// The file is the document.
    Text,
    /// Web archive records (WARC, WET).
    Warc,
}

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// As they are (Parquet packs its own pages).
    None,
    /// Gzip, of one or many members.
    Gzip,
    /// Zstandard, of one or many frames.
    Zstd,
}

/// The extensions that are read, for messages.
pub(crate) const KNOWN: &str = ".jsonl and .ndjson (also .gz, .zst), .json.gz, .json.zst, \
     .parquet, .txt and .md (also .gz, .zst), .warc and .wet (also .gz)";

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// What made ids begin with: the path inside the directory that was named as an input, with
    /// forward slashes, or the file name for a file that was named itself.
    pub name: String,
    /// How documents lie in it.
    pub format: Format,
    /// How it is packed.
    pub compression: Compression,
}

impl InputFile {
    /// A file by itself; nothing is opened.
    ///
    /// # Errors
    /// [`CorpusError::UnknownExtension`].
    pub fn new(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self::named(path, name)
            .ok_or_else(|| CorpusError::UnknownExtension { path: path.to_path_buf(), known: KNOWN })
    }

    fn named(path: &Path, name: String) -> Option<Self> {
        let (format, compression) = by_extension(&name)?;
        Some(Self { path: path.to_path_buf(), name, format, compression })
    }
}

/// `.json` alone is left out on purpose: it is a settings file far more often than documents.
fn by_extension(name: &str) -> Option<(Format, Compression)> {
    let lower = name.to_ascii_lowercase();
    let (stem, compression) = match lower.rsplit_once('.')? {
        (stem, "gz") => (stem, Compression::Gzip),
        (stem, "zst") => (stem, Compression::Zstd),
        _ => (lower.as_str(), Compression::None),
    };
    let packed = compression != Compression::None;
    let format = match stem.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" => Format::Jsonl,
        "json" if packed => Format::Jsonl,
        "txt" | "md" => Format::Text,
        "parquet" if !packed => Format::Parquet,
        "warc" | "wet" if compression != Compression::Zstd => Format::Warc,
        _ => return None,
    };
    Some((format, compression))
}

/// Finds the files behind a list of files and directories, sorted bytewise by path, each once.
///
/// Directories are searched to any depth; in them, hidden files and folders and files of unknown
/// extensions are passed over, and links to folders are not followed. A directory that a stage of
/// this workspace finished (it has a manifest) gives the document shards that its manifest lists:
/// the `.jsonl.zst` and `.parquet` files at its top level, not `rejected/` and the like.
///
/// # Errors
/// An input does not exist, is a URL, is a file of an unknown extension or a directory without
/// documents; a stage's directory is unfinished or lacks a listed shard; the system refuses.
pub fn discover(inputs: &[PathBuf]) -> Result<Vec<InputFile>> {
    let mut files = Vec::new();
    for input in inputs {
        let text = input.to_string_lossy();
        if text.contains("://") {
            return Err(CorpusError::RemoteInput { url: text.into_owned() });
        }
        if !store::exists(input) {
            return Err(CorpusError::MissingInput { path: input.clone() });
        }
        if store::is_dir(input) {
            let before = files.len();
            search(input, "", &mut files)?;
            if files.len() == before {
                return Err(CorpusError::NoDocuments { path: input.clone(), known: KNOWN });
            }
        } else {
            files.push(InputFile::new(input)?);
        }
    }
    let key = |file: &InputFile| file.path.as_os_str().as_encoded_bytes().to_vec();
    files.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name)));
    files.dedup_by(|next, kept| next.path == kept.path);
    Ok(files)
}

fn search(dir: &Path, prefix: &str, files: &mut Vec<InputFile>) -> Result<()> {
    if let Some(manifest) = finished_stage(dir)? {
        return listed_shards(dir, prefix, &manifest, files);
    }
    for path in store::list(dir)? {
        let name = file_name(&path);
        if !name.starts_with('.') {
            files.extend(InputFile::named(&path, format!("{prefix}{name}")));
        }
    }
    for path in store::list_dirs(dir)? {
        let name = file_name(&path);
        if !name.starts_with('.') {
            search(&path, &format!("{prefix}{name}/"), files)?;
        }
    }
    Ok(())
}

fn listed_shards(
    dir: &Path,
    prefix: &str,
    manifest: &Manifest,
    files: &mut Vec<InputFile>,
) -> Result<()> {
    for entry in &manifest.files {
        let name = &entry.name;
        let shard = name.ends_with(".jsonl.zst") || name.ends_with(".parquet");
        if !shard || name.contains('/') {
            continue;
        }
        let path = dir.join(name);
        if !store::exists(&path) {
            return Err(CorpusError::MissingShard { path });
        }
        files.extend(InputFile::named(&path, format!("{prefix}{name}")));
    }
    Ok(())
}

/// The store's mark of a stage that was begun; it goes away when the manifest comes.
const STAGE_MARKER: &str = "stage.json";

/// The manifest if the directory is a stage's. Half a stage must not pass for the whole.
fn finished_stage(dir: &Path) -> Result<Option<Manifest>> {
    let keys = |name: &str, keys: &[&str]| has_keys(&dir.join(name), keys);
    // One that does not parse may be ours gone bad, so the store gets to say what is wrong with it.
    if keys(MANIFEST_NAME, &["stage", "files", "format_version"])?.unwrap_or(true) {
        return Ok(Some(Manifest::load(dir)?));
    }
    if keys(STAGE_MARKER, &["stage", "config", "inputs"])?.unwrap_or(false) {
        let dir = dir.to_path_buf();
        return Err(CorpusError::UnfinishedStage { dir, marker: STAGE_MARKER });
    }
    Ok(None)
}

/// Others, too, call their files so; ours are known by their keys. `None` if it is no JSON.
fn has_keys(path: &Path, keys: &[&str]) -> Result<Option<bool>> {
    if !store::exists(path) || store::is_dir(path) {
        return Ok(Some(false));
    }
    let json = serde_json::from_slice::<serde_json::Value>(&store::read(path)?);
    Ok(json.ok().map(|value| keys.iter().all(|key| value.get(key).is_some())))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_name_format_and_compression() {
        use Compression::{Gzip, None as Plain, Zstd};
        for (name, expected) in [
            ("a.jsonl", Some((Format::Jsonl, Plain))),
            ("a.JSONL.GZ", Some((Format::Jsonl, Gzip))),
            ("a.b.ndjson.zst", Some((Format::Jsonl, Zstd))),
            ("a.json.gz", Some((Format::Jsonl, Gzip))),
            ("a.json", None),
            ("a.parquet", Some((Format::Parquet, Plain))),
            ("a.parquet.gz", None),
            ("a.md", Some((Format::Text, Plain))),
            ("a.txt.zst", Some((Format::Text, Zstd))),
            ("a.warc.wet.gz", Some((Format::Warc, Gzip))),
            ("a.warc.lz4", None),
            ("a.warc.zst", None),
            ("a.gz", None),
            ("gz", None),
            ("", None),
        ] {
            assert_eq!(by_extension(name), expected, "{name}");
        }
    }
}
