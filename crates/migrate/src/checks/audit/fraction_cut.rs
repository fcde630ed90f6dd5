//! The seventh digit of a second's fraction, which PostgreSQL does not have.

use super::{Check, How, ValueCheck, tsql};
use mssql2pg_catalog::{Severity, SqlType, Value};

pub(super) const CHECK: Check = Check {
    code: "fraction-cut",
    severity: Severity::Info,
    message: "times with a seventh digit of a second's fraction, which will be cut",
    advice: "nothing, if microseconds are enough; the loss ledger counts each of them",
    finds: "Values of `time(7)`, `datetime2(7)` and `datetimeoffset(7)` whose last digit, 100 nanoseconds, is not 0.",
    why: "PostgreSQL keeps microseconds. The digit is cut, never rounded into the next second; two times that differ only in it become equal.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| {
            let has_it = matches!(
                column.sql_type,
                SqlType::Time { scale: 7 }
                    | SqlType::DateTime2 { scale: 7 }
                    | SqlType::DateTimeOffset { scale: 7 }
            );
            has_it.then_some(CHECK.severity)
        },
        is_defect: |value, _| match *value {
            Value::Time(ticks) | Value::DateTime2 { ticks, .. } | Value::DateTimeOffset { ticks, .. } => {
                ticks % 10 != 0
            }
            _ => false,
        },
        policy: None,
        tsql: tsql::fraction_cut,
    }),
};
