//! Several threads that work off one queue.
//!
//! Invariant: the first error stops all and is the one that is returned; nobody works on after it.

use crate::error::{Error, may_try_again};
use crate::progress::Interrupt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often a piece of work is tried when a connection is lost, how long to wait before the first further try, and
/// at most. Throttled servers ask for ten seconds; a failover takes half a minute: all waits together are a minute.
const TRIES: u32 = 12;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Waits between the tries of one piece of work.
#[derive(Debug)]
pub(crate) struct Patience {
    tries: u32,
    wait: Duration,
}

impl Patience {
    /// Before the first try.
    pub(crate) fn new() -> Self {
        Self { tries: 1, wait: FIRST_WAIT }
    }

    /// Waits before another try of what failed, or gives the error back when it is no use.
    pub(crate) fn after(
        &mut self,
        error: Error,
        halt: &Halt<'_>,
        table: &str,
        split: u32,
    ) -> Result<(), Error> {
        if !may_try_again(&error) || self.tries >= TRIES || halt.is_set() {
            return Err(error);
        }
        let cause = error.source_message();
        tracing::warn!(table, split, tries = self.tries, cause, "connection lost, trying again");
        std::thread::sleep(self.wait);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.tries += 1;
        Ok(())
    }
}

/// Does a piece of work that leaves nothing behind when it fails; a lost connection is no end.
pub(crate) fn retried<T>(
    halt: &Halt<'_>,
    table: &str,
    split: u32,
    mut work: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut patience = Patience::new();
    loop {
        match work() {
            Ok(done) => return Ok(done),
            Err(error) => patience.after(error, halt, table, split)?,
        }
    }
}

/// The same for what is done once, before any worker starts.
pub(crate) fn retried_once<T>(
    interrupt: &Interrupt,
    what: &str,
    work: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    retried(&Halt { interrupt, failed: AtomicBool::new(false) }, what, 0, work)
}

/// Whether to stop: the user wants it, or another worker has failed.
pub(crate) struct Halt<'a> {
    interrupt: &'a Interrupt,
    failed: AtomicBool,
}

impl Halt<'_> {
    pub(crate) fn is_set(&self) -> bool {
        self.interrupt.is_set() || self.failed.load(Ordering::Relaxed)
    }
}

/// Works off `items` with up to `workers` threads. Each makes its own state with `begin` (a
/// connection, say) when it takes its first item.
pub(crate) fn work_off<T: Send, S>(
    workers: usize,
    items: Vec<T>,
    interrupt: &Interrupt,
    begin: impl Fn() -> Result<S, Error> + Sync,
    work: impl Fn(&mut S, T, &Halt<'_>) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let count = workers.min(items.len());
    let queue = Mutex::new(VecDeque::from(items));
    let halt = Halt { interrupt, failed: AtomicBool::new(false) };
    let first_error = Mutex::new(None);
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = || -> Result<(), Error> {
        let Some(mut item) = take() else { return Ok(()) };
        let mut state = begin()?;
        while !halt.is_set() {
            work(&mut state, item, &halt)?;
            match take() {
                Some(next) => item = next,
                None => return Ok(()),
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                if let Err(error) = worker() {
                    let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                    if !halt.failed.swap(true, Ordering::Relaxed) {
                        *first = Some(error);
                    }
                }
            });
        }
    });
    match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None if interrupt.is_set() => Err(Error::Interrupted),
        None => Ok(()),
    }
}

/// The same for work that has results: the largest item is taken first, and the results come in the order of `items`.
pub(crate) fn work_off_largest_first<T: Send, S, R: Send>(
    workers: usize,
    items: Vec<T>,
    size: impl Fn(&T) -> u64,
    interrupt: &Interrupt,
    begin: impl Fn() -> Result<S, Error> + Sync,
    work: impl Fn(&mut S, T, &Halt<'_>) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let mut items: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    items.sort_by_key(|(place, item)| (std::cmp::Reverse(size(item)), *place));
    work_off(workers, items, interrupt, begin, |state, (place, item), halt| {
        let result = work(state, item, halt)?;
        *results[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        Ok(())
    })?;
    let results = results.into_iter();
    Ok(results.filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn every_item_is_worked_on_once() {
        let sum = AtomicUsize::new(0);
        let items: Vec<usize> = (1..=100).collect();
        work_off(
            3,
            items,
            &Interrupt::new(),
            || Ok(()),
            |(), item, _| {
                sum.fetch_add(item, Ordering::Relaxed);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(sum.into_inner(), 5050);
    }

    #[test]
    fn the_largest_comes_first_and_results_in_order() {
        let taken = Mutex::new(Vec::new());
        let doubled = work_off_largest_first(
            1,
            vec![1, 30, 2],
            |item| *item,
            &Interrupt::new(),
            || Ok(()),
            |(), item, _| {
                taken.lock().unwrap().push(item);
                Ok(item * 2)
            },
        );
        assert_eq!(doubled.unwrap(), [2, 60, 4]);
        assert_eq!(taken.into_inner().unwrap(), [30, 2, 1]);
    }

    #[test]
    fn the_first_error_stops_all_and_is_returned() {
        let done = AtomicUsize::new(0);
        let result = work_off(
            2,
            (0..10_000).collect(),
            &Interrupt::new(),
            || Ok(()),
            |(), item: usize, _| {
                done.fetch_add(1, Ordering::Relaxed);
                if item == 3 { Err(Error::run("three", "none")) } else { Ok(()) }
            },
        );
        assert_eq!(result.unwrap_err().to_string(), "three");
        assert!(done.into_inner() < 10_000);
    }

    #[test]
    fn an_interrupt_stops_all() {
        let interrupt = Interrupt::new();
        let result = work_off(
            2,
            (0..10_000).collect(),
            &interrupt,
            || Ok(()),
            |(), _: usize, _| {
                interrupt.set();
                Ok(())
            },
        );
        assert!(matches!(result, Err(Error::Interrupted)));
    }
}
