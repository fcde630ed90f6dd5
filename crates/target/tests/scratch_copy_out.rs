//! Scratch.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use mssql2pg_target::Target;
use mssql2pg_target::embedded::testing::database;
use std::ops::ControlFlow;
fn cpu() -> u64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse().unwrap()
}
#[test]
fn speed() {
    let mut c = Target::parse(&database().url).unwrap().connect().unwrap();
    c.batch("create unlogged table public.t as select i::int8 as id, repeat('x', 70) as a, repeat('y', 60) as b, i::int4 as n from generate_series(1, 2000000) i").unwrap();
    if std::env::var_os("SCRATCH_HOLD").is_some() {
        println!("URL {}", database().url);
        std::thread::sleep(std::time::Duration::from_secs(90));
    }
    for _ in 0..3 {
        let (t, u) = (std::time::Instant::now(), cpu());
        let (mut calls, mut bytes) = (0u64, 0u64);
        let mut buffer: Vec<u8> = Vec::with_capacity(70_000);
        let mut on = |b: &[u8]| { calls += 1; bytes += b.len() as u64; };
        let on: &mut dyn FnMut(&[u8]) = &mut on;
        c.copy_out("copy public.t to stdout (format binary)", &mut |b| { buffer.extend_from_slice(b); if buffer.len() >= 65536 { on(&buffer); buffer.clear(); } ControlFlow::Continue(()) }).unwrap();
        on(&buffer);
        let (e, u) = (t.elapsed(), cpu() - u);
        println!("batched {calls} calls {bytes} bytes, wall {e:?}, cpu {} ms, {} ns a row", u / 1_000_000, u / 2_000_000);
    }
    for _ in 0..3 {
        let (t, u) = (std::time::Instant::now(), cpu());
        let (mut calls, mut bytes) = (0u64, 0u64);
        c.copy_out("copy public.t to stdout (format binary)", &mut |b| {
            calls += 1;
            bytes += b.len() as u64;
            ControlFlow::Continue(())
        })
        .unwrap();
        let (e, u) = (t.elapsed(), cpu() - u);
        println!(
            "{calls} calls {bytes} bytes, wall {e:?}, cpu {} ms, {} ns a row",
            u / 1_000_000,
            u / 2_000_000
        );
    }
}
