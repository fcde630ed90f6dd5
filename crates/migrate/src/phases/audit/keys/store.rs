//! Where the hashes of keys are kept: in memory up to a limit, beyond it in one file that vanishes with the process.
//!
//! Invariant: at most the limit and one buffer a worker and set are in memory, half of it kept for sorting; the largest
//! set goes to disk first. However often that happens, one file is open.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One key of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::phases::audit) struct Key {
    /// Its hash.
    pub(in crate::phases::audit) hash: u128,
    /// The first row that has it, by the order of splits.
    pub(in crate::phases::audit) first: u64,
    /// How many rows have it.
    pub(in crate::phases::audit) count: u64,
}

/// Bytes of a key in a file.
const KEY_BYTES: usize = 32;
/// How many keys of a run are read, or written, at once.
const KEYS_AT_ONCE: usize = 512;
/// Bytes of a key in memory.
const HELD_BYTES: usize = size_of::<Key>();
/// When a set has so many sorted chunks they become one, so that keys that repeat are held once.
const MOST_CHUNKS: usize = 32;

/// The keys of all sets.
pub(in crate::phases::audit) struct KeyStore {
    sets: Vec<Mutex<Stored>>,
    /// Per set, the bytes that it holds in memory.
    held: Vec<AtomicUsize>,
    limit: usize,
    disk: Arc<Disk>,
}

#[derive(Default)]
struct Stored {
    chunks: Vec<Arc<Vec<Key>>>,
    /// Where sorted keys stand in the file.
    runs: Vec<Range<u64>>,
}

/// A file of keys without a name, made when it is first needed.
pub(super) struct Disk {
    folder: PathBuf,
    /// The file, and where it ends.
    file: Mutex<Option<(File, u64)>>,
}

impl Disk {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, file: Mutex::new(None) }
    }

    /// Writes keys behind all others; the place where they stand.
    ///
    /// # Errors
    /// When the file cannot be written; what was written before stays.
    pub(super) fn write(&self, keys: &[Key]) -> io::Result<Range<u64>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = match &mut *file {
            Some(known) => known,
            none => none.insert((tempfile::tempfile_in(&self.folder)?, 0)),
        };
        file.seek(SeekFrom::Start(*end))?;
        let (start, mut bytes) = (*end, Vec::with_capacity(KEYS_AT_ONCE * KEY_BYTES));
        for keys in keys.chunks(KEYS_AT_ONCE) {
            bytes.clear();
            for key in keys {
                bytes.extend_from_slice(&key.hash.to_le_bytes());
                bytes.extend_from_slice(&key.first.to_le_bytes());
                bytes.extend_from_slice(&key.count.to_le_bytes());
            }
            file.write_all(&bytes)?;
        }
        *end += (keys.len() * KEY_BYTES) as u64;
        Ok(start..*end)
    }

    /// Reads the next keys of a place and shortens it; none at its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(&self, place: &mut Range<u64>, keys: &mut Vec<Key>) -> io::Result<()> {
        keys.clear();
        let left = usize::try_from(place.end.saturating_sub(place.start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(KEYS_AT_ONCE * KEY_BYTES)];
        if bytes.is_empty() {
            return Ok(());
        }
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((file, _)) = &mut *file else { return Err(io::ErrorKind::NotFound.into()) };
            file.seek(SeekFrom::Start(place.start))?;
            file.read_exact(&mut bytes)?;
        }
        place.start += bytes.len() as u64;
        let (rows, _) = bytes.as_chunks::<KEY_BYTES>();
        keys.extend(rows.iter().map(|row| {
            let number = |from: usize| {
                row.get(from..)
                    .and_then(|rest| rest.first_chunk())
                    .map_or(0, |bytes| u64::from_le_bytes(*bytes))
            };
            let hash = row.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes));
            Key { hash, first: number(16), count: number(24) }
        }));
        Ok(())
    }
}

impl KeyStore {
    /// For so many sets; beyond `limit` bytes they go to a file in `folder`.
    pub(in crate::phases::audit) fn new(sets: usize, limit: usize, folder: PathBuf) -> Self {
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
            held: (0..sets).map(|_| AtomicUsize::new(0)).collect(),
            limit: limit / 2,
            disk: Arc::new(Disk::new(folder)),
        }
    }

    /// The file, for keys that wait for the end of their split.
    pub(super) fn disk(&self) -> Arc<Disk> {
        Arc::clone(&self.disk)
    }

    fn set(&self, number: usize) -> Option<MutexGuard<'_, Stored>> {
        Some(self.sets.get(number)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds keys to a set; they are sorted here.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(in crate::phases::audit) fn add(&self, number: usize, mut keys: Vec<Key>) -> io::Result<()> {
        collapse(&mut keys);
        if keys.is_empty() {
            return Ok(());
        }
        if let (Some(mut stored), Some(held)) = (self.set(number), self.held.get(number)) {
            stored.chunks.push(Arc::new(keys));
            if stored.chunks.len() >= MOST_CHUNKS {
                let whole = merged(std::mem::take(&mut stored.chunks));
                stored.chunks.push(whole);
            }
            held.store(
                stored.chunks.iter().map(|chunk| chunk.len()).sum::<usize>() * HELD_BYTES,
                Ordering::Relaxed,
            );
        }
        while self.held.iter().map(|held| held.load(Ordering::Relaxed)).sum::<usize>() > self.limit {
            if !self.spill()? {
                break;
            }
        }
        Ok(())
    }

    /// Writes the largest set to disk; false if there was nothing to write.
    fn spill(&self) -> io::Result<bool> {
        let largest = self.held.iter().enumerate().max_by_key(|(_, held)| held.load(Ordering::Relaxed));
        let Some((number, held)) = largest else { return Ok(false) };
        let Some(mut stored) = self.set(number) else { return Ok(false) };
        if stored.chunks.is_empty() {
            return Ok(false);
        }
        let keys = merged(std::mem::take(&mut stored.chunks));
        let run = self.disk.write(&keys)?;
        stored.runs.push(run);
        held.store(0, Ordering::Relaxed);
        Ok(true)
    }

    /// All keys of a set in the order of their hashes, each once. Empties nothing: a set may be read several times.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(in crate::phases::audit) fn read(
        &self,
        number: usize,
        take: &mut dyn FnMut(Key) -> io::Result<()>,
    ) -> io::Result<()> {
        self.stream(number).try_for_each(|key| take(key?))
    }

    /// The same as an iterator.
    pub(in crate::phases::audit) fn stream(
        &self,
        number: usize,
    ) -> impl Iterator<Item = io::Result<Key>> + use<> {
        let mut sources: Vec<Box<dyn Iterator<Item = io::Result<Key>>>> = Vec::new();
        if let Some(mut stored) = self.set(number) {
            let whole = merged(std::mem::take(&mut stored.chunks));
            stored.chunks.push(Arc::clone(&whole));
            sources
                .push(Box::new((0..whole.len()).map_while(move |place| whole.get(place).copied().map(Ok))));
            for run in &stored.runs {
                sources.push(Box::new(Run {
                    disk: self.disk(),
                    rest: run.clone(),
                    keys: Vec::new(),
                    next: 0,
                }));
            }
        }
        Merge::new(sources)
    }

    /// How often keys went to the file.
    #[cfg(test)]
    fn runs(&self, number: usize) -> usize {
        self.set(number).map_or(0, |stored| stored.runs.len())
    }
}

/// Keys in the file.
struct Run {
    disk: Arc<Disk>,
    rest: Range<u64>,
    keys: Vec<Key>,
    /// The place in `keys`.
    next: usize,
}

impl Iterator for Run {
    type Item = io::Result<Key>;

    fn next(&mut self) -> Option<io::Result<Key>> {
        if self.next >= self.keys.len() {
            self.next = 0;
            if let Err(error) = self.disk.read(&mut self.rest, &mut self.keys) {
                self.rest = 0..0;
                return Some(Err(error));
            }
        }
        let key = self.keys.get(self.next).copied()?;
        self.next += 1;
        Some(Ok(key))
    }
}

/// Several sorted streams as one, each hash once.
struct Merge {
    sources: Vec<Box<dyn Iterator<Item = io::Result<Key>>>>,
    heads: BinaryHeap<Reverse<(Key, usize)>>,
    failed: Option<io::Error>,
}

impl Merge {
    fn new(sources: Vec<Box<dyn Iterator<Item = io::Result<Key>>>>) -> Self {
        let mut merge = Self { heads: BinaryHeap::new(), sources, failed: None };
        (0..merge.sources.len()).for_each(|source| merge.advance(source));
        merge
    }

    fn advance(&mut self, source: usize) {
        match self.sources.get_mut(source).and_then(Iterator::next) {
            Some(Ok(key)) => self.heads.push(Reverse((key, source))),
            Some(Err(error)) => self.failed = Some(error),
            None => {}
        }
    }
}

impl Iterator for Merge {
    type Item = io::Result<Key>;

    fn next(&mut self) -> Option<io::Result<Key>> {
        if let Some(error) = self.failed.take() {
            self.heads.clear();
            return Some(Err(error));
        }
        let Reverse((mut key, source)) = self.heads.pop()?;
        self.advance(source);
        while let Some(Reverse((next, source))) = self.heads.peek().copied() {
            if next.hash != key.hash {
                break;
            }
            self.heads.pop();
            key.count += next.count;
            key.first = key.first.min(next.first);
            self.advance(source);
        }
        Some(Ok(key))
    }
}

/// Sorts keys and makes one of those that repeat.
fn collapse(keys: &mut Vec<Key>) {
    keys.sort_unstable();
    keys.dedup_by(|later, kept| {
        let same = later.hash == kept.hash;
        if same {
            kept.count += later.count;
        }
        same
    });
    keys.shrink_to_fit();
}

fn merged(mut chunks: Vec<Arc<Vec<Key>>>) -> Arc<Vec<Key>> {
    if chunks.len() == 1 {
        return chunks.pop().unwrap_or_default();
    }
    let mut whole: Vec<Key> = chunks.iter().flat_map(|chunk| chunk.iter().copied()).collect();
    drop(chunks);
    collapse(&mut whole);
    Arc::new(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hash: u128, first: u64) -> Key {
        Key { hash, first, count: 1 }
    }

    /// Keys 0 to 999, each three times, in chunks of 100 in a scrambled order.
    fn filled(limit: usize) -> (tempfile::TempDir, KeyStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = KeyStore::new(2, limit, folder.path().to_owned());
        let rows: Vec<Key> = (0..3000_u64).map(|row| key(u128::from(row * 7 % 1000), row)).collect();
        for chunk in rows.chunks(100) {
            store.add(1, chunk.to_vec()).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn keys_come_back_sorted_and_once_whether_they_were_on_disk_or_not() {
        let expected: Vec<Key> = {
            let mut keys: Vec<Key> = (0..1000_u64)
                .map(|row| Key { hash: u128::from(row * 7 % 1000), first: row, count: 3 })
                .collect();
            keys.sort_unstable();
            keys
        };
        for (limit, on_disk) in [(usize::MAX, false), (10_000, true), (0, true)] {
            let (_folder, store) = filled(limit);
            assert_eq!(store.runs(1) > 0, on_disk, "{limit}");
            for _ in 0..2 {
                let keys: Vec<Key> = store.stream(1).map(Result::unwrap).collect();
                assert_eq!(keys, expected, "{limit}");
            }
            assert_eq!(store.stream(0).count(), 0);
        }
    }
}
