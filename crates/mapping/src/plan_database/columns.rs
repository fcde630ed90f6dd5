//! Columns: type, encoder, name, default, identity, generated expression.

use super::choices::Choices;
use super::references::places;
use super::{Draft, Notes};
use crate::code::{ColumnContext, DatabaseContext, ExpressionContext, Family, Wanted, convert_expression};
use crate::encode::Encoder;
use crate::names::{self, Claim, SYSTEM_COLUMNS, Scope};
use crate::plan::{ColumnPlan, Comparison, FidelityPlan, IdentityPlan, TablePlan};
use crate::settings::{MappingSettings, Transform};
use crate::types::{self, Fidelity, TypeRule};
use mssql2pg_catalog::{Column, Finding, Identity, Length, ObjectName, Severity, SqlType, Table};
use std::collections::BTreeMap;

/// What the columns of a table are planned with.
struct Planner<'a> {
    table: &'a Table,
    settings: &'a MappingSettings,
    choices: &'a Choices<'a>,
    database: DatabaseContext<'a>,
}

/// Plans a table's columns; keys and constraints follow when all tables have theirs.
pub(super) fn plan_table<'a>(
    table: &'a Table,
    schema: String,
    name: String,
    settings: &MappingSettings,
    choices: &Choices<'_>,
    database: DatabaseContext<'_>,
    notes: &mut Notes,
) -> Draft<'a> {
    let planner = Planner { table, settings, choices, database };
    let columns = planner.plan_columns(notes);
    note_too_many(table, columns.len(), notes);
    let context = columns.iter().filter_map(|column| planner.context_of(column)).collect();
    Draft {
        source: table,
        context,
        constraints: Scope::default(),
        plan: TablePlan {
            source: table.name.clone(),
            schema,
            name,
            columns,
            primary_key: None,
            unique: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            comment: comment(table, None),
        },
    }
}

/// The most columns that a table can have ("PostgreSQL Limits"); SQL Server allows 30,000 with sparse ones.
const MOST_COLUMNS: usize = 1600;

fn note_too_many(table: &Table, count: usize, notes: &mut Notes) {
    if count <= MOST_COLUMNS {
        return;
    }
    let mut finding = Finding::new(
        "too-many-columns",
        Severity::Blocker,
        table.name.to_string(),
        format!("it has {count} columns, and a table of PostgreSQL has at most {MOST_COLUMNS}"),
        "exclude the table from the migration, or divide it at the source",
    );
    finding.count = u64::try_from(count).ok();
    notes.findings.push(finding);
}

/// The `MS_Description` of the table or one of its columns.
fn comment(table: &Table, column: Option<&str>) -> Option<String> {
    let found = table.extended_properties.iter().find(|property| {
        property.name.eq_ignore_ascii_case("MS_Description") && property.column.as_deref() == column
    });
    // PostgreSQL text holds no NUL; a comment is for people, who do not see one.
    found.map(|property| property.value.replace('\0', "")).filter(|value| !value.is_empty())
}

impl Planner<'_> {
    fn object(&self, column: &Column) -> String {
        format!("{}.{}", self.table.name, column.name)
    }

    fn plan_columns(&self, notes: &mut Notes) -> Vec<ColumnPlan> {
        let names = self.name_columns(notes);
        let mut names = names.into_iter();
        let mut planned: Vec<Option<ColumnPlan>> = Vec::new();
        let mut computed_at = Vec::new();
        let mut ordinal = 0;
        for column in &self.table.columns {
            let name = names.next().unwrap_or_default();
            if column.computed.is_some() {
                computed_at.push((planned.len(), column, name));
                planned.push(None);
                continue;
            }
            let rule = self.rule(column);
            let plan = self.plan_stored(column, rule, name, ordinal, notes);
            let companion =
                rule.keeps_offset().then(|| offset_column(&plan, names.next().unwrap_or_default()));
            planned.push(Some(plan));
            planned.extend(companion.map(Some));
            ordinal += 1;
        }
        // A computed column may name any stored one, before it or after it, but no computed one.
        let stored: Vec<ColumnContext> =
            planned.iter().flatten().filter_map(|plan| self.context_of(plan)).collect();
        for (at, column, name) in computed_at {
            if let Some(place) = planned.get_mut(at) {
                *place = self.plan_computed(column, name, &stored, notes);
            }
        }
        planned.into_iter().flatten().collect()
    }

    /// A name for each column and, right after it, for its companion.
    fn name_columns(&self, notes: &mut Notes) -> Vec<String> {
        let case = self.settings.case;
        let mut claims = Vec::new();
        for column in &self.table.columns {
            claims.push(Claim::new(self.object(column), &column.name, case));
            if column.computed.is_none() && self.rule(column).keeps_offset() {
                let source = format!("{}_offset", column.name);
                let folded = format!("{}_offset", names::fold(&column.name, case));
                let object = format!("{} (offset)", self.object(column));
                claims.push(Claim { folded, ..Claim::new(object, &source, case) });
            }
        }
        let mut scope = Scope::default();
        for name in SYSTEM_COLUMNS {
            scope.reserve(name, "a system column of every PostgreSQL table");
        }
        scope.assign(&claims, &mut notes.findings)
    }

    /// The row of the type table that decides about a stored column.
    fn rule(&self, column: &Column) -> &'static TypeRule {
        if self.transforms(column).contains(&Transform::YesNo) {
            return types::yes_no_rule();
        }
        let sql_type = delivered_type(column);
        let wanted = self.choices.pg_type(self.table, column).filter(|_| !column.encrypted);
        // The settings are checked; a type without the wanted alternative takes its default.
        types::type_rule(&sql_type, wanted)
            .or_else(|_| types::type_rule(&sql_type, None))
            .unwrap_or_else(|_| fallback())
    }

    fn transforms(&self, column: &Column) -> &[Transform] {
        self.choices.transforms(self.table, column)
    }

    /// A column without default, identity and nullability, whose type the rule decides.
    fn bare(&self, column: &Column, sql_type: &SqlType, rule: &TypeRule, name: String) -> ColumnPlan {
        ColumnPlan {
            source: column.name.clone(),
            source_type: sql_type.to_string(),
            source_ordinal: None,
            name,
            pg_type: types::pg_type(rule, sql_type),
            encoder: rule.encoder,
            comparison: rule.comparison,
            fidelity: match types::fidelity(rule, sql_type) {
                Fidelity::Exact => FidelityPlan::Exact,
                Fidelity::Wider(note) => FidelityPlan::Wider(note.to_owned()),
                Fidelity::Lossy(note) => FidelityPlan::Lossy(note.to_owned()),
            },
            nullable: column.nullable,
            identity: None,
            default: None,
            generated: None,
            transforms: Vec::new(),
            nul: self.settings.nul,
            invalid_text: self.settings.invalid_text,
            replacement: self.settings.replacement.0.clone(),
            comment: comment(self.table, Some(&column.name)),
        }
    }

    fn plan_stored(
        &self,
        column: &Column,
        rule: &TypeRule,
        name: String,
        ordinal: usize,
        notes: &mut Notes,
    ) -> ColumnPlan {
        let mut plan = self.bare(column, &delivered_type(column), rule, name);
        plan.source_type = column.sql_type.to_string();
        plan.source_ordinal = Some(ordinal);
        plan.transforms = self.transforms(column).to_vec();
        if !plan.nullable && plan.transforms.contains(&Transform::NullIfEmpty) {
            plan.nullable = true;
            notes.findings.push(Finding::new(
                "not-null-dropped",
                Severity::Warning,
                self.object(column),
                "the transform null_if_empty can make NULLs, so that the column takes NULL here",
                "set NOT NULL again after the migration if no value was empty",
            ));
        }
        self.note_type(column, &plan, notes);
        if let Some(identity) = &column.identity {
            self.plan_identity(column, identity, &mut plan, notes);
        }
        if let Some(default) = &column.default {
            let target = self.context_of(&plan);
            let converted = target.map(|target| self.convert(&default.text, Wanted::Default(&target), &[]));
            match converted {
                Some(Ok(sql)) => plan.default = Some(sql),
                Some(Err(reason)) => {
                    notes.leave_out("default", self.object(column), reason, Some(&default.text));
                }
                None => {}
            }
        }
        plan
    }

    fn note_type(&self, column: &Column, plan: &ColumnPlan, notes: &mut Notes) {
        let object = self.object(column);
        if column.encrypted {
            notes.findings.push(Finding::new(
                "encrypted-column",
                Severity::Blocker,
                object,
                "it is encrypted on the client's side, and the source delivers only the ciphertext, which is kept as bytea",
                "decrypt the column at the source before the migration, or accept the ciphertext",
            ));
            return;
        }
        if let SqlType::Unknown { name } = &column.sql_type {
            notes.findings.push(Finding::new(
                "unknown-type",
                Severity::Warning,
                object,
                format!("its type {name} is not SQL Server's own; its bytes are kept as bytea"),
                "convert the column to a system type at the source if PostgreSQL should understand its values",
            ));
            return;
        }
        if let FidelityPlan::Lossy(note) = &plan.fidelity {
            notes.findings.push(Finding::new(
                "lossy-type",
                Severity::Warning,
                object,
                format!("{} becomes {} and loses: {note}", column.sql_type, plan.pg_type),
                self.other_types(column),
            ));
        }
    }

    /// Advice: the alternatives that lose nothing.
    fn other_types(&self, column: &Column) -> String {
        if self.transforms(column).contains(&Transform::YesNo) {
            return "nothing, since the transform yes_no was asked for".to_owned();
        }
        let whole: Vec<String> = types::type_rules(&column.sql_type)
            .into_iter()
            .filter(|rule| !matches!(types::fidelity(rule, &column.sql_type), Fidelity::Lossy(_)))
            .map(TypeRule::alternative)
            .collect();
        if !whole.is_empty() {
            return format!("choose another type for the column if that matters: {}", whole.join(", "));
        }
        // A datetimeoffset(7) loses a digit in any case, but its offset need not be lost with it.
        let keeper = types::type_rules(&column.sql_type).into_iter().find(|rule| rule.keeps_offset());
        match keeper.filter(|_| !self.rule(column).keeps_offset()) {
            Some(keeper) => format!(
                "choose {} for the column if the offset matters; accept the loss of the last digit, which the report counts: no PostgreSQL type keeps it",
                keeper.alternative()
            ),
            None => "accept the loss, which the report counts; no PostgreSQL type keeps it".to_owned(),
        }
    }

    /// PostgreSQL's identities are smallint, integer or bigint (CREATE TABLE, "GENERATED … AS IDENTITY").
    fn plan_identity(&self, column: &Column, identity: &Identity, plan: &mut ColumnPlan, notes: &mut Notes) {
        let narrow = |number: i128| i64::try_from(number).ok();
        let numbers = narrow(identity.seed).zip(narrow(identity.increment));
        let is_integer = matches!(plan.pg_type.as_str(), "smallint" | "integer" | "bigint");
        let widened = fits_bigint(&column.sql_type);
        let Some((start, increment)) = numbers.filter(|_| is_integer || widened) else {
            notes.findings.push(Finding::new(
                "identity-left-out",
                Severity::Warning,
                self.object(column),
                format!("its identity is a {}, which PostgreSQL's identities cannot be", column.sql_type),
                "give the column a default from a sequence of your own if new rows need numbers",
            ));
            return;
        };
        if !is_integer {
            notes.findings.push(Finding::new(
                "identity-type-changed",
                Severity::Info,
                self.object(column),
                format!(
                    "its identity is a {}; it becomes bigint, which holds all its values",
                    column.sql_type
                ),
                "nothing, unless code relies on the decimal type",
            ));
            become_bigint(plan);
        }
        let last_value = identity.last_value.and_then(narrow);
        plan.identity = Some(IdentityPlan { start, increment, last_value });
    }

    /// A generated column, if its expression can be one and nobody wants it left out; else none and a note.
    fn plan_computed(
        &self,
        column: &Column,
        name: String,
        stored: &[ColumnContext],
        notes: &mut Notes,
    ) -> Option<ColumnPlan> {
        let computed = column.computed.as_ref()?;
        if self.choices.leaves_out(self.table, column) {
            let reason = "left out by the settings";
            notes.leave_out("computed column", self.object(column), reason, Some(&computed.text));
            return None;
        }
        let context = ExpressionContext { table: &self.table.name, columns: stored, database: self.database };
        let planned = convert_expression(&computed.text, Wanted::Generated, &context)
            .map_err(|refused| refused.reason)
            .and_then(|converted| {
                let sql_type = computed_type(column, converted.sql_type)?;
                let rule = types::type_rule(&sql_type, None).map_err(|unknown| unknown.to_string())?;
                let mut plan = self.bare(column, &sql_type, rule, name);
                // It is computed by PostgreSQL: nothing is sent, so nothing is lost on the way.
                plan.fidelity = FidelityPlan::Exact;
                plan.comparison = Comparison::Bytes;
                plan.generated = Some(converted.sql);
                Ok(plan)
            });
        match planned {
            Ok(plan) => Some(plan),
            Err(reason) => {
                let object = self.object(column);
                notes.findings.push(Finding::new(
                    "computed-column-left-out",
                    Severity::Warning,
                    &object,
                    format!("its expression is not converted, so that the column is left out: {reason}"),
                    "add a generated column, a view or a trigger by hand",
                ));
                notes.leave_out("computed column", object, reason, Some(&computed.text));
                None
            }
        }
    }

    fn convert(&self, text: &str, wanted: Wanted<'_>, columns: &[ColumnContext]) -> Result<String, String> {
        let context = ExpressionContext { table: &self.table.name, columns, database: self.database };
        convert_expression(text, wanted, &context).map(|done| done.sql).map_err(|refused| refused.reason)
    }

    /// The collation of a column's text. A source that says nothing of a computed column's does not mean the
    /// database's: its expression decides.
    fn collation_of(&self, column: &Column) -> Option<String> {
        let default = self.database.collation.filter(|_| column.computed.is_none());
        column.collation.as_deref().or(default).map(str::to_owned)
    }

    /// What expressions see of a planned column; nothing of a companion, which SQL Server does not have.
    fn context_of(&self, plan: &ColumnPlan) -> Option<ColumnContext> {
        let column = self.table.column(&plan.source).filter(|_| plan.encoder != Encoder::OffsetMinutes)?;
        let sql_type = match &plan.generated {
            Some(_) => generated_type(plan),
            None => delivered_type(column),
        };
        Some(ColumnContext {
            source: plan.source.clone(),
            name: plan.name.clone(),
            sql_type,
            pg_type: plan.pg_type.clone(),
            collation: self.collation_of(column),
        })
    }
}

/// Whether every value of a decimal fits bigint.
fn fits_bigint(sql_type: &SqlType) -> bool {
    matches!(sql_type, SqlType::Decimal { precision: ..=18, scale: 0 })
}

fn become_bigint(plan: &mut ColumnPlan) {
    plan.pg_type = "bigint".to_owned();
    plan.encoder = Encoder::Int8;
    plan.fidelity = FidelityPlan::Wider("bigint also holds larger numbers".to_owned());
}

/// Gives both ends of a foreign key one type where an identity made one of them bigint: PostgreSQL has no
/// foreign key from numeric to bigint. What changes may itself be an end of another key, hence the
/// repetition; each round changes a column for good, so that it ends.
pub(super) fn align_foreign_keys(drafts: &mut [Draft<'_>], notes: &mut Notes) {
    let places = places(drafts);
    while let Some((table, column)) = unaligned(drafts, &places) {
        let Some(draft) = drafts.get_mut(table) else { return };
        let object = draft.object(&column);
        if let Some(plan) = draft.plan.columns.iter_mut().find(|plan| plan.source == column) {
            become_bigint(plan);
        }
        for context in draft.context.iter_mut().filter(|context| context.source == column) {
            context.pg_type = "bigint".to_owned();
        }
        notes.findings.push(Finding::new(
            "identity-type-changed",
            Severity::Info,
            object,
            "it is in a foreign key with a decimal identity; it becomes bigint like that one",
            "nothing, unless code relies on the decimal type",
        ));
    }
}

/// A decimal column at one end of a foreign key whose other end has become bigint.
fn unaligned(drafts: &[Draft<'_>], places: &BTreeMap<&ObjectName, usize>) -> Option<(usize, String)> {
    let state = |draft: &Draft<'_>, column: &str| {
        let is_decimal = draft.source.column(column).is_some_and(|column| fits_bigint(&column.sql_type));
        let plan = draft.column(column).filter(|plan| is_decimal && plan.generated.is_none())?;
        Some(plan.encoder == Encoder::Int8)
    };
    for (from, draft) in drafts.iter().enumerate() {
        for key in &draft.source.foreign_keys {
            let referenced = places.get(&key.referenced_table);
            let Some((to, other)) = referenced.and_then(|&to| Some((to, drafts.get(to)?))) else { continue };
            for (own, foreign) in key.columns.iter().zip(&key.referenced_columns) {
                match (state(draft, own), state(other, foreign)) {
                    (Some(false), Some(true)) => return Some((from, own.clone())),
                    (Some(true), Some(false)) => return Some((to, foreign.clone())),
                    _ => {}
                }
            }
        }
    }
    None
}

/// The type that SQL Server delivers: ciphertext for an encrypted column.
fn delivered_type(column: &Column) -> SqlType {
    if column.encrypted { SqlType::VarBinary { length: Length::MAX } } else { column.sql_type.clone() }
}

/// Every type has a row, and unknown ones the last; this is for a table that lacks a row.
fn fallback() -> &'static TypeRule {
    types::TYPES.last().unwrap_or_else(types::yes_no_rule)
}

/// The type of a computed column: what the source tells, if the expression agrees, else what T-SQL's rules say.
fn computed_type(column: &Column, found: Option<SqlType>) -> Result<SqlType, String> {
    let found = found.ok_or("it gives nothing but NULL")?;
    let family = Family::of_sql_type(&found);
    if family == Family::Other {
        return Err(format!("it gives a {}", found.name()));
    }
    match &column.sql_type {
        SqlType::Unknown { .. } => Ok(found),
        told if Family::of_sql_type(told) == family => Ok(told.clone()),
        told => Err(format!("the source says it is a {told}, the expression gives a {found}")),
    }
}

/// The SQL Server type of a generated column, from its own words in the plan.
fn generated_type(plan: &ColumnPlan) -> SqlType {
    let text = &plan.source_type;
    let (name, parameters) = text.split_once('(').unwrap_or((text, ""));
    let numbers: Vec<&str> = parameters.trim_end_matches(')').split(',').collect();
    let number = |at: usize| numbers.get(at).and_then(|digits| digits.trim().parse::<u16>().ok());
    let small = |at: usize| number(at).and_then(|number| u8::try_from(number).ok());
    let is_max = parameters.starts_with("max");
    let (precision, scale) = match name {
        "decimal" => (small(0), small(1)),
        _ => (None, small(0)),
    };
    SqlType::from_system(name, number(0), is_max, precision, scale)
        .unwrap_or_else(|| SqlType::Unknown { name: text.clone() })
}

/// The companion that keeps the offset of a datetimeoffset.
fn offset_column(main: &ColumnPlan, name: String) -> ColumnPlan {
    ColumnPlan {
        name,
        pg_type: "smallint".to_owned(),
        encoder: Encoder::OffsetMinutes,
        comparison: Comparison::Bytes,
        fidelity: FidelityPlan::Wider("minutes east of UTC; smallint also holds larger numbers".to_owned()),
        identity: None,
        // A row that takes the moment's default has been written in UTC as far as anybody knows.
        default: main.default.as_ref().map(|_| "0".to_owned()),
        generated: None,
        transforms: Vec::new(),
        comment: Some(format!("minutes east of UTC of {}", main.name)),
        ..main.clone()
    }
}
