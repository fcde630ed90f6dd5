//! Runs a `select`.

use super::super::language::ast::{Expression, From, Item, Select};
use super::super::session::{Session, TableRows};
use super::super::values::owned::OwnedValue;
use super::aggregate::{Aggregate, AggregateKind};
use super::compile::{Compiler, Scope, ScopeColumn, Typed};
use super::evaluate::{Compiled, evaluate};
use super::rows::{Collect, Emit, Flow, Gather, NoRow, Pass, SortKey, Taker, compare_keys, offer};
use super::types::common;
use crate::answer::{Answer, AnswerColumn, Failure, Stopped};
use mssql2pg_catalog::{RowSink, SqlType, Stop, Value};
use std::io;

/// The most items of a list ("Maximum capacity specifications for SQL Server").
const MOST_ITEMS: usize = 4096;
/// After so many rows a read that is told to fail midway does.
const MIDWAY_ROWS: u64 = 3;

/// Where rows come from.
enum Origin {
    /// One row without columns.
    Nothing,
    Table(TableRows),
    Kept(Vec<Vec<OwnedValue>>),
}

/// A `select` that can be run.
struct Plan {
    origin: Origin,
    /// By place of a stored column: whether any expression names it.
    needed: Vec<bool>,
    condition: Option<Compiled>,
    columns: Vec<AnswerColumn>,
    /// The items, over the rows of the origin or over the groups.
    items: Vec<Compiled>,
    groups: Option<(Vec<SortKey>, Vec<Aggregate>)>,
    order: Vec<SortKey>,
    /// For `distinct`: how the items are compared.
    distinct: Option<Vec<SortKey>>,
    offset: u64,
    most: u64,
}

/// What an answer was.
pub(crate) struct Answered {
    pub(crate) rows: u64,
}

/// Runs a `select` and answers it.
///
/// # Errors
/// SQL Server's own, what this engine does not know, and the client's end.
pub(crate) fn run(
    session: &mut Session,
    select: &Select,
    answer: &mut dyn Answer,
) -> Result<Answered, Stopped> {
    let plan = plan(session, select)?;
    let rest = match &select.union_all {
        Some(rest) => Some(rows_of(session, rest)?.1),
        None => None,
    };
    answer.columns(&plan.columns)?;
    let failing = session.midway.take().map(|failure| (MIDWAY_ROWS, failure));
    let rows = {
        let out = answer.rows();
        let (flow, mut rows, failing) = emit(&plan, out, failing)?;
        if flow == Flow::Gone {
            return Err(gone());
        }
        for row in rest.into_iter().flatten() {
            for value in &row {
                value.cell().give(out);
            }
            rows += 1;
            if out.end_row() == Err(Stop) {
                return Err(gone());
            }
        }
        if let Some((_, failure)) = failing {
            return Err(failure.into());
        }
        rows
    };
    Ok(Answered { rows })
}

fn gone() -> Stopped {
    Stopped::Client(io::Error::new(io::ErrorKind::Interrupted, "the client wants no more rows"))
}

/// Answers with rows that are known.
pub(crate) fn answer_rows(
    columns: &[AnswerColumn],
    rows: &[Vec<OwnedValue>],
    answer: &mut dyn Answer,
) -> Result<Answered, Stopped> {
    answer.columns(columns)?;
    let out = answer.rows();
    for row in rows {
        for value in row {
            value.cell().give(out);
        }
        if out.end_row() == Err(Stop) {
            return Err(gone());
        }
    }
    Ok(Answered { rows: rows.len() as u64 })
}

/// Runs a `select` and keeps its rows.
///
/// # Errors
/// As [`run`], but for the client.
pub(crate) fn rows_of(
    session: &mut Session,
    select: &Select,
) -> Result<(Vec<AnswerColumn>, Vec<Vec<OwnedValue>>), Failure> {
    let plan = plan(session, select)?;
    let mut keep = Keep { row: Vec::new(), rows: Vec::new() };
    emit(&plan, &mut keep, None)?;
    let mut rows = keep.rows;
    if let Some(rest) = &select.union_all {
        rows.extend(rows_of(session, rest)?.1);
    }
    Ok((plan.columns, rows))
}

struct Keep {
    row: Vec<OwnedValue>,
    rows: Vec<Vec<OwnedValue>>,
}

impl RowSink for Keep {
    fn value(&mut self, value: Value<'_>) {
        self.row.push(OwnedValue::of(super::super::values::owned::Cell::of(value)));
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

type Failing = Option<(u64, Failure)>;

/// Pushes the rows of the plan.
fn emit(plan: &Plan, out: &mut dyn RowSink, failing: Failing) -> Result<(Flow, u64, Failing), Failure> {
    let keeps = plan.distinct.is_some() || !plan.order.is_empty() || plan.offset > 0;
    if !keeps && plan.groups.is_none() {
        let mut emit = Emit { out, items: &plan.items, most: plan.most, rows: 0, failing };
        let flow = if plan.most == 0 { Flow::Enough } else { pass(plan, &mut emit)? };
        return Ok((flow, emit.rows, emit.failing));
    }
    let all = plan.distinct.is_some() || plan.groups.is_some();
    let most = if all { u64::MAX } else { plan.most.saturating_add(plan.offset) };
    let mut collect = Collect { keys: &plan.order, items: &plan.items, most, rows: Vec::new() };
    match &plan.groups {
        None => {
            pass(plan, &mut collect)?;
        }
        Some((keys, aggregates)) => {
            let mut gather = Gather { keys, aggregates, groups: Vec::new() };
            pass(plan, &mut gather)?;
            if keys.is_empty() && gather.groups.is_empty() {
                gather.groups.push((Vec::new(), vec![super::aggregate::Kept::default(); aggregates.len()]));
            }
            for (mut row, kept) in gather.groups {
                for (kept, aggregate) in kept.into_iter().zip(aggregates) {
                    row.push(kept.finish(aggregate)?);
                }
                collect.take(&row)?;
            }
        }
    }
    if let Some(keys) = &plan.distinct {
        collect.rows.sort_by(|(_, a), (_, b)| compare_keys(keys, a, b));
        collect.rows.dedup_by(|(_, a), (_, b)| compare_keys(keys, a, b).is_eq());
    }
    collect.sort();
    let slots: Vec<Compiled> = (0..plan.items.len()).map(Compiled::Slot).collect();
    let mut emit = Emit { out, items: &slots, most: plan.most, rows: 0, failing };
    let offset = usize::try_from(plan.offset).unwrap_or(usize::MAX);
    let mut flow = Flow::More;
    for (_, row) in collect.rows.iter().skip(offset) {
        flow = emit.take(row)?;
        if flow != Flow::More {
            break;
        }
    }
    Ok((flow, emit.rows, emit.failing))
}

/// One pass over the origin.
fn pass(plan: &Plan, taker: &mut dyn Taker) -> Result<Flow, Failure> {
    let condition = plan.condition.as_ref();
    match &plan.origin {
        Origin::Nothing => offer(&NoRow, condition, taker),
        Origin::Table(table) => {
            let mut pass = Pass::new(&plan.needed, condition, taker);
            table.read(&mut pass);
            pass.finish()
        }
        Origin::Kept(rows) => {
            for row in rows {
                let flow = offer(row, condition, taker)?;
                if flow != Flow::More {
                    return Ok(flow);
                }
            }
            Ok(Flow::More)
        }
    }
}

fn plan(session: &mut Session, select: &Select) -> Result<Plan, Failure> {
    let Select { distinct, top, items: _, from, condition, group_by, order_by, offset, fetch, union_all: _ } =
        select;
    let (origin, scope) = match from {
        None => (Origin::Nothing, Scope { case_sensitive: session.case_sensitive(), ..Scope::default() }),
        Some(from) => open(session, from)?,
    };
    let mut compiler = Compiler::plain(session, &scope);
    let condition = condition.as_ref().map(|condition| compiler.compile(condition)).transpose()?;
    let items = items(select, &scope)?;
    if items.len() > MOST_ITEMS {
        let text =
            "The number of elements in the select list exceeds the maximum allowed number of 4096 elements.";
        return Err(Failure { class: 15, ..Failure::new(1056, text) });
    }
    let grouped = !group_by.is_empty() || items.iter().any(|(item, _)| has_aggregate(item));
    if grouped {
        let mut keys = Vec::new();
        for key in group_by {
            keys.push((key.clone(), compiler.compile(key)?));
        }
        compiler.groups = Some((keys, Vec::new()));
    }
    let mut compiled: Vec<(Typed, String)> = Vec::new();
    for (item, name) in items {
        compiled.push((compiler.compile(&item)?, name));
    }
    let mut order = Vec::new();
    for key in order_by {
        let typed = match order_item(&key.key, &compiled, &scope) {
            Some(place) => compiled[place].0.clone(),
            None => compiler.compile(&key.key)?,
        };
        let collation = compiler.collation(&[&typed]);
        order.push(SortKey { key: typed.node, descending: key.descending, collation });
    }
    let groups = compiler.groups.take().map(|(keys, aggregates)| {
        let keys = keys.into_iter().map(|(_, key)| SortKey {
            collation: compiler.collation(&[&key]),
            key: key.node,
            descending: false,
        });
        (keys.collect::<Vec<SortKey>>(), aggregates)
    });
    let mut count = |expression: &Option<Expression>, default: u64| match expression {
        Some(expression) => match evaluate(&compiler.compile(expression)?.node, &NoRow)?.cell().value {
            Value::Int(count) => Ok(u64::try_from(count).unwrap_or(0)),
            _ => Err(Failure::new(1060, "The number of rows must be a whole number.")),
        },
        None => Ok(default),
    };
    let most = count(top, u64::MAX)?.min(count(fetch, u64::MAX)?);
    let offset = count(offset, 0)?;
    let columns = compiled
        .iter()
        .map(|(typed, name)| AnswerColumn {
            name: name.clone(),
            sql_type: typed.sql_type.clone(),
            nullable: typed.nullable,
            collation: typed.collation.clone(),
        })
        .collect();
    let distinct = distinct.then(|| {
        let keys = compiled.iter().enumerate().map(|(place, (item, _))| SortKey {
            key: Compiled::Slot(place),
            descending: false,
            collation: compiler.collation(&[item]),
        });
        keys.collect()
    });
    let condition = condition.map(|condition| condition.node);
    let items: Vec<Compiled> = compiled.into_iter().map(|(typed, _)| typed.node).collect();
    let needed = needed(&scope, condition.as_ref(), &items, &order, groups.as_ref());
    Ok(Plan { origin, needed, condition, columns, items, groups, order, distinct, offset, most })
}

/// The items of the list and their names, with all columns for `*`.
fn items(select: &Select, scope: &Scope) -> Result<Vec<(Expression, String)>, Failure> {
    let mut found = Vec::new();
    for item in &select.items {
        match item {
            Item::All if select.from.is_none() => {
                return Err(Failure::new(263, "Must specify table to select from."));
            }
            Item::All => found.extend(
                scope
                    .columns
                    .iter()
                    .map(|column| (Expression::Column(vec![column.name.clone()]), column.name.clone())),
            ),
            Item::Expression { expression, name } => {
                let column = match expression {
                    Expression::Column(parts) if parts.last() == Some(name) => scope.column(parts).ok(),
                    _ => None,
                };
                // A column's name as the table spells it.
                let name = column.map_or_else(|| name.clone(), |column| column.name.clone());
                found.push((expression.clone(), name));
            }
        }
    }
    Ok(found)
}

/// The item that a key of `order by` names: by its number or its name.
fn order_item(key: &Expression, items: &[(Typed, String)], scope: &Scope) -> Option<usize> {
    match key {
        Expression::Literal(OwnedValue::Int(number), _) => {
            usize::try_from(*number - 1).ok().filter(|place| *place < items.len())
        }
        Expression::Column(parts) if parts.len() == 1 => {
            items.iter().position(|(_, name)| scope.same(name, &parts[0]))
        }
        _ => None,
    }
}

fn has_aggregate(expression: &Expression) -> bool {
    expression
        .any(&|found| matches!(found, Expression::Call { name, .. } if AggregateKind::named(name).is_some()))
}

/// Opens what is selected from.
fn open(session: &mut Session, from: &From) -> Result<(Origin, Scope), Failure> {
    let case_sensitive = session.case_sensitive();
    match from {
        From::Table { parts, alias, hints } => {
            let table = session.open_table(parts, hints)?;
            let scope = table_scope(&table, alias.as_deref(), case_sensitive);
            Ok((Origin::Table(table), scope))
        }
        From::Values { rows, alias, columns } => {
            let empty = Scope { case_sensitive, ..Scope::default() };
            let mut compiler = Compiler::plain(session, &empty);
            let mut typed: Vec<Vec<Typed>> = Vec::new();
            for row in rows {
                typed.push(row.iter().map(|value| compiler.compile(value)).collect::<Result<_, _>>()?);
            }
            let is_null = |typed: &Typed| matches!(typed.node, Compiled::Value(OwnedValue::Null));
            let scoped = columns.iter().enumerate().map(|(place, name)| {
                let cells = || typed.iter().filter_map(|row| row.get(place));
                let types = cells().filter(|typed| !is_null(typed)).map(|typed| typed.sql_type.clone());
                ScopeColumn {
                    name: name.clone(),
                    sql_type: types.reduce(|a, b| common(&a, &b)).unwrap_or(SqlType::Int),
                    nullable: cells().any(|typed| typed.nullable),
                    collation: cells().find_map(|typed| typed.collation.clone()),
                    place: Ok(place),
                }
            });
            let scoped: Vec<ScopeColumn> = scoped.collect();
            let mut kept = Vec::new();
            for row in typed {
                if row.len() != scoped.len() {
                    return Err(Failure::new(
                        8158,
                        format!("'{alias}' has more columns than were specified in the column list."),
                    ));
                }
                let mut values = Vec::new();
                for (value, column) in row.into_iter().zip(&scoped) {
                    let page = compiler.collation(&[&value]).page;
                    let value = evaluate(&value.node, &NoRow)?.into_owned();
                    values.push(super::super::values::convert::convert(
                        value.cell(),
                        &column.sql_type,
                        page,
                    )?);
                }
                kept.push(values);
            }
            let scope =
                Scope { qualifiers: vec![alias.clone()], columns: scoped, case_sensitive, around: None };
            Ok((Origin::Kept(kept), scope))
        }
        From::Select { select, alias, columns } => {
            let (answered, rows) = rows_of(session, select)?;
            let scoped = answered.into_iter().enumerate().map(|(place, column)| ScopeColumn {
                name: columns.get(place).cloned().unwrap_or(column.name),
                sql_type: column.sql_type,
                nullable: column.nullable,
                collation: column.collation,
                place: Ok(place),
            });
            let columns = scoped.collect();
            let scope = Scope { qualifiers: vec![alias.clone()], columns, case_sensitive, around: None };
            Ok((Origin::Kept(rows), scope))
        }
    }
}

/// The columns of a table, as its expressions may name them.
pub(crate) fn table_scope(table: &TableRows, alias: Option<&str>, case_sensitive: bool) -> Scope {
    let definition = table.table();
    let qualifier = alias.unwrap_or(&definition.name.name).to_owned();
    let mut stored = 0;
    let columns = definition.columns.iter().map(|column| {
        let place = match &column.computed {
            Some(computed) => Err(computed.text.clone()),
            None => {
                stored += 1;
                Ok(stored - 1)
            }
        };
        ScopeColumn {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            nullable: column.nullable,
            collation: column.collation.clone(),
            place,
        }
    });
    Scope { columns: columns.collect(), qualifiers: vec![qualifier], case_sensitive, around: None }
}

/// Which places of a row are named.
fn needed(
    scope: &Scope,
    condition: Option<&Compiled>,
    items: &[Compiled],
    order: &[SortKey],
    groups: Option<&(Vec<SortKey>, Vec<Aggregate>)>,
) -> Vec<bool> {
    let mut needed = vec![false; scope.columns.len()];
    let mut mark = |expression: &Compiled| {
        expression.slots(&mut |slot| {
            if let Some(place) = needed.get_mut(slot) {
                *place = true;
            }
        })
    };
    condition.into_iter().for_each(&mut mark);
    match groups {
        // The items stand over the groups.
        Some((keys, aggregates)) => {
            keys.iter().for_each(|key| mark(&key.key));
            aggregates.iter().filter_map(|aggregate| aggregate.operand.as_ref()).for_each(mark);
        }
        None => {
            items.iter().for_each(&mut mark);
            order.iter().for_each(|key| mark(&key.key));
        }
    }
    needed
}
