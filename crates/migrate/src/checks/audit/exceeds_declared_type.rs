//! Values that the declared type does not allow, and that only a wider one holds.

use super::{Check, How, ValueCheck, tsql};
use mssql2pg_catalog::{Column, Severity, SqlType, Value};

pub(super) const CHECK: Check = Check {
    code: "exceeds-declared-type",
    severity: Severity::Blocker,
    message: "values that do not fit the declared type, which only its wider form holds",
    advice: "run dbcc checkdb with data_purity at the source and mend the values, or name a wider type for the column in [columns]",
    finds: "Text and binary values longer than the column's declared length, and decimals with more digits than the declared precision.",
    why: "SQL Server does not check what is stored already: such values come from old versions, from bulk loads without checks and from damaged pages. PostgreSQL refuses them.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| limit(column).map(|_| CHECK.severity),
        is_defect: |value, looked| limit(looked.column).is_some_and(|limit| exceeds(value, limit)),
        policy: None,
        tsql: tsql::exceeds_declared_type,
    }),
};

/// What a type allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// So many bytes; so many UTF-16 units where text comes as such, since each takes a byte at least.
    Bytes(usize),
    /// So many UTF-16 units.
    Units(usize),
    /// Below this magnitude.
    Below(u128),
}

fn limit(column: &Column) -> Option<Limit> {
    Some(match &column.sql_type {
        SqlType::Char { length } | SqlType::Binary { length } => Limit::Bytes(usize::from(*length)),
        SqlType::VarChar { length } | SqlType::VarBinary { length } => Limit::Bytes(usize::from(length.0?)),
        SqlType::NChar { length } => Limit::Units(usize::from(*length)),
        SqlType::NVarChar { length } => Limit::Units(usize::from(length.0?)),
        SqlType::Decimal { precision, .. } => Limit::Below(10_u128.checked_pow(u32::from(*precision))?),
        _ => return None,
    })
}

fn exceeds(value: &Value<'_>, limit: Limit) -> bool {
    match (*value, limit) {
        (Value::Utf16(bytes), Limit::Bytes(most) | Limit::Units(most)) => bytes.len() / 2 > most,
        (Value::CodePage(bytes, _) | Value::Utf8(bytes) | Value::Bytes(bytes), Limit::Bytes(most)) => {
            bytes.len() > most
        }
        (Value::Decimal { magnitude, .. }, Limit::Below(most)) => u128::from_le_bytes(*magnitude) >= most,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::Length;

    #[test]
    fn what_does_not_fit_is_told_from_what_just_fits() {
        let check = |sql_type, value: Value<'_>, expected| {
            let limit = limit(&Column::new("c", sql_type)).unwrap();
            assert_eq!(exceeds(&value, limit), expected, "{value:?}");
        };
        let number = |number: u128| number.to_le_bytes();
        let decimal = SqlType::Decimal { precision: 5, scale: 2 };
        fn value(magnitude: &[u8; 16]) -> Value<'_> {
            Value::Decimal { magnitude, scale: 2, negative: true }
        }
        let (fits, exceeds) = (number(99_999), number(100_000));
        check(decimal.clone(), value(&fits), false);
        check(decimal, value(&exceeds), true);
        check(SqlType::NVarChar { length: Length::limited(2) }, Value::Utf16(b"a\0b\0"), false);
        check(SqlType::NVarChar { length: Length::limited(1) }, Value::Utf16(b"a\0b\0"), true);
        check(SqlType::VarBinary { length: Length::limited(1) }, Value::Bytes(b"ab"), true);
        assert_eq!(limit(&Column::new("c", SqlType::VarChar { length: Length::MAX })), None);
    }
}
