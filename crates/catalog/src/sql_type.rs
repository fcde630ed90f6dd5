//! SQL Server's data types, and how all sources arrive at them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A data type with its parameters; alias types are resolved before.
///
/// Source of names and limits: "Data types (Transact-SQL)" and `sys.types` on Microsoft Learn.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(missing_docs, reason = "each variant is SQL Server's own type name")]
pub enum SqlType {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    /// `decimal` and `numeric` are one type.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Money,
    SmallMoney,
    Real,
    Float,
    Date,
    Time {
        scale: u8,
    },
    DateTime,
    SmallDateTime,
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    Char {
        length: u16,
    },
    VarChar {
        length: Length,
    },
    Text,
    NChar {
        length: u16,
    },
    NVarChar {
        length: Length,
    },
    NText,
    Binary {
        length: u16,
    },
    VarBinary {
        length: Length,
    },
    Image,
    RowVersion,
    UniqueIdentifier,
    Xml,
    #[serde(rename = "sql_variant")]
    SqlVariant,
    HierarchyId,
    Geography,
    Geometry,
    Json,
    Vector {
        dimensions: u16,
    },
    /// A type we do not know: a CLR type of the user's, or a computed column whose type is not told.
    Unknown {
        name: String,
    },
}

/// The declared length of a variable-length type: bytes for `varchar` and `varbinary`, UTF-16
/// units for `nvarchar`; none means `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Length(pub Option<u16>);

impl Length {
    /// `max`.
    pub const MAX: Self = Self(None);

    /// A limited length.
    pub fn limited(length: u16) -> Self {
        Self(Some(length))
    }
}

impl SqlType {
    /// The type from a system type's name and its declared parameters, as `CREATE TABLE` and
    /// DacFx mean them: `length` in characters or bytes as declared, none for the default, `max`
    /// told apart. An absent scale of a time type is 7; of a decimal 0; an absent precision is 18.
    ///
    /// None if the name is not a system type's.
    pub fn from_system(
        name: &str,
        length: Option<u16>,
        max: bool,
        precision: Option<u8>,
        scale: Option<u8>,
    ) -> Option<Self> {
        let variable = if max { Length::MAX } else { Length::limited(length.unwrap_or(1)) };
        let fixed = length.unwrap_or(1);
        let time_scale = scale.unwrap_or(7);
        Some(match name.to_ascii_lowercase().as_str() {
            "bit" => Self::Bit,
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "int" | "integer" => Self::Int,
            "bigint" => Self::BigInt,
            "decimal" | "numeric" | "dec" => {
                Self::Decimal { precision: precision.unwrap_or(18), scale: scale.unwrap_or(0) }
            }
            "money" => Self::Money,
            "smallmoney" => Self::SmallMoney,
            "real" => Self::Real,
            "float" if precision.is_some_and(|precision| precision <= 24) => Self::Real,
            "float" => Self::Float,
            "date" => Self::Date,
            "time" => Self::Time { scale: time_scale },
            "datetime" => Self::DateTime,
            "smalldatetime" => Self::SmallDateTime,
            "datetime2" => Self::DateTime2 { scale: time_scale },
            "datetimeoffset" => Self::DateTimeOffset { scale: time_scale },
            "char" | "character" => Self::Char { length: fixed },
            "varchar" => Self::VarChar { length: variable },
            "text" => Self::Text,
            "nchar" => Self::NChar { length: fixed },
            "nvarchar" => Self::NVarChar { length: variable },
            "sysname" => Self::NVarChar { length: Length::limited(128) },
            "ntext" => Self::NText,
            "binary" => Self::Binary { length: fixed },
            "varbinary" => Self::VarBinary { length: variable },
            "image" => Self::Image,
            "timestamp" | "rowversion" => Self::RowVersion,
            "uniqueidentifier" => Self::UniqueIdentifier,
            "xml" => Self::Xml,
            "sql_variant" => Self::SqlVariant,
            "hierarchyid" => Self::HierarchyId,
            "geography" => Self::Geography,
            "geometry" => Self::Geometry,
            "json" => Self::Json,
            "vector" => Self::Vector { dimensions: length.unwrap_or(0) },
            _ => return None,
        })
    }

    /// The type's name without parameters, for example `nvarchar`: the key of the type table.
    pub fn name(&self) -> &str {
        match self {
            Self::Bit => "bit",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Decimal { .. } => "decimal",
            Self::Money => "money",
            Self::SmallMoney => "smallmoney",
            Self::Real => "real",
            Self::Float => "float",
            Self::Date => "date",
            Self::Time { .. } => "time",
            Self::DateTime => "datetime",
            Self::SmallDateTime => "smalldatetime",
            Self::DateTime2 { .. } => "datetime2",
            Self::DateTimeOffset { .. } => "datetimeoffset",
            Self::Char { .. } => "char",
            Self::VarChar { .. } => "varchar",
            Self::Text => "text",
            Self::NChar { .. } => "nchar",
            Self::NVarChar { .. } => "nvarchar",
            Self::NText => "ntext",
            Self::Binary { .. } => "binary",
            Self::VarBinary { .. } => "varbinary",
            Self::Image => "image",
            Self::RowVersion => "rowversion",
            Self::UniqueIdentifier => "uniqueidentifier",
            Self::Xml => "xml",
            Self::SqlVariant => "sql_variant",
            Self::HierarchyId => "hierarchyid",
            Self::Geography => "geography",
            Self::Geometry => "geometry",
            Self::Json => "json",
            Self::Vector { .. } => "vector",
            Self::Unknown { name } => name,
        }
    }
}

/// As T-SQL writes it: `decimal(10,2)`, `nvarchar(max)`, `datetime2(7)`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Decimal { precision, scale } => write!(f, "{name}({precision},{scale})"),
            Self::Time { scale } | Self::DateTime2 { scale } | Self::DateTimeOffset { scale } => {
                write!(f, "{name}({scale})")
            }
            Self::Char { length } | Self::NChar { length } | Self::Binary { length } => {
                write!(f, "{name}({length})")
            }
            Self::VarChar { length } | Self::NVarChar { length } | Self::VarBinary { length } => {
                match length.0 {
                    Some(length) => write!(f, "{name}({length})"),
                    None => write!(f, "{name}(max)"),
                }
            }
            Self::Vector { dimensions } => write!(f, "{name}({dimensions})"),
            _ => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_written_as_t_sql_writes_it() {
        let check = |name, length, max, precision, scale, expected: &str| {
            let sql_type = SqlType::from_system(name, length, max, precision, scale).expect("a system type");
            assert_eq!(sql_type.to_string(), expected);
        };
        check("numeric", None, false, Some(38), Some(10), "decimal(38,10)");
        check("decimal", None, false, None, None, "decimal(18,0)");
        check("NVARCHAR", None, true, None, None, "nvarchar(max)");
        check("varchar", Some(40), false, None, None, "varchar(40)");
        check("datetime2", None, false, None, None, "datetime2(7)");
        check("time", None, false, None, Some(0), "time(0)");
        check("float", None, false, Some(24), None, "real");
        check("float", None, false, Some(53), None, "float");
        check("sysname", None, false, None, None, "nvarchar(128)");
        check("timestamp", None, false, None, None, "rowversion");
        assert_eq!(SqlType::from_system("dbo.Flag", None, false, None, None), None);
    }
}
