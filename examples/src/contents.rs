//! What a file of the pipeline holds, as a stream of JSON values.

use anyhow::bail;
use pretrain_corpus::warc::{WarcItem, WarcReader};
use pretrain_corpus::{Format, InputFile, ReadOptions, Record, read};
use pretrain_pack::{SHARD_EXTENSION, TokenShard};
use pretrain_store::{MANIFEST_NAME, Manifest};
use serde_json::{Value, json};
use std::path::Path;

/// The lines of a listing; an error is the last.
pub type Contents = Box<dyn Iterator<Item = anyhow::Result<Value>>>;

/// Lists a stage's directory, a token shard, weights, a web archive or a file of documents. With
/// `verify`, everything that has a checksum is read and compared first.
///
/// # Errors
/// The file is of an unknown kind, cannot be read, or is not what its checksum says.
pub fn contents(path: &Path, verify: bool) -> anyhow::Result<Contents> {
    let has_extension = |wanted: &str| path.extension().is_some_and(|e| e == wanted);
    if pretrain_store::is_dir(path) {
        return directory(path, verify);
    }
    if has_extension(SHARD_EXTENSION) {
        return token_shard(path, verify);
    }
    if has_extension("safetensors") {
        return weights(path);
    }
    let file = InputFile::new(path)?;
    if file.format == Format::Warc {
        let records = WarcReader::new(pretrain_store::open(path)?);
        return Ok(Box::new(records.map(|item| Ok(archive_line(&item?)))));
    }
    let records = read(&file, &ReadOptions::default())?;
    Ok(Box::new(records.map(|record| {
        Ok(match record? {
            Record::Document(document) => serde_json::to_value(&document)?,
            Record::Bad(bad) => serde_json::to_value(&bad)?,
        })
    })))
}

fn directory(dir: &Path, verify: bool) -> anyhow::Result<Contents> {
    if !pretrain_store::exists(&dir.join(MANIFEST_NAME)) {
        bail!("{} has no {MANIFEST_NAME}: it is unfinished, or not ours", dir.display());
    }
    let manifest = Manifest::load(dir)?;
    if verify {
        manifest.verify(dir)?;
    }
    let mut head = serde_json::to_value(&manifest)?;
    head["files"] = manifest.files.len().into();
    head["digest"] = manifest.digest().to_string().into();
    let files = manifest.files.into_iter().map(|file| Ok(serde_json::to_value(file)?));
    Ok(Box::new(std::iter::once(Ok(head)).chain(files)))
}

fn token_shard(path: &Path, verify: bool) -> anyhow::Result<Contents> {
    let shard = TokenShard::open(path)?;
    if verify {
        shard.verify()?;
    }
    let head = json!({
        "header": shard.header(), "documents": shard.n_documents(), "tokens": shard.n_tokens(),
        "text_bytes": shard.text_bytes(), "token_bytes": shard.header().token_bytes(),
    });
    let documents = (0..shard.n_documents()).filter_map(move |index| {
        let span = shard.document(index)?;
        let mut ids = Vec::new();
        let line = shard.read(span.tokens.clone(), &mut ids).map(|()| {
            json!({
                "document": index, "start": span.tokens.start, "end": span.tokens.end,
                "text_bytes": span.text_bytes, "ids": ids,
            })
        });
        Some(line.map_err(Into::into))
    });
    Ok(Box::new(std::iter::once(Ok(head)).chain(documents)))
}

fn weights(path: &Path) -> anyhow::Result<Contents> {
    let tensors = pretrain_model::read_safetensors(path)?.into_iter();
    Ok(Box::new(tensors.map(|tensor| {
        let norm = tensor.data.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        Ok(json!({ "name": tensor.name, "shape": tensor.shape, "norm": norm }))
    })))
}

fn archive_line(item: &WarcItem) -> Value {
    match item {
        WarcItem::Record(record) => json!({
            "offset": record.offset, "type": record.header.record_type(),
            "uri": record.header.target_uri(), "date": record.header.date(),
            "content_type": record.header.content_type(), "length": record.body.len(),
            "payload_digest": record.header.payload_digest(),
        }),
        WarcItem::Malformed(bad) => json!({ "offset": bad.offset, "error": bad.fault.to_string() }),
    }
}
