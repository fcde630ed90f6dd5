//! Measures of the source's decoded values.
//!
//! Invariant: no code of `encode` is used here: the two must be able to disagree.

use super::number::{ExactSum, number_text};
use encoding_rs::{DecoderResult, Encoding};
use mssql2pg_catalog::{ColumnMeasures, Measure, MeasureKind, Table, TableMeasures, Value};

/// Days from 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: i64 = 693_595;
const MICROS_A_DAY: i128 = 86_400_000_000;
/// Characters from here on are left out of [`Measure::Heads`] and [`Measure::Tails`]: engines see surrogates or whole
/// characters.
const FIRST_SURROGATE: u16 = 0xD800;
/// The number of UTF-8 as a code page.
const UTF_8: u16 = 65_001;

/// Measures a table while its rows pass. Call [`MeasureRows::value`] for each stored column in order, then
/// [`MeasureRows::end_row`].
#[derive(Debug, Clone)]
pub struct MeasureRows {
    columns: Vec<ColumnState>,
    column: usize,
    rows: u64,
}

#[derive(Debug, Clone)]
struct ColumnState {
    kind: MeasureKind,
    nulls: u64,
    values: u64,
    least: i128,
    most: i128,
    least_float: f64,
    most_float: f64,
    /// The sum, the lengths, or how many.
    sum: ExactSum,
    /// The lengths of text in UTF-8.
    bytes: ExactSum,
    /// Of floats, the sum of their bits.
    heads: ExactSum,
    tails: ExactSum,
    /// A value came in a form that its type does not have: then nothing is measured.
    odd: bool,
}

impl ColumnState {
    fn new(kind: MeasureKind) -> Self {
        Self {
            kind,
            nulls: 0,
            values: 0,
            least: i128::MAX,
            most: i128::MIN,
            least_float: f64::INFINITY,
            most_float: f64::NEG_INFINITY,
            sum: ExactSum::default(),
            bytes: ExactSum::default(),
            heads: ExactSum::default(),
            tails: ExactSum::default(),
            odd: false,
        }
    }

    #[inline]
    fn number(&mut self, number: i128) {
        self.least = self.least.min(number);
        self.most = self.most.max(number);
        self.sum.add(number);
    }

    fn float(&mut self, number: f64) {
        // SQL Server has no such number, and engines do not agree about its place.
        self.odd |= number.is_nan();
        // Adding 0 makes 0 of -0.
        let number = number + 0.0;
        self.least_float = self.least_float.min(number);
        self.most_float = self.most_float.max(number);
        self.sum.add(i128::from(number != 0.0));
        let bits = if self.kind == MeasureKind::Real {
            i64::from(real_bits(number).cast_signed())
        } else {
            number.to_bits().cast_signed()
        };
        self.heads.add(i128::from(bits));
    }

    fn ends(&mut self, length: usize, head: u32, tail: u32) {
        self.sum.add(i128::try_from(length).unwrap_or(i128::MAX));
        self.heads.add(i128::from(head));
        self.tails.add(i128::from(tail));
    }

    fn utf16(&mut self, bytes: &[u8]) {
        let (mut units, rest) = bytes.as_chunks::<2>();
        self.odd |= !rest.is_empty();
        if self.kind == MeasureKind::PaddedText {
            while let [before @ .., [b' ', 0]] = units {
                units = before;
            }
        }
        let unit = |unit: Option<&[u8; 2]>| unit.map_or(0, |unit| u16::from_le_bytes(*unit));
        let bytes = utf8_length(units.iter().map(|unit| u16::from_le_bytes(*unit)));
        self.units(units.len(), bytes, unit(units.first()), unit(units.last()));
    }

    /// A first or last unit that is a surrogate belongs to a character beyond them.
    #[inline]
    fn units(&mut self, length: usize, bytes: usize, first: u16, last: u16) {
        let plain = |unit: u16| if unit < FIRST_SURROGATE { u32::from(unit) } else { 0 };
        self.bytes.add(i128::try_from(bytes).unwrap_or(i128::MAX));
        self.ends(length, plain(first), plain(last));
    }

    fn ascii(&mut self, bytes: &[u8]) {
        let byte = |byte: Option<&u8>| byte.map_or(0, |byte| u16::from(*byte));
        self.units(bytes.len(), bytes.len(), byte(bytes.first()), byte(bytes.last()));
    }

    fn utf8(&mut self, bytes: &[u8]) {
        let bytes = self.unpadded(bytes);
        if bytes.is_ascii() {
            return self.ascii(bytes);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.odd = true;
            return;
        };
        let unit = |letter: Option<char>| letter.map_or(0, |letter| letter.encode_utf16(&mut [0; 2])[0]);
        let units = text.chars().map(char::len_utf16).sum();
        self.units(units, bytes.len(), unit(text.chars().next()), unit(text.chars().next_back()));
    }

    fn page(&mut self, bytes: &[u8], page: u16) {
        if page == UTF_8 {
            return self.utf8(bytes);
        }
        // Every page of Windows has ASCII below 128, and in none is a blank part of another character.
        let bytes = self.unpadded(bytes);
        if bytes.is_ascii() {
            return self.ascii(bytes);
        }
        match encoding(page).filter(|_| !is_of_users(page, bytes)).and_then(|page| units_of(page, bytes)) {
            Some(Units { length, bytes, first, last }) => self.units(length, bytes, first, last),
            // Bytes that the page does not define, or that this witness cannot read.
            None => self.odd = true,
        }
    }

    fn unpadded<'a>(&self, mut bytes: &'a [u8]) -> &'a [u8] {
        if self.kind == MeasureKind::PaddedText {
            while let [before @ .., b' '] = bytes {
                bytes = before;
            }
        }
        bytes
    }

    /// A number that comes with another scale than its column's is the same if only zeros are missing or too many.
    #[inline]
    fn scaled(&mut self, number: i128, own: u8, scale: u8) {
        if own == scale {
            return self.number(number);
        }
        let number = 10_i128.checked_pow(u32::from(own.abs_diff(scale))).and_then(|factor| {
            if own < scale {
                number.checked_mul(factor)
            } else {
                (number % factor == 0).then_some(number / factor)
            }
        });
        match number {
            Some(number) => self.number(number),
            None => self.odd = true,
        }
    }

    fn take(&mut self, value: Value<'_>) {
        use MeasureKind as Kind;
        self.values += 1;
        match (self.kind, value) {
            (_, Value::Null) => {
                self.values -= 1;
                self.nulls += 1;
            }
            (Kind::Presence, _) => {}
            (Kind::Flag, Value::Bit(flag)) => self.sum.add(i128::from(flag)),
            (Kind::Number { scale }, Value::Int(number)) => self.scaled(i128::from(number), 0, scale),
            (Kind::Number { scale }, Value::Money(number)) => self.scaled(i128::from(number), 4, scale),
            (Kind::Number { scale }, Value::Decimal { magnitude, scale: own, negative }) => {
                match i128::try_from(u128::from_le_bytes(*magnitude)) {
                    Ok(number) => self.scaled(if negative { -number } else { number }, own, scale),
                    Err(_) => self.odd = true,
                }
            }
            (Kind::Real, Value::Real(number)) => self.float(f64::from(number)),
            (Kind::Float, Value::Float(number)) => self.float(number),
            (Kind::Date, Value::Date(days)) => self.number(i128::from(days)),
            (Kind::Time, Value::Time(ticks)) => self.number(i128::from(ticks / 10)),
            (Kind::Moment, Value::DateTime2 { days, ticks })
            | (Kind::Instant, Value::DateTimeOffset { days, ticks, .. }) => {
                self.number(i128::from(days) * MICROS_A_DAY + i128::from(ticks / 10));
            }
            (Kind::Moment, Value::DateTime { days, ticks }) => {
                // Thirds of hundredths of a second, shown as .000, .003 and .007 ("datetime (Transact-SQL)").
                let thirds = [0, 3, 7];
                let place = usize::try_from(ticks % 3).unwrap_or_default();
                let millis = i128::from(ticks / 3) * 10 + thirds.get(place).copied().unwrap_or_default();
                self.number((i128::from(days) + i128::from(DAYS_TO_1900)) * MICROS_A_DAY + millis * 1000);
            }
            (Kind::Text | Kind::PaddedText, Value::Utf16(bytes)) => self.utf16(bytes),
            (Kind::Text | Kind::PaddedText, Value::Utf8(bytes)) => self.utf8(bytes),
            (Kind::Text | Kind::PaddedText, Value::CodePage(bytes, page)) => self.page(bytes, page.0),
            (Kind::Bytes, Value::Bytes(bytes)) => {
                let byte = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(*byte));
                self.ends(bytes.len(), byte(bytes.first()), byte(bytes.last()));
            }
            (Kind::Guid, Value::Guid(guid)) => {
                // SQL Server keeps the first three groups little-endian, the others as they are written.
                let [_, _, _, first, _, second, _, third, fourth, .., last] = *guid;
                self.ends(
                    0,
                    u32::from_be_bytes([0, first, second, third]),
                    u32::from_be_bytes([0, 0, fourth, last]),
                );
            }
            _ => self.odd = true,
        }
    }

    fn measured(&self, measure: Measure) -> Option<String> {
        use MeasureKind as Kind;
        let has_values = self.values > 0;
        let scale = match self.kind {
            Kind::Number { scale } => scale,
            _ => 0,
        };
        match (measure, self.kind) {
            (Measure::Minimum, Kind::Float) => has_values.then(|| float_text(self.least_float)),
            (Measure::Maximum, Kind::Float) => has_values.then(|| float_text(self.most_float)),
            (Measure::Minimum, Kind::Real) => has_values.then(|| real_text(self.least_float)),
            (Measure::Maximum, Kind::Real) => has_values.then(|| real_text(self.most_float)),
            (Measure::Minimum, _) => has_values.then(|| number_text(self.least, scale)),
            (Measure::Maximum, _) => has_values.then(|| number_text(self.most, scale)),
            (Measure::Sum, Kind::Float | Kind::Real) => has_values.then(|| self.heads.text(0)),
            (Measure::Sum, _) => has_values.then(|| self.sum.text(scale)),
            (Measure::True | Measure::NotZero | Measure::Length, _) => Some(self.sum.text(0)),
            (Measure::Utf8Length, _) => Some(self.bytes.text(0)),
            (Measure::Heads, _) => Some(self.heads.text(0)),
            (Measure::Tails, _) => Some(self.tails.text(0)),
        }
    }
}

/// The bits of a `double precision`, as `float8send` shows them.
fn float_text(number: f64) -> String {
    format!("{:016x}", number.to_bits())
}

/// The bits of a `real`, as `float4send` shows them.
fn real_text(number: f64) -> String {
    format!("{:08x}", real_bits(number))
}

#[expect(clippy::cast_possible_truncation, reason = "it came from a real")]
fn real_bits(number: f64) -> u32 {
    (number as f32).to_bits()
}

/// The page's decoder; the pages that `encoding_rs` does not have are left to the first witness.
fn encoding(page: u16) -> Option<&'static Encoding> {
    Some(match page {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        _ => return None,
    })
}

/// Whether a pair of bytes stands for a character that users may define, or may: there the decoders, which follow the
/// web, and Windows do not agree, and this witness says nothing.
fn is_of_users(page: u16, bytes: &[u8]) -> bool {
    let differs: fn(u8, u8) -> bool = match page {
        936 => |lead, trail| (lead, trail) == (0xA3, 0xA0),
        949 => |lead, _| matches!(lead, 0xC9 | 0xFE),
        950 => |lead, trail| {
            matches!(lead, 0x81..=0xA0 | 0xC6..=0xC8 | 0xFA..=0xFE) || (lead, trail) == (0xF9, 0xFE)
        },
        _ => return false,
    };
    let mut rest = bytes;
    while let [lead, after @ ..] = rest {
        rest = after;
        if let [trail, after @ ..] = rest
            && *lead > 0x80
        {
            if differs(*lead, *trail) {
                return true;
            }
            rest = after;
        }
    }
    false
}

/// What is measured of a text.
struct Units {
    /// In UTF-16 units.
    length: usize,
    /// In bytes of UTF-8.
    bytes: usize,
    first: u16,
    last: u16,
}

/// How many bytes UTF-16 takes in UTF-8; each half of a pair takes two.
#[inline]
fn utf8_length(units: impl Iterator<Item = u16>) -> usize {
    let of = |unit: u16| {
        1 + usize::from(unit >= 0x80) + usize::from(unit >= 0x800)
            - usize::from((FIRST_SURROGATE..0xE000).contains(&unit))
    };
    units.map(of).sum()
}

/// None where the page does not define the bytes.
fn units_of(page: &'static Encoding, text: &[u8]) -> Option<Units> {
    let mut decoder = page.new_decoder_without_bom_handling();
    let (mut piece, mut rest) = ([0u16; 256], text);
    let (mut length, mut bytes, mut first, mut last) = (0, 0, None, 0);
    loop {
        let (result, read, written) = decoder.decode_to_utf16_without_replacement(rest, &mut piece, true);
        let units = piece.get(..written)?;
        rest = rest.get(read..)?;
        length += units.len();
        bytes += utf8_length(units.iter().copied());
        first = first.or(units.first().copied());
        last = units.last().copied().unwrap_or(last);
        match result {
            DecoderResult::InputEmpty => {
                let first = first.unwrap_or_default();
                return Some(Units { length, bytes, first, last });
            }
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return None,
        }
    }
}

impl MeasureRows {
    /// For the stored columns of `table`.
    pub fn new(table: &Table) -> Self {
        let columns =
            table.stored_columns().map(|column| ColumnState::new(MeasureKind::of(&column.sql_type)));
        Self { columns: columns.collect(), column: 0, rows: 0 }
    }

    /// Takes the next value of the row.
    #[inline]
    pub fn value(&mut self, value: Value<'_>) {
        if let Some(column) = self.columns.get_mut(self.column) {
            column.take(value);
        }
        self.column += 1;
    }

    /// Ends the row.
    pub fn end_row(&mut self) {
        self.column = 0;
        self.rows += 1;
    }

    /// Adds what was measured of other rows of the same table.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (column, more) in self.columns.iter_mut().zip(&other.columns) {
            column.nulls += more.nulls;
            column.values += more.values;
            column.least = column.least.min(more.least);
            column.most = column.most.max(more.most);
            column.least_float = column.least_float.min(more.least_float);
            column.most_float = column.most_float.max(more.most_float);
            column.sum.merge(more.sum);
            column.bytes.merge(more.bytes);
            column.heads.merge(more.heads);
            column.tails.merge(more.tails);
            column.odd |= more.odd;
        }
    }

    /// What was measured.
    pub fn measures(&self) -> TableMeasures {
        let columns = self.columns.iter().map(|column| {
            let known = if column.odd { &[] } else { column.kind.measures() };
            let measures = known.iter().filter_map(|measure| Some((*measure, column.measured(*measure)?)));
            ColumnMeasures { nulls: column.nulls, measures: measures.collect() }
        });
        TableMeasures { rows: self.rows, columns: columns.collect() }
    }
}
