//! SQL Server's type numbers and sizes, as `sys.types` and `sys.columns` tell them.
//!
//! Source: "sys.types" and "sys.columns" on Microsoft Learn. To extend: one line in [`SYSTEM_TYPES`].

use mssql2pg_catalog::{Length, SqlType};

/// A row of `sys.types` that every database has.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemType {
    pub(super) name: &'static str,
    pub(super) system_type_id: u8,
    pub(super) user_type_id: i32,
    pub(super) max_length: i32,
    pub(super) precision: u8,
    pub(super) scale: u8,
    /// The major version of the first server that has it.
    pub(super) since: u16,
}

const fn system_type(
    name: &'static str,
    (system_type_id, user_type_id): (u8, i32),
    (max_length, precision, scale): (i32, u8, u8),
) -> SystemType {
    SystemType { name, system_type_id, user_type_id, max_length, precision, scale, since: 11 }
}

/// The types of the system.
pub(super) const SYSTEM_TYPES: &[SystemType] = &[
    system_type("image", (34, 34), (16, 0, 0)),
    system_type("text", (35, 35), (16, 0, 0)),
    system_type("uniqueidentifier", (36, 36), (16, 0, 0)),
    system_type("date", (40, 40), (3, 10, 0)),
    system_type("time", (41, 41), (5, 16, 7)),
    system_type("datetime2", (42, 42), (8, 27, 7)),
    system_type("datetimeoffset", (43, 43), (10, 34, 7)),
    system_type("tinyint", (48, 48), (1, 3, 0)),
    system_type("smallint", (52, 52), (2, 5, 0)),
    system_type("int", (56, 56), (4, 10, 0)),
    system_type("smalldatetime", (58, 58), (4, 16, 0)),
    system_type("real", (59, 59), (4, 24, 0)),
    system_type("money", (60, 60), (8, 19, 4)),
    system_type("datetime", (61, 61), (8, 23, 3)),
    system_type("float", (62, 62), (8, 53, 0)),
    system_type("sql_variant", (98, 98), (8016, 0, 0)),
    system_type("ntext", (99, 99), (16, 0, 0)),
    system_type("bit", (104, 104), (1, 1, 0)),
    system_type("decimal", (106, 106), (17, 38, 38)),
    system_type("numeric", (108, 108), (17, 38, 38)),
    system_type("smallmoney", (122, 122), (4, 10, 4)),
    system_type("bigint", (127, 127), (8, 19, 0)),
    system_type("hierarchyid", (240, 128), (892, 0, 0)),
    system_type("geometry", (240, 129), (-1, 0, 0)),
    system_type("geography", (240, 130), (-1, 0, 0)),
    system_type("varbinary", (165, 165), (8000, 0, 0)),
    system_type("varchar", (167, 167), (8000, 0, 0)),
    system_type("binary", (173, 173), (8000, 0, 0)),
    system_type("char", (175, 175), (8000, 0, 0)),
    system_type("timestamp", (189, 189), (8, 0, 0)),
    system_type("nvarchar", (231, 231), (8000, 0, 0)),
    system_type("nchar", (239, 239), (8000, 0, 0)),
    system_type("xml", (241, 241), (-1, 0, 0)),
    system_type("sysname", (231, 256), (256, 0, 0)),
    SystemType { since: 17, ..system_type("json", (244, 244), (-1, 0, 0)) },
    SystemType { since: 17, ..system_type("vector", (255, 255), (8000, 0, 0)) },
];

/// The numbers that a column or a parameter of a type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeNumbers {
    pub(super) system_type_id: u8,
    pub(super) user_type_id: i32,
    /// Bytes; -1 for `max`.
    pub(super) max_length: i32,
    pub(super) precision: u8,
    pub(super) scale: u8,
}

/// The system type of that name.
pub(super) fn system_type_named(name: &str) -> Option<&'static SystemType> {
    let name = match name.to_ascii_lowercase().as_str() {
        "rowversion" => "timestamp".to_owned(),
        "integer" => "int".to_owned(),
        "dec" => "decimal".to_owned(),
        other => other.to_owned(),
    };
    SYSTEM_TYPES.iter().find(|system| system.name == name)
}

/// The numbers of a type of the system; those of `int` for a type that nobody knows.
pub(super) fn numbers(sql_type: &SqlType) -> TypeNumbers {
    const INT: SystemType = system_type("int", (56, 56), (4, 10, 0));
    let system = system_type_named(sql_type.name()).unwrap_or(&INT);
    let (max_length, precision, scale) = match *sql_type {
        SqlType::Decimal { precision, scale } => {
            let bytes = match precision {
                0..=9 => 5,
                10..=19 => 9,
                20..=28 => 13,
                _ => 17,
            };
            (bytes, precision, scale)
        }
        SqlType::Time { scale } => (time_bytes(scale), fraction_digits(8, scale), scale),
        SqlType::DateTime2 { scale } => (time_bytes(scale) + 3, fraction_digits(19, scale), scale),
        SqlType::DateTimeOffset { scale } => (time_bytes(scale) + 5, fraction_digits(26, scale), scale),
        SqlType::Char { length } | SqlType::Binary { length } => (i32::from(length), 0, 0),
        SqlType::NChar { length } => (i32::from(length) * 2, 0, 0),
        SqlType::VarChar { length } | SqlType::VarBinary { length } => (variable(length, 1), 0, 0),
        SqlType::NVarChar { length } => (variable(length, 2), 0, 0),
        SqlType::Vector { dimensions } => (i32::from(dimensions) * 4 + 8, 0, 0),
        _ => (system.max_length, system.precision, system.scale),
    };
    TypeNumbers {
        system_type_id: system.system_type_id,
        user_type_id: system.user_type_id,
        max_length,
        precision,
        scale,
    }
}

fn variable(length: Length, bytes: i32) -> i32 {
    length.0.map_or(-1, |length| i32::from(length) * bytes)
}

fn time_bytes(scale: u8) -> i32 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

fn fraction_digits(whole: u8, scale: u8) -> u8 {
    if scale == 0 { whole } else { whole + 1 + scale }
}

/// A type as T-SQL writes it, for example `nvarchar(128)` or `sysname`; none for a name that is not the system's.
pub(super) fn parse_type(text: &str) -> Option<SqlType> {
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix(')')?),
        None => (text.trim(), ""),
    };
    let mut arguments = arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty());
    let (first, second) = (arguments.next(), arguments.next());
    system(name, first, second)
}

/// The type of that name with the arguments of its parentheses.
pub(super) fn system(name: &str, first: Option<&str>, second: Option<&str>) -> Option<SqlType> {
    let max = first.is_some_and(|argument| argument.eq_ignore_ascii_case("max"));
    let length = match first {
        Some(argument) if !max => Some(argument.parse::<u16>().ok()?),
        _ => None,
    };
    let small = length.and_then(|length| u8::try_from(length).ok());
    let scale = second.and_then(|argument| argument.parse().ok());
    let scale = match name.to_ascii_lowercase().as_str() {
        "time" | "datetime2" | "datetimeoffset" => small,
        _ => scale,
    };
    SqlType::from_system(name, length, max, small, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_the_numbers_of_the_real_server() {
        let check = |text: &str, expected: (u8, i32, i32, u8, u8)| {
            let found = numbers(&parse_type(text).unwrap());
            let found =
                (found.system_type_id, found.user_type_id, found.max_length, found.precision, found.scale);
            assert_eq!(found, expected, "{text}");
        };
        check("int", (56, 56, 4, 10, 0));
        check("nvarchar(50)", (231, 231, 100, 0, 0));
        check("nvarchar(max)", (231, 231, -1, 0, 0));
        check("varchar(8000)", (167, 167, 8000, 0, 0));
        check("decimal(10,2)", (106, 106, 9, 10, 2));
        check("decimal(38,0)", (106, 106, 17, 38, 0));
        check("datetime2(0)", (42, 42, 6, 19, 0));
        check("datetime2(7)", (42, 42, 8, 27, 7));
        check("datetimeoffset(3)", (43, 43, 9, 30, 3));
        check("time(7)", (41, 41, 5, 16, 7));
        check("rowversion", (189, 189, 8, 0, 0));
        check("geography", (240, 130, -1, 0, 0));
        check("money", (60, 60, 8, 19, 4));
    }
}
