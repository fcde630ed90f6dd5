//! Real `.bacpac` files arrive value by value: what PostgreSQL holds after `mssql2pg migrate` is
//! compared with the `insert` statements of the scripts that the databases were made from.
//!
//! Invariant: the script is read by a reader of its own (`truth/`), which shares nothing with the
//! product but the names of the types, and PostgreSQL is read with plain SQL. Every difference is
//! in [`Sample::explained`], with its number, its reason and a test of each value; any other fails.
//!
//! To extend: a file with a script is one more [`Sample`].

#![allow(missing_docs, unreachable_pub, reason = "test support")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stderr, reason = "all of this file is a test")]

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

use compare::{Comparison, Explained, compare};
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
    let (Some(path), Some(script)) = (sample(file), sample(script)) else { return };
    let script = token::decode(&std::fs::read(script).expect("the script")).expect("its encoding");
    let script = script::read_script(&script).expect("a script that we can read");
    assert_eq!(script.not_followed, [""; 0], "the script changes rows in ways that are not compared");
    let script = tables::truth_tables(&script, formulas).expect("values that we know the form of");

    let (folder, target) = (tempfile::tempdir().expect("a folder"), database());
    let mut command = mssql2pg(folder.path());
    command.arg("migrate").arg(&path).args(["--run", "a.run"]).env("TARGET_URL", &target.url);
    let output = command.output().expect("mssql2pg runs");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));

    let found = compare(&script, &target::read_target(&target.url), explained);
    let Comparison { tables, rows, values, explained, wrong } = found;
    eprintln!(
        "{file}: {tables} tables, {rows} rows, {values} values compared; {explained} differences explained"
    );
    assert!(wrong.is_empty(), "{file}:\n{}", wrong.join("\n"));
    assert_eq!([tables, rows, values], *compared, "tables, rows and values compared");
}

/// The files of the repository that the scripts come from have lost the line ends that SQL Server saw.
fn line_ends_differ(script: &Expected, target: Option<&str>) -> bool {
    *script == Expected::Text(target.unwrap_or_default().replace("\r\n", "\n"))
}

#[test]
fn northwind_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/Northwind.bacpac",
        script: "scripts/instnwnd.sql",
        formulas: &[],
        explained: &[
            Explained {
                table: "dbo.Employees",
                what: "Address",
                count: 2,
                why: "the script's line ends were CR LF and are LF in the sample; the part holds CR LF (employees 6, 7)",
                holds: line_ends_differ,
            },
            Explained {
                table: "dbo.Employees",
                what: "Address",
                count: 1,
                why: "the sample of the script lost a line end; the part holds CR LF (employee 1)",
                holds: |script, target| {
                    *script == Expected::Text("507 - 20th Ave. E.Apt. 2A".to_owned())
                        && target == Some("507 - 20th Ave. E.\r\nApt. 2A")
                },
            },
        ],
        compared: [13, 3308, 24_982],
    });
}

#[test]
fn pubs_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/pubs.bacpac",
        script: "scripts/instpubs.sql",
        formulas: &[],
        explained: &[
            Explained {
                table: "dbo.pub_info",
                what: "pr_info",
                count: 5,
                why: "the script's line ends were CR LF and are LF in the sample; the part holds CR LF",
                holds: line_ends_differ,
            },
            Explained {
                table: "dbo.pub_info",
                what: "pr_info",
                count: 1,
                why: "the sample of the script has U+FFFD for the u umlaut, which the part holds (publisher 9901)",
                holds: |script, target| {
                    let damaged = target.unwrap_or_default().replace("M\u{fc}nchen", "M\u{fffd}nchen");
                    *script == Expected::Text(damaged)
                },
            },
            Explained {
                table: "dbo.publishers",
                what: "city",
                count: 1,
                // 0x81 is the u umlaut of code page 437. Somebody loaded it as code page 1252, where it is U+0081.
                why: "the sample of the script has U+FFFD, the part holds U+0081 (publisher 9901)",
                holds: |script, target| {
                    *script == Expected::Text("M\u{fffd}nchen".to_owned()) && target == Some("M\u{81}nchen")
                },
            },
            Explained {
                table: "dbo.titles",
                what: "pubdate",
                count: 2,
                why: "the default getdate() gave the time at which the script ran",
                holds: |script, target| {
                    *script == Expected::Function("getdate".to_owned())
                        && target == Some("2019-04-25 10:50:29.06")
                },
            },
        ],
        compared: [11, 255, 1472],
    });
}

/// The computed columns of AdventureWorksLT.
const ADVENTUREWORKS: &[Formula] = &[
    // isnull(N'SO'+CONVERT([nvarchar](23),[SalesOrderID],(0)),N'*** ERROR ***')
    Formula {
        table: "SalesLT.SalesOrderHeader",
        column: "SalesOrderNumber",
        value: |of| format!("SO{}", of("SalesOrderID")),
    },
    // isnull(([SubTotal]+[TaxAmt])+[Freight],(0))
    Formula {
        table: "SalesLT.SalesOrderHeader",
        column: "TotalDue",
        value: |of| fixed(unscaled(&of("SubTotal")) + unscaled(&of("TaxAmt")) + unscaled(&of("Freight")), 4),
    },
    // isnull(([UnitPrice]*((1.0)-[UnitPriceDiscount]))*[OrderQty],(0.0)), which is numeric(38,6): money times
    // numeric(20,4) has 8 digits after the point, cut to 6 because 38 are not enough for all
    // ("Precision, scale, and length", Microsoft Learn).
    Formula {
        table: "SalesLT.SalesOrderDetail",
        column: "LineTotal",
        value: |of| {
            let price = unscaled(&of("UnitPrice")) * (10_000 - unscaled(&of("UnitPriceDiscount")));
            assert_eq!(price % 100, 0, "no price of the script has more than 6 digits");
            let quantity: i128 = of("OrderQty").parse().expect("a number");
            fixed(price / 100 * quantity, 6)
        },
    },
];

/// Ten-thousandths of a money value.
fn unscaled(money: &str) -> i128 {
    money.replace('.', "").parse().expect("a money value")
}

/// A number of so many digits after the point, none of these numbers being negative.
fn fixed(unscaled: i128, scale: usize) -> String {
    let width = scale + 1;
    let text = format!("{unscaled:0width$}");
    let (whole, fraction) = text.split_at(text.len() - scale);
    format!("{whole}.{fraction}")
}

#[test]
fn adventureworks_of_azure_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/AdventureWorksLT-azure.bacpac",
        script: "scripts/AdventureWorksLT.sql",
        formulas: ADVENTUREWORKS,
        explained: &[],
        compared: [12, 4277, 37_144],
    });
}

#[test]
fn adventureworks_of_2025_arrives_as_its_script_wrote_it() {
    check(&Sample {
        file: "bacpac/AdventureWorksLT-2025.bacpac",
        script: "scripts/AdventureWorksLT.sql",
        formulas: ADVENTUREWORKS,
        explained: &[
            Explained {
                table: "SalesLT.ProductDescription",
                what: "Description",
                count: 508,
                why: "this edition was loaded through code page 1252: the part itself holds `?`",
                holds: |script, target| {
                    matches!((script, target), (Expected::Text(script), Some(target))
                        if script != target && through_code_page_1252(script) == target)
                },
            },
            Explained {
                table: "SalesLT.ProductModel",
                what: "CatalogDescription",
                count: 6,
                why: "this edition's part holds blanks before some line ends of the xml",
                holds: |script, target| {
                    let lines = target.unwrap_or_default().split('\n');
                    let lines: Vec<&str> = lines.map(|line| line.trim_end_matches(' ')).collect();
                    *script == Expected::Text(lines.join("\n"))
                },
            },
        ],
        compared: [12, 4277, 37_144],
    });
}

/// What is left of a text that was stored in code page 1252: `?` for what it lacks.
fn through_code_page_1252(text: &str) -> String {
    const ABOVE_ASCII: &str = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";
    let kept = |character: char| match character {
        '\u{0}'..='\u{7f}' | '\u{a0}'..='\u{ff}' => character,
        _ if ABOVE_ASCII.contains(character) => character,
        // Full-width forms have a best fit in ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).expect("an ASCII character"),
        _ => '?',
    };
    text.chars().map(kept).collect()
}
