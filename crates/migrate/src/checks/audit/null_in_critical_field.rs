//! NULLs where a value is needed for the row to be of use.

use super::{Check, How, ValueCheck, critical, tsql};
use mssql2pg_catalog::{Severity, Value};

pub(super) const CHECK: Check = Check {
    code: "null-in-critical-field",
    severity: Severity::Warning,
    message: "NULL in a field that the row is of little use without",
    advice: "fill in the values at the source, or name the critical fields yourself in audit.critical",
    finds: "NULLs in the columns that `audit.critical` names. Without that setting: in nullable columns of unique keys, in those whose names say e-mail, code, number or name, and, as a note, in those of foreign keys.",
    why: "A NULL that should not be there breaks a NOT NULL that somebody adds after the move, and applications that were spared it by luck.",
    how: How::Values(ValueCheck {
        applies: critical::severity,
        is_defect: |value, _| matches!(value, Value::Null),
        policy: None,
        tsql: tsql::null,
    }),
};
