//! A file that is a document.

use super::{ReadOptions, Records, memory_limit, stream};
use crate::{BadReason, BadRecord, DocId, Document, InputFile, Position, Record, Result};
use std::io::Read;

pub(super) fn read(file: &InputFile, options: &ReadOptions) -> Result<Records> {
    let mut pending = Some((stream::open(file)?, file.clone(), options.clone()));
    Ok(Box::new(std::iter::from_fn(move || {
        pending.take().map(|(stream, file, options)| read_whole(stream, &file, &options))
    })))
}

fn read_whole(stream: stream::Stream, file: &InputFile, options: &ReadOptions) -> Result<Record> {
    let bad =
        |position, reason| Ok(Record::Bad(BadRecord { path: file.path.clone(), position, reason }));
    let limit = memory_limit(options);
    let mut bytes = Vec::new();
    let most = options.max_document_bytes.saturating_add(1);
    if let Err(error) = stream.take(most).read_to_end(&mut bytes) {
        let reason = stream::sort_error(&file.path, error)?;
        return bad(Position::Offset(bytes.len() as u64), reason);
    }
    if bytes.len() > limit {
        return bad(Position::File, BadReason::TooLong { limit: options.max_document_bytes });
    }
    let mut text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid_up_to = error.utf8_error().valid_up_to() as u64;
            return bad(Position::Offset(valid_up_to), BadReason::InvalidUtf8 { valid_up_to });
        }
    };
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.is_empty() {
        return bad(Position::File, BadReason::EmptyText);
    }
    let id = DocId::new(file.name.as_str())?;
    let source = options.source.clone();
    Ok(Record::Document(Document { source, ..Document::new(id, text) }))
}
