//! Halves of UTF-16 surrogate pairs that stand alone: SQL Server keeps them, UTF-8 cannot.

use super::values::is_text;
use super::{Check, How, ValueCheck, tsql};
use mssql2pg_catalog::{Severity, Value};

pub(super) const CHECK: Check = Check {
    code: "lone-surrogate",
    severity: Severity::Warning,
    message: "text with half a UTF-16 surrogate pair, which UTF-8 cannot hold",
    advice: "choose text.invalid: reject (the default), replace or strip",
    finds: "Text of `nchar`, `nvarchar` and `ntext` with a half of a surrogate pair that stands alone.",
    why: "SQL Server keeps UTF-16 units as they come, PostgreSQL only whole characters. With `text.invalid = \"reject\"` such rows go to `rejects/`.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| is_text(&column.sql_type).then_some(CHECK.severity),
        is_defect: |value, _| match value {
            Value::Utf16(bytes) => has_lone_surrogate(bytes),
            _ => false,
        },
        policy: Some(("text.invalid", |text| text.invalid)),
        tsql: tsql::lone_surrogate,
    }),
};

fn has_lone_surrogate(bytes: &[u8]) -> bool {
    let (units, _) = bytes.as_chunks::<2>();
    // Most text has no surrogate at all.
    if !units.iter().any(|[_, high]| (0xD8..=0xDF).contains(high)) {
        return false;
    }
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit))).any(|letter| letter.is_err())
}

#[cfg(test)]
mod tests {
    use super::has_lone_surrogate;

    #[test]
    fn a_half_is_told_from_a_pair() {
        let bytes = |units: &[u16]| units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
        assert!(!has_lone_surrogate(&bytes(&[0x61, 0xD83D, 0xDE00])));
        assert!(has_lone_surrogate(&bytes(&[0x61, 0xD83D])));
        assert!(has_lone_surrogate(&bytes(&[0xDE00, 0xD83D])));
        assert!(!has_lone_surrogate(&bytes(&[])));
    }
}
