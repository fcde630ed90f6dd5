//! `.bacpac` and `.dacpac`: SQL Server's own export, schema and rows in one zip archive (formats.md §1).
//!
//! The way in: [`Bacpac::open`] reads the archive's directory and the whole model. A part of a table is a split.
//!
//! Invariant: every entry under `Data/` belongs to a table of the model and is one of its splits; one that does not is
//! an error, because its rows would be lost silently.

mod bcp;
mod layout;
mod model;
mod package;
mod parts;
mod probe;
mod recognise;
mod variant;

use crate::{Consistency, ErrorKind, Source, SourceError, SourceInfo, Split};
use layout::{Layout, TimeUnit};
use model::Origin;
use mssql2pg_catalog::{Catalog, ObjectName, RowSink, Table};
use package::Package;
use parts::{Part, Parts};
use probe::{Misfit, SAMPLE_BYTES, Sample};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::{debug, warn};

/// How many tables are asked what unit this export's times have.
const TIME_WITNESSES: usize = 32;

/// An open `.bacpac` or `.dacpac`. Shared by all workers.
#[derive(Debug)]
pub struct Bacpac {
    location: String,
    package: Package,
    catalog: Catalog,
    parts: Parts,
    origin: Origin,
    identity: String,
    layouts: Mutex<HashMap<ObjectName, Arc<OnceLock<Arc<Layout>>>>>,
    time_unit: OnceLock<Option<TimeUnit>>,
}

impl Bacpac {
    /// Opens the file at `location`, whatever its name, and reads its model.
    ///
    /// # Errors
    /// [`ErrorKind::Open`] when it cannot be read; [`ErrorKind::NotASource`] when it is something else, saying what;
    /// [`ErrorKind::Unsupported`] when it is encrypted; [`ErrorKind::TooLarge`] when its model inflates to more than
    /// a model can be; [`ErrorKind::Damaged`] when it is cut off or contradicts itself.
    pub fn open(location: &str) -> Result<Self, SourceError> {
        let package = Package::open(location)?;
        let Some(entry) = package.entry("model.xml") else {
            return Err(SourceError::new(
                ErrorKind::NotASource,
                format!("{location} is not a .bacpac or .dacpac: it is a zip archive without model.xml"),
            ));
        };
        let bytes = package.read_whole(entry)?;
        let checksum = hexadecimal(&Sha256::digest(&bytes));
        let origin = read_origin(location, &package, &checksum)?;
        let mut catalog = model::read_model(text_of(location, "model.xml", &bytes)?)
            .map_err(|error| SourceError { context: format!("{location}: {}", error.context), ..error })?;
        drop(bytes);
        catalog.database.name = database_name(location, &package)?.unwrap_or_default();
        catalog.database.server_version = origin.server_version.clone();
        catalog.database.claimed_rows = origin.claimed_rows;
        let parts = Parts::collect(location, &package, &mut catalog)?;
        check_named_parts(location, &package)?;
        let identity = identity(&checksum, &package);
        debug!(location, tables = catalog.tables.len(), "opened");
        Ok(Self {
            location: location.to_owned(),
            package,
            catalog,
            parts,
            origin,
            identity,
            layouts: Mutex::default(),
            time_unit: OnceLock::new(),
        })
    }

    /// Inflates a split, throws it away and returns its bytes: what reading costs at least, for benchmarks.
    ///
    /// # Errors
    /// As [`Source::read`], but for what only decoding finds.
    pub fn drain(&self, table: &Table, split: &Split) -> Result<u64, SourceError> {
        let part = self.part(table, split)?;
        let mut stream = self.package.stream(&part.entry)?;
        std::io::copy(&mut stream, &mut std::io::sink())
            .map_err(|error| self.package.entry_error(&part.entry, error))
    }

    fn part(&self, table: &Table, split: &Split) -> Result<&Part, SourceError> {
        self.parts.of(&table.name).iter().find(|part| part.file == split.locator).ok_or_else(|| {
            SourceError::new(
                ErrorKind::Damaged,
                format!("{} has no part {} of {}", self.location, split.locator, table.name),
            )
        })
    }

    fn has_data(&self) -> bool {
        !self.parts.is_empty() || (self.origin.contains_data == Some(true) && !self.catalog.tables.is_empty())
    }

    /// The table's layout, probed once. Two threads that ask at the same time may both probe; they find the same.
    fn layout(&self, table: &Table) -> Result<Arc<Layout>, SourceError> {
        let slot = {
            let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(layouts.entry(table.name.clone()).or_default())
        };
        if let Some(found) = slot.get() {
            return Ok(Arc::clone(found));
        }
        let found = Arc::new(self.find_layout(table)?);
        Ok(Arc::clone(slot.get_or_init(|| found)))
    }

    fn find_layout(&self, table: &Table) -> Result<Layout, SourceError> {
        let parts = self.parts.of(&table.name);
        let Some(part) = parts.first().filter(|_| !layout::ambiguities(table).is_empty()) else {
            return Ok(layout::layout(table, layout::Choices::default()));
        };
        let sample = self.sample(part)?;
        probe::find_layout(table, &sample, || self.time_unit()).map_err(|misfit| match misfit {
            Misfit::NoLayout(trouble) => self.trouble(table, part, trouble),
            Misfit::SeveralLayouts => SourceError::new(
                ErrorKind::Unsupported,
                format!(
                    "cannot read {} in {}: its rows fit several layouts (part {}, from row 1, byte 0)",
                    table.name, self.location, part.file
                ),
            ),
        })
    }

    /// In which unit this export writes times of a scale below 7, as far as any of its tables proves one.
    fn time_unit(&self) -> Option<TimeUnit> {
        *self.time_unit.get_or_init(|| {
            let with_data = self
                .catalog
                .tables
                .iter()
                .filter_map(|table| Some((table, self.parts.of(&table.name).first()?)));
            let concerned =
                with_data.filter(|(table, _)| layout::ambiguities(table).contains(&layout::Ambiguity::Time));
            concerned
                .take(TIME_WITNESSES)
                .filter_map(|(table, part)| probe::time_evidence(table, &self.sample(part).ok()?))
                .next()
        })
    }

    fn sample(&self, part: &Part) -> Result<Sample, SourceError> {
        let mut bytes = Vec::new();
        let stream = self.package.stream(&part.entry)?;
        stream
            .take(SAMPLE_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| self.package.entry_error(&part.entry, error))?;
        Ok(Sample { bytes, length: part.entry.size })
    }

    fn trouble(&self, table: &Table, part: &Part, trouble: bcp::Trouble) -> SourceError {
        let bcp::Trouble { row, column, offset, cause } = trouble;
        let (kind, what) = match cause {
            bcp::Cause::Io(error) => return self.package.entry_error(&part.entry, error),
            bcp::Cause::EndsInRow => (ErrorKind::Damaged, "the part ends inside the row".to_owned()),
            bcp::Cause::Impossible(what) => (ErrorKind::Damaged, what),
            bcp::Cause::Unsupported(what) => (ErrorKind::Unsupported, what),
        };
        let column = table.stored_columns().nth(column).map_or("", |column| &column.name);
        SourceError::new(
            kind,
            format!(
                "cannot read {}.{column} in {}: part {}, row {}, byte {offset}: {what}",
                table.name,
                self.location,
                part.file,
                row + 1
            ),
        )
    }

    /// Our own description of a table: that of `catalog.json` may have been edited.
    fn own_table(&self, table: &Table) -> Result<&Table, SourceError> {
        let known = self.catalog.table(&table.name).ok_or_else(|| {
            SourceError::new(ErrorKind::Damaged, format!("{} has no table {}", self.location, table.name))
        })?;
        let same = known
            .stored_columns()
            .map(|column| (&column.name, &column.sql_type))
            .eq(table.stored_columns().map(|column| (&column.name, &column.sql_type)));
        match same {
            true => Ok(known),
            false => Err(SourceError::new(
                ErrorKind::Damaged,
                format!(
                    "{} has other columns in {} than in the catalog of this run",
                    table.name, self.location
                ),
            )),
        }
    }
}

impl Source for Bacpac {
    fn about(&self) -> SourceInfo {
        SourceInfo {
            kind: if self.has_data() { "bacpac" } else { "dacpac" }.to_owned(),
            location: self.location.clone(),
            identity: self.identity.clone(),
            server_version: self.origin.server_version.clone(),
            consistency: Consistency::Frozen,
            has_data: self.has_data(),
            database: None,
        }
    }

    fn catalog(&self) -> Result<Catalog, SourceError> {
        Ok(self.catalog.clone())
    }

    fn splits(&self, table: &Table, _rows_per_split: u64) -> Result<Vec<Split>, SourceError> {
        let parts = self.parts.of(&self.own_table(table)?.name).iter();
        let split = |(number, part): (u32, &Part)| Split {
            number,
            locator: part.file.clone(),
            estimated_bytes: part.entry.size,
        };
        Ok((0..).zip(parts).map(split).collect())
    }

    fn read(&self, table: &Table, split: &Split, rows: &mut dyn RowSink) -> Result<u64, SourceError> {
        let table = self.own_table(table)?;
        let part = self.part(table, split)?;
        let layout = self.layout(table)?;
        let stream = self.package.stream(&part.entry)?;
        bcp::read_rows(stream, part.entry.size, &layout, rows)
            .map_err(|trouble| self.trouble(table, part, trouble))
    }
}

fn read_origin(location: &str, package: &Package, checksum: &str) -> Result<Origin, SourceError> {
    let Some(entry) = package.entry("Origin.xml") else {
        warn!(location, "no Origin.xml: the model's checksum cannot be verified");
        return Ok(Origin::default());
    };
    let bytes = package.read_whole(entry)?;
    let origin = model::read_origin(text_of(location, "Origin.xml", &bytes)?)?;
    match &origin.model_checksum {
        None => warn!(location, "Origin.xml has no checksum of model.xml: it cannot be verified"),
        Some(expected) if expected.eq_ignore_ascii_case(checksum) => {}
        Some(_) => {
            return Err(SourceError::new(
                ErrorKind::Damaged,
                format!(
                    "{location} is damaged or was edited: model.xml does not have the checksum in Origin.xml"
                ),
            ));
        }
    }
    Ok(origin)
}

/// A part that the package names and does not hold is rows lost.
fn check_named_parts(location: &str, package: &Package) -> Result<(), SourceError> {
    let Some(entry) = package.entry(model::RELATIONSHIPS) else { return Ok(()) };
    let bytes = package.read_whole(entry)?;
    let named = model::read_named_parts(text_of(location, model::RELATIONSHIPS, &bytes)?)?;
    match named.iter().find(|part| package.entry(part).is_none()) {
        None => Ok(()),
        Some(part) => Err(SourceError::new(
            ErrorKind::Damaged,
            format!("{location} is damaged: {part} is named in {} and is missing", model::RELATIONSHIPS),
        )),
    }
}

fn database_name(location: &str, package: &Package) -> Result<Option<String>, SourceError> {
    let Some(entry) = package.entry("DacMetadata.xml") else { return Ok(None) };
    model::read_metadata_name(text_of(location, "DacMetadata.xml", &package.read_whole(entry)?)?)
}

/// The XML files are UTF-8 with a byte order mark.
fn text_of<'a>(location: &str, file: &str, bytes: &'a [u8]) -> Result<&'a str, SourceError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        SourceError::caused(ErrorKind::Damaged, format!("{file} in {location} is not UTF-8"), error)
    })
}

/// Model and parts: another export of the same schema differs in its parts' CRC-32.
fn identity(model_checksum: &str, package: &Package) -> String {
    let mut entries: Vec<_> =
        package.entries().iter().filter(|entry| entry.name.starts_with("Data/")).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let mut digest = Sha256::new();
    digest.update(model_checksum);
    for entry in entries {
        digest.update((entry.name.len() as u64).to_le_bytes());
        digest.update(&entry.name);
        digest.update(entry.size.to_le_bytes());
        digest.update(entry.crc.to_le_bytes());
    }
    format!("sha256:{}", hexadecimal(&digest.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
