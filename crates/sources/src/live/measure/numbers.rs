//! Flags, exact numbers and floats.

use super::{Measures, count, whole};
use crate::live::cells::Cell;
use mssql2pg_catalog::{Measure, SqlType};

/// How numbers are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Flag,
    /// Exact numbers whose sum has room in `decimal(38, scale)`.
    Exact {
        scale: u8,
    },
    /// Decimals of more digits: the lower `low` ones and the others are summed apart.
    Long {
        scale: u8,
        low: u8,
    },
    Float,
    Real,
}

/// With so many digits, 10^18 rows fit into 38.
const MOST_DIGITS: u8 = 20;

impl Number {
    pub(super) fn exact(sql_type: &SqlType, scale: u8) -> Self {
        match sql_type {
            SqlType::Decimal { precision, scale } if *precision > MOST_DIGITS => {
                Self::Long { scale: *scale, low: precision / 2 }
            }
            _ => Self::Exact { scale },
        }
    }

    pub(super) fn items(self, name: &str) -> Vec<String> {
        match self {
            Self::Flag => vec![format!("sum(cast({name} as bigint))")],
            Self::Exact { scale } => {
                vec![
                    format!("min({name})"),
                    format!("max({name})"),
                    format!("sum(cast({name} as decimal(38,{scale})))"),
                ]
            }
            Self::Long { scale, low } => {
                let (high, rest) = halves(name, scale, low);
                vec![
                    format!("min({name})"),
                    format!("max({name})"),
                    format!("sum({high})"),
                    format!("sum({rest})"),
                ]
            }
            Self::Float => {
                floats(name, "cast(convert(bigint, convert(binary(8), X)) as decimal(38,0))", "decimal(38,0)")
            }
            Self::Real => floats(name, "cast(convert(int, convert(binary(4), X)) as bigint)", "bigint"),
        }
    }

    pub(super) fn read(self, cells: &[Cell]) -> Option<Measures> {
        let mut measures = Measures::new();
        match (self, cells) {
            (Self::Flag, [sum]) => {
                measures.insert(Measure::True, whole(sum)?.to_string());
            }
            (Self::Exact { .. } | Self::Long { .. }, [Cell::Null, Cell::Null, ..]) => {}
            (Self::Exact { scale }, [least, most, sum]) => {
                measures.insert(Measure::Minimum, number_text(unscaled(least, scale)?, scale));
                measures.insert(Measure::Maximum, number_text(unscaled(most, scale)?, scale));
                measures.insert(Measure::Sum, number_text(unscaled(sum, scale)?, scale));
            }
            (Self::Long { scale, low }, [least, most, high, rest]) => {
                measures.insert(Measure::Minimum, number_text(unscaled(least, scale)?, scale));
                measures.insert(Measure::Maximum, number_text(unscaled(most, scale)?, scale));
                let (high, rest) = (unscaled(high, scale.saturating_sub(low))?, unscaled(rest, scale)?);
                measures.insert(Measure::Sum, joined(high, rest, low, scale)?);
            }
            (Self::Float | Self::Real, [least, most, sum, not_zero]) => {
                measures.insert(Measure::NotZero, count(not_zero)?.to_string());
                if *sum != Cell::Null {
                    measures.insert(Measure::Minimum, self.bits(least)?);
                    measures.insert(Measure::Maximum, self.bits(most)?);
                    measures.insert(Measure::Sum, whole(sum)?.to_string());
                }
            }
            _ => return None,
        }
        Some(measures)
    }

    /// The bits in hexadecimal, -0 as 0.
    fn bits(self, cell: &Cell) -> Option<String> {
        let Cell::Float(number) = cell else { return None };
        let number = number + 0.0;
        #[expect(clippy::cast_possible_truncation, reason = "it came from a real")]
        Some(match self {
            Self::Real => format!("{:08x}", (number as f32).to_bits()),
            _ => format!("{:016x}", number.to_bits()),
        })
    }
}

/// `cast` has X where the column's name goes. The two zeros have different bits, and are one number.
fn floats(name: &str, cast: &str, zero: &str) -> Vec<String> {
    let bits = cast.replace('X', name);
    vec![
        format!("min({name})"),
        format!("max({name})"),
        format!("sum(case when {name} = 0 then cast(0 as {zero}) else {bits} end)"),
        super::counted(&format!("{name} <> 0")),
    ]
}

/// Two expressions: the digits above the lower `low` ones, and those.
///
/// `round(…, …, 1)` truncates and keeps the type, and a difference of two decimals of one type keeps the scale. The
/// upper digits are then a multiple of 10^-(scale - low). Where that is no fraction they are divided: the quotient has no
/// more than 19 digits, and a quotient of decimals keeps at least 32 digits before the point and 6 behind it
/// ("Precision, scale, and length"), so that it is exact.
fn halves(name: &str, scale: u8, low: u8) -> (String, String) {
    let places = i16::from(scale) - i16::from(low);
    let upper = format!("round({name}, {places}, 1)");
    let rest = format!("{name} - {upper}");
    let high = if places >= 0 {
        format!("cast({upper} as decimal(38,{places}))")
    } else {
        let zeros = usize::from(low - scale);
        format!("cast({upper} / cast('1{:0<zeros$}' as decimal({},0)) as decimal(38,0))", "", zeros + 1)
    };
    (high, rest)
}

/// The value times 10^scale; none when the cell is no number of that scale.
fn unscaled(cell: &Cell, scale: u8) -> Option<i128> {
    match cell {
        Cell::Int(number) if scale == 0 => Some(i128::from(*number)),
        Cell::Money(units) if scale == 4 => Some(i128::from(*units)),
        Cell::Decimal { unscaled, scale: own } if *own == scale => Some(*unscaled),
        _ => None,
    }
}

/// `high` times 10^low plus `rest`, with `scale` digits after the point.
fn joined(high: i128, rest: i128, low: u8, scale: u8) -> Option<String> {
    let base = 10_i128.checked_pow(u32::from(low))?;
    let (mut high, mut rest) = (high.checked_add(rest / base)?, rest % base);
    // Both halves get the sign of the whole.
    if high > 0 && rest < 0 {
        (high, rest) = (high - 1, rest + base);
    } else if high < 0 && rest > 0 {
        (high, rest) = (high + 1, rest - base);
    }
    let negative = high < 0 || rest < 0;
    let digits = match high.unsigned_abs() {
        0 => rest.unsigned_abs().to_string(),
        high => format!("{high}{:0>width$}", rest.unsigned_abs(), width = usize::from(low)),
    };
    Some(signed(negative, &digits, scale))
}

/// A number with `scale` digits after the point.
pub(in crate::live) fn number_text(number: i128, scale: u8) -> String {
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
    fn the_halves_of_a_sum_are_put_together_exactly() {
        let check = |high, rest, low, scale, expected: &str| {
            assert_eq!(joined(high, rest, low, scale).as_deref(), Some(expected));
        };
        check(0, 0, 19, 2, "0.00");
        check(0, -5, 19, 2, "-0.05");
        check(1, -1, 19, 0, "9999999999999999999");
        check(-1, 1, 19, 0, "-9999999999999999999");
        check(3, 50, 2, 0, "350");
        check(30_000_000_000_000_000_000, 7, 19, 38, "3.00000000000000000000000000000000000007");
        // The lower half has run over.
        check(1, 1_250, 2, 1, "135.0");
    }

    #[test]
    fn only_decimals_whose_sum_could_overflow_are_cut() {
        let decimal = |precision, scale| Number::exact(&SqlType::Decimal { precision, scale }, scale);
        assert_eq!(decimal(20, 3), Number::Exact { scale: 3 });
        assert_eq!(decimal(38, 3), Number::Long { scale: 3, low: 19 });
        let (high, rest) = halves("[a]", 10, 19);
        assert_eq!(high, "cast(round([a], -9, 1) / cast('1000000000' as decimal(10,0)) as decimal(38,0))");
        assert_eq!(rest, "[a] - round([a], -9, 1)");
        assert_eq!(halves("[a]", 30, 19).0, "cast(round([a], 11, 1) as decimal(38,11))");
        assert_eq!(halves("[a]", 19, 19).0, "cast(round([a], 0, 1) as decimal(38,0))");
    }
}
