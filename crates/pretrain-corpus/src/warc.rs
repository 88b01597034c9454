//! Records of web archives (WARC 1.0 and 1.1, ISO 28500).
//!
//! [`WarcReader`] takes any [`Read`](std::io::Read) with plain bytes or gzip, one member per record
//! as crawlers write it or one for many, and yields [`WarcItem`]s: a [`WarcRecord`] with its offset
//! in the (compressed) file, or a [`MalformedRecord`] with the offset and the fault. After a fault
//! it goes on at the next thing that looks like a record: a line that begins with `WARC/`, or the
//! next gzip member.
//!
//! ```
//! use pretrain_corpus::warc::{WarcItem, WarcReader};
//!
//! let file = b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: <http://a.example/b c>\r\n\
//!     Content-Length: 5\r\n\r\nhello\r\n\r\n";
//! let mut records = WarcReader::new(&file[..]);
//! let WarcItem::Record(record) = records.next().unwrap()? else { panic!("it is well-formed") };
//! assert_eq!(record.offset, 0);
//! assert_eq!(record.header.record_type(), "conversion");
//! assert_eq!(record.header.target_uri().unwrap(), "http://a.example/b%20c");
//! assert_eq!(record.body, b"hello");
//! assert!(records.next().is_none());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Digests are given as the header declares them; nothing here computes them. HTTP messages inside
//! bodies are not taken apart. ARC, the older format, and Zstandard or LZ4 archives are not read.

mod header;
mod reader;
mod source;

pub use header::WarcHeader;
pub use reader::{MalformedRecord, WarcFault, WarcItem, WarcReader, WarcRecord};
