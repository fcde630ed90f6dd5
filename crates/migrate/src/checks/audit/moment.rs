//! The moment of the audit, in the units of values.

use jiff::Timestamp;

/// The moment of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Days since 0001-01-01, UTC.
    pub days: i32,
    /// 100 ns since midnight, UTC.
    pub ticks: u64,
}

/// Days from 0001-01-01 to 1970-01-01.
const UNIX_EPOCH_DAYS: i64 = 719_162;
const SECONDS_A_DAY: i64 = 86_400;

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let seconds = Timestamp::now().as_second();
        let days = seconds.div_euclid(SECONDS_A_DAY) + UNIX_EPOCH_DAYS;
        Self {
            days: i32::try_from(days).unwrap_or(i32::MAX),
            ticks: u64::try_from(seconds.rem_euclid(SECONDS_A_DAY)).unwrap_or(0) * 10_000_000,
        }
    }
}
