//! A hash that stays the same between releases and machines, for what is stored.

/// FNV-1a, 64 bits (Fowler, Noll and Vo). The standard library's hasher promises no such stability.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fnv1a(u64);

impl Fnv1a {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Adds a text and its length, so that moving a border between two texts changes the hash.
    #[cfg_attr(not(feature = "tantivy"), expect(dead_code, reason = "only the index hashes several texts"))]
    pub(crate) fn add_text(&mut self, text: &str) {
        self.add(&(text.len() as u64).to_le_bytes());
        self.add(text.as_bytes());
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_vectors_hold() {
        let of = |bytes: &[u8]| {
            let mut hash = Fnv1a::new();
            hash.add(bytes);
            hash.finish()
        };
        assert_eq!(of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
