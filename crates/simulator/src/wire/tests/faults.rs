//! What goes wrong when a test asks for it.

use super::client::Client;
use super::fake::{Fake, column};
use super::start;
use mssql2pg_catalog::{SqlType, Value};
use std::time::{Duration, Instant};

const READ: &str = "select n from [dbo].[t]";

fn many() -> Fake {
    let mut fake = Fake::default();
    let rows = (0..20_000).map(|n| vec![Value::Int(n)]).collect();
    fake.results.insert(READ.to_owned(), (vec![column("n", SqlType::BigInt, false)], rows));
    fake
}

#[test]
fn connections_are_cut_after_so_many_bytes_each_place_once() {
    let simulator = start(many());
    let mut client = Client::open(&simulator).unwrap();
    assert_eq!(client.ask(READ).unwrap().len(), 20_000);
    simulator.faults().plan().drop_after_bytes = vec![50_000, 60_000];
    let before = simulator.bytes_sent();
    assert!(client.ask(READ).is_err());
    assert_eq!(simulator.bytes_sent() - before, 50_000);
    let mut client = Client::open(&simulator).unwrap();
    assert!(client.ask(READ).is_err());
    let mut client = Client::open(&simulator).unwrap();
    assert_eq!(client.ask(READ).unwrap().len(), 20_000);
    assert!(simulator.faults().plan().drop_after_bytes.is_empty());
    assert_eq!(simulator.complaints(), Vec::<String>::new());
}

#[test]
fn answers_are_delayed() {
    let simulator = start(many());
    let mut client = Client::open(&simulator).unwrap();
    simulator.faults().plan().delay = Some(Duration::from_millis(300));
    let begun = Instant::now();
    client.ask("nothing").unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_silent_server_says_nothing_until_it_may_speak() {
    let simulator = start(many());
    simulator.faults().plan().silent = true;
    let begun = Instant::now();
    assert!(Client::open_with(&simulator, |context| context.connect_timeout = 1).is_err());
    assert!(begun.elapsed() >= Duration::from_millis(900));
    simulator.faults().plan().silent = false;
    assert!(Client::open(&simulator).is_ok());
}

#[test]
fn nonsense_comes_in_place_of_one_answer() {
    let simulator = start(many());
    simulator.faults().plan().garbage_bytes = Some(10_000);
    let mut client = Client::open(&simulator).unwrap();
    client.ask("nothing").unwrap();
    assert!(client.ask(READ).is_err());
    assert_eq!(simulator.faults().plan().garbage_bytes, None);
    let mut client = Client::open(&simulator).unwrap();
    assert_eq!(client.ask(READ).unwrap().len(), 20_000);
}
