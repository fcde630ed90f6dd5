//! What a value is: its SQL Server type, by whose rules T-SQL computes, and its family in
//! PostgreSQL, by which the SQL is printed. And T-SQL's rules of arithmetic types.

use super::{ColumnContext, NotConverted};
use mssql2pg_catalog::{Length, SqlType};

/// How PostgreSQL represents a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `boolean`.
    Boolean,
    /// `smallint`, `integer`, `bigint`.
    Integer,
    /// `numeric`.
    Numeric,
    /// `real`, `double precision`.
    Float,
    /// `varchar`, `char`, `text`.
    Text,
    /// `date`.
    Date,
    /// `time`.
    Time,
    /// `timestamp`.
    Timestamp,
    /// `timestamptz`.
    TimestampTz,
    /// `uuid`.
    Uuid,
    /// `bytea`.
    Bytea,
    /// Anything that expressions cannot compute with.
    Other,
}

impl Family {
    /// The family of a PostgreSQL type as DDL writes it.
    pub fn of_pg_type(pg_type: &str) -> Self {
        let base = pg_type.split('(').next().unwrap_or("").trim();
        match base {
            "boolean" => Self::Boolean,
            "smallint" | "integer" | "bigint" => Self::Integer,
            "numeric" => Self::Numeric,
            "real" | "double precision" => Self::Float,
            "varchar" | "char" | "text" | "character varying" | "character" => Self::Text,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::TimestampTz,
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytea,
            _ => Self::Other,
        }
    }

    /// The family of a SQL Server type's default row in the type table.
    pub fn of_sql_type(sql_type: &SqlType) -> Self {
        match sql_type {
            SqlType::Bit => Self::Boolean,
            SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => Self::Integer,
            SqlType::Decimal { .. } | SqlType::Money | SqlType::SmallMoney => Self::Numeric,
            SqlType::Real | SqlType::Float => Self::Float,
            SqlType::Char { .. }
            | SqlType::VarChar { .. }
            | SqlType::Text
            | SqlType::NChar { .. }
            | SqlType::NVarChar { .. }
            | SqlType::NText => Self::Text,
            SqlType::Date => Self::Date,
            SqlType::Time { .. } => Self::Time,
            SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2 { .. } => Self::Timestamp,
            SqlType::DateTimeOffset { .. } => Self::TimestampTz,
            SqlType::UniqueIdentifier => Self::Uuid,
            SqlType::Binary { .. } | SqlType::VarBinary { .. } | SqlType::Image | SqlType::RowVersion => {
                Self::Bytea
            }
            _ => Self::Other,
        }
    }

    /// The word for it in a reason.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Boolean => "bit",
            Self::Integer => "integer",
            Self::Numeric => "decimal",
            Self::Float => "float",
            Self::Text => "text",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "datetime",
            Self::TimestampTz => "datetimeoffset",
            Self::Uuid => "uniqueidentifier",
            Self::Bytea => "binary",
            Self::Other => "other",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Numeric | Self::Float)
    }
}

/// What an expression gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueType {
    pub(super) sql_type: SqlType,
    pub(super) family: Family,
}

impl ValueType {
    /// A value in the representation that the type table gives it by default.
    pub(super) fn natural(sql_type: SqlType) -> Self {
        Self { family: Family::of_sql_type(&sql_type), sql_type }
    }

    /// What a column holds, in PostgreSQL's representation.
    pub(super) fn of_column(column: &ColumnContext) -> Self {
        Self { sql_type: column.sql_type.clone(), family: Family::of_pg_type(&column.pg_type) }
    }

    /// What an expression can do with a column: nothing but IS NULL where the user chose a
    /// representation in which SQL Server's rules do not hold (a uniqueidentifier kept as text).
    pub(super) fn usable_column(column: &ColumnContext) -> Self {
        let natural = Family::of_sql_type(&column.sql_type);
        let mut found = Self::of_column(column);
        let same = match (natural, found.family) {
            (natural, family) if natural == family => true,
            // A bit as a number, and a decimal identity as bigint, compute as SQL Server's own.
            (Family::Boolean, Family::Integer) => true,
            (Family::Numeric, Family::Integer) => {
                matches!(column.sql_type, SqlType::Decimal { scale: 0, .. })
            }
            _ => false,
        };
        if !same {
            found.family = Family::Other;
        }
        found
    }

    /// The declared length of text, in characters as SQL Server counts; none for `max`.
    pub(super) fn text_length(&self) -> Option<u32> {
        match &self.sql_type {
            SqlType::Char { length } | SqlType::NChar { length } => Some(u32::from(*length)),
            SqlType::VarChar { length } | SqlType::NVarChar { length } => length.0.map(u32::from),
            _ => None,
        }
    }

    pub(super) fn is_unicode(&self) -> bool {
        matches!(self.sql_type, SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText)
    }

    /// The width of `char(n)` and `nchar(n)`: values are padded with blanks to it.
    pub(super) fn padded_width(&self) -> Option<u16> {
        match self.sql_type {
            SqlType::Char { length } | SqlType::NChar { length } if self.family == Family::Text => {
                Some(length)
            }
            _ => None,
        }
    }
}

/// `varchar` or `nvarchar` of that many characters; more than fit a page is `max` only if the
/// parts were.
pub(super) fn text_type(unicode: bool, length: Option<u32>) -> Result<SqlType, NotConverted> {
    let limit = if unicode { 4000 } else { 8000 };
    let length = match length {
        None => Length::MAX,
        Some(length) if length > limit => {
            return Err(NotConverted::new(format!(
                "its text can be longer than {limit} characters, where SQL Server cuts it"
            )));
        }
        Some(length) => Length::limited(u16::try_from(length.max(1)).unwrap_or(u16::MAX)),
    };
    Ok(if unicode { SqlType::NVarChar { length } } else { SqlType::VarChar { length } })
}

/// The type of numbers of both types together, by "Data type precedence": the larger integer, money
/// over integers, decimal over money, float over all.
pub(super) fn common_number(left: &SqlType, right: &SqlType) -> Result<SqlType, NotConverted> {
    let no = || NotConverted::new(format!("it mixes {} and {}", left.name(), right.name()));
    if left == right {
        return Ok(left.clone());
    }
    if let (Some(first), Some(second)) = (integer_rank(left), integer_rank(right)) {
        return Ok(if first >= second { left.clone() } else { right.clone() });
    }
    match (left, right) {
        (SqlType::Float, _) | (_, SqlType::Float) => Ok(SqlType::Float),
        // PostgreSQL widens real with an integer to double precision; SQL Server stays with real.
        (SqlType::Real, _) | (_, SqlType::Real) => Err(no()),
        (SqlType::Decimal { .. }, _) | (_, SqlType::Decimal { .. }) => {
            let (p1, s1) = decimal_of(left).ok_or_else(no)?;
            let (p2, s2) = decimal_of(right).ok_or_else(no)?;
            let scale = s1.max(s2);
            let precision = (p1 - s1).max(p2 - s2) + scale;
            if precision > 38 {
                return Err(NotConverted::new("its decimals need more than 38 digits together"));
            }
            Ok(decimal(precision, scale))
        }
        (SqlType::Money, _) | (_, SqlType::Money) => Ok(SqlType::Money),
        (SqlType::SmallMoney, _) | (_, SqlType::SmallMoney) => Ok(SqlType::SmallMoney),
        _ => Err(no()),
    }
}

/// The digits after the point to which PostgreSQL's result must be rounded to equal SQL Server's.
pub(super) struct Product {
    pub(super) sql_type: SqlType,
    pub(super) round_to: Option<u32>,
}

/// The type of `left operator right` for numbers; the rules of "Precision, scale, and length".
pub(super) fn arithmetic(operator: &str, left: &SqlType, right: &SqlType) -> Result<Product, NotConverted> {
    let exact = |sql_type| Ok(Product { sql_type, round_to: None });
    let has = |test: fn(&SqlType) -> bool| test(left) || test(right);
    if has(|one| matches!(one, SqlType::Float | SqlType::Real)) {
        if operator == "%" {
            return Err(NotConverted::new("it takes the remainder of floats"));
        }
        return exact(common_number(left, right)?);
    }
    let is_decimal = has(|one| matches!(one, SqlType::Decimal { .. }));
    if has(|one| matches!(one, SqlType::Money | SqlType::SmallMoney)) && !is_decimal {
        let both = integer_rank(left).is_none() && integer_rank(right).is_none();
        return match operator {
            "+" | "-" => exact(common_number(left, right)?),
            "*" if !both => exact(common_number(left, right)?),
            _ => Err(NotConverted::new(format!("{operator} of money rounds in a way PostgreSQL does not"))),
        };
    }
    if !is_decimal {
        return exact(common_number(left, right)?);
    }
    let no = || NotConverted::new(format!("it mixes {} and {}", left.name(), right.name()));
    let (p1, s1) = decimal_of(left).ok_or_else(no)?;
    let (p2, s2) = decimal_of(right).ok_or_else(no)?;
    match operator {
        "+" | "-" => {
            let scale = s1.max(s2);
            let precision = scale + (p1 - s1).max(p2 - s2) + 1;
            // One digit too many is only for a carry; SQL Server gives up a fraction digit for it.
            if precision > 38 {
                return Err(NotConverted::new("its sum needs more than 38 digits"));
            }
            exact(decimal(precision, scale))
        }
        "*" => {
            let (precision, scale) = (p1 + p2 + 1, s1 + s2);
            if precision <= 38 {
                return exact(decimal(precision, scale));
            }
            let whole = precision - scale;
            let kept = scale.min(if whole < 32 { 38 - whole } else { 6 });
            Ok(Product { sql_type: decimal(38, kept), round_to: (kept < scale).then_some(kept) })
        }
        "/" => Err(NotConverted::new("it divides decimals, which SQL Server cuts at a scale of its own")),
        _ => exact(common_number(left, right)?),
    }
}

/// Precision and scale of a number as a decimal.
fn decimal_of(sql_type: &SqlType) -> Option<(u32, u32)> {
    Some(match sql_type {
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::SmallMoney => (10, 4),
        SqlType::Money => (19, 4),
        SqlType::Decimal { precision, scale } if scale <= precision => {
            (u32::from(*precision), u32::from(*scale))
        }
        _ => return None,
    })
}

pub(super) fn decimal(precision: u32, scale: u32) -> SqlType {
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    SqlType::Decimal { precision: small(precision), scale: small(scale) }
}

pub(super) fn integer_rank(sql_type: &SqlType) -> Option<u8> {
    match sql_type {
        SqlType::TinyInt => Some(1),
        SqlType::SmallInt => Some(2),
        SqlType::Int => Some(3),
        SqlType::BigInt => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_get_the_precision_that_sql_server_gives_them() {
        let check = |left: SqlType, operator: &str, right: SqlType, expected: &str, rounds: bool| {
            let found = arithmetic(operator, &left, &right).unwrap();
            assert_eq!(found.sql_type.to_string(), expected);
            assert_eq!(found.round_to.is_some(), rounds);
        };
        let dec = decimal;
        check(dec(2, 1), "-", SqlType::Money, "decimal(20,4)", false);
        check(SqlType::Money, "*", dec(20, 4), "decimal(38,6)", true);
        check(dec(38, 6), "*", SqlType::SmallInt, "decimal(38,6)", false);
        check(dec(30, 10), "*", dec(30, 10), "decimal(38,6)", true);
        check(dec(30, 20), "*", dec(30, 20), "decimal(38,17)", true);
        check(dec(10, 2), "+", dec(8, 4), "decimal(13,4)", false);
        check(SqlType::SmallInt, "*", SqlType::Int, "int", false);
        check(SqlType::Money, "+", SqlType::SmallMoney, "money", false);
        check(SqlType::Money, "*", SqlType::SmallInt, "money", false);
    }

    #[test]
    fn families_agree_with_the_type_table() {
        for rule in crate::types::TYPES {
            let sample = SqlType::from_system(rule.from, Some(4), false, Some(10), Some(2));
            let Some(sample) = sample else { continue };
            let natural = Family::of_sql_type(&sample);
            let default = crate::types::type_rule(&sample, None).unwrap();
            if natural != Family::Other {
                assert_eq!(Family::of_pg_type(&crate::types::pg_type(default, &sample)), natural, "{sample}");
            }
        }
    }

    #[test]
    fn arithmetic_that_rounds_otherwise_is_refused() {
        let check = |left: SqlType, operator: &str, right: SqlType| {
            assert!(arithmetic(operator, &left, &right).is_err());
        };
        check(SqlType::Money, "*", SqlType::Money);
        check(SqlType::Money, "/", SqlType::Int);
        check(decimal(10, 2), "/", SqlType::Int);
        check(SqlType::Real, "+", SqlType::Int);
        check(decimal(38, 10), "+", decimal(38, 0));
    }
}
