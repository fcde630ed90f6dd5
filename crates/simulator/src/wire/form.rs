//! How a column goes over the wire: its TYPE_INFO (MS-TDS 2.2.5.4 to 2.2.5.6) and the COLMETADATA token (2.2.7.4).
//!
//! Invariant: a [`Form`] is all that an encoder of values needs; nothing else looks at [`SqlType`] again.
//! A column that cannot be NULL takes the fixed form of its type, as SQL Server does it.

use crate::answer::AnswerColumn;
use crate::wire::collation::Collation;
use crate::wire::pages::encode_utf16;
use mssql2pg_catalog::{Length, SqlType};

/// The longest `varchar` and `varbinary` that is not `max`, in bytes.
const MOST_BYTES: u16 = 8000;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Bit,
    /// So many bytes.
    Int(u8),
    /// So many bytes, the sign's with them; the digits after the point.
    Decimal {
        bytes: u8,
        scale: u8,
    },
    Money,
    SmallMoney,
    Real,
    Float,
    Date,
    Time(u8),
    DateTime,
    SmallDateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    Guid,
    /// `char`, `varchar`: in a page.
    Narrow {
        page: u16,
        size: Size,
    },
    /// `nchar`, `nvarchar`, `xml`: UTF-16.
    Wide {
        size: Size,
    },
    Binary {
        size: Size,
    },
    /// `text`.
    Text {
        page: u16,
    },
    NText,
    Image,
    Variant,
    /// `json` and `vector` as text, when the client has not asked for them.
    AsText,
}

/// How long values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Exactly so many bytes.
    Fixed(u16),
    /// At most so many bytes.
    Limited(u16),
    /// Any length, in chunks (PLP).
    Max,
}

/// A column of a result set, as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct WireColumn {
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) nullable: bool,
    /// Of characters; also what a variant's characters are given.
    pub(crate) collation: Collation,
    sql_type: SqlType,
}

impl WireColumn {
    /// The column for a client in a database of that collation.
    ///
    /// # Errors
    /// For a collation or a length that SQL Server does not have.
    pub(crate) fn new(column: &AnswerColumn, database: &str, takes_utf8: bool) -> Result<Self, String> {
        let named = column.collation.as_deref().unwrap_or(database);
        let collation =
            Collation::named(named).map_err(|error| format!("column {}: {error}", column.name))?;
        let mut sql_type = column.sql_type.clone();
        if collation.is_utf8() && !takes_utf8 {
            sql_type = widened(sql_type);
        }
        let form = form(&sql_type, collation.page)
            .ok_or_else(|| format!("column {}: {sql_type} is longer than SQL Server allows", column.name))?;
        Ok(Self { name: column.name.clone(), form, nullable: column.nullable, collation, sql_type })
    }

    /// Whether each value has the same length, and none in front of it.
    pub(crate) fn is_bare(&self) -> bool {
        !self.nullable && self.bare_type().is_some()
    }

    /// The type of a column that cannot be NULL, where it has one of its own (MS-TDS 2.2.5.4.1).
    fn bare_type(&self) -> Option<u8> {
        Some(match self.form {
            Form::Bit => 0x32,
            Form::Int(1) => 0x30,
            Form::Int(2) => 0x34,
            Form::Int(4) => 0x38,
            Form::Int(8) => 0x7f,
            Form::Real => 0x3b,
            Form::Float => 0x3e,
            Form::Money => 0x3c,
            Form::SmallMoney => 0x7a,
            Form::DateTime => 0x3d,
            Form::SmallDateTime => 0x3a,
            _ => return None,
        })
    }

    fn put_type_info(&self, out: &mut Vec<u8>) {
        if let Some(bare) = self.bare_type().filter(|_| !self.nullable) {
            out.push(bare);
            return;
        }
        match self.form {
            Form::Bit => out.extend([0x68, 1]),
            Form::Int(bytes) => out.extend([0x26, bytes]),
            Form::Decimal { bytes, scale } => {
                let precision = match self.sql_type {
                    SqlType::Decimal { precision, .. } => precision,
                    _ => 38,
                };
                out.extend([0x6a, bytes, precision, scale]);
            }
            Form::Money => out.extend([0x6e, 8]),
            Form::SmallMoney => out.extend([0x6e, 4]),
            Form::Real => out.extend([0x6d, 4]),
            Form::Float => out.extend([0x6d, 8]),
            Form::Date => out.push(0x28),
            Form::Time(scale) => out.extend([0x29, scale]),
            Form::DateTime2(scale) => out.extend([0x2a, scale]),
            Form::DateTimeOffset(scale) => out.extend([0x2b, scale]),
            Form::DateTime => out.extend([0x6f, 8]),
            Form::SmallDateTime => out.extend([0x6f, 4]),
            Form::Guid => out.extend([0x24, 16]),
            Form::Narrow { size, .. } => self.put_sized(size, 0xaf, 0xa7, true, out),
            Form::Wide { .. } if self.sql_type == SqlType::Xml => out.extend([0xf1, 0]),
            Form::Wide { size } => self.put_sized(size, 0xef, 0xe7, true, out),
            Form::Binary { size } => match clr_name(&self.sql_type) {
                Some(clr) => put_clr(clr, out),
                None => self.put_sized(size, 0xad, 0xa5, false, out),
            },
            Form::AsText => self.put_sized(Size::Max, 0xef, 0xe7, true, out),
            Form::Text { .. } => self.put_long(0x23, 0x7fff_ffff, true, out),
            Form::NText => self.put_long(0x63, 0x7fff_fffe, true, out),
            Form::Image => self.put_long(0x22, 0x7fff_ffff, false, out),
            Form::Variant => {
                out.push(0x62);
                out.extend_from_slice(&8009_u32.to_le_bytes());
            }
        }
    }

    fn put_sized(&self, size: Size, fixed: u8, variable: u8, has_collation: bool, out: &mut Vec<u8>) {
        let (tds_type, bytes) = match size {
            Size::Fixed(bytes) => (fixed, bytes),
            Size::Limited(bytes) => (variable, bytes),
            Size::Max => (variable, u16::MAX),
        };
        out.push(tds_type);
        out.extend_from_slice(&bytes.to_le_bytes());
        if has_collation {
            out.extend_from_slice(&self.collation.bytes);
        }
    }

    /// The old long types, which also tell their table's name; an empty one here (MS-TDS 2.2.7.4).
    fn put_long(&self, tds_type: u8, bytes: u32, has_collation: bool, out: &mut Vec<u8>) {
        out.push(tds_type);
        out.extend_from_slice(&bytes.to_le_bytes());
        if has_collation {
            out.extend_from_slice(&self.collation.bytes);
        }
        out.push(1);
        out.extend_from_slice(&0_u16.to_le_bytes());
    }
}

/// The COLMETADATA token.
pub(crate) fn put_columns(columns: &[WireColumn], out: &mut Vec<u8>) {
    out.push(0x81);
    out.extend_from_slice(&u16::try_from(columns.len()).unwrap_or(u16::MAX).to_le_bytes());
    for column in columns {
        let user_type: u32 = if column.sql_type == SqlType::RowVersion { 80 } else { 0 };
        out.extend_from_slice(&user_type.to_le_bytes());
        // Whether it may be written is not known; bit 0 is whether it may be NULL.
        let flags: u16 = 0x0008 | u16::from(column.nullable);
        out.extend_from_slice(&flags.to_le_bytes());
        column.put_type_info(out);
        put_short_text(&column.name, out);
    }
}

/// B_VARCHAR: the length in one byte, in UTF-16 units.
pub(crate) fn put_short_text(text: &str, out: &mut Vec<u8>) {
    let mut units = Vec::new();
    encode_utf16(text, &mut units);
    units.truncate(2 * usize::from(u8::MAX));
    out.push(u8::try_from(units.len() / 2).unwrap_or(u8::MAX));
    out.extend_from_slice(&units);
}

/// US_VARCHAR: the length in two bytes, in UTF-16 units.
pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    let mut units = Vec::new();
    encode_utf16(text, &mut units);
    units.truncate(2 * usize::from(u16::MAX));
    out.extend_from_slice(&u16::try_from(units.len() / 2).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(&units);
}

/// The form of that type; none for a length that SQL Server does not have.
pub(crate) fn form(sql_type: &SqlType, page: u16) -> Option<Form> {
    let limited = |length: &Length| match length.0 {
        Some(bytes) => (bytes <= MOST_BYTES).then_some(Size::Limited(bytes.max(1))),
        None => Some(Size::Max),
    };
    let wide = |units: u16| (units <= MOST_BYTES / 2).then(|| units.max(1) * 2);
    let fixed = |bytes: u16| (bytes <= MOST_BYTES).then(|| Size::Fixed(bytes.max(1)));
    Some(match sql_type {
        SqlType::Bit => Form::Bit,
        SqlType::TinyInt => Form::Int(1),
        SqlType::SmallInt => Form::Int(2),
        SqlType::Int => Form::Int(4),
        SqlType::BigInt => Form::Int(8),
        SqlType::Decimal { precision, scale } => {
            let bytes = match precision {
                0..=9 => 5,
                10..=19 => 9,
                20..=28 => 13,
                _ => 17,
            };
            Form::Decimal { bytes, scale: *scale }
        }
        SqlType::Money => Form::Money,
        SqlType::SmallMoney => Form::SmallMoney,
        SqlType::Real => Form::Real,
        SqlType::Float => Form::Float,
        SqlType::Date => Form::Date,
        SqlType::Time { scale } => Form::Time(*scale),
        SqlType::DateTime => Form::DateTime,
        SqlType::SmallDateTime => Form::SmallDateTime,
        SqlType::DateTime2 { scale } => Form::DateTime2(*scale),
        SqlType::DateTimeOffset { scale } => Form::DateTimeOffset(*scale),
        SqlType::Char { length } => Form::Narrow { page, size: fixed(*length)? },
        SqlType::VarChar { length } => Form::Narrow { page, size: limited(length)? },
        SqlType::Text => Form::Text { page },
        SqlType::NChar { length } => Form::Wide { size: Size::Fixed(wide(*length)?) },
        SqlType::NVarChar { length } => {
            let size = match length.0 {
                Some(units) => Size::Limited(wide(units)?),
                None => Size::Max,
            };
            Form::Wide { size }
        }
        SqlType::NText => Form::NText,
        SqlType::Binary { length } => Form::Binary { size: fixed(*length)? },
        SqlType::VarBinary { length } => Form::Binary { size: limited(length)? },
        SqlType::Image => Form::Image,
        SqlType::RowVersion => Form::Binary { size: Size::Fixed(8) },
        SqlType::UniqueIdentifier => Form::Guid,
        SqlType::Xml => Form::Wide { size: Size::Max },
        SqlType::SqlVariant => Form::Variant,
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry | SqlType::Unknown { .. } => {
            Form::Binary { size: Size::Max }
        }
        SqlType::Json | SqlType::Vector { .. } => Form::AsText,
    })
}

/// What a client gets that has not asked for UTF-8: the same in UTF-16.
fn widened(sql_type: SqlType) -> SqlType {
    let limited = |length: u16| match length {
        0..=4000 => Length::limited(length),
        _ => Length::MAX,
    };
    match sql_type {
        SqlType::Char { length } => SqlType::NVarChar { length: limited(length) },
        SqlType::VarChar { length } => SqlType::NVarChar { length: length.0.map_or(Length::MAX, limited) },
        SqlType::Text => SqlType::NText,
        other => other,
    }
}

fn clr_name(sql_type: &SqlType) -> Option<&str> {
    match sql_type {
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry | SqlType::Unknown { .. } => {
            Some(sql_type.name())
        }
        _ => None,
    }
}

/// UDT_INFO (MS-TDS 2.2.5.5.2).
fn put_clr(name: &str, out: &mut Vec<u8>) {
    out.push(0xf0);
    let most_bytes: u16 = if name == "hierarchyid" { 892 } else { u16::MAX };
    out.extend_from_slice(&most_bytes.to_le_bytes());
    let (schema, name) = name.split_once('.').unwrap_or(("sys", name));
    put_short_text("", out);
    put_short_text(schema, out);
    put_short_text(name, out);
    let assembly = match name {
        "hierarchyid" => "SqlHierarchyId",
        "geography" => "SqlGeography",
        "geometry" => "SqlGeometry",
        other => other,
    };
    let assembly = format!(
        "Microsoft.SqlServer.Types.{assembly}, Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, \
         PublicKeyToken=89845dcd8080cc91"
    );
    put_text(&assembly, out);
}
