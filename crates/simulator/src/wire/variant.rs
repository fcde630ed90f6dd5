//! `sql_variant` on the wire (MS-TDS 2.2.5.5.4): a length, the base type, its properties, the value.

use crate::wire::collation::Collation;
use crate::wire::form::{Form, Size, form};
use crate::wire::values::{narrow, put_plain, wide};
use mssql2pg_catalog::{Length, SqlType, Value, VariantValue};

/// Appends a variant that is not NULL. Characters have that collation.
///
/// # Errors
/// When the base type cannot hold the value, or a variant cannot hold the type.
pub(crate) fn put(variant: &VariantValue<'_>, collation: Collation, out: &mut Vec<u8>) -> Result<(), String> {
    let base = base_type(variant.base_type)
        .ok_or_else(|| format!("a variant of {} is not known", variant.base_type))?;
    let place = out.len();
    out.extend_from_slice(&[0; 4]);
    if variant.value == Value::Null {
        return Ok(());
    }
    let kind = form(&base, collation.page).ok_or("a length that does not fit")?;
    put_base(&base, kind, variant.value, collation, out)?;
    let length = u32::try_from(out.len() - place - 4).map_err(|error| error.to_string())?;
    if let Some(told) = out.get_mut(place..place + 4) {
        told.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

fn put_base(
    base: &SqlType,
    kind: Form,
    value: Value<'_>,
    collation: Collation,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let mut scratch = Vec::new();
    match kind {
        Form::Bit => out.extend([0x32, 0]),
        Form::Int(1) => out.extend([0x30, 0]),
        Form::Int(2) => out.extend([0x34, 0]),
        Form::Int(4) => out.extend([0x38, 0]),
        Form::Int(_) => out.extend([0x7f, 0]),
        Form::Real => out.extend([0x3b, 0]),
        Form::Float => out.extend([0x3e, 0]),
        Form::Money => out.extend([0x3c, 0]),
        Form::SmallMoney => out.extend([0x7a, 0]),
        Form::DateTime => out.extend([0x3d, 0]),
        Form::SmallDateTime => out.extend([0x3a, 0]),
        Form::Guid => out.extend([0x24, 0]),
        Form::Date => out.extend([0x28, 0]),
        Form::Time(scale) => out.extend([0x29, 1, scale]),
        Form::DateTime2(scale) => out.extend([0x2a, 1, scale]),
        Form::DateTimeOffset(scale) => out.extend([0x2b, 1, scale]),
        Form::Decimal { scale, .. } => {
            let precision = match base {
                SqlType::Decimal { precision, .. } => *precision,
                _ => 38,
            };
            out.extend([0x6c, 2, precision, scale]);
            // In a variant the magnitude is as long as it must be, in fours; we send what the precision asks for.
            return put_plain(kind, value, out);
        }
        Form::Narrow { page, size } => {
            let (tds_type, most) = sized(size, 0xaf, 0xa7)?;
            put_characters(tds_type, collation, most, &narrow(value, page, &mut scratch)?, out);
            return Ok(());
        }
        Form::Wide { size } if *base != SqlType::Xml => {
            let (tds_type, most) = sized(size, 0xef, 0xe7)?;
            put_characters(tds_type, collation, most, &wide(value, &mut scratch)?, out);
            return Ok(());
        }
        Form::Binary { size } => {
            let (tds_type, most) = sized(size, 0xad, 0xa5)?;
            let Value::Bytes(bytes) = value else { return Err("not binary".to_owned()) };
            out.extend([tds_type, 2]);
            out.extend_from_slice(&most.to_le_bytes());
            out.extend_from_slice(bytes);
            return Ok(());
        }
        _ => return Err(format!("a variant cannot be {base}")),
    }
    put_plain(kind, value, out)
}

fn put_characters(tds_type: u8, collation: Collation, most: u16, bytes: &[u8], out: &mut Vec<u8>) {
    out.extend([tds_type, 7]);
    out.extend_from_slice(&collation.bytes);
    out.extend_from_slice(&most.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn sized(size: Size, fixed: u8, variable: u8) -> Result<(u8, u16), String> {
    match size {
        Size::Fixed(most) => Ok((fixed, most)),
        Size::Limited(most) => Ok((variable, most)),
        Size::Max => Err("a variant cannot be of a max type".to_owned()),
    }
}

/// The type that the text means, for example `decimal(10,2)`. Characters and bytes without a length may have as many
/// as a variant can.
fn base_type(text: &str) -> Option<SqlType> {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    let numbers: Vec<&str> = rest.trim_end_matches(')').split(',').map(str::trim).collect();
    let number = |place: usize| numbers.get(place).and_then(|text| text.parse::<u16>().ok());
    let small = |place: usize| number(place).and_then(|value| u8::try_from(value).ok());
    let name = name.trim();
    let is_max = numbers.first() == Some(&"max");
    let is_bare = number(0).is_none() && !is_max;
    let sql_type = match name.to_ascii_lowercase().as_str() {
        "decimal" | "numeric" => SqlType::from_system(name, None, false, small(0), small(1)),
        "float" => SqlType::from_system(name, None, false, small(0), None),
        "time" | "datetime2" | "datetimeoffset" => SqlType::from_system(name, None, false, None, small(0)),
        _ => SqlType::from_system(name, number(0), is_max, None, None),
    }?;
    Some(match sql_type {
        SqlType::VarChar { .. } | SqlType::Char { .. } if is_bare => {
            SqlType::VarChar { length: Length::limited(8000) }
        }
        SqlType::NVarChar { .. } | SqlType::NChar { .. } if is_bare => {
            SqlType::NVarChar { length: Length::limited(4000) }
        }
        SqlType::VarBinary { .. } | SqlType::Binary { .. } if is_bare => {
            SqlType::VarBinary { length: Length::limited(8000) }
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_type_is_read_with_its_parameters() {
        let check = |text: &str, expected: &str| assert_eq!(base_type(text).unwrap().to_string(), expected);
        check("decimal(10,2)", "decimal(10,2)");
        check("numeric(38, 0)", "decimal(38,0)");
        check("nvarchar(20)", "nvarchar(20)");
        check("nvarchar", "nvarchar(4000)");
        check("datetime2(3)", "datetime2(3)");
        check("int", "int");
        check("varchar(max)", "varchar(max)");
        assert_eq!(base_type("dbo.Flag"), None);
    }
}
