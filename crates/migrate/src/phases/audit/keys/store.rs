//! Where the hashes of keys are kept: in memory up to a limit, beyond it in files that vanish with the process.
//!
//! Invariant: at most the limit and one buffer a worker and set are in memory, half of it kept for sorting; the largest
//! set goes to disk first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
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
    folder: PathBuf,
}

#[derive(Default)]
struct Stored {
    chunks: Vec<Arc<Vec<Key>>>,
    runs: Vec<File>,
}

impl KeyStore {
    /// For so many sets; beyond `limit` bytes they go to files in `folder`.
    pub(in crate::phases::audit) fn new(sets: usize, limit: usize, folder: PathBuf) -> Self {
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
            held: (0..sets).map(|_| AtomicUsize::new(0)).collect(),
            limit: limit / 2,
            folder,
        }
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
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for key in keys.iter() {
            file.write_all(&key.hash.to_le_bytes())?;
            file.write_all(&key.first.to_le_bytes())?;
            file.write_all(&key.count.to_le_bytes())?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        stored.runs.push(file);
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
        self.stream(number)?.try_for_each(|key| take(key?))
    }

    /// The same as an iterator.
    ///
    /// # Errors
    /// When a file cannot be opened again.
    pub(in crate::phases::audit) fn stream(
        &self,
        number: usize,
    ) -> io::Result<impl Iterator<Item = io::Result<Key>> + use<>> {
        let mut sources: Vec<Box<dyn Iterator<Item = io::Result<Key>>>> = Vec::new();
        if let Some(mut stored) = self.set(number) {
            let whole = merged(std::mem::take(&mut stored.chunks));
            stored.chunks.push(Arc::clone(&whole));
            sources
                .push(Box::new((0..whole.len()).map_while(move |place| whole.get(place).copied().map(Ok))));
            for run in &mut stored.runs {
                run.rewind()?;
                // The position of a duplicated handle is shared, so one reader at a time.
                sources.push(Box::new(Run(BufReader::new(run.try_clone()?))));
            }
        }
        Ok(Merge::new(sources))
    }

    /// How many files were written.
    #[cfg(test)]
    fn runs(&self, number: usize) -> usize {
        self.set(number).map_or(0, |stored| stored.runs.len())
    }
}

/// Keys in a file.
struct Run(BufReader<File>);

impl Iterator for Run {
    type Item = io::Result<Key>;

    fn next(&mut self) -> Option<io::Result<Key>> {
        let mut bytes = [0; KEY_BYTES];
        match self.0.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(error)),
            Ok(()) => {}
        }
        let (hash, rest) = bytes.split_first_chunk::<16>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (count, _) = rest.split_first_chunk::<8>()?;
        Some(Ok(Key {
            hash: u128::from_le_bytes(*hash),
            first: u64::from_le_bytes(*first),
            count: u64::from_le_bytes(*count),
        }))
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
                let keys: Vec<Key> = store.stream(1).unwrap().map(Result::unwrap).collect();
                assert_eq!(keys, expected, "{limit}");
            }
            assert_eq!(store.stream(0).unwrap().count(), 0);
        }
    }
}
