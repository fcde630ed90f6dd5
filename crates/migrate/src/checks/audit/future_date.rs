//! Records dated in the future, where a name does not say that the future is meant.
//!
//! 9999-12-31 means "no end" by custom and is left alone.

use super::names::words;
use super::values::{date_of, is_date};
use super::{Check, How, Moment, ValueCheck, tsql};
use mssql2pg_catalog::{Severity, Value};

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

pub(super) const CHECK: Check = Check {
    code: "future-date",
    severity: Severity::Warning,
    message: "dated after the audit",
    advice: "correct the dates at the source; they are migrated as they are",
    finds: "Dates later than the audit itself, anywhere on earth, in columns whose names do not say that the future is meant (expiry, due, valid to, end, planned …). Dates in the year 9999 mean no end and are left to `sentinel-date`.",
    why: "They are mistyped years, clocks that were wrong, or two-digit years. Reports, partitions and jobs that look for the newest rows find these first.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| {
            let ahead = words(&column.name).iter().any(|word| AHEAD.contains(&word.as_str()));
            (is_date(&column.sql_type) && !ahead).then_some(CHECK.severity)
        },
        is_defect: |value, looked| lies_ahead(value, &looked.moment),
        policy: None,
        tsql: tsql::future_date,
    }),
};

/// Days from 0001-01-01 to 9999-01-01.
const DAYS_TO_9999: i32 = 3_651_694;

/// A local time may be up to 14 hours ahead of UTC, so only what is later than that is in the future
/// everywhere.
const HOURS_AHEAD_TICKS: u64 = 14 * 3_600 * 10_000_000;

fn lies_ahead(value: &Value<'_>, moment: &Moment) -> bool {
    let Some((days, ticks)) = date_of(value) else { return false };
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
        assert!(lies_ahead(&Value::DateTime { days: 760_000 - 693_595, ticks: 0 }, &moment));
        assert!(!lies_ahead(&Value::Date(3_652_058), &moment), "9999-12-31 means no end");
        assert!(!lies_ahead(&Value::Null, &moment));
    }
}
