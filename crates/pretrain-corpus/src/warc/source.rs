//! Bytes of an archive with the place they come from: plain, or gzip member by member.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};

const BUFFER: usize = 1 << 16;

/// Counts the bytes that were taken from a reader, and takes a few of them back.
pub(super) struct Counted<R> {
    inner: BufReader<R>,
    /// Bytes to give again before those of `inner`.
    again: Vec<u8>,
    taken: u64,
    failed: bool,
}

impl<R: Read> Counted<R> {
    fn take_back(&mut self, bytes: &[u8]) {
        self.again.splice(..0, bytes.iter().copied());
        self.taken -= bytes.len() as u64;
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.again.is_empty() {
            return Ok(&self.again);
        }
        while self.inner.buffer().is_empty() {
            match self.inner.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
        Ok(self.inner.buffer())
    }

    fn consume(&mut self, n: usize) {
        if self.again.is_empty() {
            self.inner.consume(n);
        } else {
            self.again.drain(..n);
        }
        self.taken += n as u64;
    }
}

enum State<R> {
    /// Nothing was looked at.
    Start(Counted<R>),
    Plain(Counted<R>),
    /// Inside the gzip member that begins at the offset.
    Member(Box<BufReader<GzDecoder<Counted<R>>>>, u64),
    /// Behind a gzip member.
    Between(Counted<R>),
    /// Only while a state is replaced by the next.
    Moving,
}

pub(super) struct Source<R>(State<R>);

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        let inner = BufReader::with_capacity(BUFFER, inner);
        Self(State::Start(Counted { inner, again: Vec::new(), taken: 0, failed: false }))
    }

    /// Moves to the next byte that is no CR or LF, into the next member where one ends.
    ///
    /// Gives the offset a reader has to start at to come here: of the byte, or of the gzip member
    /// that holds it. `None` at the end of the file.
    pub(super) fn seek_record(&mut self) -> io::Result<Option<u64>> {
        loop {
            match &mut self.0 {
                State::Start(_) => self.begin()?,
                State::Between(_) => {
                    if !self.enter_member()? {
                        return Ok(None);
                    }
                }
                State::Plain(_) | State::Member(..) => {
                    if self.skip_blanks()? {
                        return Ok(Some(self.offset()));
                    }
                    if !self.leave_member() {
                        return Ok(None);
                    }
                }
                State::Moving => unreachable!("a state is always put back"),
            }
        }
    }

    /// Passes over CR and LF; `false` at the end of the file or member, which is verified then.
    pub(super) fn skip_blanks(&mut self) -> io::Result<bool> {
        loop {
            let buf = self.fill_buf()?;
            let n_blank = buf.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let n_bytes = buf.len();
            self.consume(n_blank);
            if n_blank < n_bytes || n_bytes == 0 {
                return Ok(n_bytes > 0);
            }
        }
    }

    /// Whether the file itself failed, as opposed to its content.
    pub(super) fn io_failed(&self) -> bool {
        match &self.0 {
            State::Start(counted) | State::Plain(counted) | State::Between(counted) => {
                counted.failed
            }
            State::Member(member, _) => member.get_ref().get_ref().failed,
            State::Moving => false,
        }
    }

    /// Where the next byte, or the member that holds it, lies in the file.
    pub(super) fn offset(&self) -> u64 {
        match &self.0 {
            State::Start(counted) | State::Plain(counted) | State::Between(counted) => {
                counted.taken
            }
            State::Member(_, offset) => *offset,
            State::Moving => 0,
        }
    }

    /// Gives the member at hand up and goes to the next place where one may begin.
    ///
    /// `false` if there is none: at the end, or in a plain file, where a failure is final.
    pub(super) fn skip_damage(&mut self) -> io::Result<bool> {
        let mut counted = match std::mem::replace(&mut self.0, State::Moving) {
            State::Member(member, offset) => {
                let mut counted = member.into_inner().into_inner();
                if counted.taken == offset {
                    // The decoder took nothing: without this the same place would be found again.
                    counted.consume(1);
                }
                counted
            }
            State::Between(counted) => counted,
            other => {
                self.0 = other;
                return Ok(false);
            }
        };
        let found = scan_for_member(&mut counted);
        self.0 = State::Between(counted);
        found
    }

    fn begin(&mut self) -> io::Result<()> {
        let State::Start(counted) = &mut self.0 else { return Ok(()) };
        let gzip = counted.fill_buf()?.first() == Some(&0x1f);
        if let State::Start(counted) = std::mem::replace(&mut self.0, State::Moving) {
            self.0 = if gzip { State::Between(counted) } else { State::Plain(counted) };
        }
        Ok(())
    }

    /// `false` at the end of the file.
    fn enter_member(&mut self) -> io::Result<bool> {
        let State::Between(counted) = &mut self.0 else { return Ok(true) };
        let next = loop {
            match counted.fill_buf()?.first() {
                // Archives on block devices are padded with zeros; gzip itself passes over them.
                Some(0) => counted.consume(1),
                next => break next.copied(),
            }
        };
        match next {
            None => return Ok(false),
            Some(0x1f) => {}
            // Looked at before the decoder eats the header of a real member behind this byte.
            Some(_) => {
                let message = "what follows is no gzip member";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        let offset = counted.taken;
        if let State::Between(counted) = std::mem::replace(&mut self.0, State::Moving) {
            self.0 = State::Member(Box::new(BufReader::new(GzDecoder::new(counted))), offset);
        }
        Ok(true)
    }

    /// `false` if there is no member to leave.
    fn leave_member(&mut self) -> bool {
        match std::mem::replace(&mut self.0, State::Moving) {
            State::Member(member, _) => {
                self.0 = State::Between(member.into_inner().into_inner());
                true
            }
            other => {
                self.0 = other;
                false
            }
        }
    }
}

/// Stops before the next bytes that can begin a gzip member: magic, deflate, no reserved flag.
fn scan_for_member<R: Read>(counted: &mut Counted<R>) -> io::Result<bool> {
    // The window slides over the borders of the buffer.
    let mut window = [0u8; 4];
    loop {
        let buf = counted.fill_buf()?;
        if buf.is_empty() {
            return Ok(false);
        }
        let mut n = 0;
        for &byte in buf {
            n += 1;
            window = [window[1], window[2], window[3], byte];
            if window[..3] == [0x1f, 0x8b, 8] && window[3] & 0xe0 == 0 {
                break;
            }
        }
        let found = window[..3] == [0x1f, 0x8b, 8] && window[3] & 0xe0 == 0;
        counted.consume(n);
        if found {
            counted.take_back(&window);
            return Ok(true);
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            State::Start(counted) | State::Plain(counted) => counted.read(buf),
            State::Member(member, _) => member.read(buf),
            State::Between(_) | State::Moving => Ok(0),
        }
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.0 {
            State::Start(counted) | State::Plain(counted) => counted.fill_buf(),
            State::Member(member, _) => member.fill_buf(),
            State::Between(_) | State::Moving => Ok(&[]),
        }
    }

    fn consume(&mut self, n: usize) {
        match &mut self.0 {
            State::Start(counted) | State::Plain(counted) => counted.consume(n),
            State::Member(member, _) => member.consume(n),
            State::Between(_) | State::Moving => {}
        }
    }
}
