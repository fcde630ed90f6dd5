//! NUL characters in text, which PostgreSQL cannot hold.

use super::values::is_text;
use super::{Check, How, ValueCheck, tsql};
use mssql2pg_catalog::{Severity, Value};

pub(super) const CHECK: Check = Check {
    code: "nul-character",
    severity: Severity::Warning,
    message: "text with a NUL character, which PostgreSQL cannot hold",
    advice: "choose text.nul: reject (the default), replace or strip",
    finds: "Text values with the character U+0000 anywhere in them.",
    why: "PostgreSQL's text cannot hold it in any encoding. With `text.nul = \"reject\"` such rows go to `rejects/` and the table does not count as migrated.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| is_text(&column.sql_type).then_some(CHECK.severity),
        is_defect: |value, _| match value {
            Value::Utf16(bytes) => bytes.as_chunks::<2>().0.contains(&[0, 0]),
            Value::CodePage(bytes, _) | Value::Utf8(bytes) => bytes.contains(&0),
            _ => false,
        },
        policy: Some(("text.nul", |text| text.nul)),
        tsql: tsql::nul_character,
    }),
};
