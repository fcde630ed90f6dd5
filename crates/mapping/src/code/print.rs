//! The tree as typed PostgreSQL SQL.
//!
//! Invariant: brackets come from precedence levels, never from luck: a part is wrapped when it binds
//! looser than its place needs. Every value knows its SQL Server type, and no conversion between
//! families is left to PostgreSQL unless both servers agree on it.

use super::rewrites;
use super::syntax::Expr;
use super::values::{self, Family, ValueType};
use super::{ColumnContext, ExpressionContext, NotConverted, Wanted, literals};
use crate::names::{quote, quote_literal};
use mssql2pg_catalog::{ObjectName, SqlType};

// PostgreSQL's precedence ("Operator Precedence"), loosest first.
pub(super) const OR: u8 = 1;
pub(super) const AND: u8 = 2;
pub(super) const NOT: u8 = 3;
pub(super) const IS: u8 = 4;
pub(super) const COMPARISON: u8 = 5;
pub(super) const LIKE: u8 = 6;
/// `||` and all operators without a level of their own.
pub(super) const CONCATENATION: u8 = 7;
pub(super) const SUM: u8 = 8;
pub(super) const PRODUCT: u8 = 9;
pub(super) const SIGN: u8 = 10;
pub(super) const CAST: u8 = 11;
pub(super) const ATOM: u8 = 12;

/// SQL and what it gives.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) sql: String,
    /// How tight its outermost operator binds.
    pub(super) level: u8,
    pub(super) kind: Kind,
}

/// What SQL gives.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Condition,
    /// A bare NULL: any type.
    Null,
    Value(ValueType),
}

impl Typed {
    pub(super) fn value(sql: impl Into<String>, level: u8, sql_type: SqlType) -> Self {
        Self { sql: sql.into(), level, kind: Kind::Value(ValueType::natural(sql_type)) }
    }

    pub(super) fn condition(sql: String, level: u8) -> Self {
        Self { sql, level, kind: Kind::Condition }
    }

    /// The SQL for a place that needs at least `level`.
    pub(super) fn at(&self, level: u8) -> String {
        if self.level >= level { self.sql.clone() } else { format!("({})", self.sql) }
    }

    pub(super) fn value_type(&self) -> Option<&ValueType> {
        match &self.kind {
            Kind::Value(found) => Some(found),
            Kind::Condition | Kind::Null => None,
        }
    }

    pub(super) fn sql_type(&self) -> Option<SqlType> {
        self.value_type().map(|found| found.sql_type.clone())
    }

    /// The family; [`Family::Other`] for NULL and conditions.
    pub(super) fn family(&self) -> Family {
        self.value_type().map_or(Family::Other, |found| found.family)
    }

    /// The value as text that can be joined and cut: PostgreSQL drops the padding of `char(n)` when it
    /// becomes text, SQL Server keeps it.
    pub(super) fn as_text(&self) -> String {
        match self.value_type().and_then(ValueType::padded_width) {
            Some(width) => format!("rpad({}, {width})", self.sql),
            None => self.at(SUM),
        }
    }
}

type Printed = Result<Typed, NotConverted>;

/// What values are brought to one type for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be compared.
    Compare,
    /// To be one result.
    Result,
}

pub(super) struct Printer<'a> {
    pub(super) context: &'a ExpressionContext<'a>,
    pub(super) wanted: Wanted<'a>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(context: &'a ExpressionContext<'a>, wanted: Wanted<'a>) -> Self {
        Self { context, wanted }
    }

    /// Refuses what changes from call to call where the row alone must decide.
    pub(super) fn may_change(&self, function: &str) -> Result<(), NotConverted> {
        if !self.wanted.decides_values() {
            return Ok(());
        }
        Err(NotConverted::new(format!(
            "it calls {function}, whose result changes; PostgreSQL allows only what the row decides"
        )))
    }

    /// A condition: what T-SQL allows after WHERE.
    pub(super) fn condition(&self, expr: &Expr) -> Printed {
        match expr {
            Expr::And(list) => self.chain(list, " and ", AND),
            Expr::Or(list) => self.chain(list, " or ", OR),
            Expr::Not(inner) => {
                let inner = self.condition(inner)?;
                Ok(Typed::condition(format!("not {}", inner.at(NOT)), NOT))
            }
            Expr::IsNull { value, negated } => {
                let value = self.value(value)?;
                let not = if *negated { "not " } else { "" };
                Ok(Typed::condition(format!("{} is {not}null", value.at(COMPARISON)), IS))
            }
            Expr::Compare { operator, left, right } => self.compare(operator, left, right),
            Expr::Between { value, low, high, negated } => {
                let [value, low, high] = self.comparable("<", [value, low, high])?;
                let not = if *negated { "not " } else { "" };
                Ok(Typed::condition(
                    format!(
                        "{} {not}between {} and {}",
                        value.at(CONCATENATION),
                        low.at(CONCATENATION),
                        high.at(CONCATENATION)
                    ),
                    LIKE,
                ))
            }
            Expr::In { value, list, negated } => self.in_list(value, list, *negated),
            Expr::Like { value, pattern, escape, negated } => {
                let like = super::like::convert(&self.value(value)?, pattern, escape.as_deref(), *negated)?;
                self.finds_the_same_text(&[value])?;
                Ok(like)
            }
            _ => Err(NotConverted::new("a value stands where a condition is needed")),
        }
    }

    fn chain(&self, list: &[Expr], word: &str, level: u8) -> Printed {
        let parts: Vec<String> = list
            .iter()
            .map(|one| self.condition(one).map(|one| one.at(level + 1)))
            .collect::<Result<_, _>>()?;
        Ok(Typed::condition(parts.join(word), level))
    }

    fn compare(&self, operator: &str, left: &Expr, right: &Expr) -> Printed {
        let [first, second] = self.comparable(operator, [left, right])?;
        Ok(Typed::condition(format!("{} {operator} {}", first.at(LIKE), second.at(LIKE)), COMPARISON))
    }

    fn in_list(&self, value: &Expr, list: &[Expr], negated: bool) -> Printed {
        if list.is_empty() {
            return Err(NotConverted::new("an IN list is empty"));
        }
        let all: Vec<&Expr> = std::iter::once(value).chain(list).collect();
        let typed = self.compared("=", &all, self.unified(&all, Purpose::Compare)?)?;
        let (value, list) = typed.split_first().ok_or_else(|| NotConverted::new("an IN list is empty"))?;
        comparable_by("=", value)?;
        let list: Vec<&str> = list.iter().map(|one| one.sql.as_str()).collect();
        let not = if negated { "not " } else { "" };
        Ok(Typed::condition(format!("{} {not}in ({})", value.at(CONCATENATION), list.join(", ")), LIKE))
    }

    fn comparable<const N: usize>(
        &self,
        operator: &str,
        parts: [&Expr; N],
    ) -> Result<[Typed; N], NotConverted> {
        let typed = self.unified(&parts, Purpose::Compare)?;
        for one in &typed {
            comparable_by(operator, one)?;
        }
        let typed = self.compared(operator, &parts, typed)?;
        typed.try_into().map_err(|_| NotConverted::new("a comparison lost a side"))
    }

    /// A value by its own type.
    pub(super) fn value(&self, expr: &Expr) -> Printed {
        match expr {
            Expr::Null => Ok(Typed { sql: "null".to_owned(), level: ATOM, kind: Kind::Null }),
            _ if expr.is_literal() => literals::natural(expr),
            Expr::Column(parts) => self.column(parts),
            Expr::Negate(inner) => {
                let inner = self.value(inner)?;
                match inner.value_type() {
                    Some(found) if found.family.is_number() && found.sql_type != SqlType::TinyInt => {
                        let kind = inner.kind.clone();
                        Ok(Typed { sql: format!("-{}", inner.at(CAST)), level: SIGN, kind })
                    }
                    _ => Err(NotConverted::new("it negates what is not a number")),
                }
            }
            Expr::BitNot(inner) => {
                let inner = self.value(inner)?;
                if inner.family() != Family::Integer {
                    return Err(NotConverted::new("it uses ~ on what is not an integer"));
                }
                let kind = inner.kind.clone();
                Ok(Typed { sql: format!("~ {}", inner.at(SIGN)), level: CONCATENATION, kind })
            }
            Expr::Arithmetic { operator, left, right } => self.arithmetic(operator, left, right),
            Expr::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref())
            }
            Expr::Call { name, arguments } => rewrites::convert(self, name, arguments),
            Expr::Convert { value, target, style } => {
                rewrites::convert_type(self, value, target, style.as_deref())
            }
            Expr::NextValue(parts) => self.next_value(parts),
            _ => Err(NotConverted::new("a condition stands where a value is needed")),
        }
    }

    fn column(&self, parts: &[String]) -> Printed {
        let (name, qualifiers) = parts.split_last().ok_or_else(|| NotConverted::new("a name is empty"))?;
        if let Wanted::Default(_) = self.wanted {
            return Err(NotConverted::new(format!(
                "it uses {name}, which is no literal and no function we know"
            )));
        }
        let own = [&self.context.table.name, &self.context.table.schema];
        let is_own = qualifiers.len() <= 2
            && qualifiers.iter().rev().zip(own).all(|(found, own)| found.eq_ignore_ascii_case(own));
        let column = if is_own { self.find_column(name) } else { None };
        let column = column.ok_or_else(|| {
            NotConverted::new(format!("it names the column {name}, which the table has not got"))
        })?;
        let kind = Kind::Value(ValueType::usable_column(column));
        Ok(Typed { sql: quote(&column.name), level: ATOM, kind })
    }

    /// The column as spelled, else the only one that differs by case alone: most databases compare
    /// names without regard to case.
    pub(super) fn find_column(&self, name: &str) -> Option<&'a ColumnContext> {
        let columns = self.context.columns;
        columns.iter().find(|column| column.source == name).or_else(|| {
            let folded = name.to_lowercase();
            let mut same = columns.iter().filter(|column| column.source.to_lowercase() == folded);
            same.next().filter(|_| same.next().is_none())
        })
    }

    /// The words for what `owner.name()` calls, if the owner is a column whose type has methods.
    pub(super) fn method_of(&self, owner: &str) -> Option<&'static str> {
        let column = owner.rsplit('.').next().and_then(|name| self.find_column(name))?;
        match column.sql_type {
            SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry | SqlType::Unknown { .. } => {
                Some("a method of a CLR type,")
            }
            SqlType::Xml => Some("a method of xml,"),
            _ => None,
        }
    }

    fn next_value(&self, parts: &[String]) -> Printed {
        self.may_change("NEXT VALUE FOR")?;
        let wanted = match parts {
            [name] => ObjectName::new("dbo", name),
            [schema, name] => ObjectName::new(schema, name),
            _ => return Err(NotConverted::new("it names a sequence of another database")),
        };
        let folded = wanted.to_string().to_lowercase();
        let (schema, name) = self
            .context
            .database
            .sequences
            .get(&wanted)
            .or_else(|| {
                let sequences = self.context.database.sequences.iter();
                let mut same = sequences.filter(|(source, _)| source.to_string().to_lowercase() == folded);
                same.next().map(|(_, target)| target).filter(|_| same.next().is_none())
            })
            .ok_or_else(|| {
                NotConverted::new(format!("it uses the sequence {wanted}, which is not carried over"))
            })?;
        let path = quote_literal(&format!("{}.{}", quote(schema), quote(name)));
        Ok(Typed::value(format!("nextval({path})"), ATOM, SqlType::BigInt))
    }

    fn arithmetic(&self, operator: &'static str, left: &Expr, right: &Expr) -> Printed {
        let (first, second) = (self.value(left)?, self.value(right)?);
        let (Some(one), Some(two)) = (first.value_type(), second.value_type()) else {
            return Err(NotConverted::new(format!("it uses {operator} with a bare NULL")));
        };
        match (one.family, two.family) {
            (Family::Text, Family::Text) if operator == "+" => concatenate(&[first.clone(), second.clone()]),
            (Family::Timestamp, Family::Integer) if matches!(operator, "+" | "-") => {
                if !matches!(one.sql_type, SqlType::DateTime | SqlType::SmallDateTime) {
                    return Err(NotConverted::new("it adds a number to a date"));
                }
                let sql = format!("{} {operator} {} * interval '1 day'", first.at(SUM), second.at(PRODUCT));
                Ok(Typed::value(sql, SUM, one.sql_type.clone()))
            }
            (Family::Integer, Family::Integer) if matches!(operator, "&" | "|" | "^") => {
                let symbol = if operator == "^" { "#" } else { operator };
                let sql = format!("{} {symbol} {}", first.at(CONCATENATION), second.at(SUM));
                Ok(Typed::value(sql, CONCATENATION, values::common_number(&one.sql_type, &two.sql_type)?))
            }
            (one_family, two_family) if one_family.is_number() && two_family.is_number() => {
                if matches!(operator, "&" | "|" | "^") {
                    return Err(NotConverted::new(format!("it uses {operator} with decimals or floats")));
                }
                if one.sql_type == SqlType::Bit || two.sql_type == SqlType::Bit {
                    return Err(NotConverted::new("it calculates with a bit"));
                }
                let literals = [left, right].iter().any(|side| side.is_literal());
                numbers(operator, &first, &second, literals)
            }
            (one, two) => Err(NotConverted::new(format!(
                "it uses {operator} between {} and {}",
                one.label(),
                two.label()
            ))),
        }
    }

    fn case(&self, operand: Option<&Expr>, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Printed {
        let mut results: Vec<&Expr> = arms.iter().map(|(_, then)| then).collect();
        results.extend(otherwise);
        let results = self.unified(&results, Purpose::Result)?;
        let mut sql = "case".to_owned();
        for ((when, _), then) in arms.iter().zip(&results) {
            // `case a when b` is `case when a = b`, and the longer form lets types be matched pair by pair.
            let when = match operand {
                Some(operand) => self.compare("=", operand, when)?,
                None => self.condition(when)?,
            };
            sql.push_str(&format!(" when {} then {}", when.sql, then.sql));
        }
        if let Some(otherwise) = otherwise.and(results.last()) {
            sql.push_str(&format!(" else {}", otherwise.sql));
        }
        sql.push_str(" end");
        let kind = results
            .iter()
            .find_map(|one| one.value_type().cloned())
            .map(Kind::Value)
            .ok_or_else(|| NotConverted::new("a CASE gives nothing but NULL"))?;
        Ok(Typed { sql, level: ATOM, kind })
    }

    /// All parts in the one type that T-SQL converts them to.
    pub(super) fn unified(&self, parts: &[&Expr], purpose: Purpose) -> Result<Vec<Typed>, NotConverted> {
        let typed: Vec<Typed> = parts.iter().map(|part| self.value(part)).collect::<Result<_, _>>()?;
        if let Some(other) =
            typed.iter().filter_map(Typed::value_type).find(|one| one.family == Family::Other)
        {
            return Err(NotConverted::new(format!(
                "it computes with a value of type {} as it is kept in PostgreSQL",
                other.sql_type.name()
            )));
        }
        let mut common: Option<ValueType> = None;
        // Literals follow the type of the rest; only when there is no rest do they decide.
        for literals in [false, true] {
            for (part, one) in parts.iter().zip(&typed) {
                let Some(found) = one.value_type() else { continue };
                if part.is_literal() != literals {
                    continue;
                }
                common = Some(match common {
                    None => found.clone(),
                    Some(common) if literals => literals::widened(common, part, found, purpose)?,
                    Some(common) => common_type(&common, found)?,
                });
            }
        }
        let Some(common) = common else { return Ok(typed) };
        let pairs = parts.iter().zip(typed);
        pairs
            .map(|(part, one)| {
                // A comparison ignores the padding of `char(n)` on both servers, as long as PostgreSQL sees
                // the column itself.
                let is_bare_text = purpose == Purpose::Compare
                    && !part.is_literal()
                    && one.family() == Family::Text
                    && common.family == Family::Text;
                if is_bare_text { Ok(one) } else { self.adapted(part, one, &common) }
            })
            .collect()
    }

    /// The value of an expression as a column takes it.
    pub(super) fn assigned(&self, expr: &Expr, to: &ValueType) -> Printed {
        if let Some(found) = rewrites::for_type(self, expr, to) {
            return found;
        }
        let typed = self.value(expr)?;
        let from = typed.family();
        match (from, to.family) {
            (Family::Timestamp, Family::Date) => {
                Ok(Typed::value(format!("{}::date", typed.at(CAST)), CAST, SqlType::Date))
            }
            (Family::Integer, Family::Integer) | (Family::Text, Family::Text) if !expr.is_literal() => {
                Ok(typed)
            }
            _ => self.adapted(expr, typed, to),
        }
    }

    /// `typed`, which is `expr`, in the type `to`, if both servers agree on the conversion.
    pub(super) fn adapted(&self, expr: &Expr, typed: Typed, to: &ValueType) -> Printed {
        let Some(found) = typed.value_type() else { return Ok(typed) };
        if expr.is_literal() {
            return literals::as_type(expr, to);
        }
        let with_type = |sql: String, level: u8| Typed { sql, level, kind: Kind::Value(to.clone()) };
        match (found.family, to.family) {
            (Family::Text, Family::Text) => {
                let is_padded = found.padded_width().is_some() && found.padded_width() != to.padded_width();
                if is_padded && to.padded_width().is_none() {
                    return Ok(with_type(typed.as_text(), ATOM));
                }
                Ok(with_type(typed.sql.clone(), typed.level))
            }
            (Family::Boolean, Family::Integer | Family::Numeric | Family::Float) => {
                Ok(with_type(format!("{}::integer", typed.at(CAST)), CAST))
            }
            (Family::Integer, Family::Numeric | Family::Float)
            | (Family::Numeric, Family::Float)
            | (Family::Date, Family::Timestamp) => Ok(with_type(typed.sql.clone(), typed.level)),
            (one, other) if one == other && one != Family::Other => {
                Ok(with_type(typed.sql.clone(), typed.level))
            }
            (one, other) => Err(NotConverted::new(format!(
                "it relies on the implicit conversion from {} to {}",
                one.label(),
                other.label()
            ))),
        }
    }
}

/// Whether the value's family can be compared; a uniqueidentifier sorts otherwise in SQL Server.
fn comparable_by(operator: &str, value: &Typed) -> Result<(), NotConverted> {
    let Some(found) = value.value_type() else { return Ok(()) };
    match found.family {
        Family::Other => {
            Err(NotConverted::new(format!("it compares values of type {}", found.sql_type.name())))
        }
        Family::Uuid if !matches!(operator, "=" | "<>") => {
            Err(NotConverted::new("it orders uniqueidentifiers, which SQL Server sorts by other bytes"))
        }
        _ => Ok(()),
    }
}

/// Joins texts. SQL Server gives NULL for a NULL part, and so does `||`.
pub(super) fn concatenate(parts: &[Typed]) -> Printed {
    let mut unicode = false;
    let mut length = Some(0_u32);
    let mut sql = Vec::new();
    for part in parts {
        let Some(found) = part.value_type() else {
            return Err(NotConverted::new("it joins text with a bare NULL"));
        };
        unicode |= found.is_unicode();
        length = length.zip(found.text_length()).map(|(sum, next)| sum.saturating_add(next));
        sql.push(part.as_text_in_chain());
    }
    Ok(Typed::value(sql.join(" || "), CONCATENATION, values::text_type(unicode, length)?))
}

impl Typed {
    /// As [`Typed::as_text`], for a place between two `||`, which are associative.
    fn as_text_in_chain(&self) -> String {
        if self.level == CONCATENATION && self.family() == Family::Text {
            self.sql.clone()
        } else {
            self.as_text()
        }
    }
}

/// `first operator second` for two numbers.
fn numbers(operator: &str, first: &Typed, second: &Typed, literal: bool) -> Printed {
    let no = || NotConverted::new("an operand has no type");
    let (one, two) = (first.sql_type().ok_or_else(no)?, second.sql_type().ok_or_else(no)?);
    let product = values::arithmetic(operator, &one, &two)?;
    if literal && product.round_to.is_some() {
        // The precision that SQL Server gives an integer literal is not documented; it matters only where
        // the literal's digits change the scale.
        let widest = |sql_type: &SqlType| {
            if *sql_type == SqlType::Int { values::decimal(1, 0) } else { sql_type.clone() }
        };
        let other = values::arithmetic(operator, &widest(&one), &widest(&two))?;
        if other.round_to != product.round_to {
            return Err(NotConverted::new("its result's scale depends on how the literal is read"));
        }
    }
    let level = if matches!(operator, "+" | "-") { SUM } else { PRODUCT };
    let sql = format!("{} {operator} {}", first.at(level), second.at(level + 1));
    Ok(match product.round_to {
        Some(scale) => Typed::value(format!("round({sql}, {scale})"), ATOM, product.sql_type),
        None => Typed::value(sql, level, product.sql_type),
    })
}

/// The type of two values together, neither a literal.
pub(super) fn common_type(one: &ValueType, two: &ValueType) -> Result<ValueType, NotConverted> {
    let no = || {
        NotConverted::new(format!(
            "it relies on the implicit conversion between {} and {}",
            one.sql_type.name(),
            two.sql_type.name()
        ))
    };
    if one == two {
        return Ok(one.clone());
    }
    match (one.family, two.family) {
        (Family::Other, _) | (_, Family::Other) => Err(no()),
        (Family::Text, Family::Text) => {
            let length = one.text_length().zip(two.text_length()).map(|(one, two)| one.max(two));
            Ok(ValueType::natural(values::text_type(one.is_unicode() || two.is_unicode(), length)?))
        }
        (Family::Boolean, family) if family.is_number() => Ok(two.clone()),
        (family, Family::Boolean) if family.is_number() => Ok(one.clone()),
        (first, second) if first.is_number() && second.is_number() => {
            // A bit that is kept as smallint stands for the integer that SQL Server makes of it.
            let number = |found: &ValueType| {
                if found.sql_type == SqlType::Bit { SqlType::TinyInt } else { found.sql_type.clone() }
            };
            Ok(ValueType::natural(values::common_number(&number(one), &number(two))?))
        }
        (Family::Date, Family::Timestamp) => Ok(two.clone()),
        (Family::Timestamp, Family::Date) => Ok(one.clone()),
        (Family::Timestamp, Family::Timestamp) => Ok(ValueType::natural(SqlType::DateTime2 { scale: 7 })),
        (first, second) if first == second => Ok(one.clone()),
        _ => Err(no()),
    }
}
