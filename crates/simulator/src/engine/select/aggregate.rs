//! Aggregates: what is kept of the rows of a group.
//!
//! To extend: a variant of [`AggregateKind`] and its arms.

use super::super::failures::overflow;
use super::super::order::compare;
use super::super::values::collation::Collation;
use super::super::values::convert::convert;
use super::super::values::exact::Exact;
use super::super::values::owned::{Cell, OwnedValue};
use super::evaluate::{Compiled, evaluate};
use super::rows::Row;
use super::types::{Class, class};
use crate::answer::Failure;
use mssql2pg_catalog::{CodePage, SqlType, Value};

/// The aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    Count,
    CountBig,
    Min,
    Max,
    Sum,
    Average,
}

impl AggregateKind {
    /// The aggregate of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "count" => Self::Count,
            "count_big" => Self::CountBig,
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "avg" => Self::Average,
            _ => return None,
        })
    }

    /// Whether it counts, and so is never NULL.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Count | Self::CountBig)
    }

    /// Whether it takes operands of that type; the rest is error 8117.
    pub(crate) fn takes(self, operand: &SqlType) -> bool {
        let is_old = matches!(operand, SqlType::Text | SqlType::NText | SqlType::Image);
        match self {
            Self::Count | Self::CountBig => !is_old,
            Self::Min | Self::Max => {
                let has_order = !matches!(
                    operand,
                    SqlType::Bit
                        | SqlType::Xml
                        | SqlType::Json
                        | SqlType::Vector { .. }
                        | SqlType::Geography
                        | SqlType::Geometry
                        | SqlType::Unknown { .. }
                );
                has_order && !is_old
            }
            Self::Sum | Self::Average => {
                matches!(class(operand), Class::Exact | Class::Approximate) && *operand != SqlType::Bit
            }
        }
    }

    /// Its type for an operand of that type.
    pub(crate) fn result(self, operand: Option<&SqlType>) -> SqlType {
        let operand = operand.cloned().unwrap_or(SqlType::Int);
        match (self, operand) {
            (Self::Count, _) => SqlType::Int,
            (Self::CountBig, _) => SqlType::BigInt,
            (Self::Min | Self::Max, operand) => operand,
            (_, SqlType::TinyInt | SqlType::SmallInt) => SqlType::Int,
            (Self::Sum, SqlType::Decimal { scale, .. }) => SqlType::Decimal { precision: 38, scale },
            (_, SqlType::Decimal { scale, .. }) => SqlType::Decimal { precision: 38, scale: scale.max(6) },
            (_, SqlType::SmallMoney) => SqlType::Money,
            (_, SqlType::Real) => SqlType::Float,
            (_, operand) => operand,
        }
    }
}

/// An aggregate of a `select`.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    /// None for `count(*)`.
    pub(crate) operand: Option<Compiled>,
    pub(crate) distinct: bool,
    pub(crate) collation: Collation,
    pub(crate) sql_type: SqlType,
}

/// What an aggregate keeps of the rows so far.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    rows: i64,
    value: OwnedValue,
    exact: i128,
    scale: u8,
    float: f64,
    /// For `distinct`: the values, sorted.
    seen: Vec<OwnedValue>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { rows: 0, value: OwnedValue::Null, exact: 0, scale: 0, float: 0.0, seen: Vec::new() }
    }
}

impl Kept {
    /// Takes a row.
    pub(crate) fn take(&mut self, aggregate: &Aggregate, row: &dyn Row) -> Result<(), Failure> {
        let Some(operand) = &aggregate.operand else {
            self.rows += 1;
            return Ok(());
        };
        let datum = evaluate(operand, row)?;
        let cell = datum.cell();
        if cell.is_null() {
            return Ok(());
        }
        if aggregate.distinct {
            let order = |known: &OwnedValue| compare(known.cell(), cell, aggregate.collation);
            match self.seen.binary_search_by(order) {
                Ok(_) => return Ok(()),
                Err(place) => self.seen.insert(place, OwnedValue::of(cell)),
            }
        }
        self.rows += 1;
        match aggregate.kind {
            AggregateKind::Count | AggregateKind::CountBig => {}
            AggregateKind::Min => {
                self.keep(cell, compare(cell, self.value.cell(), aggregate.collation).is_lt())
            }
            AggregateKind::Max => {
                self.keep(cell, compare(cell, self.value.cell(), aggregate.collation).is_gt())
            }
            AggregateKind::Sum | AggregateKind::Average => self.add(cell, aggregate)?,
        }
        Ok(())
    }

    fn keep(&mut self, cell: Cell<'_>, better: bool) {
        if better || self.value == OwnedValue::Null {
            self.value = OwnedValue::of(cell);
        }
    }

    fn add(&mut self, cell: Cell<'_>, aggregate: &Aggregate) -> Result<(), Failure> {
        match (cell.value, Exact::of(&cell.value)) {
            (Value::Real(number), _) => self.float += f64::from(number),
            (Value::Float(number), _) => self.float += number,
            (_, Some(exact)) => {
                let scale = self.scale.max(exact.scale);
                let sum = Exact { unscaled: self.exact, scale: self.scale }.rescale(scale);
                let sum = sum.zip(exact.rescale(scale)).and_then(|(a, b)| a.checked_add(b));
                self.exact = sum.ok_or_else(|| overflow("expression", aggregate.sql_type.name()))?;
                self.scale = scale;
            }
            _ => return Err(Failure::new(8117, "Operand data type is invalid for sum operator.")),
        }
        Ok(())
    }

    /// Its value.
    pub(crate) fn finish(self, aggregate: &Aggregate) -> Result<OwnedValue, Failure> {
        let to = |value: OwnedValue| convert(value.cell(), &aggregate.sql_type, CodePage(1252));
        match aggregate.kind {
            AggregateKind::Count | AggregateKind::CountBig => to(OwnedValue::Int(self.rows)),
            AggregateKind::Min | AggregateKind::Max => Ok(self.value),
            _ if self.rows == 0 => Ok(OwnedValue::Null),
            kind if aggregate.sql_type == SqlType::Float => {
                #[expect(clippy::cast_precision_loss, reason = "an average of floats is one")]
                let rows = if kind == AggregateKind::Average { self.rows as f64 } else { 1.0 };
                Ok(OwnedValue::Float(self.float / rows))
            }
            AggregateKind::Sum => to(OwnedValue::decimal(self.exact, self.scale)),
            AggregateKind::Average => {
                let scale = match aggregate.sql_type {
                    SqlType::Decimal { scale, .. } => scale,
                    SqlType::Money => 4,
                    _ => 0,
                };
                let sum = Exact { unscaled: self.exact, scale: self.scale }.rescale(scale.max(self.scale));
                let sum = sum.ok_or_else(|| overflow("expression", "numeric"))?;
                to(OwnedValue::decimal(sum / i128::from(self.rows), scale.max(self.scale)))
            }
        }
    }
}
