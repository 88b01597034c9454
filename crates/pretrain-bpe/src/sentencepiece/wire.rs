//! The wire format of protocol buffers, as far as reading needs it.

use crate::error::{BpeError, Result};

/// The value of a field before its type is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
}

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    value: Value<'a>,
    /// Where the value begins in the file.
    pub(super) offset: usize,
}

/// The fields of a message, in the order of the file.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    /// The fields of a whole file.
    pub(super) fn new(file: &'a [u8]) -> Self {
        Self { rest: file, offset: 0 }
    }

    fn fault<T>(&self, reason: &'static str) -> Result<T> {
        Err(BpeError::Protobuf { offset: self.offset, reason })
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return self.fault("a value goes beyond the end of its message");
        };
        self.rest = rest;
        self.offset += len;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f).wrapping_shl(7 * i as u32);
            if byte < 0x80 {
                self.take(i + 1)?;
                return Ok(value);
            }
        }
        self.fault("a number does not end")
    }

    fn field(&mut self) -> Result<Field<'a>> {
        let key = self.varint()?;
        let offset = self.offset;
        let number = key >> 3;
        if number == 0 {
            return self.fault("a field has the number 0");
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.try_into().expect("8 bytes");
                Value::Fixed64(u64::from_le_bytes(bytes))
            }
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(usize::try_from(len).unwrap_or(usize::MAX))?)
            }
            5 => {
                let bytes = self.take(4)?.try_into().expect("4 bytes");
                Value::Fixed32(u32::from_le_bytes(bytes))
            }
            _ => return self.fault("a field has a wire type that is not in use"),
        };
        Ok(Field { number, value, offset })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    fn fault<T>(&self, reason: &'static str) -> Result<T> {
        Err(BpeError::Protobuf { offset: self.offset, reason })
    }

    /// An `int32` or an enumeration.
    pub(super) fn int(&self) -> Result<i32> {
        match self.value {
            Value::Varint(value) => Ok(value as i32),
            _ => self.fault("expected a number"),
        }
    }

    pub(super) fn bool(&self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    pub(super) fn float(&self) -> Result<f32> {
        match self.value {
            Value::Fixed32(bits) => Ok(f32::from_bits(bits)),
            _ => self.fault("expected a float"),
        }
    }

    pub(super) fn bytes(&self) -> Result<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => self.fault("expected bytes, a string or a message"),
        }
    }

    pub(super) fn string(&self) -> Result<String> {
        match std::str::from_utf8(self.bytes()?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => self.fault("a string is not UTF-8"),
        }
    }

    /// The fields of a message.
    pub(super) fn message(&self) -> Result<Fields<'a>> {
        let bytes = self.bytes()?;
        // The offset is that of the length in front of the message.
        let len_of_len = (1..10).find(|n| bytes.len() >> (7 * n) == 0).unwrap_or(10);
        Ok(Fields { rest: bytes, offset: self.offset + len_of_len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fault(file: &[u8]) -> (usize, &'static str) {
        match Fields::new(file).find_map(Result::err) {
            Some(BpeError::Protobuf { offset, reason }) => (offset, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_wire_types_are_read() {
        let file = [
            &[0x08, 0x96, 0x01][..],         // 1: varint 150
            &[0x12, 0x03, b'a', 0xc3, 0xa9], // 2: "aé"
            &[0x1d, 0, 0, 0x80, 0x3f],       // 3: 1.0
            &[0x21, 1, 0, 0, 0, 0, 0, 0, 0], // 4: fixed64 1
            &[0x2a, 0x02, 0x08, 0x01],       // 5: {1: 1}
            &[0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // 6: -1
        ]
        .concat();
        let fields: Vec<_> = Fields::new(&file).map(Result::unwrap).collect();
        assert_eq!(fields.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(fields[0].int().unwrap(), 150);
        assert_eq!(fields[1].string().unwrap(), "aé");
        assert_eq!(fields[2].float().unwrap(), 1.0);
        assert_eq!(fields[3].value, Value::Fixed64(1));
        let inner: Vec<_> = fields[4].message().unwrap().map(Result::unwrap).collect();
        assert_eq!((inner[0].number, inner[0].offset), (1, 25));
        assert_eq!(fields[5].int().unwrap(), -1);
        assert!(
            fields[0].bytes().is_err() && fields[1].int().is_err() && fields[1].float().is_err()
        );
    }

    #[test]
    fn faults_are_told_with_their_place() {
        assert_eq!(first_fault(&[0x08]), (1, "a number does not end"));
        assert_eq!(first_fault(&[0xff; 11]), (0, "a number does not end"));
        assert_eq!(first_fault(&[0x12, 2, 0]), (2, "a value goes beyond the end of its message"));
        assert_eq!(first_fault(&[0x00, 0]), (1, "a field has the number 0"));
        assert_eq!(first_fault(&[0x0b]), (1, "a field has a wire type that is not in use"));
        let huge = [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(first_fault(&huge).1, "a value goes beyond the end of its message");
    }
}
