//! References and keys that need the whole of two tables to be judged: which sets of keys are collected for them, what
//! they say in the end, and which rows they mean.

use super::keys::{KeySet, KeySets, KeyStore, RowHashes, Spelling, missing, repeated};
use super::pushdown::{Answer, Asking};
use super::rows::{RowName, SAMPLES};
use crate::checks::audit::tsql::{BINARY, wide};
use crate::checks::audit::{ALL, Check, Found, How, Reference, ReferenceCounts, ReferenceRows, WatchedKey};
use crate::config::Config;
use crate::error::Error;
use crate::phases::Context;
use crate::phases::workers::{retried, work_off};
use mssql2pg_catalog::{Catalog, Column, Finding, RowSink, Severity, Stop, Table, Value};
use mssql2pg_sources::{Source, Split, quoted};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Mutex, PoisonError};

/// How many keys of rows are kept for samples: more than are shown, since some may turn out not to be meant.
const LOOKED_AT: usize = 100;

/// What a check says of a reference's counts.
type Judge = fn(&Catalog, &Reference, &ReferenceCounts) -> Option<Found>;

/// Everything that needs sets of keys.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) sets: KeySets,
    references: Vec<WantedReference>,
    keys: Vec<(&'static Check, WatchedKey, usize)>,
    /// References that the source's own engine counts.
    asked: Vec<Asked>,
}

/// A check's question about a reference.
struct Asked {
    check: &'static Check,
    rows: ReferenceRows,
    judge: Judge,
    reference: Reference,
}

struct WantedReference {
    asked: Asked,
    /// The sets of the two ends as the source compares, and as PostgreSQL does.
    as_in_source: (usize, usize),
    exact: (usize, usize),
}

impl Wanted {
    /// What the checks want of a catalog.
    pub(super) fn of(catalog: &Catalog, config: &Config) -> Self {
        let mut wanted = Self::default();
        for check in ALL {
            match &check.how {
                How::References { of, rows, judge } => {
                    for reference in of(catalog) {
                        let asked = Asked { check, rows: *rows, judge: *judge, reference };
                        wanted.want(catalog, asked);
                    }
                }
                How::Keys(of) => {
                    for key in of(catalog, config) {
                        let set = wanted.sets.number(catalog, key.table, &key.columns, Spelling::Careless);
                        wanted.keys.extend(set.map(|set| (check, key, set)));
                    }
                }
                How::Values(_) | How::Counts(_) | How::Catalog(_) => {}
            }
        }
        wanted
    }

    /// The same, but that the server counts the references, so that no sets are collected for them.
    pub(super) fn asked_of_server(self) -> Self {
        let mut sets = KeySets::default();
        let keys = self.keys.into_iter().map(|(check, key, set)| (check, key, sets.copied(&self.sets, set)));
        let keys = keys.filter_map(|(check, key, set)| Some((check, key, set?))).collect();
        let asked = self.references.into_iter().map(|wanted| wanted.asked);
        Self { keys, asked: asked.collect(), references: Vec::new(), sets }
    }

    /// What the server says of references.
    ///
    /// # Errors
    /// When the server cannot be asked; a comparison that it refuses is a finding.
    pub(super) fn findings_of_server(
        &self,
        context: Context<'_>,
        source: &dyn Source,
        catalog: &Catalog,
    ) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        for Asked { check, rows, judge, reference } in &self.asked {
            let (Some(from), Some(to)) =
                (catalog.tables.get(reference.from), catalog.tables.get(reference.to))
            else {
                continue;
            };
            let asking = Asking { context, source, table: from };
            let conditions = Conditions::of(reference, from, to);
            match counted(asking, &conditions)? {
                Err(_) => findings.push(Finding::new(
                    "reference-not-compared",
                    Severity::Info,
                    &reference.object,
                    format!("the server would not compare it with {}", to.name),
                    "audit.pushdown = false has its rows read and compared here",
                )),
                Ok(counts) => {
                    let Some(found) = judge(catalog, reference, &counts) else { continue };
                    let mut finding = finding(check, found);
                    let condition = match rows {
                        ReferenceRows::Orphans => &conditions.orphans,
                        ReferenceRows::CaseOnly => &conditions.case_only,
                    };
                    if finding.count != Some(0)
                        && let Ok(keys) = asking.keys(condition)?
                    {
                        finding.samples = keys;
                    }
                    findings.push(finding);
                }
            }
        }
        Ok(findings)
    }

    fn want(&mut self, catalog: &Catalog, asked: Asked) {
        let Reference { from, from_columns, to, to_columns, .. } = &asked.reference;
        let columns = |table: usize, names: &[String]| -> Vec<&Column> {
            let table = catalog.tables.get(table);
            names.iter().filter_map(|name| table?.column(name)).collect()
        };
        let (left, right) = (columns(*from, from_columns), columns(*to, to_columns));
        // Between two collations there is no comparison "as in the source".
        let one_collation = left.iter().zip(&right).all(|(left, right)| left.collation == right.collation);
        let spelling = if one_collation { Spelling::AsInSource } else { Spelling::Careless };
        let mut pair = |spelling| {
            let from = self.sets.number(catalog, *from, from_columns, spelling)?;
            Some((from, self.sets.number(catalog, *to, to_columns, spelling)?))
        };
        let Some(as_in_source) = pair(spelling) else { return };
        let has_text = left.iter().any(|column| crate::checks::audit::is_text(&column.sql_type));
        let exact = if has_text { pair(Spelling::Exact) } else { Some(as_in_source) };
        if let Some(exact) = exact {
            self.references.push(WantedReference { asked, as_in_source, exact });
        }
    }

    /// The findings, without samples, and where those are to be had.
    ///
    /// # Errors
    /// When keys on disk cannot be read.
    pub(super) fn findings(&self, catalog: &Catalog, store: &KeyStore) -> io::Result<Vec<KeyFinding>> {
        let mut findings = Vec::new();
        for wanted in &self.references {
            let WantedReference { asked: Asked { check, rows, judge, reference }, as_in_source, exact } =
                wanted;
            let loose = missing(store, as_in_source.0, as_in_source.1, LOOKED_AT)?;
            let strict = match exact == as_in_source {
                true => loose.clone(),
                false => missing(store, exact.0, exact.1, LOOKED_AT)?,
            };
            let counts =
                ReferenceCounts { rows: loose.rows, orphans: loose.missing, exact_orphans: strict.missing };
            let Some(found) = judge(catalog, reference, &counts) else { continue };
            let loose = (as_in_source.0, loose.hashes);
            // The first rows that are missing as the source compares are among the first that are missing at all.
            let (keys, but_not) = match rows {
                ReferenceRows::Orphans => (loose, None),
                ReferenceRows::CaseOnly => ((exact.0, strict.hashes), Some(loose)),
            };
            findings.push(KeyFinding {
                finding: finding(check, found),
                table: reference.from,
                keys,
                but_not,
            });
        }
        for (check, key, set) in &self.keys {
            let (rows, hashes) = repeated(store, *set, LOOKED_AT)?;
            if rows > 0 {
                let found = Found {
                    object: key.object.clone(),
                    severity: Some(key.severity),
                    count: Some(rows),
                    ..Found::default()
                };
                findings.push(KeyFinding {
                    finding: finding(check, found),
                    table: key.table,
                    keys: (*set, hashes),
                    but_not: None,
                });
            }
        }
        Ok(findings)
    }
}

/// A reference's questions in T-SQL; the referring table goes by the name `this`.
struct Conditions {
    filled: String,
    orphans: String,
    exact_orphans: String,
    /// Orphans only where every character counts.
    case_only: String,
    has_text: bool,
}

impl Conditions {
    fn of(reference: &Reference, from: &Table, to: &Table) -> Self {
        let pairs = || reference.from_columns.iter().zip(&reference.to_columns);
        let all = |parts: Vec<String>| parts.join(" and ");
        let filled = all(pairs().map(|(from, _)| format!("this.{} is not null", quoted(from))).collect());
        let is_text = |column: &Column| crate::checks::audit::is_text(&column.sql_type);
        let referred = format!("{}.{} as other", quoted(&to.name.schema), quoted(&to.name.name));
        let found = |exactly: bool| {
            let parts = pairs().map(|(left, right)| {
                let (this, other) = (format!("this.{}", quoted(left)), format!("other.{}", quoted(right)));
                let (from, to) = (from.column(left), to.column(right));
                let (true, Some(from), Some(to)) = (exactly && from.is_some_and(is_text), from, to) else {
                    return format!("{other} = {this}");
                };
                let (this, other) = (wide(from, &this), wide(to, &other));
                format!("{other} {BINARY} = {this} {BINARY} and datalength({other}) = datalength({this})")
            });
            format!("exists (select 1 from {referred} where {})", all(parts.collect()))
        };
        let (loosely, exactly) = (found(false), found(true));
        Self {
            orphans: format!("{filled} and not {loosely}"),
            exact_orphans: format!("{filled} and not {exactly}"),
            case_only: format!("{filled} and {loosely} and not {exactly}"),
            has_text: pairs().any(|(left, _)| from.column(left).is_some_and(is_text)),
            filled,
        }
    }
}

fn counted(asking: Asking<'_>, conditions: &Conditions) -> Answer<ReferenceCounts> {
    let rows = asking.rows_where(&conditions.filled)?;
    let orphans = asking.rows_where(&conditions.orphans)?;
    let exact = match conditions.has_text {
        true => asking.rows_where(&conditions.exact_orphans)?,
        false => Ok(0),
    };
    let counts = |rows, orphans, exact| ReferenceCounts {
        rows,
        orphans,
        exact_orphans: if conditions.has_text { exact } else { orphans },
    };
    Ok(rows.and_then(|rows| Ok(counts(rows, orphans?, exact?))))
}

/// A check's finding.
pub(super) fn finding(check: &Check, found: Found) -> Finding {
    let mut finding = Finding::new(
        check.code,
        found.severity.unwrap_or(check.severity),
        found.object,
        found.message.unwrap_or_else(|| check.message.to_owned()),
        check.advice,
    );
    finding.count = found.count;
    finding.samples = found.samples;
    finding
}

/// A finding whose rows are known by their hashes.
pub(super) struct KeyFinding {
    pub(super) finding: Finding,
    table: usize,
    /// The set, and hashes of the first of its rows.
    keys: (usize, Vec<u128>),
    /// Rows with these in another set are not meant.
    but_not: Option<(usize, Vec<u128>)>,
}

/// Fills in sample keys: each table in question is read again, as far as its last sample.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn fill_samples(
    context: Context<'_>,
    source: &dyn Source,
    catalog: &Catalog,
    splits: &[Vec<Split>],
    sets: &[KeySet],
    findings: &mut [KeyFinding],
) -> Result<(), Error> {
    let mut by_table: BTreeMap<usize, Vec<&mut KeyFinding>> = BTreeMap::new();
    for finding in findings.iter_mut().filter(|finding| !finding.keys.1.is_empty()) {
        by_table.entry(finding.table).or_default().push(finding);
    }
    let items: Vec<(usize, Mutex<Vec<&mut KeyFinding>>)> =
        by_table.into_iter().map(|(table, findings)| (table, Mutex::new(findings))).collect();
    let workers = context.config.load.workers();
    work_off(
        workers,
        items,
        context.interrupt,
        || Ok(()),
        |(), (place, findings), halt| {
            let Some(table) = catalog.tables.get(place) else { return Ok(()) };
            let mut findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut sampled: Vec<Vec<String>> = findings.iter().map(|_| Vec::new()).collect();
            for split in splits.get(place).into_iter().flatten() {
                let wanted: Vec<Sought> = findings
                    .iter()
                    .zip(&sampled)
                    .map(|(finding, known)| Sought::of(finding, finding.most() - known.len()))
                    .collect();
                if wanted.iter().all(|wanted| wanted.most == 0) {
                    break;
                }
                let more = retried(halt, &table.name.to_string(), split.number, || {
                    let collation = catalog.database.collation.as_deref();
                    let mut rows = SampleRows::new(table, sets, &wanted, collation);
                    source
                        .read(table, split, &mut rows)
                        .map_err(Error::source(format!("cannot read {} again for samples", table.name)))?;
                    Ok(rows.found)
                })?;
                sampled.iter_mut().zip(more).for_each(|(known, more)| known.extend(more));
            }
            findings.iter_mut().zip(sampled).for_each(|(finding, sampled)| finding.finding.samples = sampled);
            Ok(())
        },
    )
}

impl KeyFinding {
    /// How many samples there can be.
    fn most(&self) -> usize {
        self.finding.count.and_then(|count| usize::try_from(count).ok()).unwrap_or(SAMPLES).min(SAMPLES)
    }
}

/// Which rows are looked for.
struct Sought {
    keys: (usize, HashSet<u128>),
    but_not: Option<(usize, HashSet<u128>)>,
    most: usize,
}

impl Sought {
    fn of(finding: &KeyFinding, most: usize) -> Self {
        let set = |(number, hashes): &(usize, Vec<u128>)| (*number, hashes.iter().copied().collect());
        Self { keys: set(&finding.keys), but_not: finding.but_not.as_ref().map(set), most }
    }

    fn wants(&self, row: &[(usize, u128)]) -> bool {
        let has = |(number, hashes): &(usize, HashSet<u128>)| {
            row.iter().any(|(set, hash)| set == number && hashes.contains(hash))
        };
        has(&self.keys) && !self.but_not.as_ref().is_some_and(has)
    }
}

/// Looks for rows with certain keys.
struct SampleRows<'a> {
    hashes: RowHashes,
    name: RowName<'a>,
    wanted: &'a [Sought],
    /// Per sought: what was found.
    found: Vec<Vec<String>>,
    /// The current row's key in each set.
    keys: Vec<(usize, u128)>,
    column: usize,
    row: u64,
}

impl<'a> SampleRows<'a> {
    fn new(table: &'a Table, sets: &[KeySet], wanted: &'a [Sought], collation: Option<&str>) -> Self {
        let is_used = |number: usize| {
            wanted.iter().any(|sought| {
                sought.keys.0 == number || sought.but_not.as_ref().is_some_and(|(set, _)| *set == number)
            })
        };
        let numbers: Vec<(usize, &KeySet)> =
            sets.iter().enumerate().filter(|(number, _)| is_used(*number)).collect();
        Self {
            hashes: RowHashes::new(table, &numbers, collation),
            name: RowName::new(table),
            wanted,
            found: wanted.iter().map(|_| Vec::new()).collect(),
            keys: Vec::new(),
            column: 0,
            row: 0,
        }
    }
}

impl RowSink for SampleRows<'_> {
    fn value(&mut self, value: Value<'_>) {
        self.hashes.value(self.column, &value);
        self.name.value(self.column, &value);
        self.column += 1;
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.column = 0;
        self.row += 1;
        let Self { hashes, name, wanted, found, keys, row, .. } = self;
        keys.clear();
        hashes.end_row(|number, hash| keys.push((number, hash)));
        for (sought, found) in wanted.iter().zip(found.iter_mut()) {
            if found.len() < sought.most && sought.wants(keys) {
                found.push(name.text(*row));
            }
        }
        let full = wanted.iter().zip(&*found).all(|(sought, found)| found.len() >= sought.most);
        if full { Err(Stop) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Length, ObjectName, SqlType};

    #[test]
    fn text_of_any_page_is_compared_as_utf_16_where_every_character_counts() {
        let table = |name: &str| Table {
            name: ObjectName::new("dbo", name),
            columns: vec![Column::new("Code", SqlType::VarChar { length: Length(Some(20)) })],
            ..Table::default()
        };
        let reference = Reference {
            object: "dbo.Child.Code".to_owned(),
            from: 0,
            from_columns: vec!["Code".to_owned()],
            to: 1,
            to_columns: vec!["Code".to_owned()],
            trusted: true,
        };
        let conditions = Conditions::of(&reference, &table("Child"), &table("Parent"));
        assert!(conditions.orphans.contains("other.[Code] = this.[Code]"), "{}", conditions.orphans);
        let exact = "cast(other.[Code] as nvarchar(20)) collate Latin1_General_100_BIN2 = \
                     cast(this.[Code] as nvarchar(20)) collate Latin1_General_100_BIN2";
        assert!(conditions.exact_orphans.contains(exact), "{}", conditions.exact_orphans);
    }
}
