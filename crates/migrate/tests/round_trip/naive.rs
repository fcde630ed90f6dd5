//! The other way to the same values: strings and digits, slow and plain.
//!
//! Invariant: nothing here calls the product. A decimal is a string of digits, a date is found by counting years.

use std::sync::OnceLock;

/// A generator of numbers that are the same in every run (xorshift64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The lowest bits of a plain xorshift are its weakest.
        self.0.rotate_left(23) ^ self.0
    }

    /// 0 to `bound` - 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    pub(crate) fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.bits() as u8).collect()
    }

    /// Decimal digits, often with runs of zeros.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        let zeros = self.one_in(4);
        let digit = |random: &mut Self| match zeros && !random.one_in(5) {
            true => '0',
            false => char::from(b'0' + random.below(10) as u8),
        };
        (0..count).map(|_| digit(self)).collect()
    }
}

/// A float, and how to know it in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parsed {
    Single(f32),
    Double(f64),
}

impl Parsed {
    /// Whether the text reads as the same bits. A NaN has no sign and no payload in a text.
    pub(crate) fn equals(self, text: &str) -> bool {
        match self {
            Self::Single(float) if float.is_nan() => text == "NaN",
            Self::Double(float) if float.is_nan() => text == "NaN",
            Self::Single(float) => text.parse().is_ok_and(|found: f32| found.to_bits() == float.to_bits()),
            Self::Double(float) => text.parse().is_ok_and(|found: f64| found.to_bits() == float.to_bits()),
        }
    }
}

/// A string of digits as 128 bits, little-endian: times ten, plus the digit, byte by byte.
pub(crate) fn magnitude(digits: &str) -> [u8; 16] {
    let mut bytes = [0u8; 16];
    for digit in digits.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in &mut bytes {
            let value = u32::from(*byte) * 10 + carry;
            *byte = (value % 256) as u8;
            carry = value / 256;
        }
        assert_eq!(carry, 0, "more than 128 bits");
    }
    bytes
}

/// Digits with a point before the last `scale` of them, and a sign unless it is zero.
pub(crate) fn decimal_text(digits: &str, scale: usize, negative: bool) -> String {
    let mut digits = digits.trim_start_matches('0').to_owned();
    while digits.len() < scale + 1 {
        digits.insert(0, '0');
    }
    let zero = digits.bytes().all(|digit| digit == b'0');
    if scale > 0 {
        digits.insert(digits.len() - scale, '.');
    }
    if negative && !zero { format!("-{digits}") } else { digits }
}

/// A sum of numbers that have one scale, on paper.
#[derive(Default)]
pub(crate) struct Sum {
    above: Vec<u8>,
    below: Vec<u8>,
}

impl Sum {
    pub(crate) fn add(&mut self, digits: &str, negative: bool) {
        let side = if negative { &mut self.below } else { &mut self.above };
        let mut carry = 0;
        let mut place = 0;
        let mut digits = digits.bytes().rev();
        loop {
            let digit = digits.next();
            if digit.is_none() && carry == 0 {
                break;
            }
            if side.len() == place {
                side.push(0);
            }
            let value = side[place] + digit.map_or(0, |digit| digit - b'0') + carry;
            side[place] = value % 10;
            carry = value / 10;
            place += 1;
        }
    }

    pub(crate) fn text(&self, scale: usize) -> String {
        let written = |side: &[u8]| {
            let text: String = side.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
            text.trim_start_matches('0').to_owned()
        };
        let (above, below) = (written(&self.above), written(&self.below));
        let is_negative = (below.len(), &below) > (above.len(), &above);
        let (more, less) = if is_negative { (below, above) } else { (above, below) };
        let mut digits = Vec::new();
        let mut borrow = 0;
        let mut less = less.bytes().rev();
        for digit in more.bytes().rev() {
            let value =
                i16::from(digit - b'0') - less.next().map_or(0, |digit| i16::from(digit - b'0')) - borrow;
            borrow = i16::from(value < 0);
            digits.push(char::from(b'0' + (value + 10 * borrow) as u8));
        }
        decimal_text(&digits.iter().rev().collect::<String>(), scale, is_negative)
    }
}

/// A local moment in the years 0 (for an instant in UTC) to 10000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) day: i32,
    pub(crate) hour: i32,
    pub(crate) minute: i32,
    pub(crate) second: i32,
    /// 100 ns, below 10,000,000.
    pub(crate) ticks: u32,
}

pub(crate) const FIRST: Moment =
    Moment { year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0, ticks: 0 };
pub(crate) const LAST: Moment =
    Moment { year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59, ticks: 9_999_999 };

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn month_days(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The first day of each year from 0 on, counted from 0001-01-01.
fn years() -> &'static [i32] {
    static YEARS: OnceLock<Vec<i32>> = OnceLock::new();
    YEARS.get_or_init(|| {
        let mut starts = vec![-366];
        for year in 0..=10_000 {
            let length = if is_leap(year) { 366 } else { 365 };
            starts.push(starts[starts.len() - 1] + length);
        }
        starts
    })
}

impl Moment {
    pub(crate) fn random(random: &mut Random) -> Self {
        let year = if random.one_in(2) { random.between(1, 9999) } else { random.between(1990, 2030) } as i32;
        let month = random.between(1, 12) as i32;
        Self {
            year,
            month,
            day: random.between(1, i64::from(month_days(year, month))) as i32,
            hour: random.between(0, 23) as i32,
            minute: random.between(0, 59) as i32,
            second: random.between(0, 59) as i32,
            ticks: random.below(10_000_000) as u32,
        }
    }

    /// With zeros for the digits of the fraction that a type of this scale does not have.
    pub(crate) fn with_scale(self, scale: u8) -> Self {
        let mut digits = format!("{:07}", self.ticks);
        digits.truncate(usize::from(scale));
        let digits = format!("{digits:0<7}");
        Self { ticks: digits.parse().expect("digits"), ..self }
    }

    /// Days since 0001-01-01.
    pub(crate) fn days(self) -> i32 {
        let months: i32 = (1..self.month).map(|month| month_days(self.year, month)).sum();
        years()[self.year as usize] + months + self.day - 1
    }

    /// 100 ns since midnight.
    pub(crate) fn day_ticks(self) -> u64 {
        let seconds = self.second + 60 * (self.minute + 60 * self.hour);
        seconds as u64 * 10_000_000 + u64::from(self.ticks)
    }

    /// So many minutes later or earlier, minute by minute.
    pub(crate) fn plus_minutes(mut self, minutes: i32) -> Self {
        for _ in 0..minutes.abs() {
            self = if minutes > 0 { self.next_minute() } else { self.previous_minute() };
        }
        self
    }

    fn next_minute(mut self) -> Self {
        self.minute += 1;
        if self.minute == 60 {
            (self.minute, self.hour) = (0, self.hour + 1);
        }
        if self.hour == 24 {
            (self.hour, self.day) = (0, self.day + 1);
        }
        if self.day > month_days(self.year, self.month) {
            (self.day, self.month) = (1, self.month + 1);
        }
        if self.month == 13 {
            (self.month, self.year) = (1, self.year + 1);
        }
        self
    }

    fn previous_minute(mut self) -> Self {
        self.minute -= 1;
        if self.minute < 0 {
            (self.minute, self.hour) = (59, self.hour - 1);
        }
        if self.hour < 0 {
            (self.hour, self.day) = (23, self.day - 1);
        }
        if self.day == 0 {
            self.month -= 1;
            if self.month == 0 {
                (self.month, self.year) = (12, self.year - 1);
            }
            self.day = month_days(self.year, self.month);
        }
        self
    }

    /// `2020-01-31`; the year 0 is written as 1 BC, whose mark comes last.
    pub(crate) fn date_text(self) -> String {
        let year = if self.year == 0 { 1 } else { self.year };
        format!("{year:04}-{:02}-{:02}", self.month, self.day)
    }

    /// `12:00:00.5`: `digits` of the fraction at most, the rest cut off, no zeros at the end.
    pub(crate) fn time_text(self, digits: usize) -> String {
        let mut fraction = format!("{:07}", self.ticks);
        fraction.truncate(digits);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{:02}:{:02}:{:02}{point}{fraction}", self.hour, self.minute, self.second)
    }

    pub(crate) fn text(self, digits: usize) -> String {
        format!("{} {}", self.date_text(), self.time_text(digits))
    }

    /// As PostgreSQL writes an instant to a session in UTC.
    pub(crate) fn utc_text(self, digits: usize) -> String {
        format!("{}+00{}", self.text(digits), if self.year == 0 { " BC" } else { "" })
    }
}

/// `\x00ff`.
pub(crate) fn hex_text(bytes: &[u8]) -> String {
    format!("\\x{}", hex(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A JSON string as PostgreSQL writes it.
pub(crate) fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A GUID of SQL Server: which of its bytes stands where in the text.
pub(crate) fn guid_text(guid: &[u8; 16]) -> String {
    let mut text = String::new();
    for (place, byte) in [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].into_iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", guid[byte]));
    }
    text
}
