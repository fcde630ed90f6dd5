//! Exact sums of 128-bit numbers, and their text.
//!
//! Invariant: no sum overflows: it is kept in two halves of base 10^19, and 10^18 rows of 38 digits fit.

/// Half of 38 digits.
const BASE: i128 = 10_000_000_000_000_000_000;

/// An exact sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ExactSum {
    high: i128,
    low: i128,
}

impl ExactSum {
    /// Adds a number of at most 39 digits.
    #[inline]
    pub(super) fn add(&mut self, number: i128) {
        // Dividing 128 bits is slow, and 10^18 numbers of 64 bits fit into the lower half as they are.
        if i64::try_from(number).is_ok() {
            self.low += number;
        } else {
            self.high += number / BASE;
            self.low += number % BASE;
        }
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: Self) {
        self.high += other.high;
        self.low += other.low;
    }

    /// With `scale` digits after the point.
    pub(super) fn text(self, scale: u8) -> String {
        let (mut high, mut low) = (self.high + self.low / BASE, self.low % BASE);
        // Both halves get the sign of the whole.
        if high > 0 && low < 0 {
            (high, low) = (high - 1, low + BASE);
        } else if high < 0 && low > 0 {
            (high, low) = (high + 1, low - BASE);
        }
        let negative = high < 0 || low < 0;
        let digits = match high.unsigned_abs() {
            0 => low.unsigned_abs().to_string(),
            high => format!("{high}{:019}", low.unsigned_abs()),
        };
        signed(negative, &digits, scale)
    }
}

/// A number with `scale` digits after the point.
pub(super) fn number_text(number: i128, scale: u8) -> String {
    signed(number < 0, &number.unsigned_abs().to_string(), scale)
}

fn signed(negative: bool, digits: &str, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if negative { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_beyond_128_bits() {
        let check = |numbers: &[i128], scale, expected: &str| {
            let mut sum = ExactSum::default();
            numbers.iter().for_each(|number| sum.add(*number));
            assert_eq!(sum.text(scale), expected);
        };
        let most: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;
        check(&[], 2, "0.00");
        check(&[5, -7], 2, "-0.02");
        check(&[most, most, most], 0, "299999999999999999999999999999999999997");
        check(&[-most, -most, 1], 38, "-1.99999999999999999999999999999999999997");
        check(&[BASE, -1], 0, "9999999999999999999");
        check(&[-BASE, 1], 0, "-9999999999999999999");
        check(&[most, -most], 3, "0.000");
        assert_eq!(number_text(-5, 3), "-0.005");
    }
}
