//! Keys of a split that may be read again after an error: they join their sets when its last row has passed.
//!
//! Invariant: of a split no more than [`MOST_HELD`] buffers are in memory; those of a reading that failed join no set.

use super::store::{Disk, Key, KeyStore};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// How many buffers wait in memory before they go to the file.
const MOST_HELD: usize = 16;

/// Buffers with the numbers of their sets.
pub(in crate::phases::audit) struct Held {
    disk: Arc<Disk>,
    waiting: Vec<(usize, Vec<Key>)>,
    written: Vec<(usize, Range<u64>)>,
}

impl Held {
    pub(in crate::phases::audit) fn new(store: &KeyStore) -> Self {
        Self { disk: store.disk(), waiting: Vec::new(), written: Vec::new() }
    }

    /// Keeps a buffer.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(in crate::phases::audit) fn push(&mut self, number: usize, keys: Vec<Key>) -> io::Result<()> {
        self.waiting.push((number, keys));
        if self.waiting.len() >= MOST_HELD {
            for (number, keys) in self.waiting.drain(..) {
                self.written.push((number, self.disk.write(&keys)?));
            }
        }
        Ok(())
    }

    /// Adds all of them to their sets.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub(in crate::phases::audit) fn join(self, store: &KeyStore) -> io::Result<()> {
        let mut piece = Vec::new();
        for (number, mut place) in self.written {
            let mut keys = Vec::new();
            while !place.is_empty() {
                self.disk.read(&mut place, &mut piece)?;
                keys.extend_from_slice(&piece);
            }
            store.add(number, keys)?;
        }
        self.waiting.into_iter().try_for_each(|(number, keys)| store.add(number, keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_join_their_sets_only_at_the_end_and_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = KeyStore::new(2, usize::MAX, folder.path().to_owned());
        let key = |hash: u64| Key { hash: u128::from(hash), first: hash, count: 1 };
        let filled = || {
            let mut held = Held::new(&store);
            for buffer in 0..50_u64 {
                let keys = (0..1000).map(|row| key(buffer * 1000 + row)).collect();
                held.push(usize::from(buffer % 2 == 1), keys).unwrap();
                assert!(held.waiting.len() < MOST_HELD);
            }
            held
        };
        let found = |number: usize| store.stream(number).map(|key| key.unwrap().hash).collect::<Vec<_>>();
        // A reading that failed.
        drop(filled());
        assert!(found(0).is_empty());
        filled().join(&store).unwrap();
        for number in 0..2 {
            let of_set = |buffer: &u128| buffer % 2 == number as u128;
            let expected: Vec<u128> = (0..50)
                .filter(of_set)
                .flat_map(|buffer| (0..1000).map(move |row| buffer * 1000 + row))
                .collect();
            assert_eq!(found(number), expected);
        }
    }
}
