//! How each column of a table stands in its BCP parts (formats.md §1.3), and the bytes of each type as values.
//!
//! Invariant: a layout is decided once a table and holds for all its parts. Where the files that we have seen do not
//! tell how a type is written, the type is an [`Ambiguity`] with a bounded number of options, and `probe` finds the
//! one that fits.
//!
//! To extend: a type is one line in [`column_layout`]; a doubt is a variant of [`Ambiguity`].

use super::bcp::Cause;
use mssql2pg_catalog::{Column, SqlType, Table, Value};

const DAY_TICKS: u64 = 864_000_000_000;
/// 9999-12-31 as days since 0001-01-01.
const LAST_DAY: i32 = 3_652_058;
/// Bytes of `time(7)`.
const FULL_TIME: usize = 5;

/// The layout of a table's rows: its stored columns in order.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) columns: Vec<ColumnLayout>,
}

/// The layout of one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ColumnLayout {
    pub(super) prefix: Prefix,
    /// Bytes of the value where there is no prefix.
    pub(super) width: usize,
    pub(super) nullable: bool,
    pub(super) decode: Decode,
}

/// Bytes of the length in front of a value; all ones is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    None,
    One,
    Two,
    Four,
    Eight,
}

/// How bytes become a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decode {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    Money,
    SmallMoney,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Date,
    Time(TimeForm),
    DateTime2(TimeForm),
    DateTimeOffset(TimeForm),
    DateTime,
    SmallDateTime,
    Guid,
    /// UTF-16LE of at most (or, where padded, exactly) so many bytes.
    Text {
        limit: u32,
        padded: bool,
    },
    /// UTF-16LE of any length.
    LongText,
    /// JSON in UTF-16LE or UTF-8, told apart by its first character.
    Json,
    /// Bytes, at most (or, where padded, exactly) so many.
    Bytes {
        limit: u32,
        padded: bool,
    },
    LongBytes,
    Variant,
}

/// How a time of day is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeForm {
    /// Digits after the second, as declared.
    pub(super) scale: u8,
    pub(super) unit: TimeUnit,
}

/// Two forms are reported for `time(n)`, `datetime2(n)` and `datetimeoffset(n)` with n below 7: formats.md §1.3 has
/// the declared one; exports with recent versions of SqlPackage are said to have the full one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeUnit {
    /// 10^-n s in 3, 4 or 5 bytes.
    Declared,
    /// 100 ns in 5 bytes, whatever n.
    Full,
    /// The prefix tells which: the widths differ.
    ByWidth,
    /// The widths are equal and nothing tells: only midnight is sure.
    Undecided,
}

/// What the files that we have seen leave open, each with its options; option 0 is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ambiguity {
    /// `char` NOT NULL: fixed without prefix (seen), or a prefix of 2.
    Char,
    /// `binary` NOT NULL: a prefix of 2 (documented for bcp), or fixed without prefix.
    Binary,
    /// `rowversion`: a prefix of 2 (seen), none, or 1.
    RowVersion,
    /// `smallmoney` NOT NULL: no prefix (as all numbers), or 1.
    SmallMoney,
    /// `smalldatetime` NOT NULL: no prefix (as all temporal types), or 1.
    SmallDateTime,
    /// `sql_variant`: a prefix of 8, 4, or 2.
    Variant,
    /// NOT NULL columns of an alias type over a number or time: as the base, or with a prefix of 1.
    Alias,
    /// `vector`, user CLR types: a prefix of 8, or 2.
    Opaque,
    /// Always Encrypted: ciphertext with a prefix of 2, 8, or 4.
    Encrypted,
    /// Times with a scale below 7: [`TimeUnit::Declared`] or [`TimeUnit::Full`].
    Time,
}

/// How many kinds of ambiguity there are.
pub(super) const AMBIGUITIES: [Ambiguity; 10] = [
    Ambiguity::Char,
    Ambiguity::Binary,
    Ambiguity::RowVersion,
    Ambiguity::SmallMoney,
    Ambiguity::SmallDateTime,
    Ambiguity::Variant,
    Ambiguity::Alias,
    Ambiguity::Opaque,
    Ambiguity::Encrypted,
    Ambiguity::Time,
];

impl Ambiguity {
    /// How many options it has.
    pub(super) fn options(self) -> u8 {
        match self {
            Self::RowVersion | Self::Variant | Self::Encrypted => 3,
            _ => 2,
        }
    }
}

/// One option for each ambiguity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Choices([u8; AMBIGUITIES.len()]);

impl Choices {
    /// The option chosen for this ambiguity.
    pub(super) fn of(self, ambiguity: Ambiguity) -> u8 {
        self.0[ambiguity as usize]
    }

    /// The same choices but for one.
    pub(super) fn with(mut self, ambiguity: Ambiguity, option: u8) -> Self {
        self.0[ambiguity as usize] = option;
        self
    }
}

/// The ambiguities that a table's columns have.
pub(super) fn ambiguities(table: &Table) -> Vec<Ambiguity> {
    let columns: Vec<_> = table.stored_columns().collect();
    AMBIGUITIES.into_iter().filter(|&one| columns.iter().any(|column| concerns(column, one))).collect()
}

fn concerns(column: &Column, ambiguity: Ambiguity) -> bool {
    let plain = Choices::default();
    let options = 1..ambiguity.options();
    let first = column_layout(column, plain);
    options.into_iter().any(|option| column_layout(column, plain.with(ambiguity, option)) != first)
}

/// The layout of a table under these choices.
pub(super) fn layout(table: &Table, choices: Choices) -> Layout {
    Layout { columns: table.stored_columns().map(|column| column_layout(column, choices)).collect() }
}

/// The table of formats.md §1.3.
fn column_layout(column: &Column, choices: Choices) -> ColumnLayout {
    let nullable = column.nullable;
    let text = |limit: u32, padded| Decode::Text { limit, padded };
    let pick = |ambiguity, options: [Prefix; 3]| options[usize::from(choices.of(ambiguity)).min(2)];
    let number = |width: usize, decode| {
        let aliased = column.alias.is_some() && choices.of(Ambiguity::Alias) == 1;
        let prefix = if nullable || aliased { Prefix::One } else { Prefix::None };
        ColumnLayout { prefix, width, nullable, decode }
    };
    let doubtful_number = |ambiguity, width: usize, decode| {
        let mut layout = number(width, decode);
        if choices.of(ambiguity) == 1 {
            layout.prefix = Prefix::One;
        }
        layout
    };
    let prefixed = |prefix, decode| ColumnLayout { prefix, width: 0, nullable, decode };
    if column.encrypted {
        let prefix = pick(Ambiguity::Encrypted, [Prefix::Two, Prefix::Eight, Prefix::Four]);
        return prefixed(prefix, Decode::LongBytes);
    }
    match &column.sql_type {
        SqlType::Bit => prefixed(Prefix::One, Decode::Bit),
        SqlType::TinyInt => number(1, Decode::TinyInt),
        SqlType::SmallInt => number(2, Decode::SmallInt),
        SqlType::Int => number(4, Decode::Int),
        SqlType::BigInt => number(8, Decode::BigInt),
        SqlType::Real => number(4, Decode::Real),
        SqlType::Float => number(8, Decode::Float),
        SqlType::Money => number(8, Decode::Money),
        SqlType::SmallMoney => doubtful_number(Ambiguity::SmallMoney, 4, Decode::SmallMoney),
        SqlType::Decimal { precision, scale } => {
            prefixed(Prefix::One, Decode::Decimal { precision: *precision, scale: *scale })
        }
        SqlType::Date => number(3, Decode::Date),
        SqlType::DateTime => number(8, Decode::DateTime),
        SqlType::SmallDateTime => doubtful_number(Ambiguity::SmallDateTime, 4, Decode::SmallDateTime),
        SqlType::Time { scale } => {
            let form = time_form(*scale, choices);
            number(form.width(), Decode::Time(form))
        }
        SqlType::DateTime2 { scale } => {
            let form = time_form(*scale, choices);
            number(form.width() + 3, Decode::DateTime2(form))
        }
        SqlType::DateTimeOffset { scale } => {
            let form = time_form(*scale, choices);
            number(form.width() + 5, Decode::DateTimeOffset(form))
        }
        SqlType::UniqueIdentifier => prefixed(Prefix::One, Decode::Guid),
        SqlType::RowVersion => {
            let prefix = pick(Ambiguity::RowVersion, [Prefix::Two, Prefix::None, Prefix::One]);
            ColumnLayout { prefix, width: 8, nullable, decode: Decode::Bytes { limit: 8, padded: true } }
        }
        SqlType::Char { length } => {
            let limit = u32::from(*length) * 2;
            let fixed = !nullable && choices.of(Ambiguity::Char) == 0;
            let prefix = if fixed { Prefix::None } else { Prefix::Two };
            ColumnLayout { prefix, width: limit as usize, nullable, decode: text(limit, false) }
        }
        SqlType::NChar { length } => prefixed(Prefix::Two, text(u32::from(*length) * 2, false)),
        SqlType::VarChar { length } | SqlType::NVarChar { length } => match length.0 {
            Some(length) => prefixed(Prefix::Two, text(u32::from(length) * 2, false)),
            None => prefixed(Prefix::Eight, Decode::LongText),
        },
        SqlType::Text | SqlType::NText => prefixed(Prefix::Four, Decode::LongText),
        SqlType::Image => prefixed(Prefix::Four, Decode::LongBytes),
        SqlType::Binary { length } => {
            let limit = u32::from(*length);
            let fixed = !nullable && choices.of(Ambiguity::Binary) == 1;
            let prefix = if fixed { Prefix::None } else { Prefix::Two };
            // NOT NULL binary is always padded; nullable is not with ANSI_PADDING OFF.
            ColumnLayout {
                prefix,
                width: limit as usize,
                nullable,
                decode: Decode::Bytes { limit, padded: !nullable },
            }
        }
        SqlType::VarBinary { length } => match length.0 {
            Some(length) => prefixed(Prefix::Two, Decode::Bytes { limit: u32::from(length), padded: false }),
            None => prefixed(Prefix::Eight, Decode::LongBytes),
        },
        SqlType::Xml => prefixed(Prefix::Eight, Decode::LongText),
        SqlType::Json => prefixed(Prefix::Eight, Decode::Json),
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => {
            prefixed(Prefix::Eight, Decode::LongBytes)
        }
        SqlType::SqlVariant => {
            prefixed(pick(Ambiguity::Variant, [Prefix::Eight, Prefix::Four, Prefix::Two]), Decode::Variant)
        }
        SqlType::Vector { .. } | SqlType::Unknown { .. } => {
            prefixed(pick(Ambiguity::Opaque, [Prefix::Eight, Prefix::Two, Prefix::Two]), Decode::LongBytes)
        }
    }
}

fn time_form(scale: u8, choices: Choices) -> TimeForm {
    let full = scale < 7 && choices.of(Ambiguity::Time) == 1;
    TimeForm { scale: scale.min(7), unit: if full { TimeUnit::Full } else { TimeUnit::Declared } }
}

impl ColumnLayout {
    /// The time form, if it is a column with a time of day.
    pub(super) fn time_form(&mut self) -> Option<&mut TimeForm> {
        match &mut self.decode {
            Decode::Time(form) | Decode::DateTime2(form) | Decode::DateTimeOffset(form) => Some(form),
            _ => None,
        }
    }
}

impl TimeForm {
    /// Bytes of the declared form.
    pub(super) fn declared_width(self) -> usize {
        match self.scale {
            0..=2 => 3,
            3..=4 => 4,
            _ => FULL_TIME,
        }
    }

    /// Whether the two forms have different widths.
    pub(super) fn width_tells(self) -> bool {
        self.declared_width() != FULL_TIME
    }

    fn width(self) -> usize {
        if self.unit == TimeUnit::Full { FULL_TIME } else { self.declared_width() }
    }

    /// 100 ns since midnight.
    #[inline]
    fn ticks(self, bytes: &[u8]) -> Result<u64, Cause> {
        let full = match self.unit {
            TimeUnit::Declared | TimeUnit::Undecided => false,
            TimeUnit::Full => true,
            TimeUnit::ByWidth => bytes.len() == FULL_TIME,
        };
        let expected = if full { FULL_TIME } else { self.declared_width() };
        if bytes.len() != expected {
            return Err(wrong_length());
        }
        let count = bytes.iter().rev().fold(0u64, |count, &byte| count << 8 | u64::from(byte));
        if self.unit == TimeUnit::Undecided && count != 0 {
            return Err(Cause::Unsupported(format!(
                "nothing tells whether this export counts a time of scale {} in units of 10^-{} s or of 100 ns",
                self.scale, self.scale
            )));
        }
        let unit = 10u64.pow(u32::from(7 - self.scale));
        if full && count % unit != 0 {
            return Err("the time has more digits than its column".into());
        }
        let ticks = if full { Some(count) } else { count.checked_mul(unit) };
        ticks.filter(|&ticks| ticks < DAY_TICKS).ok_or_else(|| "the time is past midnight".into())
    }
}

#[cold]
fn wrong_length() -> Cause {
    "its length does not fit its type".into()
}

/// The value's bytes as an array; a wrong length is the layout's or the file's fault.
#[inline]
fn fixed<const N: usize>(data: &[u8]) -> Result<[u8; N], Cause> {
    data.try_into().map_err(|_| wrong_length())
}

#[inline]
fn date(bytes: [u8; 3]) -> Result<i32, Cause> {
    let days = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    if days > LAST_DAY {
        return Err("the date is after the year 9999".into());
    }
    Ok(days)
}

impl Decode {
    /// The value that these bytes are. `sql_variant` is not decoded here: it needs memory of its own.
    #[inline(always)]
    pub(super) fn value(self, data: &[u8]) -> Result<Value<'_>, Cause> {
        Ok(match self {
            Self::Bit => match fixed(data)? {
                [bit @ 0..=1] => Value::Bit(bit == 1),
                _ => return Err("the bit is neither 0 nor 1".into()),
            },
            Self::TinyInt => Value::Int(u8::from_le_bytes(fixed(data)?).into()),
            Self::SmallInt => Value::Int(i16::from_le_bytes(fixed(data)?).into()),
            Self::Int => Value::Int(i32::from_le_bytes(fixed(data)?).into()),
            Self::BigInt => Value::Int(i64::from_le_bytes(fixed(data)?)),
            Self::Real => Value::Real(f32::from_le_bytes(fixed(data)?)),
            Self::Float => Value::Float(f64::from_le_bytes(fixed(data)?)),
            Self::Money => Value::Money(money(fixed(data)?)),
            Self::SmallMoney => Value::Money(i32::from_le_bytes(fixed(data)?).into()),
            Self::Decimal { precision, scale } => decimal(data, precision, scale)?,
            Self::Date => Value::Date(date(fixed(data)?)?),
            Self::Time(form) => Value::Time(form.ticks(data)?),
            Self::DateTime2(form) => {
                let (time, days) = data.split_last_chunk().ok_or_else(wrong_length)?;
                Value::DateTime2 { days: date(*days)?, ticks: form.ticks(time)? }
            }
            Self::DateTimeOffset(form) => {
                let (data, offset) = data.split_last_chunk().ok_or_else(wrong_length)?;
                let (time, days) = data.split_last_chunk().ok_or_else(wrong_length)?;
                let offset_minutes = i16::from_le_bytes(*offset);
                if !(-840..=840).contains(&offset_minutes) {
                    return Err("the offset is more than 14 hours".into());
                }
                Value::DateTimeOffset { days: date(*days)?, ticks: form.ticks(time)?, offset_minutes }
            }
            Self::DateTime => datetime(fixed(data)?)?,
            Self::SmallDateTime => smalldatetime(fixed(data)?)?,
            Self::Guid => Value::Guid(data.try_into().map_err(|_| wrong_length())?),
            Self::Text { limit, padded } => {
                if data.len() > limit as usize || (padded && data.len() != limit as usize) {
                    return Err(wrong_length());
                }
                utf16(data)?
            }
            Self::LongText => utf16(data)?,
            Self::Json => match data {
                // JSON begins with an ASCII character: in UTF-16LE its second byte is 0, in UTF-8 no byte is.
                [] | [_, 0, ..] => utf16(data)?,
                _ if std::str::from_utf8(data).is_ok() => Value::Utf8(data),
                _ => return Err("the JSON is neither UTF-16 nor UTF-8".into()),
            },
            Self::Bytes { limit, padded } => {
                if data.len() > limit as usize || (padded && data.len() != limit as usize) {
                    return Err(wrong_length());
                }
                Value::Bytes(data)
            }
            Self::LongBytes => Value::Bytes(data),
            Self::Variant => return Err("a sql_variant inside a sql_variant".into()),
        })
    }
}

#[inline]
fn utf16(data: &[u8]) -> Result<Value<'_>, Cause> {
    if !data.len().is_multiple_of(2) {
        return Err("its text has an odd number of bytes".into());
    }
    Ok(Value::Utf16(data))
}

/// High half first: TDS order (MS-TDS 2.2.5.5.1.4).
#[inline]
pub(super) fn money(bytes: [u8; 8]) -> i64 {
    let [a, b, c, d, e, f, g, h] = bytes;
    i64::from_le_bytes([e, f, g, h, a, b, c, d])
}

/// precision, scale, sign (1 is positive), magnitude.
#[inline]
fn decimal(data: &[u8], precision: u8, scale: u8) -> Result<Value<'_>, Cause> {
    let ([stored_precision, stored_scale, sign], magnitude) =
        data.split_first_chunk().ok_or_else(wrong_length)?;
    if (*stored_precision, *stored_scale) != (precision, scale) {
        return Err("its precision and scale are not the column's".into());
    }
    if *sign > 1 {
        return Err("its sign is neither 0 nor 1".into());
    }
    let magnitude: &[u8; 16] = magnitude.try_into().map_err(|_| wrong_length())?;
    Ok(Value::Decimal { magnitude, scale, negative: *sign == 0 })
}

/// Days since 1900, then 1/300 s: TDS order, not that of pages.
#[inline]
pub(super) fn datetime(bytes: [u8; 8]) -> Result<Value<'static>, Cause> {
    let [a, b, c, d, e, f, g, h] = bytes;
    let days = i32::from_le_bytes([a, b, c, d]);
    let ticks = u32::from_le_bytes([e, f, g, h]);
    // 1753-01-01 to 9999-12-31; 300 ticks a second.
    if !(-53_690..=2_958_463).contains(&days) || ticks >= 25_920_000 {
        return Err("the datetime is out of its range".into());
    }
    Ok(Value::DateTime { days, ticks })
}

/// Days since 1900, then minutes.
#[inline]
pub(super) fn smalldatetime(bytes: [u8; 4]) -> Result<Value<'static>, Cause> {
    /// 1900-01-01 as days since 0001-01-01.
    const YEAR_1900: i32 = 693_595;
    let [a, b, c, d] = bytes;
    let minutes = u16::from_le_bytes([c, d]);
    if minutes >= 1440 {
        return Err("the smalldatetime is out of its range".into());
    }
    let days = YEAR_1900 + i32::from(u16::from_le_bytes([a, b]));
    Ok(Value::DateTime2 { days, ticks: u64::from(minutes) * 600_000_000 })
}
