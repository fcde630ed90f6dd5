//! Several threads that work off one queue.
//!
//! Invariant: the first error stops all and is the one that is returned; nobody works on after it.

use crate::error::Error;
use crate::progress::Interrupt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

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
