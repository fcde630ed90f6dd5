//! The report and a comparison in headless Chromium: nothing is asked from outside, nothing complains, tables can be sorted, and no window is
//! too narrow.
//!
//! What the page does is asked by a script that is added to a copy of it, whose policy lets that script run; complaints are
//! looked for with the page as it is. Where no Chromium is, the test says so; `MSSQL2PG_REQUIRE=browser` makes that a failure.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{connect, database, mssql2pg, told};

/// A Chromium on the path.
fn browser() -> Option<PathBuf> {
    let names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
        assert!(!required.contains("browser"), "Chromium is required and not here");
        eprintln!("skipped: Chromium is not here");
    }
    found
}

/// Opens a page and gives it back as it is when its scripts have run; the console goes to stderr.
fn open(browser: &Path, page: &Path, width: u32, dark: bool) -> Output {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom"])
        // No name leads anywhere.
        .arg("--host-resolver-rules=MAP * ~NOTFOUND")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},900"));
    if dark {
        command.arg("--force-dark-mode").arg("--blink-settings=preferredColorScheme=0");
    }
    command.arg(format!("file://{}", page.display())).output().unwrap()
}

/// What the added script finds out: `name=value` in the page's title.
const QUESTIONS: &str = r#"
addEventListener("load", function () {
  var root = document.documentElement;
  var tables = Array.from(document.querySelectorAll("table.sortable"));
  tables.sort(function (one, other) { return other.tBodies[0].rows.length - one.tBodies[0].rows.length; });
  var table = tables[0];
  var header = table.tHead.rows[0].cells[0];
  var first = function () { return table.tBodies[0].rows[0].cells[0].textContent.trim(); };
  header.querySelector("button").click();
  var up = first(), upwards = header.getAttribute("aria-sort");
  header.querySelector("button").click();
  var down = first(), downwards = header.getAttribute("aria-sort");
  var outside = performance.getEntriesByType("resource").length;
  document.title = "wide=" + (root.scrollWidth > root.clientWidth + 1) + " sorted=" + (up !== down) + " " + upwards +
    " " + downwards + " outside=" + outside + " headings=" + document.querySelectorAll("h1").length;
});
"#;

/// The report of a migrated shop of which one row was changed afterwards, so that everything is in it, and its comparison
/// with what it was before.
fn pages(folder: &Path) -> [PathBuf; 2] {
    let target = database();
    let options = GenerateOptions { rows: 3_000, seed: 2, defects: false, ..GenerateOptions::default() };
    write_shop(&folder.join("shop.bacpac"), &options, &mut |_| {}).unwrap();
    let run = |arguments: &[&str], code: i32| {
        let output = mssql2pg(folder).args(arguments).env("TARGET_URL", &target.url).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
    };
    run(&["migrate", "shop.bacpac", "--run", "shop.run"], 0);
    let reports = folder.join("shop.run/reports");
    std::fs::copy(reports.join("report.json"), folder.join("before.json")).unwrap();
    let change = "update public.customers set firstname = '<b>x' where customerid = 7";
    connect(&target.url).batch_execute(change).unwrap();
    run(&["validate", "shop.run", "--show-values"], 1);
    run(&["report", "shop.run", "--compare", "before.json"], 1);
    [reports.join("report.html"), reports.join("compare.html")]
}

#[test]
fn the_pages_open_without_a_complaint_and_fit_every_window() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for page in pages(folder.path()) {
        look_at(&browser, &page, &folder.path().join("copy.html"));
    }
}

fn look_at(browser: &Path, page: &Path, copy: &Path) {
    let text = std::fs::read_to_string(page).unwrap();
    let start = text.find("script-src ").unwrap();
    let end = start + text[start..].find(" base-uri").unwrap();
    let asking = format!("{}script-src 'unsafe-inline';{}", &text[..start], &text[end..]);
    let asking = asking.replace("</body>", &format!("<script>{QUESTIONS}</script></body>"));
    std::fs::write(copy, asking).unwrap();
    for (width, dark) in [(1280, false), (400, false), (400, true)] {
        let plain = open(browser, page, width, dark);
        let complaints = String::from_utf8_lossy(&plain.stderr);
        let complaints: Vec<&str> = complaints.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(complaints.is_empty(), "{width}: {complaints:?}");
        assert!(
            String::from_utf8_lossy(&plain.stdout).contains("<button"),
            "{width}: the script did not run"
        );
        let asked = open(browser, copy, width, dark);
        let dom = String::from_utf8_lossy(&asked.stdout);
        let title = dom.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).unwrap().0;
        assert_eq!(
            title,
            "wide=false sorted=true ascending descending outside=0 headings=1",
            "{} at {width}, dark {dark}: {}",
            page.display(),
            String::from_utf8_lossy(&asked.stderr)
        );
    }
}
