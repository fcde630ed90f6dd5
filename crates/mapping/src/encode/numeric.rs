//! Numbers: integers, floats and exact decimals.
//!
//! Invariant: a decimal is never a float and never 96 bits wide. The bytes are PostgreSQL's own
//! canonical form, so that what is read back equals what was sent.

use super::{Reject, put_fixed};

/// Powers of ten that fit 128 bits.
const POWERS: [u128; 39] = powers();

const fn powers() -> [u128; 39] {
    let mut powers = [1u128; 39];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
}

/// SQL Server's and our limit of digits.
const MOST_DIGITS: usize = 38;
/// Base-10000 groups of 38 digits, wherever the decimal point stands.
const MOST_GROUPS: usize = 12;
const NEGATIVE: u16 = 0x4000;

/// An exact decimal: magnitude / 10^scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) magnitude: u128,
    pub(super) scale: u8,
    pub(super) negative: bool,
}

/// The `p` and `s` of `numeric(p,s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumericSize {
    pub(super) precision: usize,
    pub(super) scale: usize,
}

impl Decimal {
    pub(super) fn from_int(value: i64) -> Self {
        Self { magnitude: u128::from(value.unsigned_abs()), scale: 0, negative: value < 0 }
    }

    /// `money` and `smallmoney` count ten-thousandths.
    pub(super) fn from_money(value: i64) -> Self {
        Self { magnitude: u128::from(value.unsigned_abs()), scale: 4, negative: value < 0 }
    }

    /// The value as an integer, if it is one that fits.
    pub(super) fn to_int(self) -> Option<i64> {
        let divisor = *POWERS.get(usize::from(self.scale))?;
        if !self.magnitude.is_multiple_of(divisor) {
            return None;
        }
        let magnitude = i128::try_from(self.magnitude / divisor).ok()?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// All digits, as PostgreSQL prints a `numeric` of this scale.
    pub(super) fn text(self) -> String {
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.magnitude, width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if self.negative && self.magnitude != 0 { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// Appends a `numeric` field: length, then what `numeric_recv` reads (PostgreSQL, `numeric.c`):
/// group count, weight, sign, display scale, base-10000 groups.
///
/// The groups are stripped of zero groups at both ends and the display scale is the column's, since
/// that is what PostgreSQL stores after applying `numeric(p,s)`.
pub(super) fn put_numeric(
    out: &mut Vec<u8>,
    value: Decimal,
    size: Option<NumericSize>,
) -> Result<(), Reject> {
    let Decimal { magnitude, scale, negative } = fit(value, size)?;
    let scale = usize::from(scale);
    let display_scale = size.map_or(scale, |size| size.scale);

    let mut groups = [0u16; MOST_GROUPS];
    let count = split_groups(magnitude, scale, &mut groups);
    let groups = &groups[..count];
    let leading = groups.iter().rev().take_while(|group| **group == 0).count();
    let kept = &groups[..count - leading];
    let trailing = kept.iter().take_while(|group| **group == 0).count();
    let kept = &kept[trailing..];
    let weight = if kept.is_empty() { 0 } else { (count - leading) as i16 - scale.div_ceil(4) as i16 - 1 };
    let sign = if negative && !kept.is_empty() { NEGATIVE } else { 0 };

    // Length, four 16-bit words and at most twelve groups: one copy into the row.
    let mut field = [0u8; 4 + 8 + 2 * MOST_GROUPS];
    let length = 8 + 2 * kept.len();
    field[..4].copy_from_slice(&(length as u32).to_be_bytes());
    field[4..6].copy_from_slice(&(kept.len() as u16).to_be_bytes());
    field[6..8].copy_from_slice(&weight.to_be_bytes());
    field[8..10].copy_from_slice(&sign.to_be_bytes());
    field[10..12].copy_from_slice(&(display_scale as u16).to_be_bytes());
    for (word, group) in field[12..].chunks_exact_mut(2).zip(kept.iter().rev()) {
        word.copy_from_slice(&group.to_be_bytes());
    }
    out.extend_from_slice(&field[..4 + length]);
    Ok(())
}

/// The value as it stands in the column: without digits beyond its scale (which must be zeros), and
/// not too large for it.
fn fit(value: Decimal, size: Option<NumericSize>) -> Result<Decimal, Reject> {
    let Decimal { mut magnitude, scale, negative } = value;
    let mut scale = usize::from(scale);
    if scale > MOST_DIGITS || magnitude >= POWERS[MOST_DIGITS] {
        return Err(Reject::new("the decimal has more than 38 digits"));
    }
    if let Some(size) = size {
        if scale > size.scale {
            let divisor = POWERS[scale - size.scale];
            if !magnitude.is_multiple_of(divisor) {
                let reason = format!("the decimal has more than {} digits after the point", size.scale);
                return Err(Reject::new(reason));
            }
            magnitude /= divisor;
            scale = size.scale;
        }
        // Digits before the point that the column has, plus those that the value has after it.
        let digits = (size.precision + scale).saturating_sub(size.scale);
        if POWERS.get(digits).is_some_and(|limit| magnitude >= *limit) {
            let NumericSize { precision, scale } = size;
            return Err(Reject::new(format!("the decimal does not fit numeric({precision},{scale})")));
        }
    }
    Ok(Decimal { magnitude, scale: scale as u8, negative })
}

/// Splits into base-10000 groups aligned at the decimal point, least significant first; returns
/// their number. `magnitude` has at most 38 digits.
fn split_groups(magnitude: u128, scale: usize, groups: &mut [u16; MOST_GROUPS]) -> usize {
    let mut count = 0;
    let mut rest = magnitude;
    // The last digits after the point rarely fill a group. Dividing them off, instead of
    // multiplying the magnitude to fill it, cannot overflow at 38 digits.
    let loose = scale % 4;
    if loose != 0 {
        let divisor = POWERS[loose];
        groups[0] = ((rest % divisor) * POWERS[4 - loose]) as u16;
        rest /= divisor;
        count = 1;
    }
    // 128-bit division is slow, so the rest is cut into pieces of 16 digits that fit 64 bits.
    while rest > u128::from(u64::MAX) {
        let mut piece = (rest % POWERS[16]) as u64;
        rest /= POWERS[16];
        for _ in 0..4 {
            groups[count] = (piece % 10_000) as u16;
            piece /= 10_000;
            count += 1;
        }
    }
    let mut rest = rest as u64;
    while rest != 0 {
        groups[count] = (rest % 10_000) as u16;
        rest /= 10_000;
        count += 1;
    }
    count
}

/// A `numeric` field's bytes as PostgreSQL prints it; none if they are not a `numeric`.
pub(super) fn numeric_text(field: &[u8]) -> Option<String> {
    let word =
        |index: usize| field.get(2 * index..2 * index + 2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let count = usize::from(word(0)?);
    let weight = i32::from(word(1)? as i16);
    let sign = word(2)?;
    let scale = usize::from(word(3)?);
    match sign {
        0 | NEGATIVE => {}
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => return None,
    }
    // The group of weight w stands at index `weight - w`; what is not stored is zero.
    let group = |w: i32| {
        usize::try_from(weight - w)
            .ok()
            .filter(|index| *index < count)
            .map_or(Some(0), |index| word(4 + index))
    };
    let mut text = String::new();
    for w in (0..=weight.max(0)).rev() {
        text.push_str(&format!("{:04}", group(w)?));
    }
    let whole = text.trim_start_matches('0');
    let mut text = if whole.is_empty() { "0".to_owned() } else { whole.to_owned() };
    if scale > 0 {
        let mut fraction = String::new();
        for index in 1..=scale.div_ceil(4) {
            fraction.push_str(&format!("{:04}", group(-(i32::try_from(index).ok()?))?));
        }
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(if sign == NEGATIVE { format!("-{text}") } else { text })
}

/// Appends a `smallint`.
#[inline]
pub(super) fn put_int2(out: &mut Vec<u8>, value: i64) -> Result<(), Reject> {
    let value = i16::try_from(value).map_err(|_| Reject::new("the number does not fit smallint"))?;
    put_fixed(out, value.to_be_bytes());
    Ok(())
}

/// Appends an `integer`.
#[inline]
pub(super) fn put_int4(out: &mut Vec<u8>, value: i64) -> Result<(), Reject> {
    let value = i32::try_from(value).map_err(|_| Reject::new("the number does not fit integer"))?;
    put_fixed(out, value.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same bytes from the decimal text, digit by digit.
    fn naive(text: &str) -> Vec<u8> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let scale = fraction.len();
        let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
        let fraction = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
        let mut weight = whole.len() as i16 / 4 - 1;
        let all = format!("{whole}{fraction}");
        let mut groups: Vec<u16> = all
            .as_bytes()
            .chunks(4)
            .map(|group| std::str::from_utf8(group).unwrap().parse().unwrap())
            .collect();
        while groups.last() == Some(&0) {
            groups.pop();
        }
        while groups.first() == Some(&0) {
            groups.remove(0);
            weight -= 1;
        }
        if groups.is_empty() {
            weight = 0;
        }
        let sign = if negative && !groups.is_empty() { NEGATIVE } else { 0 };
        let mut bytes = ((8 + 2 * groups.len()) as u32).to_be_bytes().to_vec();
        for word in [groups.len() as u16, weight as u16, sign, scale as u16] {
            bytes.extend(word.to_be_bytes());
        }
        groups.iter().for_each(|group| bytes.extend(group.to_be_bytes()));
        bytes
    }

    fn check(magnitude: u128, scale: u8, negative: bool, size: NumericSize) {
        let value = Decimal { magnitude, scale, negative };
        let mut bytes = Vec::new();
        put_numeric(&mut bytes, value, Some(size)).expect("fits");
        let padded = Decimal { scale: size.scale as u8, ..value };
        let zeros = "0".repeat(size.scale - usize::from(scale));
        let text = if zeros.is_empty() {
            padded.text()
        } else {
            let point = if scale == 0 { "." } else { "" };
            format!("{}{point}{zeros}", value.text())
        };
        assert_eq!(bytes, naive(&text), "{text}");
        assert_eq!(numeric_text(&bytes[4..]).as_deref(), Some(text.as_str()));
    }

    #[test]
    fn extreme_decimals_of_every_precision_and_scale_equal_the_naive_form() {
        for precision in 1..=38usize {
            for scale in 0..=precision {
                let size = NumericSize { precision, scale };
                let most = POWERS[precision] - 1;
                for magnitude in [0, 1, 9, most, most / 2, most / 10 + 1, POWERS[precision - 1]] {
                    let magnitude = magnitude.min(most);
                    check(magnitude, scale as u8, false, size);
                    check(magnitude, scale as u8, true, size);
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_rejected() {
        let size = Some(NumericSize { precision: 5, scale: 2 });
        let reject = |magnitude, scale| {
            put_numeric(&mut Vec::new(), Decimal { magnitude, scale, negative: false }, size).is_err()
        };
        assert!(!reject(99_999, 2));
        assert!(reject(100_000, 2));
        assert!(reject(1_000, 0));
        assert!(!reject(999, 0));
        assert!(reject(1_001, 3));
        assert!(!reject(1_000, 3));
        assert!(reject(0, 39));
        assert!(
            put_numeric(&mut Vec::new(), Decimal { magnitude: u128::MAX, scale: 0, negative: true }, None)
                .is_err()
        );
    }

    #[test]
    fn a_decimal_becomes_an_integer_only_without_loss() {
        let check = |magnitude, scale, negative, expected: Option<i64>| {
            assert_eq!(Decimal { magnitude, scale, negative }.to_int(), expected);
        };
        check(1_200, 2, true, Some(-12));
        check(1_201, 2, true, None);
        check(1 << 63, 0, true, Some(i64::MIN));
        check(1 << 63, 0, false, None);
        check(0, 200, false, None);
    }

    proptest! {
        #[test]
        fn random_decimals_equal_the_naive_form(
            digits in 0..=38usize,
            seed in any::<u128>(),
            precision in 1..=38usize,
            scale in 0..=38usize,
            cut in 0..=38usize,
            negative in any::<bool>(),
        ) {
            let scale = scale.min(precision);
            let value_scale = scale.saturating_sub(cut);
            let digits = digits.min(precision - (scale - value_scale));
            check(seed % POWERS[digits], value_scale as u8, negative, NumericSize { precision, scale });
        }

        #[test]
        fn foreign_numeric_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = numeric_text(&bytes);
        }
    }
}
