//! Rows and their marks: what is promised of `load_split`, `copy_out` and the ledger, on a real server.
//!
//! Not here: a full disk (its SQLSTATE is mapped in a unit test), and a connection that is lost while the commit is
//! under way, which nothing on this side can bring about at will.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mssql2pg_target::embedded::testing::database;
use mssql2pg_target::{
    BeginRun, Connection, ErrorKind, FillError, Ledger, RunRow, SplitRow, StepRow, Target, TargetError,
    lock_run,
};
use serde_json::json;

const COPY: &str = "copy public.t (id, name) from stdin (format binary)";

/// A database with the table `t`, a ledger, and the run `r`.
fn prepared() -> (Target, Connection, Ledger) {
    let target = Target::parse(&database().url).unwrap();
    let mut connection = target.connect().unwrap();
    connection
        .batch("create table public.t (id int4 constraint id_positive check (id >= 0), name text)")
        .unwrap();
    let ledger = Ledger::default();
    ledger.ensure(&mut connection).unwrap();
    assert_eq!(ledger.begin_run(&mut connection, &run("r", "f")).unwrap(), BeginRun::Fresh);
    let claims = ledger.claim_statements("r", &["public.t".to_owned()]);
    connection.batch(&claims.join(";")).unwrap();
    (target, connection, ledger)
}

fn run(run_id: &str, fingerprint: &str) -> RunRow {
    RunRow {
        run_id: run_id.to_owned(),
        fingerprint: fingerprint.to_owned(),
        tool_version: "0.1.0".to_owned(),
        source: "shop.bacpac".to_owned(),
        // Order of keys and the digits of a number are kept as they were written.
        settings: serde_json::from_str(
            r#"{"z": 1.50, "a": {"policy": "replace"}, "big": 12345678901234567890123}"#,
        )
        .unwrap(),
    }
}

fn split(number: u32, rows: u64) -> SplitRow {
    SplitRow {
        table: "public.t".to_owned(),
        split: number,
        rows,
        rejected: 2,
        bytes: u64::from(u32::MAX) + 1,
        digest: "00ff".to_owned(),
        losses: json!({"name": {"nul": 3, "samples": ["id=1"]}}),
        seconds: 0.25,
    }
}

/// The bytes of a binary COPY (PostgreSQL manual, "COPY", "Binary Format").
fn binary(rows: impl Iterator<Item = (i32, String)>) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
    bytes.extend([0; 8]);
    for (id, name) in rows {
        bytes.extend(2_i16.to_be_bytes());
        bytes.extend(4_i32.to_be_bytes());
        bytes.extend(id.to_be_bytes());
        bytes.extend(i32::try_from(name.len()).unwrap().to_be_bytes());
        bytes.extend(name.as_bytes());
    }
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}

fn numbered(count: i32) -> Vec<u8> {
    binary((0..count).map(|id| (id, format!("name {id}"))))
}

/// Rows and marks in the target, as another session sees them.
fn rows_and_marks(target: &Target) -> (i64, i64) {
    let mut connection = target.connect().unwrap();
    let sql = "select (select count(*) from public.t), (select count(*) from mssql2pg.split)";
    let row = connection.client().query_one(sql, &[]).unwrap();
    (row.get(0), row.get(1))
}

fn full_text(error: &TargetError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text} {error}");
        cause = error.source();
    }
    text
}

#[test]
fn rows_and_their_mark_are_committed_together() {
    let (target, mut connection, ledger) = prepared();
    let bytes = numbered(1000);
    let loaded = connection
        .load_split(&ledger, "r", COPY, &mut |writer| {
            writer.write_all(&bytes)?;
            assert_eq!(rows_and_marks(&target), (0, 0));
            Ok(Some(SplitRow { seconds: -1.0, ..split(7, 1000) }))
        })
        .unwrap()
        .unwrap();
    // The time is measured here, whatever the filler says.
    assert!(loaded.seconds > 0.0, "{loaded:?}");
    assert_eq!(loaded, SplitRow { seconds: loaded.seconds, ..split(7, 1000) });
    assert_eq!(rows_and_marks(&target), (1000, 1));
    assert_eq!(ledger.splits(&mut connection, "r").unwrap(), [loaded]);
    assert_eq!(ledger.splits(&mut connection, "other").unwrap(), []);
}

#[test]
fn a_filler_that_gives_up_in_any_way_leaves_nothing_and_a_usable_connection() {
    let (target, mut connection, ledger) = prepared();
    let bytes = numbered(20_000);
    let nothing = connection.load_split(&ledger, "r", COPY, &mut |writer| {
        writer.write_all(&bytes)?;
        Ok(None)
    });
    assert_eq!(nothing.unwrap(), None);
    assert_eq!(rows_and_marks(&target), (0, 0));

    let aborted = connection.load_split(&ledger, "r", COPY, &mut |writer| {
        writer.write_all(&bytes)?;
        Err(FillError::Abort("the source ends mid-row".into()))
    });
    let error = aborted.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(error.source.unwrap().to_string(), "the source ends mid-row");
    assert_eq!(rows_and_marks(&target), (0, 0));

    let unreadable = connection.load_split(&ledger, "r", COPY, &mut |writer| {
        writer.write_all(&bytes)?;
        Err(FillError::Io(std::io::Error::other("a file that the filler reads")))
    });
    assert_eq!(unreadable.unwrap_err().kind, ErrorKind::Cancelled);

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        connection.load_split(&ledger, "r", COPY, &mut |writer| {
            writer.write_all(&bytes)?;
            panic!("on purpose")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(rows_and_marks(&target), (0, 0));

    let loaded = connection.load_split(&ledger, "r", COPY, &mut |writer| {
        writer.write_all(&bytes)?;
        Ok(Some(split(1, 20_000)))
    });
    assert!(loaded.unwrap().is_some());
    assert_eq!(rows_and_marks(&target), (20_000, 1));
}

#[test]
fn a_backend_that_is_killed_in_the_middle_leaves_no_rows_and_no_marks() {
    for kill_after_the_last_byte in [false, true] {
        let (target, mut connection, ledger) = prepared();
        let pid: i32 = connection.client().query_one("select pg_backend_pid()", &[]).unwrap().get(0);
        let bytes = numbered(200_000);
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let kill = || {
            let mut other = target.connect().unwrap();
            other.client().execute("select pg_terminate_backend($1, 5000)", &[&pid]).ok();
            other.client().execute("select pg_terminate_backend($1)", &[&pid]).unwrap();
            while other
                .client()
                .query_opt("select 1 from pg_stat_activity where pid = $1", &[&pid])
                .unwrap()
                .is_some()
            {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        };
        let error = connection
            .load_split(&ledger, "r", COPY, &mut |writer| {
                writer.write_all(first)?;
                if kill_after_the_last_byte {
                    writer.write_all(second)?;
                    kill();
                } else {
                    kill();
                    writer.write_all(second)?;
                }
                Ok(Some(split(1, 200_000)))
            })
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Lost, "{error:?}");
        assert!(connection.is_closed());
        assert_eq!(rows_and_marks(&target), (0, 0));
        let mut again = target.connect().unwrap();
        again
            .load_split(&ledger, "r", COPY, &mut |writer| {
                writer.write_all(&bytes)?;
                Ok(Some(split(1, 200_000)))
            })
            .unwrap();
        assert_eq!(rows_and_marks(&target), (200_000, 1));
    }
}

#[test]
fn what_the_server_refuses_is_told_without_its_value_and_nothing_is_kept() {
    let (target, mut connection, ledger) = prepared();
    let refused = |connection: &mut Connection, run_id: &str, bytes: &[u8], row: SplitRow| {
        let error = connection
            .load_split(&ledger, run_id, COPY, &mut |writer| {
                writer.write_all(bytes)?;
                Ok(Some(row.clone()))
            })
            .unwrap_err();
        assert_eq!(rows_and_marks(&target), (0, 0));
        assert!(!full_text(&error).contains("s3cret"), "{}", full_text(&error));
        error
    };
    // A check, in the middle of many rows, so that the error comes while rows are still sent.
    let broken = binary((0..300_000).map(|id| (if id == 5 { -5 } else { id }, "s3cret".to_owned())));
    let error = refused(&mut connection, "r", &broken, split(1, 300_000));
    assert_eq!(error.kind, ErrorKind::Constraint);
    let said = error.server().unwrap();
    assert_eq!((said.code.as_str(), said.constraint.as_deref()), ("23514", Some("id_positive")));
    assert_eq!(said.place.as_deref(), Some("COPY t, line 6"));

    let nul = binary([(1, "s3cret\0".to_owned())].into_iter());
    let error = refused(&mut connection, "r", &nul, split(1, 1));
    assert_eq!(error.kind, ErrorKind::Data);
    assert_eq!(error.server().unwrap().place.as_deref(), Some("COPY t, line 1, column name"));

    let error = refused(&mut connection, "r", b"no signature: s3cret", split(1, 1));
    assert_eq!(error.kind, ErrorKind::Data);
    let error = refused(&mut connection, "r", &numbered(10), split(1, 11));
    assert!(error.context.contains("11 rows were sent and the target counted 10"), "{error}");
    // A run that the table does not belong to: the rows go with the mark.
    let error = refused(&mut connection, "forgotten", &numbered(10), split(1, 10));
    assert_eq!(error.kind, ErrorKind::OtherRun);
    // And the connection has survived all of it.
    connection.execute("insert into public.t values (1, 'x')").unwrap();
}

#[test]
fn a_copy_that_cannot_begin_closes_its_connection_and_never_answers_for_another_statement() {
    let (target, mut connection, ledger) = prepared();
    connection.batch("create table public.made (a int4, b int4 generated always as (a) stored)").unwrap();
    for (copy, code) in [
        ("copy public.absent from stdin (format binary)", "42P01"),
        ("copy public.made (b) from stdin (format binary)", "42P10"),
        ("copy public.t from stdin (format odd)", "22023"),
    ] {
        let mut connection = target.connect().unwrap();
        let error = connection.load_split(&ledger, "r", copy, &mut |_| Ok(None)).unwrap_err();
        assert_eq!(error.server().unwrap().code, code);
        assert!(connection.is_closed(), "{copy}");
        assert_eq!(connection.execute("select 1").unwrap_err().kind, ErrorKind::Lost);
    }
    assert_eq!(rows_and_marks(&target), (0, 0));
}

#[test]
fn a_split_is_marked_once() {
    let (target, mut connection, ledger) = prepared();
    let mut load = || {
        connection.load_split(&ledger, "r", COPY, &mut |writer| {
            writer.write_all(&numbered(10))?;
            Ok(Some(split(1, 10)))
        })
    };
    load().unwrap();
    assert_eq!(load().unwrap_err().kind, ErrorKind::Constraint);
    assert_eq!(rows_and_marks(&target), (10, 1));
}

#[test]
fn bytes_come_back_as_they_went_in_whatever_the_size_of_the_writes() {
    let (_, mut connection, ledger) = prepared();
    let long = "é𝄞".repeat(200_000);
    let rows = (0..5000).map(|id| (id, if id % 1000 == 7 { long.clone() } else { format!("name {id}") }));
    let bytes = binary(rows);
    for size in [1_usize, 4095, 65_535, 65_536, 65_537, 1 << 20, usize::MAX] {
        let number = u32::try_from(size.min(1 << 30)).unwrap();
        connection.batch("truncate public.t").unwrap();
        connection
            .load_split(&ledger, "r", COPY, &mut |writer| {
                // A byte at a time only for the beginning: it is slow.
                let (slow, fast) = bytes.split_at(if size == 1 { 200_000 } else { 0 });
                for byte in slow {
                    writer.write_all(std::slice::from_ref(byte))?;
                }
                for piece in fast.chunks(if size == 1 { 3000 } else { size.min(fast.len()) }) {
                    writer.write_all(piece)?;
                }
                Ok(Some(split(number, 5000)))
            })
            .unwrap();
        let mut back = Vec::new();
        connection
            .copy_out("copy public.t (id, name) to stdout (format binary)", &mut |piece| {
                back.extend_from_slice(piece);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(back == bytes, "writes of {size} bytes");
    }
}

#[test]
fn reading_back_can_be_broken_off_and_the_connection_goes_on() {
    let (_, mut connection, _) = prepared();
    // So much that reading it to its end would take minutes.
    let endless = "copy (select generate_series(1, 1000000000), repeat('x', 1000)) to stdout (format binary)";
    let started = std::time::Instant::now();
    let mut calls = 0;
    let result = connection.copy_out(endless, &mut |bytes| {
        assert!(!bytes.is_empty());
        calls += 1;
        if calls == 100 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    result.unwrap();
    assert_eq!(calls, 100);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    // Broken off at the last message: nothing is left to cancel, and no later statement is hit.
    for _ in 0..20 {
        connection
            .copy_out("copy (select 1) to stdout (format binary)", &mut |_| ControlFlow::Break(()))
            .unwrap();
        connection.execute("insert into public.t values (1, 'x')").unwrap();
    }
    let error =
        connection.copy_out("copy (select 1/0) to stdout", &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    connection.execute("insert into public.t values (1, 'x')").unwrap();
}

#[test]
fn a_run_is_resumed_by_its_fingerprint_only() {
    let (_, mut connection, ledger) = prepared();
    assert_eq!(ledger.begin_run(&mut connection, &run("r", "f")).unwrap(), BeginRun::Resumed);
    let found = ledger.begin_run(&mut connection, &run("r", "other")).unwrap();
    assert_eq!(found, BeginRun::Differs(run("r", "f")));
    let stored = ledger.find_run(&mut connection, "r").unwrap().unwrap();
    assert_eq!(stored.settings.to_string(), run("r", "f").settings.to_string());
    assert_eq!(ledger.find_run(&mut connection, "absent").unwrap(), None);
    assert_eq!(ledger.begin_run(&mut connection, &run("second", "other")).unwrap(), BeginRun::Fresh);
}

#[test]
fn without_a_ledger_there_is_no_run_and_nothing_to_forget() {
    let mut connection = Target::parse(&database().url).unwrap().connect().unwrap();
    for schema in ["absent", "public"] {
        let ledger = Ledger { schema: schema.to_owned() };
        assert_eq!(ledger.find_run(&mut connection, "r").unwrap(), None);
        assert_eq!(ledger.splits(&mut connection, "r").unwrap(), []);
        assert_eq!(ledger.steps(&mut connection, "r").unwrap(), []);
        ledger.forget_run(&mut connection, "r").unwrap();
    }
}

#[test]
fn many_processes_may_create_the_ledger_at_once() {
    let target = Target::parse(&database().url).unwrap();
    let ledger = Ledger { schema: "Odd \"Name\"".to_owned() };
    let fresh = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = target.connect().unwrap();
                    ledger.ensure(&mut connection).unwrap();
                    ledger.begin_run(&mut connection, &run("r", "f")).unwrap()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|begun| *begun == BeginRun::Fresh)
            .count()
    });
    assert_eq!(fresh, 1);
}

#[test]
fn a_ledger_that_is_there_needs_no_right_to_create() {
    let (target, mut connection, ledger) = prepared();
    let role = target.redacted().rsplit('/').next().unwrap().to_owned() + "_plain";
    connection
        .batch(&format!(
            "create role {role}; grant usage on schema mssql2pg to {role}; \
             grant select, insert, update, delete on all tables in schema mssql2pg to {role}; set role {role}"
        ))
        .unwrap();
    assert!(!connection.server_info().unwrap().can_create_schema);
    ledger.ensure(&mut connection).unwrap();
    assert_eq!(ledger.begin_run(&mut connection, &run("r", "f")).unwrap(), BeginRun::Resumed);
    let elsewhere = Ledger { schema: "elsewhere".to_owned() };
    let error = elsewhere.ensure(&mut connection).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permission);
    connection.batch("reset role").unwrap();
}

#[test]
fn a_step_is_recorded_with_what_it_did_or_not_at_all() {
    let (target, mut connection, ledger) = prepared();
    let done = ledger.run_step(&mut connection, "r", "index a", "create index a on public.t (id)").unwrap();
    assert_eq!(done.outcome, "done");
    let error = ledger
        .run_step(&mut connection, "r", "index b", "create index b on public.t (id); select 1/0")
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    let error = ledger
        .run_step(&mut connection, "r", "index a again", "create index a on public.t (id)")
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Exists);
    let failed = StepRow {
        step: "index b".to_owned(),
        outcome: "failed".to_owned(),
        message: Some("division by zero".to_owned()),
        seconds: 0.5,
    };
    ledger.record_step(&mut connection, "r", &failed).unwrap();
    assert_eq!(ledger.steps(&mut connection, "r").unwrap(), [done.clone(), failed]);
    let skipped =
        StepRow { step: "index b".to_owned(), outcome: "skipped".to_owned(), message: None, seconds: 0.0 };
    ledger.record_step(&mut connection, "r", &skipped).unwrap();
    assert_eq!(ledger.steps(&mut connection, "r").unwrap(), [done, skipped]);
    let odd = StepRow { step: "c".to_owned(), outcome: "perhaps".to_owned(), message: None, seconds: 0.0 };
    assert_eq!(ledger.record_step(&mut connection, "r", &odd).unwrap_err().kind, ErrorKind::Constraint);
    let mut other = target.connect().unwrap();
    let indexes: i64 = other
        .client()
        .query_one("select count(*) from pg_indexes where tablename = 't'", &[])
        .unwrap()
        .get(0);
    assert_eq!(indexes, 1);

    ledger.forget_run(&mut connection, "r").unwrap();
    assert_eq!(ledger.steps(&mut connection, "r").unwrap(), []);
    assert_eq!(ledger.find_run(&mut connection, "r").unwrap(), None);
}

#[test]
fn one_session_at_a_time_has_the_lock_of_a_run() {
    let target = Target::parse(&database().url).unwrap();
    let (mut first, mut second) = (target.connect().unwrap(), target.connect().unwrap());
    assert!(lock_run(&mut first, "r").unwrap());
    assert!(!lock_run(&mut second, "r").unwrap());
    assert!(lock_run(&mut second, "another").unwrap());
    drop(first);
    let free = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        lock_run(&mut second, "r").unwrap()
    });
    assert!(free);
}
