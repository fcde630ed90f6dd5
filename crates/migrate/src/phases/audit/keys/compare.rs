//! Sets of keys side by side.

use super::KeyStore;
use std::collections::BinaryHeap;
use std::io;

/// Rows of one set whose key another set does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::phases::audit) struct Missing {
    /// Rows that have a key at all.
    pub(in crate::phases::audit) rows: u64,
    /// Those of them whose key is not in the other set.
    pub(in crate::phases::audit) missing: u64,
    /// The hashes of the first such rows: the first `most` rows have no others.
    pub(in crate::phases::audit) hashes: Vec<u128>,
}

/// Keeps the hashes whose first rows come first.
struct First {
    most: usize,
    kept: BinaryHeap<(u64, u128)>,
}

impl First {
    fn new(most: usize) -> Self {
        Self { most, kept: BinaryHeap::new() }
    }

    fn offer(&mut self, first: u64, hash: u128) {
        self.kept.push((first, hash));
        if self.kept.len() > self.most {
            self.kept.pop();
        }
    }

    fn hashes(self) -> Vec<u128> {
        self.kept.into_sorted_vec().into_iter().map(|(_, hash)| hash).collect()
    }
}

/// Which keys of set `from` are not in set `to`.
///
/// # Errors
/// When a file cannot be read.
pub(in crate::phases::audit) fn missing(
    store: &KeyStore,
    from: usize,
    to: usize,
    most: usize,
) -> io::Result<Missing> {
    if from == to {
        let mut rows = 0;
        store.read(from, &mut |key| {
            rows += key.count;
            Ok(())
        })?;
        return Ok(Missing { rows, ..Missing::default() });
    }
    let mut known = store.stream(to);
    let mut head = known.next().transpose()?;
    let (mut result, mut first) = (Missing::default(), First::new(most));
    for key in store.stream(from) {
        let key = key?;
        result.rows += key.count;
        while head.is_some_and(|known| known.hash < key.hash) {
            head = known.next().transpose()?;
        }
        if head.is_none_or(|known| known.hash != key.hash) {
            result.missing += key.count;
            first.offer(key.first, key.hash);
        }
    }
    result.hashes = first.hashes();
    Ok(result)
}

/// Rows of a set whose key another row has, too: how many, and the hashes of the first ones.
///
/// # Errors
/// When a file cannot be read.
pub(in crate::phases::audit) fn repeated(
    store: &KeyStore,
    set: usize,
    most: usize,
) -> io::Result<(u64, Vec<u128>)> {
    let (mut rows, mut first) = (0, First::new(most));
    store.read(set, &mut |key| {
        if key.count > 1 {
            rows += key.count;
            first.offer(key.first, key.hash);
        }
        Ok(())
    })?;
    Ok((rows, first.hashes()))
}

#[cfg(test)]
mod tests {
    use super::super::store::Key;
    use super::*;

    #[test]
    fn what_is_missing_is_counted_by_rows_and_the_first_of_it_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let store = KeyStore::new(2, 64, folder.path().to_owned());
        let keys = |hashes: &[u128]| {
            hashes
                .iter()
                .enumerate()
                .map(|(row, hash)| Key { hash: *hash, first: row as u64, count: 1 })
                .collect()
        };
        store.add(0, keys(&[9, 1, 5, 9, 2, 7, 7])).unwrap();
        store.add(1, keys(&[1, 2, 3])).unwrap();
        let found = missing(&store, 0, 1, 2).unwrap();
        assert_eq!((found.rows, found.missing), (7, 5));
        assert_eq!(found.hashes, [9, 5]);
        assert_eq!(repeated(&store, 0, 9).unwrap(), (4, vec![9, 7]));
        assert_eq!(missing(&store, 1, 1, 2).unwrap(), Missing { rows: 3, ..Missing::default() });
    }
}
