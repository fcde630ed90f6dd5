//! `insert`: rows of values, or of a `select`; and what every new row needs, however it came.
//!
//! Invariant: a statement adds all of its rows or none.

use super::bulk;
use super::failures::{unknown_column, unknown_object, unsupported};
use super::language::ast::Expression;
use super::language::cursor::Cursor;
use super::language::{self, expression, literal_expression};
use super::session::Session;
use super::state::Server;
use super::values::collation::Collation;
use super::values::convert::convert;
use super::values::owned::{Cell, OwnedValue};
use super::values::packed::{PackedRows, pack};
use crate::answer::Failure;
use mssql2pg_catalog::{Column, Length, ObjectName, SqlType, Table, Value};

/// Runs an `insert`; how many rows it added, none for `insert bulk`, which only announces them.
///
/// # Errors
/// 208, 207, 229, 515, 544, 2628 and what the values cannot be converted to.
pub(super) fn run(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<Option<u64>, Failure> {
    if cursor.eat_word("bulk") {
        bulk::announce(session, cursor)?;
        return Ok(None);
    }
    cursor.eat_word("into");
    let table = writable(session, &cursor.object_name()?)?;
    let mut names = Vec::new();
    if cursor.eat_symbol("(") {
        while !cursor.eat_symbol(")") {
            names.push(cursor.name()?);
            cursor.eat_symbol(",");
        }
    }
    let identity_insert = session.identity_insert.as_ref() == Some(&table.name);
    if names.is_empty() {
        let given = |column: &&Column| {
            column.computed.is_none()
                && column.sql_type != SqlType::RowVersion
                && (column.identity.is_none() || identity_insert)
        };
        names = table.columns.iter().filter(given).map(|column| column.name.clone()).collect();
    }
    let mut new = NewRows::new(session, table, &names)?;
    let explicit_identity =
        new.given.iter().any(|place| new.stored.get(*place).is_some_and(|column| column.identity.is_some()));
    if explicit_identity && !identity_insert {
        let text = format!(
            "Cannot insert explicit value for identity column in table '{}' when IDENTITY_INSERT is set to OFF.",
            new.table.name.name
        );
        return Err(Failure::new(544, text));
    }
    if cursor.eat_words(&["default", "values"]) {
        new.add(session, &[])?;
    } else if cursor.eat_word("values") {
        loop {
            cursor.expect_symbol("(")?;
            let mut row = Vec::new();
            while !cursor.eat_symbol(")") {
                let value = match cursor.eat_word("default") {
                    true => None,
                    false => Some(value(session, &expression(cursor)?)?),
                };
                row.push(value);
                if !cursor.is_symbol(")") {
                    cursor.expect_symbol(",")?;
                }
            }
            new.add(session, &row)?;
            if !cursor.eat_symbol(",") {
                break;
            }
        }
    } else {
        let select = language::select(cursor)?;
        for row in super::select::rows_of(session, &select)?.1 {
            let row: Vec<Option<OwnedValue>> = row.into_iter().map(Some).collect();
            new.add(session, &row)?;
        }
    }
    cursor.expect_end()?;
    new.keep(session).map(Some)
}

fn value(session: &mut Session, expression: &Expression) -> Result<OwnedValue, Failure> {
    match expression {
        Expression::Literal(value, _) => Ok(value.clone()),
        _ => super::batch::compute(session, expression),
    }
}

/// The table of that name, to write to.
pub(super) fn writable(session: &Session, name: &ObjectName) -> Result<Table, Failure> {
    session.check_write("INSERT")?;
    let state = session.server.database_of(session.database_id)?.state;
    let same = |table: &&Table| {
        session.same_name(&table.name.schema, &name.schema) && session.same_name(&table.name.name, &name.name)
    };
    state.catalog.tables.iter().find(same).cloned().ok_or_else(|| unknown_object(&name.to_string()))
}

/// Rows that will be added to a table.
pub(super) struct NewRows {
    pub(super) table: Table,
    pub(super) stored: Vec<Column>,
    /// For each value that is given: its place among the stored columns.
    pub(super) given: Vec<usize>,
    /// For each stored column that is not given: what it gets.
    defaults: Vec<OwnedValue>,
    pages: Vec<mssql2pg_catalog::CodePage>,
    last_identity: Option<i128>,
    rows: PackedRows,
    row: Vec<u8>,
}

impl NewRows {
    /// For values of the columns `names`.
    ///
    /// # Errors
    /// 207 for a column that the table does not have.
    pub(super) fn new(session: &mut Session, table: Table, names: &[String]) -> Result<Self, Failure> {
        let stored: Vec<Column> = table.stored_columns().cloned().collect();
        let mut given = Vec::new();
        for name in names {
            let place = stored.iter().position(|column| session.same_name(&column.name, name));
            given.push(place.ok_or_else(|| unknown_column(name))?);
        }
        let mut defaults = Vec::new();
        let mut pages = Vec::new();
        for column in &stored {
            let collation = column.collation.as_deref().unwrap_or(session.collation_name());
            let page = Collation::named(collation).page;
            pages.push(page);
            defaults.push(match &column.default {
                // A default that cannot be computed here, such as `getdate()`, is NULL, or zero where it must be something.
                Some(default) => default_value(session, &default.text, column, page),
                None => OwnedValue::Null,
            });
        }
        let last_identity = stored
            .iter()
            .find_map(|column| column.identity.as_ref())
            .and_then(|identity| identity.last_value);
        let (rows, row) = (PackedRows::default(), Vec::new());
        Ok(Self { table, stored, given, defaults, pages, last_identity, rows, row })
    }

    /// Adds a row; none stands for the default.
    pub(super) fn add(&mut self, session: &Session, values: &[Option<OwnedValue>]) -> Result<(), Failure> {
        if values.len() != self.given.len() && !values.is_empty() {
            let text = "The number of columns for each row in a table value constructor must be the same.";
            return Err(Failure::new(10709, text));
        }
        let mut row: Vec<OwnedValue> = Vec::with_capacity(self.stored.len());
        for place in 0..self.stored.len() {
            let at = self.given.iter().position(|given| *given == place);
            let value = at.and_then(|at| values.get(at)).and_then(Option::as_ref);
            let value = match value {
                Some(value) => self.fitted(place, value.cell())?,
                None => self.missing_in(&session.server, place),
            };
            row.push(value);
        }
        self.add_fitted(&row)
    }

    /// Adds a row of values that fit their columns.
    pub(super) fn add_fitted(&mut self, row: &[OwnedValue]) -> Result<(), Failure> {
        self.row.clear();
        for (value, column) in row.iter().zip(&self.stored) {
            if *value == OwnedValue::Null && !column.nullable {
                let text = format!(
                    "Cannot insert the value NULL into column '{}', table '{}'; column does not allow nulls. INSERT fails.",
                    column.name, self.table.name
                );
                return Err(Failure { state: 2, ..Failure::new(515, text) });
            }
            if let (Some(identity), OwnedValue::Int(number)) = (&column.identity, value) {
                let number = i128::from(*number);
                let further = self
                    .last_identity
                    .is_none_or(|last| if identity.increment < 0 { number < last } else { number > last });
                if further {
                    self.last_identity = Some(number);
                }
            }
            pack(value.cell(), &mut self.row);
        }
        self.rows.push(&self.row);
        Ok(())
    }

    /// A value as its column keeps it.
    pub(super) fn fitted(&self, place: usize, cell: Cell<'_>) -> Result<OwnedValue, Failure> {
        let Some(column) = self.stored.get(place) else { return Err(unsupported("such a column")) };
        let page = self.pages.get(place).copied().unwrap_or(mssql2pg_catalog::CodePage(1252));
        let (whole, most) = match &column.sql_type {
            SqlType::NVarChar { length: Length(Some(most)) } | SqlType::NChar { length: most } => {
                (SqlType::NVarChar { length: Length::MAX }, usize::from(*most) * 2)
            }
            SqlType::VarChar { length: Length(Some(most)) } | SqlType::Char { length: most } => {
                (SqlType::VarChar { length: Length::MAX }, usize::from(*most))
            }
            SqlType::VarBinary { length: Length(Some(most)) } => {
                (SqlType::VarBinary { length: Length::MAX }, usize::from(*most))
            }
            _ => return convert(cell, &column.sql_type, page),
        };
        let value = convert(cell, &whole, page)?;
        // Blanks behind the end are cut, anything else is not.
        let beyond = match value.cell().value {
            Value::Utf16(bytes) | Value::CodePage(bytes, _) => {
                bytes.get(most..).is_some_and(|rest| rest.iter().any(|byte| !matches!(byte, b' ' | 0)))
            }
            Value::Bytes(bytes) => bytes.len() > most,
            _ => false,
        };
        if beyond {
            let text = format!(
                "String or binary data would be truncated in table '{}', column '{}'.",
                self.table.name, column.name
            );
            return Err(Failure::new(2628, text));
        }
        convert(value.cell(), &column.sql_type, page)
    }

    /// What a column gets that is not given.
    pub(super) fn missing_in(&self, server: &Server, place: usize) -> OwnedValue {
        let Some(column) = self.stored.get(place) else { return OwnedValue::Null };
        if let Some(identity) = &column.identity {
            let next = self.last_identity.map_or(identity.seed, |last| last + identity.increment);
            return i64::try_from(next).map_or(OwnedValue::Null, |next| match column.sql_type {
                SqlType::Decimal { scale, .. } => OwnedValue::decimal(next.into(), scale),
                _ => OwnedValue::Int(next),
            });
        }
        if column.sql_type == SqlType::RowVersion {
            return OwnedValue::Bytes(server.next_row_version().into());
        }
        self.defaults.get(place).cloned().unwrap_or(OwnedValue::Null)
    }

    /// Adds them to the table; how many there were.
    pub(super) fn keep(self, session: &mut Session) -> Result<u64, Failure> {
        let Self { table, last_identity, rows, .. } = self;
        session.note_undo(&table.name)?;
        let added = rows.len();
        session.change(|state| {
            if state.content(&table.name).is_none() {
                return Err(unknown_object(&table.name.to_string()));
            }
            state.rows_mut(&table).append(rows);
            if last_identity.is_some() {
                let columns = &mut state.table_mut(&table.name)?.columns;
                if let Some(identity) = columns.iter_mut().find_map(|column| column.identity.as_mut()) {
                    identity.last_value = last_identity;
                }
            }
            Ok(())
        })?;
        Ok(added)
    }
}

fn default_value(
    session: &mut Session,
    text: &str,
    column: &Column,
    page: mssql2pg_catalog::CodePage,
) -> OwnedValue {
    let computed = literal_expression(text)
        .and_then(|expression| super::batch::compute(session, &expression))
        .and_then(|value| convert(value.cell(), &column.sql_type, page));
    computed.unwrap_or_else(|_| {
        let moment = OwnedValue::DateTime2 { days: 730_000, ticks: 0 };
        convert(moment.cell(), &column.sql_type, page).unwrap_or(OwnedValue::Null)
    })
}
