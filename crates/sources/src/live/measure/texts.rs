//! Text, bytes and `uniqueidentifier`.
//!
//! In a page of one byte a character every byte is a UTF-16 unit, and the server tells which one. In pages of two bytes
//! the server and our decoders need not agree, so that nothing is measured there.

use super::{Measures, count, counted, whole};
use crate::live::cells::Cell;
use mssql2pg_catalog::{Length, Measure, SqlType};

/// How text and bytes are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// UTF-16.
    Wide,
    /// A page of one byte a character.
    Narrow,
    /// UTF-8.
    Utf8,
    Bytes,
    Guid,
}

impl Text {
    /// None where the page is not known, or has characters of two bytes.
    pub(super) fn of(sql_type: &SqlType, page: Option<u16>) -> Option<Self> {
        match (sql_type, page) {
            (SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText, _) => Some(Self::Wide),
            (_, Some(65_001)) => Some(Self::Utf8),
            (_, Some(874 | 1250..=1258 | 437 | 850)) => Some(Self::Narrow),
            _ => None,
        }
    }

    pub(super) fn items(self, name: &str, sql_type: &SqlType) -> Vec<String> {
        let value = match sql_type {
            SqlType::Text => format!("cast({name} as varchar(max))"),
            SqlType::NText => format!("cast({name} as nvarchar(max))"),
            SqlType::Image => format!("cast({name} as varbinary(max))"),
            SqlType::RowVersion => format!("cast({name} as binary(8))"),
            // Trailing blanks of a fixed length mean nothing.
            SqlType::Char { .. } | SqlType::NChar { .. } => format!("rtrim({name})"),
            _ => name.to_owned(),
        };
        let sum = |what: &str| format!("sum(cast({what} as bigint))");
        let length = sum(&format!("datalength({value})"));
        // Surrogates, and what stands behind them, are left out; an empty text has no character.
        let unit = |of: &str| sum(&format!("case when unicode({of}) < 55296 then unicode({of}) else 0 end"));
        let ends = || [unit(&format!("substring({value}, 1, 1)")), unit(&format!("right({value}, 1)"))];
        match self {
            Self::Wide | Self::Narrow => {
                let [head, tail] = ends();
                vec![length, counted(&beyond_ascii(&value, sql_type)), head, tail]
            }
            Self::Utf8 => {
                let [head, tail] = ends();
                let units = sum(&format!("datalength(cast({value} as nvarchar(max)))"));
                vec![length, units, head, tail]
            }
            Self::Bytes => {
                let byte = |from: &str| sum(&format!("convert(int, substring({value}, {from}, 1))"));
                vec![length, byte("1"), byte(&format!("datalength({value})"))]
            }
            Self::Guid => {
                let bytes = |places: &[u8]| {
                    let byte = |place: &u8| format!("substring(convert(binary(16), {value}), {place}, 1)");
                    places.iter().map(byte).collect::<Vec<_>>().join(" + ")
                };
                let sum = |bytes: String| format!("sum(cast(convert(int, {bytes}) as bigint))");
                // The first three groups are stored with their last bytes first.
                vec![sum(bytes(&[4, 6, 8])), sum(bytes(&[9, 16]))]
            }
        }
    }

    pub(super) fn read(self, cells: &[Cell]) -> Option<Measures> {
        let mut measures = Measures::new();
        let mut put = |measure: Measure, number: i128| measures.insert(measure, number.to_string());
        match (self, cells) {
            (Self::Wide | Self::Narrow, [bytes, beyond, head, tail]) => {
                let bytes = whole(bytes)?;
                let units = if self == Self::Wide { bytes / 2 } else { bytes };
                put(Measure::Length, units);
                if count(beyond)? == 0 {
                    // ASCII has as many bytes in UTF-8 as it has units.
                    put(Measure::Utf8Length, units);
                }
                put(Measure::Heads, whole(head)?);
                put(Measure::Tails, whole(tail)?);
            }
            (Self::Utf8, [bytes, wide, head, tail]) => {
                put(Measure::Utf8Length, whole(bytes)?);
                put(Measure::Length, whole(wide)? / 2);
                put(Measure::Heads, whole(head)?);
                put(Measure::Tails, whole(tail)?);
            }
            (Self::Bytes, [bytes, head, tail]) => {
                put(Measure::Length, whole(bytes)?);
                put(Measure::Heads, whole(head)?);
                put(Measure::Tails, whole(tail)?);
            }
            (Self::Guid, [head, tail]) => {
                put(Measure::Heads, whole(head)?);
                put(Measure::Tails, whole(tail)?);
            }
            _ => return None,
        }
        Some(measures)
    }
}

/// Whether a text has a character that is not U+0001 to U+007F. NUL counts as one: not every version finds it by a range.
///
/// The text is made UTF-16 before its collation changes: between two pages `collate` would turn characters into `?`.
fn beyond_ascii(value: &str, sql_type: &SqlType) -> String {
    let wide = match sql_type {
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText => value.to_owned(),
        SqlType::Char { length } | SqlType::VarChar { length: Length(Some(length)) } if *length <= 4000 => {
            format!("cast({value} as nvarchar({length}))")
        }
        _ => format!("cast({value} as nvarchar(max))"),
    };
    format!(
        "{wide} collate Latin1_General_100_BIN2 like N'%[^' + cast(0x0100 as nchar(1)) + N'-' + cast(0x7F00 as nchar(1)) + N']%'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_whose_characters_are_bytes_are_measured_by_bytes() {
        let varchar = SqlType::VarChar { length: Length::MAX };
        assert_eq!(Text::of(&varchar, Some(1252)), Some(Text::Narrow));
        assert_eq!(Text::of(&varchar, Some(65_001)), Some(Text::Utf8));
        for page in [None, Some(932), Some(936), Some(949), Some(950), Some(0)] {
            assert_eq!(Text::of(&varchar, page), None);
        }
        assert_eq!(Text::of(&SqlType::NText, None), Some(Text::Wide));
    }

    #[test]
    fn the_length_in_utf_8_is_told_only_of_ascii() {
        let cells = |beyond| [Cell::Int(6), Cell::Int(beyond), Cell::Int(97), Cell::Int(99)];
        let ascii = Text::Wide.read(&cells(0)).expect("measures");
        assert_eq!(ascii[&Measure::Length], "3");
        assert_eq!(ascii[&Measure::Utf8Length], "3");
        let other = Text::Wide.read(&cells(1)).expect("measures");
        assert!(!other.contains_key(&Measure::Utf8Length));
    }
}
