//! `cargo x bench validate [ROWS]`: how long audit and validation take against the load of the same rows in the same run.
//!
//! The yardstick is the load itself: whoever can wait for the one should be able to wait for the other.

use super::{ROUNDS, measured_run, optimised, start_postgres};
use crate::tell;
use mssql2pg_generate::write_orders_bench;
use std::path::Path;

/// Builds everything with optimisation and measures there.
pub(crate) fn validate(arguments: &[&str]) -> Result<(), String> {
    optimised("validate", arguments, measure)
}

fn measure(rows: u64) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("bench.bacpac");
    tell(&format!("generating {rows} rows"));
    write_orders_bench(&file, rows, 1, &mut |_| {}).map_err(|error| error.to_string())?;
    let server = start_postgres(folder.path())?;
    let source = file.display().to_string();
    let (mut audits, mut validations, mut loads) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = 0;
    for round in 0..ROUNDS {
        let name = format!("validate{round}");
        let measured = measured_run(&server, &source, folder.path(), &name, &[])?;
        let seconds = phase_seconds(&folder.path().join(format!("{name}.run")))?;
        peak = peak.max(measured.peak_mib);
        let of = |phase: &str| seconds.iter().find(|(name, _)| name == phase).map_or(0.0, |(_, time)| *time);
        tell(&format!(
            "round {}: audit {:.2} s, load {:.2} s, finish {:.2} s, validate {:.2} s",
            round + 1,
            of("audit"),
            of("load"),
            of("finish"),
            of("validate")
        ));
        audits.push(of("audit"));
        loads.push(of("load"));
        validations.push(of("validate"));
    }
    let (audit, load, validation) = (median(audits), median(loads), median(validations));
    tell(&format!(
        "{rows} rows, medians of {ROUNDS}: audit {audit:.2} s, load {load:.2} s, validate {validation:.2} s; \
         ratio of validate to load {:.2} (aim 1.5), of audit to load {:.2}; peak {peak} MiB",
        validation / load,
        audit / load
    ));
    server.stop().map_err(|error| error.to_string())
}

/// The phases of a run and their seconds.
fn phase_seconds(run: &Path) -> Result<Vec<(String, f64)>, String> {
    let text = std::fs::read_to_string(run.join("phases.json")).map_err(|error| error.to_string())?;
    let phases: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let phases = phases.as_array().ok_or("phases.json is no list")?;
    let of =
        |phase: &serde_json::Value| Some((phase["phase"].as_str()?.to_owned(), phase["seconds"].as_f64()?));
    Ok(phases.iter().filter_map(of).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
