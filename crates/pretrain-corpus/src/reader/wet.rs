//! Texts of web archives.

use super::{ReadOptions, Records, stream};
use crate::warc::{WarcFault, WarcItem, WarcReader, WarcRecord};
use crate::{BadReason, BadRecord, DocId, Document, InputFile, Position, Record, Result};
use serde_json::Value;

pub(super) fn read(file: &InputFile, options: &ReadOptions) -> Result<Records> {
    let raw = stream::open_raw(&file.path)?;
    let reader = WarcReader::new(raw).max_body_bytes(options.max_document_bytes);
    let (file, options) = (file.clone(), options.clone());
    let mut done = false;
    let mut reader = reader.filter_map(move |item| match item {
        Ok(WarcItem::Record(record)) => document(record, &file, &options).map(Ok),
        Ok(WarcItem::Malformed(malformed)) => {
            let reason = match malformed.fault {
                WarcFault::BodyTooLong { limit, .. } => BadReason::TooLong { limit },
                fault => BadReason::Warc(fault),
            };
            Some(Ok(bad(&file, malformed.offset, reason)))
        }
        Err(error) => Some(match stream::sort_error(&file.path, error) {
            Ok(reason) => Ok(bad(&file, 0, reason)),
            Err(error) => Err(error),
        }),
    });
    Ok(Box::new(std::iter::from_fn(move || {
        let item = if done { None } else { reader.next() };
        done = item.as_ref().is_none_or(Result::is_err);
        item
    })))
}

fn bad(file: &InputFile, offset: u64, reason: BadReason) -> Record {
    let position = Position::Offset(offset);
    Record::Bad(BadRecord { path: file.path.clone(), position, reason })
}

fn document(record: WarcRecord, file: &InputFile, options: &ReadOptions) -> Option<Record> {
    let header = &record.header;
    match header.record_type() {
        "conversion" => {}
        kind @ ("response" | "resource") => {
            let record_type = kind.to_owned();
            return Some(bad(file, record.offset, BadReason::NotText { record_type }));
        }
        _ => return None,
    }
    let id = header
        .record_id()
        .and_then(|id| DocId::new(id).ok())
        .or_else(|| DocId::new(format!("{}:{}", file.name, record.offset)).ok())?;
    let url = header.target_uri().map(|uri| uri.into_owned());
    let date = header.date().map(|date| Value::from(date.to_owned()));
    let text = match String::from_utf8(record.body) {
        Ok(text) if text.is_empty() => {
            return Some(bad(file, record.offset, BadReason::EmptyText));
        }
        Ok(text) => text,
        Err(error) => {
            let valid_up_to = error.utf8_error().valid_up_to() as u64;
            return Some(bad(file, record.offset, BadReason::InvalidUtf8 { valid_up_to }));
        }
    };
    let mut document = Document { url, source: options.source.clone(), ..Document::new(id, text) };
    document.metadata.extend(date.map(|date| ("date".to_owned(), date)));
    Some(Record::Document(document))
}
