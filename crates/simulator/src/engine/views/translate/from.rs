//! `from`: views, derived tables, common table expressions, joins.

use super::super::definition::{Guard, OpenView};
use super::super::fill::quoted;
use super::scope::{Relation, RelationColumn, Scope};
use super::{OutputColumn, Translator, parts, unknown};
use crate::answer::Failure;
use sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableWithJoins,
};

/// Columns whose value is of the session or of the moment: view, column, and what gives it.
const LIVE: &[(&str, &str, &str)] = &[
    ("sys.partitions", "rows", "t_row_count(object_id, index_id, partition_number, \"rows\")"),
    (
        "sys.dm_db_partition_stats",
        "row_count",
        "t_row_count(object_id, index_id, partition_number, row_count)",
    ),
    ("sys.dm_exec_connections", "session_id", "t_at_at_spid()"),
    ("sys.dm_exec_connections", "most_recent_session_id", "t_at_at_spid()"),
    ("sys.dm_exec_connections", "encrypt_option", "t_encrypt_option()"),
    ("sys.dm_exec_sessions", "session_id", "t_at_at_spid()"),
    ("sys.dm_exec_sessions", "login_name", "t_original_login()"),
    ("sys.dm_exec_sessions", "original_login_name", "t_original_login()"),
    ("sys.dm_exec_sessions", "program_name", "t_app_name()"),
    ("sys.dm_exec_sessions", "host_name", "t_host_name()"),
    ("sys.dm_exec_sessions", "open_transaction_count", "t_at_at_trancount()"),
];

impl Translator<'_> {
    /// The text after `from`; what it brings in sight is added to the scope.
    pub(super) fn from(&mut self, from: &[TableWithJoins], scope: &mut Scope<'_>) -> Result<String, Failure> {
        let mut texts = Vec::new();
        for tree in from {
            texts.push(self.joined(tree, scope)?);
        }
        Ok(texts.join(" cross join "))
    }

    fn joined(&mut self, tree: &TableWithJoins, scope: &mut Scope<'_>) -> Result<String, Failure> {
        let first = scope.relations.len();
        let mut text = self.relation(&tree.relation, scope)?;
        for join in &tree.joins {
            let joined = scope.relations.len();
            let (words, constraint) = match &join.join_operator {
                JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
                    ("join", Some(constraint))
                }
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                    ("left join", Some(constraint))
                }
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                    ("right join", Some(constraint))
                }
                JoinOperator::FullOuter(constraint) => ("full join", Some(constraint)),
                JoinOperator::CrossJoin(_) | JoinOperator::CrossApply => ("cross join", None),
                JoinOperator::OuterApply => ("left join", None),
                other => return Err(unknown("the join", format!("{other:?}"))),
            };
            let relation = self.relation(&join.relation, scope)?;
            // The side that may find no partner is NULL then, whatever its columns say.
            let missing = match words {
                "left join" => joined..scope.relations.len(),
                "right join" => first..joined,
                "full join" => first..scope.relations.len(),
                _ => 0..0,
            };
            let relations = scope.relations.get_mut(missing).unwrap_or_default();
            relations
                .iter_mut()
                .flat_map(|found| &mut found.columns)
                .for_each(|column| column.nullable = true);
            let condition = match constraint {
                Some(JoinConstraint::On(condition)) => self.condition(condition, scope)?,
                Some(JoinConstraint::None) => {
                    return Err(Failure::new(102, "Incorrect syntax: a join without on."));
                }
                Some(_) => return Err(Failure::new(102, "Incorrect syntax near 'using'.")),
                None => "1".to_owned(),
            };
            let on = if words == "cross join" { String::new() } else { format!(" on {condition}") };
            text = format!("{text} {words} {relation}{on}");
        }
        Ok(text)
    }

    fn relation(&mut self, factor: &TableFactor, scope: &mut Scope<'_>) -> Result<String, Failure> {
        match factor {
            TableFactor::Table { name, alias, args, .. } => {
                self.view(name, alias.as_ref(), args.is_some(), scope)
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let Some(alias) = alias else {
                    return Err(Failure::new(102, "Incorrect syntax: a derived table needs a name."));
                };
                let translated = self.query(subquery, scope.parent)?;
                let columns = self.renamed(translated.columns, alias)?;
                let number = self.number();
                let columns = columns.into_iter().map(|column| through(number, column)).collect();
                scope.relations.push(Relation { name: alias.name.value.clone(), schema: None, columns });
                Ok(format!("({}) as r{number}", translated.sql))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                Ok(format!("({})", self.joined(table_with_joins, scope)?))
            }
            other => Err(unknown("the relation", other)),
        }
    }

    /// The columns of a derived table, under the names that its alias lists.
    pub(super) fn renamed(
        &self,
        mut columns: Vec<OutputColumn>,
        alias: &TableAlias,
    ) -> Result<Vec<OutputColumn>, Failure> {
        let name = &alias.name.value;
        if !alias.columns.is_empty() {
            if alias.columns.len() != columns.len() {
                let more = if alias.columns.len() < columns.len() { (8158, "more") } else { (8159, "fewer") };
                let text = format!("'{name}' has {} columns than were specified in the column list.", more.1);
                return Err(Failure::new(more.0, text));
            }
            for (column, listed) in columns.iter_mut().zip(&alias.columns) {
                column.name.clone_from(&listed.name.value);
            }
        }
        if let Some((_, place)) = columns.iter().zip(1..).find(|(column, _)| column.name.is_empty()) {
            let text = format!("No column name was specified for column {place} of '{name}'.");
            return Err(Failure::new(8155, text));
        }
        for (at, column) in columns.iter().enumerate() {
            if columns.iter().skip(at + 1).any(|other| self.same(&other.name, &column.name)) {
                let text = format!("The column '{}' was specified multiple times for '{name}'.", column.name);
                return Err(Failure::new(8156, text));
            }
        }
        Ok(columns)
    }

    fn view(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        is_call: bool,
        scope: &mut Scope<'_>,
    ) -> Result<String, Failure> {
        let parts = parts(name);
        let number = self.number();
        if let [single] = parts.as_slice() {
            let common =
                self.common.iter().rev().find(|common| self.same(&common.name, &single.value)).cloned();
            if let Some(common) = common {
                let columns = common.columns.iter().map(|column| RelationColumn {
                    sql: format!("r{number}.{}", column.sql),
                    ..column.clone()
                });
                let known = alias.map_or(&common.name, |alias| &alias.name.value).clone();
                let columns = columns.collect();
                scope.relations.push(Relation { name: known, schema: None, columns });
                return Ok(format!("{} as r{number}", common.schema.unwrap_or_default()));
            }
        }
        let open = self.find_view(&parts, name)?;
        if open.view.is_function && !is_call {
            return Err(Failure::new(216, "Parameters were not supplied for the function."));
        }
        self.check_state(open)?;
        let columns = open.columns.iter().filter(|column| !column.name.starts_with('@'));
        let columns = columns.map(|column| RelationColumn {
            name: column.name.to_owned(),
            sql: format!("r{number}.{}", quoted(column.name)),
            sql_type: column.sql_type.clone(),
            nullable: column.nullable,
        });
        let (schema, last) = open.view.name.split_once('.').unwrap_or(("sys", open.view.name));
        let relation = match alias {
            Some(alias) => {
                Relation { name: alias.name.value.clone(), schema: None, columns: columns.collect() }
            }
            None => Relation {
                name: last.to_owned(),
                schema: Some(schema.to_owned()),
                columns: columns.collect(),
            },
        };
        scope.relations.push(relation);
        Ok(format!("{} as r{number}", self.source(open)))
    }

    /// The view of that name.
    fn find_view(&self, parts: &[&Ident], name: &ObjectName) -> Result<&OpenView, Failure> {
        let written: Vec<_> = parts.iter().map(|part| part.value.as_str()).collect();
        let invalid = || Failure::new(208, format!("Invalid object name '{}'.", written.join(".")));
        let (database, schema, last) = match written.as_slice() {
            [schema, last] => (None, *schema, *last),
            [database, schema, last] => (Some(*database), *schema, *last),
            _ => return Err(invalid()),
        };
        let full = format!("{schema}.{last}");
        let found = self.views.values().find(|open| self.same(open.view.name, &full)).ok_or_else(invalid)?;
        if let Some(database) = database {
            let here = [self.state.facts.database_name.as_str(), "master", "msdb", "tempdb"];
            if !here.iter().any(|known| self.same(known, database)) {
                return Err(unknown("the views of another database", name));
            }
        }
        Ok(found)
    }

    /// What the state of the server is not told to everybody.
    fn check_state(&self, open: &OpenView) -> Result<(), Failure> {
        if self.session.is_administrator() {
            return Ok(());
        }
        let (number, words) = match open.view.name {
            "sys.dm_exec_connections" | "sys.dm_hadr_database_replica_states" => (
                300,
                "VIEW SERVER STATE permission was denied on object 'server', database 'master'.".to_owned(),
            ),
            "sys.dm_db_partition_stats" => (
                262,
                format!(
                    "VIEW DATABASE STATE permission denied in database '{}'.",
                    self.state.facts.database_name
                ),
            ),
            _ => return Ok(()),
        };
        Err(Failure { class: 14, ..Failure::new(number, words) })
    }

    /// The table of a view, or what the session sees of it.
    fn source(&self, open: &OpenView) -> String {
        let table = quoted(open.view.name);
        let live: Vec<_> = LIVE.iter().filter(|(view, ..)| *view == open.view.name).collect();
        let all = self.session.rights.view_definition;
        if live.is_empty() && (all || open.view.guard == Guard::Open) {
            return table;
        }
        let columns = open.columns.iter().map(|column| {
            let name = quoted(column.name);
            if let Some((.., gives)) = live.iter().find(|(_, found, _)| *found == column.name) {
                return format!("{gives} as {name}");
            }
            let is_text = column.name.ends_with("definition") || column.name == "COLUMN_DEFAULT";
            if is_text && !all { format!("null as {name}") } else { name }
        });
        let columns: Vec<_> = columns.collect();
        let condition = match open.view.guard {
            _ if all => String::new(),
            Guard::Open => String::new(),
            Guard::Hidden => " where 0".to_owned(),
            Guard::Object(column) => format!(" where t_visible({})", quoted(column)),
        };
        format!("(select {} from {table}{condition})", columns.join(", "))
    }
}

/// A column of a derived table as those outside see it.
fn through(number: usize, column: OutputColumn) -> RelationColumn {
    let OutputColumn { name, sql, sql_type, nullable, .. } = column;
    RelationColumn { name, sql: format!("r{number}.{sql}"), sql_type, nullable }
}
