//! The rows in buckets that differ, as hashes: in memory while they are few, else in files of the run folder, one for
//! each group of buckets.
//!
//! Invariant: about [`HELD_ROWS`] different rows are in memory at once, or a [`MOST_GROUPS`]th of those in buckets that
//! differ; equal rows are held once, with their number. The files are open only while something is written, and gone
//! afterwards. The error of a file is told when the rows are counted.

use crate::error::Error;
use mssql2pg_mapping::digest::RowMark;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// About how many rows are held at once: 64 MiB of hashes.
const HELD_ROWS: u64 = 1 << 20;
/// How many files there are at most.
const MOST_GROUPS: u64 = 256;
/// Bytes that wait for a file.
const WAITING_BYTES: usize = 32 << 10;
/// Key and row of a mark, and the split in the source.
const ENTRY_BYTES: usize = 28;
/// Stands for the target where a split's number would; splits are numbered without gaps, so that none has it.
const IN_TARGET: u32 = u32::MAX;

/// One row of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) mark: RowMark,
    /// The number of its split in the source; none of a row of the target.
    pub(super) split: Option<u32>,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counted {
    /// How many rows differ.
    pub(super) total: u64,
    /// Hashes of keys whose rows differ, as many as were asked for.
    pub(super) keys: Vec<u128>,
    /// How many by the split in which the source has the row, or one of its key; none where it has neither.
    pub(super) by_split: BTreeMap<Option<u32>, u64>,
}

/// Rows of the buckets that differ.
pub(super) struct Kept {
    bits: u32,
    /// By bucket the group that it belongs to.
    groups: Vec<Option<u32>>,
    stores: Vec<Store>,
    /// Different rows that one group may have in memory before equal ones are looked for.
    limit: usize,
    failure: Option<io::Error>,
}

enum Store {
    Memory(Tally),
    /// What waits to be written there.
    File(PathBuf, Vec<u8>),
}

/// Rows, equal ones once with their number.
#[derive(Default)]
struct Tally {
    entries: Vec<(Entry, u64)>,
    /// When so many are there, equal ones are looked for.
    full: usize,
}

impl Tally {
    fn add(&mut self, entry: Entry, limit: usize) {
        if self.entries.len() >= self.full.max(limit) {
            self.collapse();
            // With few equal ones the next look is twice as far away.
            self.full = 2 * self.entries.len();
        }
        self.entries.push((entry, 1));
    }

    fn collapse(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            kept.1 += if is_same { later.1 } else { 0 };
            is_same
        });
    }
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
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut kept = Self { bits, groups, stores: Vec::new(), limit, failure: None };
        if group == 0 {
            kept.stores.push(Store::Memory(Tally::default()));
            return kept;
        }
        for number in 0..=group {
            match file(&folder, table, number) {
                Ok(path) => kept.stores.push(Store::File(path, Vec::new())),
                Err(error) => kept.failure = Some(error),
            }
        }
        kept
    }

    /// Takes a row; one of a bucket that does not differ is left out.
    pub(super) fn add(&mut self, entry: Entry) {
        let group = self.groups.get(entry.mark.bucket(self.bits)).copied().flatten();
        match group.and_then(|group| self.stores.get_mut(group as usize)) {
            Some(Store::Memory(tally)) => tally.add(entry, self.limit),
            Some(Store::File(path, waiting)) if self.failure.is_none() => {
                let Entry { mark: RowMark { key, row }, split } = entry;
                let mut bytes = [0; ENTRY_BYTES];
                bytes[..16].copy_from_slice(&key.to_be_bytes());
                bytes[16..24].copy_from_slice(&row.to_be_bytes());
                bytes[24..].copy_from_slice(&split.unwrap_or(IN_TARGET).to_be_bytes());
                waiting.extend_from_slice(&bytes);
                if waiting.len() >= WAITING_BYTES {
                    self.failure = write(path, waiting).err();
                }
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
            let mut tally = match store {
                Store::Memory(tally) => std::mem::take(tally),
                Store::File(path, waiting) => read(path, waiting, self.limit).map_err(failed())?,
            };
            tally.collapse();
            for rows in tally.entries.chunk_by(|(one, _), (two, _)| one.mark.key == two.mark.key) {
                let before = counted.total;
                for (split, differing) in differing(rows) {
                    counted.total += differing;
                    *counted.by_split.entry(split).or_default() += differing;
                }
                if counted.total > before && counted.keys.len() < most {
                    counted.keys.extend(rows.first().map(|(entry, _)| entry.mark.key));
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

/// The rows of one key that differ, by split: those that one side has more often are paired with each other as changed
/// ones, and what the target has beyond these belongs where the source has the key.
fn differing(rows: &[(Entry, u64)]) -> Vec<(Option<u32>, u64)> {
    let (mut in_source, mut in_target) = (Vec::new(), 0);
    for equal in rows.chunk_by(|(one, _), (two, _)| one.mark.row == two.mark.row) {
        let read: u64 = equal.iter().filter(|(entry, _)| entry.split.is_none()).map(|(_, times)| times).sum();
        // As many as were read take off those that were sent, the first splits first.
        let mut left = read;
        for (entry, times) in equal.iter().filter(|(entry, _)| entry.split.is_some()) {
            let here = left.min(*times);
            left -= here;
            if *times > here {
                in_source.push((entry.split, times - here));
            }
        }
        in_target += left;
    }
    let beyond = in_target.saturating_sub(in_source.iter().map(|(_, times)| times).sum());
    if beyond > 0 {
        in_source.push((rows.iter().find_map(|(entry, _)| entry.split), beyond));
    }
    in_source
}

/// An empty file.
fn file(folder: &Path, table: &str, number: u32) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    // Tables are compared at the same time, and a name may hold what a file's name must not.
    let table = xxhash_rust::xxh3::xxh3_64(table.as_bytes());
    let path = folder.join(format!("{table:016x}.{number}"));
    File::create(&path)?;
    Ok(path)
}

/// Writes what waits.
fn write(path: &Path, waiting: &mut Vec<u8>) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(waiting)?;
    waiting.clear();
    Ok(())
}

fn read(path: &Path, waiting: &mut Vec<u8>, limit: usize) -> io::Result<Tally> {
    write(path, waiting)?;
    let mut reader = BufReader::new(File::open(path)?);
    let mut tally = Tally::default();
    let mut bytes = [0; ENTRY_BYTES];
    loop {
        match reader.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(tally),
            Err(error) => return Err(error),
        }
        let (key, rest) = bytes.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let (row, rest) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let mark = RowMark { key: u128::from_be_bytes(*key), row: u64::from_be_bytes(*row) };
        let split = u32::from_be_bytes(rest.first_chunk::<4>().copied().unwrap_or_default());
        tally.add(Entry { mark, split: (split != IN_TARGET).then_some(split) }, limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u128, row: u64, split: Option<u32>) -> Entry {
        // The highest bits choose the bucket.
        Entry { mark: RowMark { key: key << 120, row }, split }
    }

    #[test]
    fn rows_that_share_a_key_are_counted_by_what_each_side_has_more() {
        let by_split = |rows: &[(u64, Option<u32>)]| {
            let mut tally = Tally::default();
            rows.iter().for_each(|(row, split)| tally.add(entry(7, *row, *split), 2));
            tally.collapse();
            differing(&tally.entries)
        };
        let count = |rows: &[(u64, Option<u32>)]| by_split(rows).iter().map(|(_, rows)| rows).sum::<u64>();
        let (source, target) = (Some(3), None);
        assert_eq!(count(&[(1, source), (1, target)]), 0);
        assert_eq!(count(&[(1, source), (2, target)]), 1);
        assert_eq!(count(&[(1, source), (1, target), (1, target)]), 1);
        assert_eq!(count(&[(1, source), (2, target), (3, target)]), 2);
        assert_eq!(count(&[(1, source), (2, source), (2, target), (1, target)]), 0);
        assert_eq!(count(&[(1, source), (1, source)]), 2);
        // A changed and a missing row are where the source has them, a doubled one where it has the key.
        assert_eq!(by_split(&[(1, source), (2, target)]), [(Some(3), 1)]);
        assert_eq!(by_split(&[(1, source), (2, Some(5)), (1, target)]), [(Some(5), 1)]);
        assert_eq!(by_split(&[(1, source), (1, target), (1, target)]), [(Some(3), 1)]);
        assert_eq!(by_split(&[(1, source), (2, target), (3, target)]), [(Some(3), 1), (Some(3), 1)]);
        assert_eq!(
            by_split(&[(1, source), (1, source), (1, Some(5)), (1, target)]),
            [(Some(3), 1), (Some(5), 1)]
        );
        assert_eq!(by_split(&[(1, target), (1, target)]), [(None, 2)]);
    }

    #[test]
    fn rows_that_repeat_take_the_place_of_one() {
        let (mut most, mut tally) = (0, Tally::default());
        for _ in 0..10_000 {
            [Some(0), None].into_iter().for_each(|split| tally.add(entry(7, 1, split), 100));
            most = most.max(tally.entries.len());
        }
        tally.add(entry(7, 1, None), 100);
        tally.collapse();
        assert_eq!((tally.entries.len(), most <= 101), (2, true));
        assert_eq!(differing(&tally.entries), [(Some(0), 1)]);
    }

    #[test]
    fn files_and_memory_count_the_same_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let count = |limit: u64| {
            let buckets: Vec<(usize, u64)> = (0..200).map(|bucket| (bucket, 2)).collect();
            let mut kept = Kept::with_limit(&buckets, 8, limit, folder.path().join("validate"), "dbo.T");
            assert_eq!(matches!(kept.stores.first(), Some(Store::File(..))), limit < 400);
            for key in 0..200 {
                kept.add(entry(key, 1, Some(if key < 100 { 0 } else { 1 })));
                kept.add(entry(key, if key % 10 == 0 { 2 } else { 1 }, None));
            }
            // One of a bucket that is equal.
            kept.add(entry(250, 1, Some(0)));
            kept.count(5).unwrap()
        };
        let whole = count(400);
        assert_eq!((whole.total, whole.keys.len()), (20, 5));
        assert_eq!(whole.by_split, BTreeMap::from([(Some(0), 10), (Some(1), 10)]));
        assert_eq!(count(30), whole);
        assert_eq!(std::fs::read_dir(folder.path().join("validate")).unwrap().count(), 0);
    }
}
