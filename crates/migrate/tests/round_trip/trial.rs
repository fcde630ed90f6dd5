//! How a proof goes: plan, create, send, read back in three ways, compare.
//!
//! Invariant: what is expected comes with the cells and was worked out without the product; here it is only compared.
//! Every loss that the product notes is expected and every expected loss is noted, in number and column.

use crate::naive::Parsed;
use mssql2pg_catalog::{
    Catalog, CodePage, Column, IndexColumn, Key, MeasureKind, ObjectName, RowSink, SqlType, Stop, Table,
    Value, VariantValue,
};
use mssql2pg_mapping::digest::{ColumnDigests, CopyTuples, RowDigest, TableDigester};
use mssql2pg_mapping::encode::{
    CopyOutput, CopyRows, Loss, LossKind, RejectedRow, SplitOutcome, merge_losses,
};
use mssql2pg_mapping::settings::{ColumnSettings, Transform};
use mssql2pg_mapping::witness::{MeasureRows, compare, measure_query};
use mssql2pg_mapping::{DatabasePlan, MappingSettings, TablePlan, ddl, plan_database};
use mssql2pg_target::embedded::Provisioned;
use mssql2pg_target::embedded::testing::{database, database_on};
use mssql2pg_target::{Connection, Target};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;

/// Small, so that a stream has many chunks.
const CHUNK_BYTES: usize = 8 << 10;

/// A value as a source delivers it.
#[derive(Debug, Clone)]
pub(crate) enum Owned {
    Null,
    Bit(bool),
    Int(i64),
    Real(f32),
    Float(f64),
    Decimal { magnitude: [u8; 16], scale: u8, negative: bool },
    Money(i64),
    Date(i32),
    Time(u64),
    DateTime2 { days: i32, ticks: u64 },
    DateTime { days: i32, ticks: u32 },
    DateTimeOffset { days: i32, ticks: u64, offset_minutes: i16 },
    Utf16(Vec<u8>),
    CodePage(Vec<u8>, u16),
    Utf8(Vec<u8>),
    Bytes(Vec<u8>),
    Guid([u8; 16]),
    Variant(String, Box<Owned>),
}

impl Owned {
    pub(crate) fn utf16(text: &str) -> Self {
        Self::Utf16(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
    }

    fn plain(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bit(bit) => Value::Bit(*bit),
            Self::Int(number) => Value::Int(*number),
            Self::Real(float) => Value::Real(*float),
            Self::Float(float) => Value::Float(*float),
            Self::Decimal { magnitude, scale, negative } => {
                Value::Decimal { magnitude, scale: *scale, negative: *negative }
            }
            Self::Money(units) => Value::Money(*units),
            Self::Date(days) => Value::Date(*days),
            Self::Time(ticks) => Value::Time(*ticks),
            Self::DateTime2 { days, ticks } => Value::DateTime2 { days: *days, ticks: *ticks },
            Self::DateTime { days, ticks } => Value::DateTime { days: *days, ticks: *ticks },
            Self::DateTimeOffset { days, ticks, offset_minutes } => {
                Value::DateTimeOffset { days: *days, ticks: *ticks, offset_minutes: *offset_minutes }
            }
            Self::Utf16(bytes) => Value::Utf16(bytes),
            Self::CodePage(bytes, page) => Value::CodePage(bytes, CodePage(*page)),
            Self::Utf8(bytes) => Value::Utf8(bytes),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Guid(guid) => Value::Guid(guid),
            Self::Variant(..) => unreachable!("a sql_variant holds no sql_variant"),
        }
    }

    fn give(&self, sink: &mut dyn RowSink) {
        match self {
            Self::Variant(base_type, value) => {
                sink.value(Value::Variant(&VariantValue { base_type, value: value.plain() }));
            }
            plain => sink.value(plain.plain()),
        }
    }
}

/// What PostgreSQL must say about a cell.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    Null,
    Text(String),
    /// A text that reads as this float, bit by bit.
    Float(Parsed),
    /// The row is not there.
    Refused,
}

/// A value, what must become of it, and what is lost on the way.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) value: Owned,
    pub(crate) expected: Expected,
    pub(crate) losses: Vec<LossKind>,
}

impl Cell {
    pub(crate) fn null() -> Self {
        Self { value: Owned::Null, expected: Expected::Null, losses: Vec::new() }
    }

    pub(crate) fn kept(value: Owned, text: impl Into<String>) -> Self {
        Self { value, expected: Expected::Text(text.into()), losses: Vec::new() }
    }

    pub(crate) fn float(value: Owned, parsed: Parsed) -> Self {
        Self { value, expected: Expected::Float(parsed), losses: Vec::new() }
    }

    pub(crate) fn refused(value: Owned) -> Self {
        Self { value, expected: Expected::Refused, losses: Vec::new() }
    }

    pub(crate) fn losing(self, losses: &[LossKind]) -> Self {
        Self { losses: losses.to_vec(), ..self }
    }

    fn is_refused(&self) -> bool {
        matches!(self.expected, Expected::Refused)
    }
}

/// One column under test.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) sql_type: SqlType,
    /// An alternative of the type table.
    pub(crate) wanted: Option<String>,
    pub(crate) transforms: Vec<Transform>,
    /// The SQL that reads a cell as text; `{c}` is the column.
    pub(crate) read: &'static str,
    pub(crate) cells: Vec<Cell>,
    /// SQL over all rows, and what it must give.
    pub(crate) totals: Vec<(&'static str, String)>,
}

impl Tried {
    pub(crate) fn new(sql_type: SqlType, cells: Vec<Cell>) -> Self {
        let (wanted, transforms, totals) = (None, Vec::new(), Vec::new());
        Self { sql_type, wanted, transforms, read: "{c}::text", cells, totals }
    }

    pub(crate) fn wanting(self, wanted: &str) -> Self {
        Self { wanted: Some(wanted.to_owned()), ..self }
    }

    pub(crate) fn read_by(self, read: &'static str) -> Self {
        Self { read, ..self }
    }

    pub(crate) fn transformed(self, transforms: &[Transform]) -> Self {
        Self { transforms: transforms.to_vec(), ..self }
    }

    /// Whether the second witness must say something about the column: by default, and by most alternatives.
    fn is_measured(&self) -> bool {
        let alternative = self.wanted.as_deref().unwrap_or_default();
        let is_other = matches!(
            (&self.sql_type, alternative),
            (SqlType::UniqueIdentifier, "text") | (SqlType::RowVersion, "bigint")
        );
        let odd = |cell: &Cell| match &cell.value {
            Owned::Real(float) => float.is_nan(),
            Owned::Float(float) => float.is_nan(),
            Owned::CodePage(_, page) => matches!(page, 437 | 850 | 936 | 949 | 950),
            _ => false,
        };
        MeasureKind::of(&self.sql_type) != MeasureKind::Presence && !is_other && !self.cells.iter().any(odd)
    }

    pub(crate) fn totalling(mut self, sql: &'static str, expected: impl Into<String>) -> Self {
        self.totals.push((sql, expected.into()));
        self
    }
}

/// Proves one table per list of columns, with the default settings.
pub(crate) fn prove(tables: &[Vec<Tried>]) {
    prove_with(&MappingSettings::default(), tables);
}

/// Proves one table per list of columns, on every server that there is.
pub(crate) fn prove_with(settings: &MappingSettings, tables: &[Vec<Tried>]) {
    for mut connection in servers() {
        prove_on(&mut connection, settings, tables);
    }
}

/// Proves one table per list of columns. Columns with fewer cells than others have NULL in their last rows.
pub(crate) fn prove_on(connection: &mut Connection, settings: &MappingSettings, tables: &[Vec<Tried>]) {
    let plan = load(connection, settings, tables);
    for (columns, table) in tables.iter().zip(&plan.tables) {
        let mut proof = Proof { connection, columns, table };
        proof.compare_texts();
        proof.compare_totals();
    }
    compare_measures(connection, settings, tables, &plan);
}

/// (4) The second witness agrees: what PostgreSQL measures is what the cells' values measure.
fn compare_measures(
    connection: &mut Connection,
    settings: &MappingSettings,
    tables: &[Vec<Tried>],
    plan: &DatabasePlan,
) {
    let (catalog, _) = describe(settings, tables);
    for ((columns, plan), table) in tables.iter().zip(&plan.tables).zip(&catalog.tables) {
        let proof = Proof { connection, columns, table: plan };
        let mut rows = Measuring(MeasureRows::new(table));
        for row in (0..proof.rows()).filter(|row| proof.keeps(*row)) {
            give_row(columns, row, &mut rows);
        }
        let query = measure_query(table, plan, None);
        let (count, arrays) =
            mssql2pg_target::catalog::measures(proof.connection, &query.sql, query.columns())
                .expect("measures");
        let of_target = query.read(count, &arrays);
        let mut losses = Vec::new();
        for (number, tried) in columns.iter().enumerate() {
            for kind in tried.cells.iter().flat_map(|cell| &cell.losses) {
                let loss = Loss { column: column_name(number), kind: *kind, count: 1, samples: Vec::new() };
                merge_losses(&mut losses, &[loss]);
            }
        }
        let found = compare(plan, &rows.0.measures(), &of_target, &losses);
        assert_eq!(found.differences, [], "{} {:?}\n{of_target:?}", plan.name, rows.0.measures());
        // Each column is compared, or it is known why it is not.
        for (number, tried) in columns.iter().enumerate() {
            let column = column_name(number);
            let why =
                found.counted_only.iter().find(|(left_out, _)| *left_out == column).map(|(_, why)| *why);
            let is_measured = tried.is_measured();
            let excused = !tried.transforms.is_empty() || losses.iter().any(|loss| loss.column == column);
            let has_values = of_target.rows > 0;
            assert!(
                !is_measured || excused || why.is_none() || !has_values,
                "{} {why:?}",
                proof.place(number)
            );
        }
    }
}

/// The sink of the second witness.
struct Measuring(MeasureRows);

impl RowSink for Measuring {
    fn value(&mut self, value: Value<'_>) {
        self.0.value(value);
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.0.end_row();
        Ok(())
    }
}

/// Creates the tables and sends all cells; compares rejected rows, losses and what comes back in binary.
fn load(connection: &mut Connection, settings: &MappingSettings, tables: &[Vec<Tried>]) -> DatabasePlan {
    let (catalog, settings) = describe(settings, tables);
    let plan = plan_database(&catalog, &settings).expect("a plan");
    create(connection, &plan);
    for (columns, table) in tables.iter().zip(&plan.tables) {
        let mut proof = Proof { connection, columns, table };
        let (outcome, rejected, sent) = proof.send();
        proof.compare_rejects(&rejected);
        proof.compare_losses(&outcome);
        proof.compare_digests(&outcome, &sent);
    }
    plan
}

/// Loads one table, runs each change on it in turn, and gives the columns that the digests then name. Both
/// digests, that of rows and those of columns, must see the change.
pub(crate) fn columns_that_changed(columns: &[Tried], changes: &[&str]) -> Vec<Vec<String>> {
    let mut connection = servers().swap_remove(0);
    let columns = [columns.to_vec()];
    let plan = load(&mut connection, &MappingSettings::default(), &columns);
    let table = &plan.tables[0];
    let mut seen = Vec::new();
    for change in changes {
        let before = read_digests(&mut connection, table);
        connection.batch(change).expect("a change");
        let after = read_digests(&mut connection, table);
        assert_ne!(before.0, after.0, "{change}");
        seen.push(before.1.differing(&after.1));
    }
    seen
}

/// The digests of what PostgreSQL gives back in binary.
fn read_digests(connection: &mut Connection, table: &TablePlan) -> (RowDigest, ColumnDigests) {
    let (mut digester, mut columns) = (TableDigester::new(table), ColumnDigests::new(table));
    let mut tuples = CopyTuples::new();
    let mut on_bytes = |bytes: &[u8]| {
        let mut on_row = |row: &[u8]| {
            digester.row(row);
            columns.row(row);
        };
        tuples.push(bytes, &mut on_row).expect("a stream");
        ControlFlow::Continue(())
    };
    connection.copy_out(&ddl::copy_out(table), &mut on_bytes).expect("read back");
    tuples.finish().expect("a whole stream");
    (digester.digest(), columns)
}

/// A session in an empty database of each major version: the installed one, and the one that is fetched.
pub(crate) fn servers() -> Vec<Connection> {
    let databases = [Some(database()), database_on(Provisioned::Npm)];
    databases
        .into_iter()
        .flatten()
        .map(|database| Target::parse(&database.url).expect("an address").connect().expect("a session"))
        .collect()
}

fn describe(settings: &MappingSettings, tables: &[Vec<Tried>]) -> (Catalog, MappingSettings) {
    let (mut catalog, mut settings) = (Catalog::default(), settings.clone());
    for (number, columns) in tables.iter().enumerate() {
        let key = IndexColumn { name: "Id".to_owned(), descending: false };
        let mut table = Table {
            name: ObjectName::new("dbo", format!("T{number}")),
            primary_key: Some(Key { name: None, columns: vec![key], clustered: true }),
            ..Table::default()
        };
        table.columns.push(Column { nullable: false, ..Column::new("Id", SqlType::Int) });
        for (number, tried) in columns.iter().enumerate() {
            let name = column_name(number);
            let special = ColumnSettings {
                pg_type: tried.wanted.clone(),
                transforms: tried.transforms.clone(),
                ..ColumnSettings::default()
            };
            settings.columns.insert(format!("{}.{name}", table.name), special);
            table.columns.push(Column::new(name, tried.sql_type.clone()));
        }
        catalog.tables.push(table);
    }
    (catalog, settings)
}

fn column_name(number: usize) -> String {
    format!("c{number}")
}

fn create(connection: &mut Connection, plan: &DatabasePlan) {
    let mut statements = vec!["begin".to_owned()];
    statements.extend(ddl::create_schemas(plan));
    statements.extend(ddl::find_extension_types(plan));
    statements.extend(plan.tables.iter().map(ddl::create_table));
    statements.push("commit".to_owned());
    connection.batch(&statements.join(";\n")).expect("created");
}

struct Proof<'a> {
    connection: &'a mut Connection,
    columns: &'a [Tried],
    table: &'a TablePlan,
}

impl Proof<'_> {
    /// Whether every cell of the row, counted from 0, is kept.
    fn keeps(&self, row: usize) -> bool {
        !self.columns.iter().filter_map(|tried| tried.cells.get(row)).any(Cell::is_refused)
    }

    fn rows(&self) -> usize {
        self.columns.iter().map(|tried| tried.cells.len()).max().unwrap_or_default()
    }

    /// Where we are, for a message.
    fn place(&self, column: usize) -> String {
        let plan =
            self.table.columns.iter().find(|plan| plan.source == column_name(column)).expect("planned");
        let Tried { sql_type, transforms, .. } = &self.columns[column];
        format!("{} {} {sql_type} to {} {transforms:?}", self.table.name, plan.name, plan.pg_type)
    }

    fn send(&mut self) -> (SplitOutcome, Vec<RejectedRow>, ColumnDigests) {
        let table = self.table;
        // Without the ledger: how rows and their mark are committed is proved elsewhere.
        let mut writer = self.connection.client().copy_in(&ddl::copy_in(table)).expect("a COPY");
        let mut pipe = Pipe {
            writer: &mut writer,
            tuples: CopyTuples::new(),
            sent: ColumnDigests::new(table),
            rejected: Vec::new(),
        };
        let rows = self.columns.iter().map(|tried| tried.cells.len()).max().unwrap_or_default();
        let mut copy = CopyRows::new(table, CHUNK_BYTES, &mut pipe);
        for row in 0..rows {
            give_row(self.columns, row, &mut copy);
        }
        let outcome = copy.finish().expect("taken");
        let Pipe { tuples, sent, rejected, .. } = pipe;
        tuples.finish().expect("a whole stream");
        assert_eq!(writer.finish().expect("loaded"), outcome.rows, "{}", table.name);
        (outcome, rejected, sent)
    }

    fn compare_rejects(&self, rejected: &[RejectedRow]) {
        let found: Vec<&str> = rejected.iter().map(|row| row.key.as_str()).collect();
        let expected: Vec<String> =
            (0..self.rows()).filter(|row| !self.keeps(*row)).map(|row| format!("Id={}", row + 1)).collect();
        assert_eq!(found, expected, "{} {rejected:?}", self.table.name);
    }

    fn compare_losses(&self, outcome: &SplitOutcome) {
        let mut expected: BTreeMap<(String, LossKind), (u64, String)> = BTreeMap::new();
        for (number, tried) in self.columns.iter().enumerate() {
            for (row, cell) in tried.cells.iter().enumerate().filter(|(row, _)| self.keeps(*row)) {
                for kind in &cell.losses {
                    let key = (column_name(number), *kind);
                    expected.entry(key).or_insert_with(|| (0, format!("Id={}", row + 1))).0 += 1;
                }
            }
        }
        let found: BTreeMap<(String, LossKind), (u64, String)> = outcome
            .losses
            .iter()
            .map(|loss| ((loss.column.clone(), loss.kind), (loss.count, loss.samples[0].clone())))
            .collect();
        assert_eq!(found, expected, "{}", self.table.name);
    }

    /// (1) What PostgreSQL gives back in binary has the digest of what was sent.
    fn compare_digests(&mut self, outcome: &SplitOutcome, sent: &ColumnDigests) {
        let (digest, read) = read_digests(self.connection, self.table);
        let differing = sent.differing(&read);
        let first = differing.first().and_then(|name| name.strip_prefix('c')?.parse().ok());
        let place = first.map(|number| self.place(number));
        assert_eq!(digest, outcome.digest, "{} {differing:?} {place:?}", self.table.name);
        assert!(differing.is_empty(), "{differing:?}");
    }

    /// (2) What PostgreSQL says as text is what the naive code says.
    fn compare_texts(&mut self) {
        let reads: Vec<String> =
            self.columns.iter().enumerate().map(|(number, tried)| sql(tried.read, number)).collect();
        let query = format!("select {} from {} order by id", reads.join(", "), self.table.sql_name());
        let rows = self.connection.client().query(&query, &[]).expect("rows");
        let kept: Vec<usize> = (0..self.rows()).filter(|row| self.keeps(*row)).collect();
        assert_eq!(rows.len(), kept.len(), "{}", self.table.name);
        for (row, index) in rows.iter().zip(kept) {
            for (number, tried) in self.columns.iter().enumerate() {
                let found: Option<&str> = row.get(number);
                let expected = tried.cells.get(index).map_or(&Expected::Null, |cell| &cell.expected);
                let equal = match (expected, found) {
                    (Expected::Null, None) => true,
                    (Expected::Text(expected), Some(found)) => expected == found,
                    (Expected::Float(parsed), Some(found)) => parsed.equals(found),
                    _ => false,
                };
                let shown = || (shorten(&format!("{expected:?}")), found.map(shorten));
                assert!(equal, "{} row {}: {:?}", self.place(number), index + 1, shown());
            }
        }
    }

    /// (3) SQL over all rows gives what naive code gives.
    fn compare_totals(&mut self) {
        for (number, tried) in self.columns.iter().enumerate() {
            for (total, expected) in &tried.totals {
                let query = format!("select {} from {}", sql(total, number), self.table.sql_name());
                let row = self.connection.client().query_one(&query, &[]).expect("a total");
                let found: Option<&str> = row.get(0);
                assert_eq!(found, Some(expected.as_str()), "{} {total}", self.place(number));
            }
        }
    }
}

/// Gives a row, counted from 0, as a source does.
fn give_row(columns: &[Tried], row: usize, sink: &mut dyn RowSink) {
    Owned::Int(row as i64 + 1).give(sink);
    for tried in columns {
        tried.cells.get(row).map_or(&Owned::Null, |cell| &cell.value).give(sink);
    }
    sink.end_row().expect("taken");
}

fn sql(template: &str, number: usize) -> String {
    template.replace("{c}", &column_name(number))
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Sends on, and digests what is sent per column, to name the column in a message.
struct Pipe<'a> {
    writer: &'a mut (dyn Write + Send),
    tuples: CopyTuples,
    sent: ColumnDigests,
    rejected: Vec<RejectedRow>,
}

impl CopyOutput for Pipe<'_> {
    fn chunk(&mut self, bytes: &[u8], _: u64) -> Result<(), Stop> {
        let Self { writer, tuples, sent, .. } = self;
        tuples.push(bytes, &mut |row| sent.row(row)).expect("a stream");
        writer.write_all(bytes).map_err(|_| Stop)
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), Stop> {
        self.rejected.push(row);
        Ok(())
    }
}

/// The texts that a column's encoder makes of values, without a server; none where it refuses one.
pub(crate) fn texts_of(sql_type: SqlType, values: impl Iterator<Item = Owned>) -> Vec<Option<String>> {
    let (catalog, settings) =
        describe(&MappingSettings::default(), &[vec![Tried::new(sql_type, Vec::new())]]);
    let plan = plan_database(&catalog, &settings).expect("a plan");
    let mut bytes = Vec::new();
    let mut texts = Vec::new();
    let mut pipe = Pipe {
        writer: &mut bytes,
        tuples: CopyTuples::new(),
        sent: ColumnDigests::new(&plan.tables[0]),
        rejected: Vec::new(),
    };
    let mut copy = CopyRows::new(&plan.tables[0], CHUNK_BYTES, &mut pipe);
    for (row, value) in values.enumerate() {
        texts.push(None);
        copy.value(Value::Int(row as i64));
        value.give(&mut copy);
        copy.end_row().expect("taken");
    }
    copy.finish().expect("taken");
    let mut tuples = CopyTuples::new();
    let mut on_row = |row: &[u8]| {
        // Two bytes for the number of fields; the number of the row; the text; each with its length.
        let number = i32::from_be_bytes(row[6..10].try_into().expect("a number"));
        texts[number as usize] = Some(String::from_utf8(row[14..].to_vec()).expect("UTF-8"));
    };
    tuples.push(&bytes, &mut on_row).expect("a stream");
    texts
}
