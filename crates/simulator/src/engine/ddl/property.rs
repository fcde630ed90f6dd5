//! Extended properties.

use super::super::batch::{Argument, compute};
use super::super::language::literal_expression;
use super::super::session::Session;
use super::super::values::convert::convert;
use super::super::values::text;
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, ExtendedProperty, Length, ObjectName, SqlType};

/// The parameters of `sp_addextendedproperty`, in order.
const PARAMETERS: [&str; 8] = [
    "@name",
    "@value",
    "@level0type",
    "@level0name",
    "@level1type",
    "@level1name",
    "@level2type",
    "@level2name",
];

/// Runs `sp_addextendedproperty`.
pub(in super::super) fn add_property(session: &mut Session, arguments: &[Argument]) -> Result<(), Failure> {
    session.check_write("ALTER")?;
    let mut values: Vec<Option<String>> = vec![None; PARAMETERS.len()];
    for (place, argument) in arguments.iter().enumerate() {
        let place = match &argument.name {
            Some(name) => PARAMETERS.iter().position(|known| known.eq_ignore_ascii_case(name)),
            None => Some(place),
        };
        let slot = place.and_then(|place| values.get_mut(place));
        let slot = slot.ok_or_else(|| Failure::new(8145, "sp_addextendedproperty has no such parameter."))?;
        *slot = text_of(session, &argument.text)?;
    }
    let part = |place: usize| values.get(place).cloned().flatten();
    let is_column = part(6).is_some_and(|kind| kind.eq_ignore_ascii_case("column"));
    let is_table = part(4).is_some_and(|kind| kind.eq_ignore_ascii_case("table"));
    let names: Vec<String> = [3, 5, 7].into_iter().filter_map(part).collect();
    let property = ExtendedProperty {
        object: names.join("."),
        column: part(7).filter(|_| is_column && is_table),
        name: part(0).unwrap_or_default(),
        value: part(1).unwrap_or_default(),
    };
    let on_table = is_table && (is_column || part(7).is_none());
    session.change(|state| {
        match (names.first(), names.get(1)) {
            (Some(schema), Some(table)) if on_table => {
                let table = state.table_mut(&ObjectName::new(schema, table))?;
                table.extended_properties.push(property);
            }
            _ => state.catalog_mut().extended_properties.push(property),
        }
        Ok(())
    })
}

/// An argument as text: a literal, a variable, or a name without quotes.
pub(super) fn text_of(session: &mut Session, written: &str) -> Result<Option<String>, Failure> {
    let expression = literal_expression(written)?;
    if let super::super::language::ast::Expression::Column(parts) = &expression {
        return Ok(parts.last().cloned());
    }
    let value = compute(session, &expression)?;
    let value = convert(value.cell(), &SqlType::NVarChar { length: Length::MAX }, CodePage(1252))?;
    Ok(text::string(&value.cell().value))
}
