//! NUL characters in text, which PostgreSQL cannot hold.

use super::{ColumnCheck, is_text};
use mssql2pg_catalog::{Severity, Value};

pub(super) const CHECK: ColumnCheck = ColumnCheck {
    code: "nul-character",
    severity: Severity::Warning,
    message: "text with a NUL character, which PostgreSQL cannot hold",
    advice: "choose text.nul: reject (the default), replace or strip",
    applies: |_, column, _| is_text(&column.sql_type),
    is_defect: |value, _| match value {
        Value::Utf16(bytes) => bytes.as_chunks::<2>().0.contains(&[0, 0]),
        Value::CodePage(bytes, _) | Value::Utf8(bytes) => bytes.contains(&0),
        _ => false,
    },
    policy: Some(("text.nul", |text| text.nul)),
};
