//! Counter-based random numbers: the numbers of a row depend on the seed, the table and the row's
//! number alone, so that any row can be made at any time without remembering another one.
//!
//! Invariant: integers only, hence the same numbers on every platform. The mixing function is the
//! finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").

/// The step between two states: 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of random numbers that belongs to one row.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of row `row` of the subject `subject`; two subjects never share a stream.
    pub(crate) fn of_row(seed: u64, subject: u64, row: u64) -> Self {
        Self { state: mix(mix(seed ^ subject.wrapping_mul(GOLDEN)) ^ row.wrapping_mul(GOLDEN)) }
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number below `bound`, which is at least 1. The bias is below 2^-32 for every bound in use.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(bound.max(1));
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.below(span))
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of the entries of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        let length = u64::try_from(list.len()).unwrap_or(u64::MAX);
        list[usize::try_from(self.below(length)).unwrap_or(0)]
    }

    /// A `uniqueidentifier` of version 4, in SQL Server's stored byte order (the version nibble of
    /// the third group stands in its second byte).
    pub(crate) fn guid(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.bits().to_le_bytes());
        bytes[8..].copy_from_slice(&self.bits().to_le_bytes());
        bytes[7] = bytes[7] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        bytes
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_same_numbers_whenever_it_is_asked_and_other_rows_have_others() {
        let first = |seed, subject, row| Random::of_row(seed, subject, row).bits();
        assert_eq!(first(1, 2, 3), first(1, 2, 3));
        let mut seen: Vec<u64> = (0..1000).map(|row| first(1, 2, row)).collect();
        seen.extend([first(2, 2, 3), first(1, 3, 3), first(0, 0, 0)]);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1003);
    }

    #[test]
    fn bounds_are_kept_and_reached() {
        let mut random = Random::of_row(7, 7, 7);
        let values: Vec<i64> = (0..2000).map(|_| random.between(-3, 3)).collect();
        assert_eq!(values.iter().min(), Some(&-3));
        assert_eq!(values.iter().max(), Some(&3));
    }
}
