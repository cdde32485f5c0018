//! Seeded mutation of byte strings: the same seed tells the same story.

/// A small generator (xorshift64*), so that a failure can be repeated from its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

/// Changes `bytes` in up to twelve places: a byte, a cut, a piece put in, a piece of another seed, a repetition.
pub(crate) fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], splices: &[&[u8]], random: &mut Random) {
    for _ in 0..=random.below(12) {
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 => drop(bytes.drain(at..(at + random.below(40)).min(bytes.len()))),
            2 => drop(bytes.splice(at..at, splices[random.below(splices.len())].iter().copied())),
            3 => bytes.truncate(at + 1),
            4 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                let piece = other[from..(from + random.below(200)).min(other.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            _ => {
                let piece = bytes[at..(at + random.below(300)).min(bytes.len())].to_vec();
                bytes.extend_from_slice(&piece);
            }
        }
    }
}
