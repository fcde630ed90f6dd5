//! The rows in buckets that differ, as hashes: in memory while they are few, else in files of the run folder, one for
//! each group of buckets.
//!
//! Invariant: about [`HELD_ROWS`] rows are in memory at once, whatever the table's size, and the files are gone afterwards.
//! The error of a file is told when the rows are counted.

use crate::error::Error;
use mssql2pg_mapping::digest::RowMark;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// About how many rows are held at once: 64 MiB of hashes.
const HELD_ROWS: u64 = 1 << 20;
/// Files that are open at once.
const MOST_GROUPS: u64 = 256;
/// Key and row of a mark, and the side.
const ENTRY_BYTES: usize = 25;

/// One row of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) mark: RowMark,
    pub(super) in_source: bool,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counted {
    /// How many rows differ.
    pub(super) total: u64,
    /// Hashes of keys whose rows differ, as many as were asked for.
    pub(super) keys: Vec<u128>,
}

/// Rows of the buckets that differ.
pub(super) struct Kept {
    bits: u32,
    /// By bucket the group that it belongs to.
    groups: Vec<Option<u32>>,
    stores: Vec<Store>,
    failure: Option<io::Error>,
}

enum Store {
    Memory(Vec<Entry>),
    File(PathBuf, BufWriter<File>),
}

impl Kept {
    /// For rows of these buckets, of which each has so many rows.
    pub(super) fn new(buckets: &[(usize, u64)], bits: u32, folder: PathBuf, table: &str) -> Self {
        let all: u64 = buckets.iter().map(|(_, rows)| rows).sum();
        Self::with_limit(buckets, bits, HELD_ROWS.max(all / MOST_GROUPS), folder, table)
    }

    fn with_limit(buckets: &[(usize, u64)], bits: u32, limit: u64, folder: PathBuf, table: &str) -> Self {
        let mut groups = vec![None; 1 << bits];
        let (mut group, mut rows_in_group) = (0_u32, 0_u64);
        for (bucket, rows) in buckets {
            if rows_in_group > 0 && rows_in_group + rows > limit {
                (group, rows_in_group) = (group + 1, 0);
            }
            rows_in_group += rows;
            if let Some(place) = groups.get_mut(*bucket) {
                *place = Some(group);
            }
        }
        let mut kept = Self { bits, groups, stores: Vec::new(), failure: None };
        if group == 0 {
            kept.stores.push(Store::Memory(Vec::new()));
            return kept;
        }
        for number in 0..=group {
            match file(&folder, table, number) {
                Ok((path, file)) => kept.stores.push(Store::File(path, BufWriter::new(file))),
                Err(error) => kept.failure = Some(error),
            }
        }
        kept
    }

    /// Takes a row; one of a bucket that does not differ is left out.
    pub(super) fn add(&mut self, entry: Entry) {
        let group = self.groups.get(entry.mark.bucket(self.bits)).copied().flatten();
        match group.and_then(|group| self.stores.get_mut(group as usize)) {
            Some(Store::Memory(entries)) => entries.push(entry),
            Some(Store::File(_, file)) if self.failure.is_none() => {
                let Entry { mark: RowMark { key, row }, in_source } = entry;
                let mut bytes = [0; ENTRY_BYTES];
                bytes[..16].copy_from_slice(&key.to_be_bytes());
                bytes[16..24].copy_from_slice(&row.to_be_bytes());
                bytes[24] = u8::from(in_source);
                self.failure = file.write_all(&bytes).err();
            }
            _ => {}
        }
    }

    /// Counts the rows that differ and names up to `most` of their keys.
    pub(super) fn count(mut self, most: usize) -> Result<Counted, Error> {
        let failed = || Error::file("cannot keep the rows that may differ in the run folder");
        let mut counted = Counted::default();
        if let Some(error) = self.failure.take() {
            return Err(failed()(error));
        }
        for store in &mut self.stores {
            let mut entries = match store {
                Store::Memory(entries) => std::mem::take(entries),
                Store::File(path, file) => read(path, file).map_err(failed())?,
            };
            entries.sort_unstable();
            for rows in entries.chunk_by(|one, two| one.mark.key == two.mark.key) {
                let differing = differing(rows);
                counted.total += differing;
                if differing > 0 && counted.keys.len() < most {
                    counted.keys.extend(rows.first().map(|entry| entry.mark.key));
                }
            }
        }
        Ok(counted)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for store in &self.stores {
            if let Store::File(path, _) = store {
                // One that stays is written over next time.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// How many of the rows of one key differ: rows that one side has more often are paired with each other as changed ones.
fn differing(rows: &[Entry]) -> u64 {
    let (mut in_source, mut in_target) = (0_u64, 0_u64);
    for equal in rows.chunk_by(|one, two| one.mark.row == two.mark.row) {
        let sent = equal.iter().filter(|entry| entry.in_source).count() as u64;
        let read = equal.len() as u64 - sent;
        in_source += sent.saturating_sub(read);
        in_target += read.saturating_sub(sent);
    }
    in_source.max(in_target)
}

fn file(folder: &Path, table: &str, number: u32) -> io::Result<(PathBuf, File)> {
    std::fs::create_dir_all(folder)?;
    // Tables are compared at the same time, and a name may hold what a file's name must not.
    let table = xxhash_rust::xxh3::xxh3_64(table.as_bytes());
    let path = folder.join(format!("{table:016x}.{number}"));
    Ok((path.clone(), File::create(path)?))
}

fn read(path: &Path, file: &mut BufWriter<File>) -> io::Result<Vec<Entry>> {
    file.flush()?;
    let mut reader = BufReader::new(File::open(path)?);
    let mut entries = Vec::new();
    let mut bytes = [0; ENTRY_BYTES];
    loop {
        match reader.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(entries),
            Err(error) => return Err(error),
        }
        let (key, rest) = bytes.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let row = rest.first_chunk::<8>().copied().unwrap_or_default();
        let mark = RowMark { key: u128::from_be_bytes(*key), row: u64::from_be_bytes(row) };
        entries.push(Entry { mark, in_source: bytes[24] == 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u128, row: u64, in_source: bool) -> Entry {
        // The highest bits choose the bucket.
        Entry { mark: RowMark { key: key << 120, row }, in_source }
    }

    #[test]
    fn rows_that_share_a_key_are_counted_by_what_each_side_has_more() {
        let count = |rows: &[(u64, bool)]| {
            let mut entries: Vec<Entry> =
                rows.iter().map(|(row, in_source)| entry(7, *row, *in_source)).collect();
            entries.sort_unstable();
            differing(&entries)
        };
        let (source, target) = (true, false);
        assert_eq!(count(&[(1, source), (1, target)]), 0);
        assert_eq!(count(&[(1, source), (2, target)]), 1);
        assert_eq!(count(&[(1, source), (1, target), (1, target)]), 1);
        assert_eq!(count(&[(1, source), (2, target), (3, target)]), 2);
        assert_eq!(count(&[(1, source), (2, source), (2, target), (1, target)]), 0);
        assert_eq!(count(&[(1, source), (1, source)]), 2);
    }

    #[test]
    fn files_and_memory_count_the_same_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let count = |limit: u64| {
            let buckets: Vec<(usize, u64)> = (0..200).map(|bucket| (bucket, 2)).collect();
            let mut kept = Kept::with_limit(&buckets, 8, limit, folder.path().join("validate"), "dbo.T");
            assert_eq!(matches!(kept.stores.first(), Some(Store::File(..))), limit < 400);
            for key in 0..200 {
                kept.add(entry(key, 1, true));
                kept.add(entry(key, if key % 10 == 0 { 2 } else { 1 }, false));
            }
            // One of a bucket that is equal.
            kept.add(entry(250, 1, true));
            kept.count(5).unwrap()
        };
        let whole = count(400);
        assert_eq!((whole.total, whole.keys.len()), (20, 5));
        assert_eq!(count(30), whole);
        assert_eq!(std::fs::read_dir(folder.path().join("validate")).unwrap().count(), 0);
    }
}
