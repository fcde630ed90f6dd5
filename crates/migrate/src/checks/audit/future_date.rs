//! Records dated in the future, where a name does not say that the future is meant.
//!
//! 9999-12-31 means "no end" by custom and is left alone.

use super::{ColumnCheck, Moment, words};
use mssql2pg_catalog::{Severity, SqlType, Value};

/// Words that say that a date may lie ahead.
const AHEAD: &[&str] = &[
    "due",
    "expiry",
    "expires",
    "expiration",
    "expired",
    "exp",
    "end",
    "ends",
    "valid",
    "until",
    "to",
    "required",
    "planned",
    "scheduled",
    "next",
    "renewal",
    "deadline",
    "target",
    "eta",
    "expected",
    "maturity",
    "termination",
    "delivery",
    "available",
    "discontinued",
    "sell",
];

pub(super) const CHECK: ColumnCheck = ColumnCheck {
    code: "future-date",
    severity: Severity::Warning,
    message: "dated after the audit",
    advice: "correct the dates at the source; they are migrated as they are",
    applies: |_, column, _| {
        let is_date = matches!(
            column.sql_type,
            SqlType::Date
                | SqlType::DateTime
                | SqlType::SmallDateTime
                | SqlType::DateTime2 { .. }
                | SqlType::DateTimeOffset { .. }
        );
        is_date && !words(&column.name).iter().any(|word| AHEAD.contains(&word.as_str()))
    },
    is_defect: |value, moment| lies_ahead(value, moment),
    policy: None,
};

/// Days from 0001-01-01 to 1900-01-01, to 9999-01-01.
const DAYS_TO_1900: i32 = 693_595;
const DAYS_TO_9999: i32 = 3_651_694;

/// A local time may be up to 14 hours ahead of UTC, so only what is later than that is in the future
/// everywhere.
const HOURS_AHEAD_TICKS: u64 = 14 * 3_600 * 10_000_000;

fn lies_ahead(value: &Value<'_>, moment: &Moment) -> bool {
    let (days, ticks) = match *value {
        Value::Date(days) => (days, 0),
        Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => (days, ticks),
        Value::DateTime { days, ticks } => {
            (days.saturating_add(DAYS_TO_1900), u64::from(ticks) * 100_000 / 3)
        }
        _ => return false,
    };
    const DAY_TICKS: u64 = 24 * 3_600 * 10_000_000;
    let limit = moment.ticks + HOURS_AHEAD_TICKS;
    let limit = (moment.days + i32::from(limit >= DAY_TICKS), limit % DAY_TICKS);
    (days, ticks) > limit && days < DAYS_TO_9999
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_later_everywhere_on_earth_lies_ahead() {
        // 2026-01-01 12:00 UTC.
        let moment = Moment { days: 739_616, ticks: 12 * 3_600 * 10_000_000 };
        assert!(!lies_ahead(&Value::Date(739_616), &moment));
        assert!(!lies_ahead(&Value::DateTime2 { days: 739_617, ticks: 0 }, &moment));
        assert!(lies_ahead(&Value::DateTime2 { days: 739_617, ticks: 3 * 3_600 * 10_000_000 }, &moment));
        assert!(lies_ahead(&Value::Date(760_000), &moment));
        assert!(lies_ahead(&Value::DateTime { days: 760_000 - DAYS_TO_1900, ticks: 0 }, &moment));
        assert!(!lies_ahead(&Value::Date(3_652_058), &moment), "9999-12-31 means no end");
        assert!(!lies_ahead(&Value::Null, &moment));
    }
}
