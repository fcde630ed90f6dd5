//! `exists (select … from t where …)` whose condition names columns of the row around it: the rows of `t` are read once,
//! and looked up by what must be equal.
//!
//! Invariant: only conditions that are understood are evaluated: those of `t` alone, and equalities of an expression over
//! `t` with one over the row around it. Anything else is refused.

use super::super::failures::unsupported;
use super::super::language::ast::{Expression, From, Operator, Select};
use super::super::order::compare;
use super::super::session::Session;
use super::super::values::collation::Collation;
use super::super::values::owned::{Cell, OwnedValue};
use super::compile::{Compiler, Scope};
use super::evaluate::{Compiled, evaluate, holds};
use super::rows::{Flow, Pass, Row, Taker};
use super::run::table_scope;
use crate::answer::Failure;
use mssql2pg_catalog::Value;
use std::cmp::Ordering;

/// The keys of the rows of a subquery.
#[derive(Debug, Clone)]
pub(crate) struct SemiJoin {
    /// Sorted; none has a NULL in it.
    keys: Vec<Vec<OwnedValue>>,
    /// Over the row around it, one for each value of a key.
    probes: Vec<Compiled>,
    collations: Vec<Collation>,
}

impl SemiJoin {
    /// Whether a row of the subquery has the key that the row around it asks for.
    pub(super) fn holds(&self, row: &dyn Row) -> Result<bool, Failure> {
        let wanted: Result<Vec<OwnedValue>, Failure> =
            self.probes.iter().map(|probe| Ok(evaluate(probe, row)?.into_owned())).collect();
        let wanted = wanted?;
        // Nothing equals NULL.
        if wanted.contains(&OwnedValue::Null) {
            return Ok(false);
        }
        Ok(self.keys.binary_search_by(|key| order(key, &wanted, &self.collations)).is_ok())
    }

    /// Tells every place of the row around it that it names.
    pub(super) fn slots(&self, tell: &mut dyn FnMut(usize)) {
        self.probes.iter().for_each(|probe| probe.slots(tell));
    }
}

fn order(a: &[OwnedValue], b: &[OwnedValue], collations: &[Collation]) -> Ordering {
    let orders =
        a.iter().zip(b).zip(collations).map(|((a, b), collation)| compare(a.cell(), b.cell(), *collation));
    orders.fold(Ordering::Equal, Ordering::then)
}

/// Reads the rows of a subquery that stands inside of `around`.
///
/// # Errors
/// SQL Server's own, and what this engine does not know.
pub(super) fn semi_join(session: &mut Session, around: &Scope, select: &Select) -> Result<SemiJoin, Failure> {
    let plain = select.group_by.is_empty()
        && select.union_all.is_none()
        && select.top.is_none()
        && select.offset.is_none()
        && select.fetch.is_none();
    let (Some(From::Table { parts, alias, hints }), Some(condition), true) =
        (&select.from, &select.condition, plain)
    else {
        return Err(unsupported("such a subquery"));
    };
    let table = session.open_table(parts, hints)?;
    let mut around = around.clone();
    around.columns.retain(|column| column.place.is_ok());
    // The places of the row around it come first.
    let first = around
        .columns
        .iter()
        .filter_map(|column| column.place.as_ref().ok())
        .max()
        .map_or(0, |place| place + 1);
    let mut scope = table_scope(&table, alias.as_deref(), around.case_sensitive);
    scope.columns.retain(|column| column.place.is_ok());
    let stored = scope.columns.len();
    for place in scope.columns.iter_mut().filter_map(|column| column.place.as_mut().ok()) {
        *place += first;
    }
    scope.around = Some(Box::new(around));
    let mut compiler = Compiler::plain(session, &scope);
    let (mut own, mut keys, mut probes, mut collations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let side = |expression: &Compiled| {
        let (mut inside, mut outside) = (false, false);
        expression.slots(&mut |slot| if slot < first { outside = true } else { inside = true });
        (inside, outside)
    };
    for term in terms(condition) {
        let compiled = compiler.compile(term)?.node;
        if !side(&compiled).1 {
            own.push(compiled);
            continue;
        }
        match compiled {
            Compiled::Compare(Operator::Equal, a, b, collation) => {
                let (key, probe) = match (side(&a), side(&b)) {
                    ((_, false), (false, _)) => (*a, *b),
                    ((false, _), (_, false)) => (*b, *a),
                    _ => return Err(unsupported("a subquery that compares mixed expressions")),
                };
                keys.push(key);
                probes.push(probe);
                collations.push(collation);
            }
            _ => return Err(unsupported("a subquery whose condition is no equality with the row around it")),
        }
    }
    let mut needed = vec![false; stored];
    for expression in keys.iter().chain(&own) {
        expression.slots(&mut |slot| {
            if let Some(place) = slot.checked_sub(first).and_then(|slot| needed.get_mut(slot)) {
                *place = true;
            }
        });
    }
    let mut gather = Keys { first, own: &own, keys: &keys, found: Vec::new() };
    let mut pass = Pass::new(&needed, None, &mut gather);
    table.read(&mut pass);
    pass.finish()?;
    let mut found = gather.found;
    found.sort_by(|a, b| order(a, b, &collations));
    Ok(SemiJoin { keys: found, probes, collations })
}

/// What stands between `and`.
fn terms(condition: &Expression) -> Vec<&Expression> {
    match condition {
        Expression::And(a, b) => [terms(a), terms(b)].concat(),
        other => vec![other],
    }
}

struct Keys<'a> {
    first: usize,
    own: &'a [Compiled],
    keys: &'a [Compiled],
    found: Vec<Vec<OwnedValue>>,
}

/// A row whose places begin behind those of the row around it.
struct Behind<'a> {
    row: &'a dyn Row,
    first: usize,
}

impl Row for Behind<'_> {
    fn cell(&self, slot: usize) -> Cell<'_> {
        slot.checked_sub(self.first).map_or(Cell::plain(Value::Null), |slot| self.row.cell(slot))
    }
}

impl Taker for Keys<'_> {
    fn take(&mut self, row: &dyn Row) -> Result<Flow, Failure> {
        let row = Behind { row, first: self.first };
        for condition in self.own {
            if holds(condition, &row)? != Some(true) {
                return Ok(Flow::More);
            }
        }
        let key: Result<Vec<OwnedValue>, Failure> =
            self.keys.iter().map(|key| Ok(evaluate(key, &row)?.into_owned())).collect();
        let key = key?;
        if !key.contains(&OwnedValue::Null) {
            self.found.push(key);
        }
        Ok(Flow::More)
    }
}
