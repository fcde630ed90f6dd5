//! `select`, `union`, `with`, `order by` and `top`.

use super::scope::{Relation, RelationColumn, Scope, Typed};
use super::typing::{coerced, common_type, plain};
use super::{OutputColumn, Translated, Translator, collated, parts, unknown};
use crate::answer::Failure;
use mssql2pg_catalog::SqlType;
use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, LimitClause, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TopQuantity, Value,
    ValueWithSpan,
};

impl Translator<'_> {
    /// A whole query.
    pub(super) fn query(&mut self, query: &Query, parent: Option<&Scope<'_>>) -> Result<Translated, Failure> {
        if query.for_clause.is_some() {
            return Err(unknown("for xml and for json", query));
        }
        let before = self.common.len();
        let mut with = Vec::new();
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let translated = self.query(&table.query, None)?;
            let columns = self.renamed(translated.columns, &table.alias)?;
            let name = format!("w{}", self.number());
            with.push(format!("{name} as ({})", translated.sql));
            let columns = columns.into_iter().map(|column| {
                let OutputColumn { name, sql, sql_type, nullable, .. } = column;
                RelationColumn { name, sql, sql_type, nullable }
            });
            // Its name for SQLite stands where a view has its schema.
            let columns = columns.collect();
            self.common.push(Relation { name: table.alias.name.value.clone(), schema: Some(name), columns });
        }
        let mut translated = self.body(query, parent)?;
        self.common.truncate(before);
        if !with.is_empty() {
            translated.sql = format!("with {} {}", with.join(", "), translated.sql);
        }
        Ok(translated)
    }

    fn body(&mut self, query: &Query, parent: Option<&Scope<'_>>) -> Result<Translated, Failure> {
        let order: &[OrderByExpr] = match &query.order_by {
            None => &[],
            Some(OrderBy { kind: OrderByKind::Expressions(expressions), .. }) => expressions,
            Some(other) => return Err(unknown("the order", other)),
        };
        let mut limit = String::new();
        if let Some(fetch) = query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()) {
            limit = format!(" limit {}", self.value(fetch, &Scope::default())?.sql);
        }
        match &query.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit: None, offset: Some(offset), .. }) => {
                let offset = self.value(&offset.value, &Scope::default())?.sql;
                let all = if limit.is_empty() { " limit -1" } else { "" };
                limit = format!("{limit}{all} offset {offset}");
            }
            Some(_) => return Err(Failure::new(102, "Incorrect syntax near 'limit'.")),
        }
        match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, order, &limit, parent),
            SetExpr::Query(inner) if order.is_empty() && limit.is_empty() => self.query(inner, parent),
            SetExpr::Values(values) if order.is_empty() && limit.is_empty() => {
                let rows: Vec<&[Expr]> = values.rows.iter().map(|row| row.content.as_slice()).collect();
                self.values(&rows, parent)
            }
            set => {
                let mut translated = self.set(set, parent)?;
                let mut terms = Vec::new();
                for term in order {
                    let column = output_named(self, &term.expr, &translated.columns).ok_or_else(|| {
                        unknown("an order by of a union that is no column of it", &term.expr)
                    })?;
                    terms.push(direction(&ordered(column), term));
                }
                let by =
                    if terms.is_empty() { String::new() } else { format!(" order by {}", terms.join(", ")) };
                translated.sql = format!("{}{by}{limit}", translated.sql);
                Ok(translated)
            }
        }
    }

    /// `union`, `except`, `intersect`: each side stands in parentheses of its own.
    fn set(&mut self, set: &SetExpr, parent: Option<&Scope<'_>>) -> Result<Translated, Failure> {
        let SetExpr::SetOperation { left, op, set_quantifier, right } = set else {
            return match set {
                SetExpr::Select(select) => self.select(select, &[], "", parent),
                SetExpr::Query(query) => self.query(query, parent),
                other => Err(unknown("the query", other)),
            };
        };
        let words = match (op, set_quantifier) {
            (SetOperator::Union, SetQuantifier::All) => "union all",
            (SetOperator::Union, _) => "union",
            (SetOperator::Except, _) => "except",
            (SetOperator::Intersect, _) => "intersect",
            (other, _) => return Err(unknown("the operator", other)),
        };
        let (left, right) = (self.set(left, parent)?, self.set(right, parent)?);
        if left.columns.len() != right.columns.len() {
            return Err(Failure::new(
                205,
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of \
                 expressions in their target lists.",
            ));
        }
        let number = self.number();
        let mut columns = Vec::new();
        for ((left, right), at) in left.columns.iter().zip(&right.columns).zip(0..) {
            let sql_type = common_type(&typed(left), &typed(right));
            let (name, sql) = (left.name.clone(), format!("o{number}_{at}"));
            let (nullable, is_null) = (left.nullable || right.nullable, left.is_null && right.is_null);
            columns.push(OutputColumn { name, sql, sql_type, nullable, is_null });
        }
        let side = |side: &Translated| {
            let cells = side.columns.iter().zip(&columns).map(|(from, to)| {
                let cell = Typed { sql: coerced(&typed(from), &to.sql_type), ..typed(to) };
                format!("{} as {}", collated(&cell), to.sql)
            });
            format!("select {} from ({})", cells.collect::<Vec<_>>().join(", "), side.sql)
        };
        // A chain of set operations goes from left to right only when each is closed.
        let sql = format!("select * from ({} {words} {})", side(&left), side(&right));
        Ok(Translated { sql, columns })
    }

    /// `values (…), (…)` as a derived table.
    fn values(&mut self, rows: &[&[Expr]], parent: Option<&Scope<'_>>) -> Result<Translated, Failure> {
        let scope = Scope::inside(parent);
        let mut translated: Vec<Vec<Typed>> = Vec::new();
        for row in rows {
            translated.push(row.iter().map(|cell| self.value(cell, &scope)).collect::<Result<_, _>>()?);
        }
        let width = translated.first().map_or(0, Vec::len);
        let number = self.number();
        let mut columns = Vec::new();
        for at in 0..width {
            let mut cells = translated.iter().filter_map(|row| row.get(at));
            let mut first = cells.next().cloned().unwrap_or_else(|| Typed::new("null", SqlType::Int));
            for cell in cells {
                first.sql_type = common_type(&first, cell);
                first.is_null &= cell.is_null;
            }
            let is_null = first.is_null;
            let (sql, sql_type) = (format!("o{number}_{at}"), first.sql_type);
            columns.push(OutputColumn { name: String::new(), sql, sql_type, nullable: true, is_null });
        }
        let rows = translated.iter().map(|row| {
            let cells = row.iter().zip(&columns);
            let cells =
                cells.map(|(cell, column)| format!("{} as {}", coerced(cell, &column.sql_type), column.sql));
            format!("select {}", cells.collect::<Vec<_>>().join(", "))
        });
        Ok(Translated { sql: rows.collect::<Vec<_>>().join(" union all "), columns })
    }

    fn select(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
        limit: &str,
        parent: Option<&Scope<'_>>,
    ) -> Result<Translated, Failure> {
        let mut scope = Scope::inside(parent);
        let from = self.from(&select.from, &mut scope)?;
        let mut tail = if from.is_empty() { String::new() } else { format!(" from {from}") };
        if let Some(condition) = &select.selection {
            tail = format!("{tail} where {}", self.condition(condition, &scope)?);
        }
        let grouped = self.grouping(select, &scope)?;
        if let Some(group) = grouped.as_ref().filter(|group| !group.is_empty()) {
            tail = format!("{tail} group by {}", group.join(", "));
        }
        let has_aggregate = select.projection.iter().any(item_has_aggregate)
            || select.having.is_some()
            || order.iter().any(|term| super::call::has_aggregate(&term.expr));
        // Where something is grouped, a column that is not may stand in an aggregate only.
        scope.grouped = match grouped {
            Some(group) => Some(group.into_iter().map(|sql| sql.replace(" collate tsql", "")).collect()),
            None => has_aggregate.then(Vec::new),
        };
        let number = self.number();
        let columns = self.projection(select, &scope)?;
        if let Some(having) = &select.having {
            tail = format!("{tail} having {}", self.condition(having, &scope)?);
        }
        let (mut items, mut outputs) = (Vec::new(), Vec::new());
        for ((name, typed), at) in columns.into_iter().zip(0..) {
            let alias = format!("o{number}_{at}");
            items.push(format!("{} as {alias}", collated(&typed)));
            let Typed { sql_type, nullable, is_null, .. } = typed;
            outputs.push(OutputColumn { name, sql: alias, sql_type, nullable, is_null });
        }
        let mut terms = Vec::new();
        for term in order {
            let key = match output_named(self, &term.expr, &outputs) {
                Some(output) => ordered(output),
                None => {
                    let value = self.value(&term.expr, &scope)?;
                    let value = Typed { sql: plain(&value), ..value };
                    collated(&value)
                }
            };
            terms.push(direction(&key, term));
        }
        if !terms.is_empty() {
            tail = format!("{tail} order by {}", terms.join(", "));
        }
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => "",
            Some(Distinct::Distinct) => "distinct ",
            Some(other) => return Err(unknown("the distinct", other)),
        };
        let limit = self.top(select, limit)?;
        Ok(Translated {
            sql: format!("select {distinct}{}{tail}{limit}", items.join(", ")),
            columns: outputs,
        })
    }

    fn top(&mut self, select: &Select, limit: &str) -> Result<String, Failure> {
        let Some(top) = &select.top else { return Ok(limit.to_owned()) };
        if top.percent || top.with_ties {
            return Err(unknown("top with percent or ties", top));
        }
        match &top.quantity {
            Some(TopQuantity::Constant(count)) => Ok(format!(" limit {count}")),
            Some(TopQuantity::Expr(count)) => {
                Ok(format!(" limit {}", self.value(count, &Scope::default())?.sql))
            }
            None => Ok(limit.to_owned()),
        }
    }

    fn grouping(&mut self, select: &Select, scope: &Scope<'_>) -> Result<Option<Vec<String>>, Failure> {
        match &select.group_by {
            GroupByExpr::Expressions(expressions, modifiers) if modifiers.is_empty() => {
                if expressions.is_empty() {
                    return Ok(None);
                }
                let terms = expressions.iter().map(|expression| {
                    let value = self.value(expression, scope)?;
                    Ok(collated(&value))
                });
                terms.collect::<Result<Vec<_>, Failure>>().map(Some)
            }
            other => Err(unknown("the group by", other)),
        }
    }

    /// The output columns with the names that the client sees.
    fn projection(&mut self, select: &Select, scope: &Scope<'_>) -> Result<Vec<(String, Typed)>, Failure> {
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expression) => {
                    let name = match expression {
                        Expr::Identifier(name) if !name.value.starts_with('@') => name.value.clone(),
                        Expr::CompoundIdentifier(names) => {
                            names.last().map(|name| name.value.clone()).unwrap_or_default()
                        }
                        _ => String::new(),
                    };
                    columns.push((name, self.value(expression, scope)?));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    columns.push((alias.value.clone(), self.value(expr, scope)?));
                }
                SelectItem::Wildcard(_) => self.star(&[], scope, &mut columns)?,
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let qualifier: Vec<_> = parts(name).into_iter().cloned().collect();
                    self.star(&qualifier, scope, &mut columns)?;
                }
                other => return Err(unknown("the output column", other)),
            }
        }
        Ok(columns)
    }

    fn star(
        &self,
        qualifier: &[sqlparser::ast::Ident],
        scope: &Scope<'_>,
        columns: &mut Vec<(String, Typed)>,
    ) -> Result<(), Failure> {
        let mut found = false;
        for relation in scope.relations.iter().filter(|relation| self.is_named(relation, qualifier)) {
            found = true;
            for column in &relation.columns {
                let typed = Typed {
                    nullable: column.nullable,
                    ..Typed::new(column.sql.clone(), column.sql_type.clone())
                };
                columns.push((column.name.clone(), typed));
            }
        }
        if found {
            return Ok(());
        }
        let prefix: Vec<_> = qualifier.iter().map(|part| part.value.as_str()).collect();
        Err(Failure::new(
            107,
            format!(
                "The column prefix '{}' does not match with a table name or alias name used in the query.",
                prefix.join(".")
            ),
        ))
    }
}

fn typed(column: &OutputColumn) -> Typed {
    Typed {
        nullable: column.nullable,
        is_null: column.is_null,
        ..Typed::new(column.sql.clone(), column.sql_type.clone())
    }
}

/// An output column as a key of an order.
fn ordered(column: &OutputColumn) -> String {
    let typed = typed(column);
    collated(&Typed { sql: plain(&typed), ..typed })
}

fn item_has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. } => {
            super::call::has_aggregate(expression)
        }
        _ => false,
    }
}

/// The output column that a term of `order by` means: by its place, or by its name.
fn output_named<'c>(
    translator: &Translator<'_>,
    expression: &Expr,
    outputs: &'c [OutputColumn],
) -> Option<&'c OutputColumn> {
    match expression {
        Expr::Value(ValueWithSpan { value: Value::Number(place, _), .. }) => {
            let at = place.parse::<usize>().ok()?.checked_sub(1)?;
            outputs.get(at)
        }
        Expr::Identifier(name) => outputs.iter().find(|output| translator.same(&output.name, &name.value)),
        _ => None,
    }
}

fn direction(key: &str, term: &OrderByExpr) -> String {
    match &term.options.sort {
        Some(OrderBySort::Desc) => format!("{key} desc"),
        _ => key.to_owned(),
    }
}
