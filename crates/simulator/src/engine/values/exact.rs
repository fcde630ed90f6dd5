//! Exact numbers: whole, decimal and money, by value.

use mssql2pg_catalog::Value;
use std::cmp::Ordering;

/// A number times 10^scale. `decimal(38)` fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    pub(crate) unscaled: i128,
    pub(crate) scale: u8,
}

/// The largest power of ten in 128 bits.
const MOST_DIGITS: u32 = 38;

impl Exact {
    /// The value, if it is an exact number.
    pub(crate) fn of(value: &Value<'_>) -> Option<Self> {
        let (unscaled, scale) = match value {
            Value::Bit(bit) => (i128::from(*bit), 0),
            Value::Int(number) => (i128::from(*number), 0),
            Value::Money(units) => (i128::from(*units), 4),
            Value::Decimal { magnitude, scale, negative } => {
                let magnitude = i128::try_from(u128::from_le_bytes(**magnitude)).unwrap_or(i128::MAX);
                (if *negative { -magnitude } else { magnitude }, *scale)
            }
            _ => return None,
        };
        Some(Self { unscaled, scale })
    }

    /// From decimal digits with a sign and a point.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut unscaled = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        let scale = u8::try_from(fraction.len()).ok().filter(|scale| u32::from(*scale) <= MOST_DIGITS)?;
        Some(Self { unscaled: if negative { -unscaled } else { unscaled }, scale })
    }

    /// The same value at another scale, rounded half away from zero; none when it does not fit.
    pub(crate) fn rescale(self, scale: u8) -> Option<i128> {
        if scale >= self.scale {
            return self.unscaled.checked_mul(power(u32::from(scale - self.scale))?);
        }
        let Some(divisor) = power(u32::from(self.scale - scale)) else { return Some(0) };
        let (quotient, rest) = (self.unscaled / divisor, self.unscaled % divisor);
        let up = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
        Some(quotient + if up { self.unscaled.signum() } else { 0 })
    }

    /// The quotient times 10^scale, cut as SQL Server cuts it; none when it has more than 38 digits or the divisor is 0.
    pub(crate) fn divide(self, divisor: Self, scale: u8) -> Option<i128> {
        let negative = (self.unscaled < 0) != (divisor.unscaled < 0);
        let (mut dividend, mut by) = (self.unscaled.unsigned_abs(), divisor.unscaled.unsigned_abs());
        let shift = i32::from(scale) + i32::from(divisor.scale) - i32::from(self.scale);
        if shift < 0 {
            dividend /= 10_u128.checked_pow(shift.unsigned_abs())?;
        }
        // Zeros at the end of the divisor only move the point: they are taken off, so that what remains is small.
        let mut shift = shift.max(0);
        while shift > 0 && by != 0 && by % 10 == 0 {
            by /= 10;
            shift -= 1;
        }
        let (mut quotient, mut rest) = (dividend.checked_div(by)?, dividend % by);
        for _ in 0..shift {
            rest = rest.checked_mul(10)?;
            quotient = quotient.checked_mul(10)?.checked_add(rest / by)?;
            rest %= by;
        }
        let quotient =
            i128::try_from(quotient).ok().filter(|quotient| Some(*quotient) < power(MOST_DIGITS))?;
        Some(if negative { -quotient } else { quotient })
    }

    /// Without its fraction.
    pub(crate) fn truncated(self) -> i128 {
        power(u32::from(self.scale)).map_or(0, |divisor| self.unscaled / divisor)
    }

    /// As near as a float comes.
    pub(crate) fn to_float(self) -> f64 {
        // Through text: the nearest float, not the quotient of two rounded ones.
        self.text().parse().unwrap_or(f64::NAN)
    }

    /// As T-SQL writes it.
    pub(crate) fn text(self) -> String {
        let digits = self.unscaled.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let sign = if self.unscaled < 0 { "-" } else { "" };
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        format!("{sign}{whole}.{fraction}")
    }

    /// By value.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.rescale(scale), other.rescale(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // One is too large for the other's scale: then the whole parts differ, or the fractions decide.
            _ => self.split().cmp(&other.split()),
        }
    }

    /// The whole part rounded down, and the fraction in 10^-38.
    fn split(self) -> (i128, i128) {
        let divisor = power(u32::from(self.scale)).unwrap_or(i128::MAX);
        let fraction = self.unscaled.rem_euclid(divisor);
        let widen = power(MOST_DIGITS - u32::from(self.scale).min(MOST_DIGITS)).unwrap_or(1);
        (self.unscaled.div_euclid(divisor), fraction.saturating_mul(widen))
    }
}

/// 10^exponent.
pub(crate) fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_compare_by_value() {
        let exact = |text: &str| Exact::parse(text).unwrap();
        assert_eq!(exact("1.50").compare(exact("1.5")), Ordering::Equal);
        assert_eq!(exact("-0.1").compare(exact("0")), Ordering::Less);
        let large = exact("99999999999999999999999999999999999999");
        assert_eq!(large.compare(exact("0.00000000000000000000000000000000000001")), Ordering::Greater);
        assert_eq!(exact("-0.5").compare(large), Ordering::Less);
        assert_eq!(exact("1.005").rescale(2), Some(101));
        assert_eq!(exact("-1.005").rescale(2), Some(-101));
        assert_eq!(exact("-0.05").text(), "-0.05");
        assert_eq!(Exact::parse("1e3"), None);
    }

    #[test]
    fn quotients_are_cut() {
        let divide =
            |a: &str, b: &str, scale| Exact::parse(a).unwrap().divide(Exact::parse(b).unwrap(), scale);
        assert_eq!(divide("2", "3", 6), Some(666_666));
        assert_eq!(divide("-2", "3", 6), Some(-666_666));
        assert_eq!(divide("1", "0", 6), None);
        assert_eq!(divide("12.5", "0.25", 0), Some(50));
        let most = "99999999999999999999999999999999999999";
        assert_eq!(divide(most, "10000000000000000000", 6), Some(9_999_999_999_999_999_999_999_999));
        assert_eq!(divide(most, "1", 6), None);
        assert_eq!(divide("0.12345678", "1", 6), Some(123_456));
    }
}
