//! Real `.bacpac` files arrive value by value: what PostgreSQL holds after `mssql2pg migrate` is
//! compared with the `insert` statements of the scripts that the databases were made from.
//!
//! Invariant: the script is read by a reader of its own (`truth/`), which shares nothing with the
//! product but the names of the types, and PostgreSQL is read with plain SQL. Every difference is
//! in [`Sample::explained`], with its number, its reason and a test of each value; any other fails.
//!
//! To extend: a file with a script is one more [`Sample`].

#![allow(missing_docs, unreachable_pub, reason = "test support")]

#[path = "truth/compare.rs"]
mod compare;
#[path = "truth/expected.rs"]
mod expected;
#[path = "truth/script.rs"]
mod script;
mod support;
#[path = "truth/tables.rs"]
mod tables;
#[path = "truth/target.rs"]
mod target;
#[path = "truth/token.rs"]
mod token;

use compare::{Explained, compare};
use expected::Expected;
use support::{database, mssql2pg, sample, told};
use tables::Formula;

/// A file, and the script that tells what is in it.
struct Sample {
    file: &'static str,
    script: &'static str,
    formulas: &'static [Formula],
    explained: &'static [Explained],
    /// Tables, rows and values that must have been compared.
    compared: [usize; 3],
}

fn check(sample_of: &Sample) {
    let Sample { file, script, formulas, explained, compared } = sample_of;
    let (Some(file), Some(script)) = (sample(file), sample(script)) else { return };
    let script = token::decode(&std::fs::read(script).expect("the script")).expect("its encoding");
    let script = script::read_script(&script).expect("a script that we can read");
    assert_eq!(script.not_followed, [""; 0], "the script changes rows in ways that are not compared");
    let script = tables::truth_tables(&script, formulas).expect("values that we know the form of");

    let (folder, target) = (tempfile::tempdir().expect("a folder"), database());
    let mut command = mssql2pg(folder.path());
    command.arg("migrate").arg(&file).args(["--run", "a.run"]).env("TARGET_URL", &target.url);
    let output = command.output().expect("mssql2pg runs");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));

    let found = compare(&script, &target::read_target(&target.url), explained);
    eprintln!(
        "{}: {} tables, {} rows, {} values compared; {} differences explained",
        file.display(),
        found.tables,
        found.rows,
        found.values,
        found.explained
    );
    assert!(found.wrong.is_empty(), "{}: \n{}", file.display(), found.wrong.join("\n"));
    assert_eq!([found.tables, found.rows, found.values], *compared);
}

#[test]
fn northwind_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/Northwind.bacpac",
        script: "scripts/instnwnd.sql",
        formulas: &[],
        explained: &[],
        compared: [0, 0, 0],
    });
}

#[test]
fn pubs_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/pubs.bacpac",
        script: "scripts/instpubs.sql",
        formulas: &[],
        explained: &[],
        compared: [0, 0, 0],
    });
}

/// The computed columns of AdventureWorksLT, in numbers without a point's trailing zeros.
const ADVENTUREWORKS: &[Formula] = &[
    Formula {
        table: "SalesLT.SalesOrderHeader",
        column: "SalesOrderNumber",
        value: |of| format!("SO{}", of("SalesOrderID")),
    },
    Formula {
        table: "SalesLT.SalesOrderHeader",
        column: "TotalDue",
        value: |of| fixed(unscaled(&of("SubTotal")) + unscaled(&of("TaxAmt")) + unscaled(&of("Freight")), 4),
    },
    Formula {
        table: "SalesLT.SalesOrderDetail",
        column: "LineTotal",
        value: |of| {
            let kept = 10_000 - unscaled(&of("UnitPriceDiscount"));
            let quantity: i128 = of("OrderQty").parse().expect("a number");
            fixed(unscaled(&of("UnitPrice")) * kept * quantity, 8)
        },
    },
];

/// Ten-thousandths of a money value.
fn unscaled(money: &str) -> i128 {
    money.replace('.', "").parse().expect("a money value")
}

/// A number of so many digits after the point.
fn fixed(unscaled: i128, scale: usize) -> String {
    let width = scale + 1;
    let text = format!("{unscaled:0width$}");
    format!("{}.{}", &text[..text.len() - scale], &text[text.len() - scale..])
}

#[test]
fn adventureworks_of_azure_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/AdventureWorksLT-azure.bacpac",
        script: "scripts/AdventureWorksLT.sql",
        formulas: ADVENTUREWORKS,
        explained: &[],
        compared: [0, 0, 0],
    });
}

#[test]
fn adventureworks_of_2025_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/AdventureWorksLT-2025.bacpac",
        script: "scripts/AdventureWorksLT.sql",
        formulas: ADVENTUREWORKS,
        explained: &[],
        compared: [0, 0, 0],
    });
}
