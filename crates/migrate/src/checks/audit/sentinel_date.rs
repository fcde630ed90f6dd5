//! Dates that stand for "unknown" or "no end".

use super::values::{date_of, is_date};
use super::{Check, How, ValueCheck, tsql};
use mssql2pg_catalog::{Severity, Value};

pub(super) const CHECK: Check = Check {
    code: "sentinel-date",
    severity: Severity::Info,
    message: "dates that stand for unknown or for no end: 1753-01-01, 1900-01-01 or 9999-12-31",
    advice: "nothing has to be done; NULL, 'infinity' or a range type say the same in PostgreSQL",
    finds: "1753-01-01 and 1900-01-01 at midnight, and 9999-12-31 at any time, in columns with a date. They are reported here and not as dates in the future.",
    why: "They are carried over as they are. In PostgreSQL they take part in statistics and comparisons like any other date, and an `interval` to them is thousands of years.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| is_date(&column.sql_type).then_some(CHECK.severity),
        is_defect: |value, _| is_sentinel(value),
        policy: None,
        tsql: tsql::sentinel_date,
    }),
};

/// Days since 0001-01-01 of 1753-01-01, 1900-01-01 and 9999-12-31.
const FIRST_OF_1753: i32 = 639_905;
const FIRST_OF_1900: i32 = 693_595;
const LAST_OF_9999: i32 = 3_652_058;

fn is_sentinel(value: &Value<'_>) -> bool {
    match date_of(value) {
        Some((FIRST_OF_1753 | FIRST_OF_1900, ticks)) => ticks == 0,
        Some((days, _)) => days == LAST_OF_9999,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_that_mean_something_else_are_told_from_dates() {
        let days = |year, month, day| {
            date(1, 1, 1).until((jiff::Unit::Day, date(year, month, day))).unwrap().get_days()
        };
        assert_eq!(
            [days(1753, 1, 1), days(1900, 1, 1), days(9999, 12, 31)],
            [FIRST_OF_1753, FIRST_OF_1900, LAST_OF_9999]
        );
        assert!(is_sentinel(&Value::Date(FIRST_OF_1900)));
        assert!(is_sentinel(&Value::DateTime { days: 0, ticks: 0 }));
        // A time of day without a date.
        assert!(!is_sentinel(&Value::DateTime { days: 0, ticks: 300 }));
        assert!(is_sentinel(&Value::DateTime2 { days: LAST_OF_9999, ticks: 863_999_999_999 }));
        assert!(!is_sentinel(&Value::Date(FIRST_OF_1900 + 1)));
        assert!(!is_sentinel(&Value::Null));
    }
}
