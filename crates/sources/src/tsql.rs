//! Pieces of T-SQL for those who ask a source's own engine: see [`crate::Source::aggregate`].

use mssql2pg_catalog::{Column, SqlType};

/// A name in brackets.
pub fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// The length in bytes of a column's values as a source delivers them; none where values have no length of their own.
pub fn length_in_bytes(column: &Column) -> Option<String> {
    if column.encrypted {
        return None;
    }
    let name = quoted(&column.name);
    Some(match &column.sql_type {
        SqlType::Char { .. }
        | SqlType::VarChar { .. }
        | SqlType::Text
        | SqlType::NChar { .. }
        | SqlType::NVarChar { .. }
        | SqlType::NText
        | SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image => format!("datalength({name})"),
        SqlType::Xml | SqlType::Json | SqlType::Vector { .. } => {
            format!("datalength(cast({name} as nvarchar(max)))")
        }
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry | SqlType::Unknown { .. } => {
            format!("datalength(cast({name} as varbinary(max)))")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_as_text_or_bytes_has_a_length() {
        assert_eq!(length_in_bytes(&Column::new("a]", SqlType::NText)).as_deref(), Some("datalength([a]]])"));
        assert_eq!(length_in_bytes(&Column::new("a", SqlType::Int)), None);
        assert_eq!(length_in_bytes(&Column { encrypted: true, ..Column::new("a", SqlType::NText) }), None);
        let xml = length_in_bytes(&Column::new("a", SqlType::Xml));
        assert_eq!(xml.as_deref(), Some("datalength(cast([a] as nvarchar(max)))"));
    }
}
