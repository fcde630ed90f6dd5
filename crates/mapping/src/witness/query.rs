//! The same measures, asked of PostgreSQL in SQL.
//!
//! Invariant: nothing of the session's settings shows in an answer (no `datestyle`, no `extra_float_digits`, no time zone, no
//! collation).

use crate::encode::Encoder;
use crate::names::quote;
use crate::plan::{ColumnPlan, TablePlan};
use mssql2pg_catalog::{ColumnMeasures, Measure, MeasureKind, SqlType, Table, TableMeasures};

/// The question, and how its answer is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureQuery {
    /// One row: the number of rows as `bigint`, then for each column that COPY fills a `text[]`.
    pub sql: String,
    /// Per column: what its array holds after the number of NULLs.
    measures: Vec<&'static [Measure]>,
}

impl MeasureQuery {
    /// How many arrays the answer has.
    pub fn columns(&self) -> usize {
        self.measures.len()
    }

    /// Reads the answer: the rows, and the arrays in order. An answer of another shape has fewer measures.
    pub fn read(&self, rows: u64, arrays: &[Vec<Option<String>>]) -> TableMeasures {
        let columns = self.measures.iter().zip(arrays).map(|(known, array)| {
            let nulls = array.first().and_then(|nulls| nulls.as_deref()?.parse().ok()).unwrap_or(u64::MAX);
            let values = array.get(1..).unwrap_or_default();
            let measures =
                known.iter().zip(values).filter_map(|(measure, text)| Some((*measure, text.clone()?)));
            ColumnMeasures { nulls, measures: measures.collect() }
        });
        TableMeasures { rows, columns: columns.collect() }
    }
}

/// The question for a table. Where `reads` has an expression for each column that COPY fills, those are measured, under the
/// columns' names.
pub fn measure_query(table: &Table, plan: &TablePlan, reads: Option<&[String]>) -> MeasureQuery {
    let from = match reads {
        None => plan.sql_name(),
        Some(reads) => {
            let items = reads.iter().zip(plan.copy_columns());
            let items = items.map(|(read, column)| format!("{read} as {}", quote(&column.name)));
            format!("(select {} from {}) as read", items.collect::<Vec<_>>().join(", "), plan.sql_name())
        }
    };
    let stored: Vec<&SqlType> = table.stored_columns().map(|column| &column.sql_type).collect();
    let mut items = vec!["count(*)".to_owned()];
    let mut measures = Vec::new();
    for column in plan.copy_columns() {
        let kind =
            column.source_ordinal.and_then(|place| stored.get(place)).map(|known| MeasureKind::of(known));
        let kind = kind.filter(|_| column.encoder != Encoder::OffsetMinutes).unwrap_or(MeasureKind::Presence);
        let name = quote(&column.name);
        let known = expressions(kind, column, &name);
        let mut array = vec![format!("(count(*) - count({name}))::text")];
        match known {
            Some(known) => {
                measures.push(kind.measures());
                array.extend(known);
            }
            None => measures.push(&[][..]),
        }
        items.push(format!("array[{}]", array.join(", ")));
    }
    MeasureQuery { sql: format!("select {} from {from}", items.join(", ")), measures }
}

/// Microseconds from 0001-01-01 to 2000-01-01, from where PostgreSQL counts.
const MICROS_TO_2000: i64 = 63_082_281_600_000_000;

/// In the order of [`MeasureKind::measures`]; none where the column's PostgreSQL type was chosen otherwise and has none.
fn expressions(kind: MeasureKind, column: &ColumnPlan, name: &str) -> Option<Vec<String>> {
    use Encoder as E;
    use MeasureKind as Kind;
    // The smallest and the largest are turned into numbers once, not in each row.
    let range = |number: &dyn Fn(&str) -> String| {
        let [least, most] = ["min", "max"].map(|of| number(&format!("{of}({name})")));
        vec![format!("{least}::text"), format!("{most}::text"), format!("sum({})::text", number(name))]
    };
    // Adding up hours, minutes and seconds of each row takes twice as long as what PostgreSQL itself stores; the smallest
    // and the largest are read as people read them, so that another epoch would show.
    let stored = |send: &str, first: i64| {
        format!("sum(('x' || encode({send}({name}), 'hex'))::bit(64)::bigint + {first})::text")
    };
    let with_sum = |mut range: Vec<String>, sum: &str| {
        range.truncate(2);
        range.push(sum.to_owned());
        range
    };
    let utc = |value: &str| moment(&format!("({value} at time zone 'UTC')"));
    Some(match (kind, column.encoder) {
        (Kind::Flag, E::Bool) => vec![format!("(count(*) filter (where {name}))::text")],
        (Kind::Flag, E::BitAsInt2 | E::BitAsInt4) => vec![format!("coalesce(sum({name}), 0)::text")],
        (Kind::Number { scale: 0 }, E::Int2 | E::Int4 | E::Int8) => {
            ["min", "max", "sum"].map(|of| format!("{of}({name})::text")).to_vec()
        }
        // All have one scale, so that it makes no difference whether numbers get it before they are added.
        (Kind::Number { scale }, E::Int8 | E::Numeric) => {
            ["min", "max", "sum"].map(|of| format!("{of}({name})::numeric(1000,{scale})::text")).to_vec()
        }
        (Kind::Float, E::Float8) => floats(name, "float8", "bit(64)::bigint"),
        (Kind::Real, E::Float4) => floats(name, "float4", "bit(32)::integer"),
        (Kind::Date, E::Date) => range(&|value| format!("({value} - date '0001-01-01')")),
        (Kind::Time, E::Time) => with_sum(range(&micros), &stored("time_send", 0)),
        (Kind::Moment, E::Timestamp) => with_sum(range(&moment), &stored("timestamp_send", MICROS_TO_2000)),
        (Kind::Instant, E::TimestampTz) => with_sum(range(&utc), &stored("timestamptz_send", MICROS_TO_2000)),
        (Kind::Text, E::Text) => text(name),
        // The cast takes the blanks away ("Character Types").
        (Kind::PaddedText, E::Char) => text(&format!("{name}::text")),
        (Kind::PaddedText, E::Text) => text(&format!("rtrim({name}, ' ')")),
        (Kind::Bytes, E::Bytea) => {
            let byte = |place: &str| {
                format!(
                    "coalesce(sum(case when octet_length({name}) > 0 then get_byte({name}, {place}) end), 0)::text"
                )
            };
            vec![
                format!("coalesce(sum(octet_length({name})), 0)::text"),
                byte("0"),
                byte(&format!("octet_length({name}) - 1")),
            ]
        }
        (Kind::Guid, E::Uuid) => {
            let byte = |place: u8| format!("get_byte(uuid_send({name}), {place})");
            let sum = |number: String| format!("coalesce(sum({number}), 0)::text");
            vec![
                sum(format!("{} * 65536 + {} * 256 + {}", byte(0), byte(4), byte(6))),
                sum(format!("{} * 256 + {}", byte(8), byte(15))),
            ]
        }
        _ => return None,
    })
}

/// -0 counts as 0.
fn floats(name: &str, float: &str, number: &str) -> Vec<String> {
    let bits = |of: &str| format!("encode({float}send({of}({name}) + 0::{float}), 'hex')");
    vec![
        bits("min"),
        bits("max"),
        format!("sum(('x' || {})::{number})::text", bits("")),
        format!("(count(*) filter (where {name} <> 0))::text"),
    ]
}

/// Microseconds since midnight. Seconds and their fraction come as a whole number of microseconds, exact also where
/// `extract` gives a `double precision` (before PostgreSQL 14).
fn micros(value: &str) -> String {
    format!(
        "(extract(hour from {value})::bigint * 3600000000 + extract(minute from {value})::bigint * 60000000 + extract(microseconds from {value})::bigint)"
    )
}

fn moment(value: &str) -> String {
    format!("(({value}::date - date '0001-01-01')::bigint * 86400000000 + {})", micros(value))
}

/// UTF-16 units are the characters, and one more for each that takes four bytes in UTF-8. Only text with three bytes more
/// than characters is searched for those, and only where there is one the others are taken out, which is ten times as slow.
fn text(value: &str) -> Vec<String> {
    let long = r"\\U00010000-\\U0010FFFF";
    let units = format!(
        "char_length({value}) + case when octet_length({value}) - char_length({value}) > 2 and {value} collate \"C\" ~ e'[{long}]' then char_length(regexp_replace({value} collate \"C\", e'[^{long}]+', '', 'g')) else 0 end"
    );
    // Those from U+D800 on count 0, and each is looked at once.
    let code = |letter: &str| format!("coalesce(sum(least(ascii({letter}), 55296) % 55296), 0)::text");
    vec![
        format!("coalesce(sum({units}), 0)::text"),
        format!("coalesce(sum(octet_length({value})), 0)::text"),
        code(value),
        code(&format!("right({value}, 1)")),
    ]
}
