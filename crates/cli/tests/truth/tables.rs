//! The script's tables with every row that they end up with.
//!
//! Invariant: every row has a value for every column, the ones that the script leaves to an
//! identity, a default or a computed column included.
//!
//! To extend: a computed column needs a [`Formula`]; without one it is an error.

use crate::expected::{Expected, expected};
use crate::script::{Insert, Literal, Script, ScriptColumn, ScriptTable};
use mssql2pg_catalog::SqlType;

/// A table as the script leaves it.
#[derive(Debug)]
pub struct TruthTable {
    /// `dbo.Order Details`.
    pub name: String,
    pub columns: Vec<TruthColumn>,
    pub rows: Vec<Vec<Expected>>,
}

#[derive(Debug)]
pub struct TruthColumn {
    pub name: String,
    /// None for a computed column.
    pub sql_type: Option<SqlType>,
}

/// What a computed column makes of its row, worked out by hand from the script's expression.
pub struct Formula {
    /// `SalesLT.SalesOrderHeader`.
    pub table: &'static str,
    pub column: &'static str,
    pub value: fn(&TextOf<'_>) -> String,
}

/// The text of another column of the row, by the column's name.
pub type TextOf<'a> = dyn Fn(&str) -> String + 'a;

/// The tables of a script, in its order.
pub fn truth_tables(script: &Script, formulas: &[Formula]) -> Result<Vec<TruthTable>, String> {
    let is_homeless = |insert: &&Insert| !script.tables.iter().any(|table| is_into(insert, table));
    if let Some(Insert { line, schema, table, .. }) = script.inserts.iter().find(is_homeless) {
        return Err(format!("line {line}: {schema}.{table}: the script creates no such table"));
    }
    script.tables.iter().map(|table| truth_table(table, script, formulas)).collect()
}

fn truth_table(table: &ScriptTable, script: &Script, formulas: &[Formula]) -> Result<TruthTable, String> {
    let name = format!("{}.{}", table.schema, table.name);
    let mut identity: Option<i64> = None;
    let mut rows = Vec::new();
    for insert in script.inserts.iter().filter(|insert| is_into(insert, table)) {
        let row = truth_row(table, insert, &mut identity, &name, formulas)
            .map_err(|error| format!("line {}: {name}: {error}", insert.line))?;
        rows.push(row);
    }
    let columns = table
        .columns
        .iter()
        .map(|column| TruthColumn { name: column.name.clone(), sql_type: column.sql_type.clone() })
        .collect();
    Ok(TruthTable { name, columns, rows })
}

fn is_into(insert: &Insert, table: &ScriptTable) -> bool {
    insert.schema.eq_ignore_ascii_case(&table.schema) && insert.table.eq_ignore_ascii_case(&table.name)
}

/// One row; `identity` is the last identity value that was given out.
fn truth_row(
    table: &ScriptTable,
    insert: &Insert,
    identity: &mut Option<i64>,
    name: &str,
    formulas: &[Formula],
) -> Result<Vec<Expected>, String> {
    // Without a column list come all columns but identity and computed ones ("INSERT", Microsoft Learn).
    let listed: Vec<String> = insert.columns.clone().unwrap_or_else(|| {
        let taken = table.columns.iter().filter(|c| c.identity.is_none() && c.sql_type.is_some());
        taken.map(|column| column.name.clone()).collect()
    });
    if listed.len() != insert.values.len() {
        return Err(format!("{} values for {} columns", insert.values.len(), listed.len()));
    }
    if let Some(unknown) =
        listed.iter().find(|name| !table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name)))
    {
        return Err(format!("it has no column {unknown}"));
    }
    let value_of = |column: &ScriptColumn| {
        let at = listed.iter().position(|name| name.eq_ignore_ascii_case(&column.name));
        at.map(|at| &insert.values[at]).filter(|literal| **literal != Literal::Default)
    };
    let mut row = Vec::new();
    for column in &table.columns {
        let Some(sql_type) = &column.sql_type else {
            row.push(Expected::Null); // Computed below, when the others are known.
            continue;
        };
        let literal = match (value_of(column), column.identity, &column.default) {
            (Some(literal), _, _) => literal.clone(),
            (None, Some((seed, increment)), _) => {
                Literal::Number(identity.map_or(seed, |last| last + increment).to_string())
            }
            (None, None, Some(default)) => default.clone(),
            (None, None, None) => Literal::Null,
        };
        if column.identity.is_some()
            && let Literal::Number(number) = &literal
        {
            *identity = number.parse().ok();
        }
        row.push(expected(&literal, sql_type).map_err(|error| format!("{}: {error}", column.name))?);
    }
    for (at, column) in table.columns.iter().enumerate().filter(|(_, column)| column.sql_type.is_none()) {
        let formula = formulas.iter().find(|formula| formula.table == name && formula.column == column.name);
        let formula = formula.ok_or_else(|| format!("no formula for {}", column.name))?;
        let value = (formula.value)(&|wanted| {
            let at = table.columns.iter().position(|column| column.name == wanted);
            match at.map(|at| &row[at]) {
                Some(Expected::Text(text)) => text.clone(),
                other => panic!("{name}.{wanted} is {other:?}"),
            }
        });
        row[at] = Expected::Text(value);
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::read_script;

    #[test]
    fn what_an_insert_leaves_out_comes_from_identity_default_formula_or_null() {
        let script = read_script(
            "create table t (id int identity(10, 5), a varchar(5) default 'x', b int, c as (b + b), d datetime
               default (getdate()))
             insert t values ('one', 1, null) insert t (B) values (2) insert T (id, b) values (40, 3)
             insert dbo.t (b, a) values (4, default)",
        )
        .expect("a script");
        let formulas = [Formula {
            table: "dbo.t",
            column: "c",
            value: |of| (of("b").parse::<i64>().expect("a number") * 2).to_string(),
        }];
        let tables = truth_tables(&script, &formulas).expect("rows");
        let text = |text: &str| Expected::Text(text.to_owned());
        let now = Expected::Function("getdate".to_owned());
        assert_eq!(
            tables[0].rows,
            [
                vec![text("10"), text("one"), text("1"), text("2"), Expected::Null],
                vec![text("15"), text("x"), text("2"), text("4"), now.clone()],
                vec![text("40"), text("x"), text("3"), text("6"), now.clone()],
                vec![text("45"), text("x"), text("4"), text("8"), now],
            ]
        );
        truth_tables(&script, &[]).expect_err("the computed column has no formula");
    }

    #[test]
    fn a_row_that_does_not_fit_its_table_is_an_error() {
        let check = |script: &str, place: &str| {
            let script = read_script(&format!("create table t (a int)\n{script}")).expect("a script");
            let error = truth_tables(&script, &[]).expect_err("it does not fit");
            assert!(error.starts_with(place), "{error}");
        };
        check("insert t values (1, 2)", "line 2: dbo.t: ");
        check("insert t (b) values (1)", "line 2: dbo.t: ");
        check("insert t values ('x')", "line 2: dbo.t: ");
        check("insert u values (1)", "line 2: dbo.u: ");
        check("insert s.t values (1)", "line 2: s.t: ");
    }
}
