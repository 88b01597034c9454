//! What runs are made of.

/// A value of a fixed number of bytes, at most 65,536, with a total order.
///
/// Integers and tuples of records are records; a tuple's bytes follow each other and its order is that
/// of its parts from left to right.
pub trait Record: Copy + Ord + Send + Sync + 'static {
    /// Length as bytes.
    const BYTES: usize;

    /// Writes the value into `bytes`, which has [`Record::BYTES`] bytes.
    fn put(&self, bytes: &mut [u8]);

    /// Reads what [`Record::put`] wrote.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Record for $integer {
            const BYTES: usize = size_of::<$integer>();

            fn put(&self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("the caller gives BYTES bytes"))
            }
        }
    )*};
}

integers!(u8 u32 u64 u128);

impl<A: Record, B: Record> Record for (A, B) {
    const BYTES: usize = A::BYTES + B::BYTES;

    fn put(&self, bytes: &mut [u8]) {
        let (first, second) = bytes.split_at_mut(A::BYTES);
        self.0.put(first);
        self.1.put(second);
    }

    fn get(bytes: &[u8]) -> Self {
        let (first, second) = bytes.split_at(A::BYTES);
        (A::get(first), B::get(second))
    }
}

impl<A: Record, B: Record, C: Record> Record for (A, B, C) {
    const BYTES: usize = A::BYTES + <(B, C)>::BYTES;

    fn put(&self, bytes: &mut [u8]) {
        let (first, rest) = bytes.split_at_mut(A::BYTES);
        self.0.put(first);
        (self.1, self.2).put(rest);
    }

    fn get(bytes: &[u8]) -> Self {
        let (first, rest) = bytes.split_at(A::BYTES);
        let (second, third) = <(B, C)>::get(rest);
        (A::get(first), second, third)
    }
}

impl<A: Record, B: Record, C: Record, D: Record> Record for (A, B, C, D) {
    const BYTES: usize = A::BYTES + <(B, C, D)>::BYTES;

    fn put(&self, bytes: &mut [u8]) {
        let (first, rest) = bytes.split_at_mut(A::BYTES);
        self.0.put(first);
        (self.1, self.2, self.3).put(rest);
    }

    fn get(bytes: &[u8]) -> Self {
        let (first, rest) = bytes.split_at(A::BYTES);
        let (second, third, fourth) = <(B, C, D)>::get(rest);
        (A::get(first), second, third, fourth)
    }
}
