//! The generator that NumPy's `RandomState` draws from.
//!
//! Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with the 2002 seeding, and the masked
//! rejection by which `RandomState.randint(low, high, dtype=uint64)` makes bounded numbers. Only what
//! the permutations need; not for anything else.

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// MT19937.
pub(super) struct MersenneTwister {
    state: [u32; WORDS],
    next: usize,
}

impl MersenneTwister {
    /// Seeded as `RandomState(seed)` (`init_genrand`).
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for i in 1..WORDS {
            let last = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: WORDS }
    }

    fn twist(&mut self) {
        for i in 0..WORDS {
            let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % WORDS] & 0x7fff_ffff);
            let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + SHIFT) % WORDS] ^ (mixed >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// The high half is drawn first.
    fn u64(&mut self) -> u64 {
        let high = u64::from(self.u32());
        high << 32 | u64::from(self.u32())
    }

    /// A number in `low..high` (`low < high`).
    pub(super) fn below(&mut self, low: u64, high: u64) -> u64 {
        let span = high - low - 1;
        let mask = u64::MAX.checked_shr(span.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = self.u64() & mask;
            if drawn <= span {
                return low + drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_those_of_the_reference_program() {
        // C++ [rand.predef]: the 10000th word of the default seed 5489 is 4123659995.
        let mut twister = MersenneTwister::new(5489);
        assert_eq!((0..10_000).map(|_| twister.u32()).last(), Some(4_123_659_995));
    }

    #[test]
    fn bounds_are_respected() {
        let mut twister = MersenneTwister::new(1);
        for (low, high) in [(0, 1), (3, 4), (0, 3), (5, 13), (0, u64::MAX)] {
            for _ in 0..50 {
                assert!((low..high).contains(&twister.below(low, high)));
            }
        }
    }
}
