//! Functions of numbers.

use super::super::failures::{overflow, unsupported};
use super::super::values::convert::convert;
use super::super::values::exact::{Exact, power};
use super::super::values::owned::OwnedValue;
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, SqlType};

/// The type of `round` for an operand of that type ("ROUND (Transact-SQL)"); none for what it does not take.
pub(super) fn round_type(operand: &SqlType) -> Option<SqlType> {
    Some(match operand {
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => SqlType::Int,
        SqlType::BigInt | SqlType::Decimal { .. } => operand.clone(),
        SqlType::Money | SqlType::SmallMoney => SqlType::Money,
        _ => return None,
    })
}

/// `round(number, places, function)`: rounded half away from zero, or cut when `function` is not 0.
pub(super) fn round(arguments: &[OwnedValue]) -> Result<OwnedValue, Failure> {
    let whole = |place: usize, otherwise: i64| -> Result<Option<i64>, Failure> {
        match arguments.get(place) {
            None => Ok(Some(otherwise)),
            Some(value) => Ok(match convert(value.cell(), &SqlType::Int, CodePage(1252))? {
                OwnedValue::Int(number) => Some(number),
                _ => None,
            }),
        }
    };
    let value = arguments.first().unwrap_or(&OwnedValue::Null);
    let (Some(places), Some(function)) = (whole(1, 0)?, whole(2, 0)?) else { return Ok(OwnedValue::Null) };
    if *value == OwnedValue::Null {
        return Ok(OwnedValue::Null);
    }
    let exact = Exact::of(&value.cell().value).ok_or_else(|| unsupported("round of such a number"))?;
    let digits = i64::from(exact.scale) - places;
    let unscaled = match u32::try_from(digits).ok().filter(|digits| *digits > 0) {
        None => exact.unscaled,
        Some(digits) => {
            let unit = power(digits);
            let cut = unit.map_or(0, |unit| exact.unscaled / unit * unit);
            let rest = unit.map_or(0, |unit| exact.unscaled % unit);
            let up = function == 0 && unit.is_some_and(|unit| rest.unsigned_abs() * 2 >= unit.unsigned_abs());
            let step = unit.filter(|_| up).map_or(0, |unit| unit * exact.unscaled.signum());
            cut.checked_add(step).ok_or_else(|| overflow("expression", "numeric"))?
        }
    };
    Ok(match value {
        OwnedValue::Int(_) => {
            OwnedValue::Int(i64::try_from(unscaled).map_err(|_| overflow("expression", "bigint"))?)
        }
        OwnedValue::Money(_) => {
            OwnedValue::Money(i64::try_from(unscaled).map_err(|_| overflow("expression", "money"))?)
        }
        _ => OwnedValue::decimal(unscaled, exact.scale),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_or_cut() {
        let check = |text: &str, places: i64, function: i64, expected: &str| {
            let number = Exact::parse(text).unwrap();
            let arguments = [
                OwnedValue::decimal(number.unscaled, number.scale),
                OwnedValue::Int(places),
                OwnedValue::Int(function),
            ];
            let rounded = round(&arguments).unwrap();
            assert_eq!(Exact::of(&rounded.cell().value).unwrap().text(), expected, "{text} {places}");
        };
        check("748.58", -1, 0, "750.00");
        check("748.58", -2, 1, "700.00");
        check("748.58", -4, 0, "0.00");
        check("123.9995", 3, 0, "124.0000");
        check("150.75", 0, 1, "150.00");
        check("-150.75", 0, 0, "-151.00");
        check("1.5", 9, 0, "1.5");
        check("99999999999999999999999999999999999999", -19, 1, "99999999999999999990000000000000000000");
    }
}
