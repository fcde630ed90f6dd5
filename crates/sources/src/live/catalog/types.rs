//! Types as `sys.columns`, `sys.parameters`, `sys.types` and `sys.sequences` tell them.
//!
//! Invariant: types are matched by name; the ids of Babelfish and of later versions may be others.

use super::super::cells::AnswerRow;
use super::Server;
use crate::SourceError;
use mssql2pg_catalog::{ObjectName, SqlType};

/// The bytes before a vector's numbers, and those of each of them (single precision).
const VECTOR_HEAD_BYTES: i64 = 8;
const VECTOR_NUMBER_BYTES: i64 = 4;

/// A type as declared: its base, and the alias it was declared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DeclaredType {
    pub(super) base: SqlType,
    pub(super) alias: Option<ObjectName>,
}

/// The type in a row with the columns `type_schema`, `type_name`, `type_is_user_defined`, `type_is_assembly`,
/// `base_name` and the size. `object` is whose it is, for errors.
pub(super) fn declared(
    row: AnswerRow<'_>,
    server: &Server,
    object: &str,
) -> Result<DeclaredType, SourceError> {
    let name = server.visible(row.text("type_name")?, "the type", object)?;
    if !row.flag("type_is_user_defined")? {
        let alias = (name == "sysname").then(|| ObjectName::new("sys", "sysname"));
        return Ok(DeclaredType { base: sized(row, &name)?, alias });
    }
    let schema = server.visible(row.text("type_schema")?, "the type's schema", object)?;
    let own = ObjectName::new(schema, name);
    match row.text("base_name")? {
        Some(base) if !row.flag("type_is_assembly")? => {
            Ok(DeclaredType { base: sized(row, base)?, alias: Some(own) })
        }
        // A CLR type of the user's, or a table type as a parameter.
        _ => Ok(DeclaredType { base: SqlType::Unknown { name: own.to_string() }, alias: None }),
    }
}

/// The system type of that name with the size in the row: bytes as stored, -1 for `max`.
pub(super) fn sized(row: AnswerRow<'_>, name: &str) -> Result<SqlType, SourceError> {
    let size = Size {
        bytes: row.int("max_length")?.unwrap_or(0),
        precision: row.int("precision")?.unwrap_or(0),
        scale: row.int("scale")?.unwrap_or(0),
    };
    Ok(system_type(name, size))
}

/// A type's size as the views tell it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) bytes: i64,
    pub(super) precision: i64,
    pub(super) scale: i64,
}

/// The system type of that name and size; unknown if the name is not a system type's.
pub(super) fn system_type(name: &str, size: Size) -> SqlType {
    let lower = name.to_ascii_lowercase();
    let length = match lower.as_str() {
        "nchar" | "nvarchar" => size.bytes / 2,
        "vector" => (size.bytes - VECTOR_HEAD_BYTES) / VECTOR_NUMBER_BYTES,
        _ => size.bytes,
    };
    // The precision of float tells its storage, not which of float and real it is.
    let decimal = matches!(lower.as_str(), "decimal" | "numeric");
    let precision = Some(size.precision).filter(|_| decimal).and_then(|value| u8::try_from(value).ok());
    let found = SqlType::from_system(
        &lower,
        u16::try_from(length).ok(),
        size.bytes == -1,
        precision,
        u8::try_from(size.scale).ok(),
    );
    found.unwrap_or_else(|| SqlType::Unknown { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        let check = |name, bytes, precision, scale, expected: &str| {
            let found = system_type(name, Size { bytes, precision, scale });
            assert_eq!(found.to_string(), expected);
        };
        check("nvarchar", 100, 0, 0, "nvarchar(50)");
        check("nvarchar", -1, 0, 0, "nvarchar(max)");
        check("varbinary", -1, 0, 0, "varbinary(max)");
        check("nchar", 20, 0, 0, "nchar(10)");
        check("varchar", 8000, 0, 0, "varchar(8000)");
        check("binary", 16, 0, 0, "binary(16)");
        check("sysname", 256, 0, 0, "nvarchar(128)");
        check("numeric", 17, 38, 10, "decimal(38,10)");
        check("float", 8, 53, 0, "float");
        check("real", 4, 24, 0, "real");
        check("time", 3, 8, 0, "time(0)");
        check("datetime2", 8, 27, 7, "datetime2(7)");
        check("datetimeoffset", 10, 34, 7, "datetimeoffset(7)");
        check("xml", -1, 0, 0, "xml");
        check("text", 16, 0, 0, "text");
        check("timestamp", 8, 0, 0, "rowversion");
        check("geography", -1, 0, 0, "geography");
        check("vector", 8000, 0, 0, "vector(1998)");
        check("cursor", 0, 0, 0, "cursor");
    }
}
