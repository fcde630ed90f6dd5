//! Made-up facts for the tests of reports: a run that went well, one that failed in every way a
//! report knows, one before anything happened, and one of many tables.

use crate::facts::{
    CheckOutcome, ColumnFacts, DifferenceKind, Differences, FACTS_FORMAT, Facts, MeasureFacts, PhaseFacts,
    RowDifference, SplitDifference, TableFacts, TableStatus, TargetFacts, Verdict, VerdictState,
};
use mssql2pg_catalog::{Finding, Severity};
use mssql2pg_mapping::encode::{Loss, LossKind};
use mssql2pg_mapping::plan::Unconverted;
use mssql2pg_sources::{Consistency, SourceInfo};

/// A name that would do harm in a report that does not escape.
pub(crate) const HOSTILE: &str = "dbo.<script>alert('x')</script>|`\"&\\\u{202e}";

/// Every run of this file.
pub(crate) fn all() -> Vec<Facts> {
    vec![validated_run(), failed_run(), empty_run(), large_run(120)]
}

/// A run before its first phase.
pub(crate) fn empty_run() -> Facts {
    Facts {
        format: FACTS_FORMAT,
        tool_version: "0.1.0".to_owned(),
        gathered_at: "2025-01-31T12:09:41Z".to_owned(),
        run_id: "20250131-120000-4f2a".to_owned(),
        fingerprint: "9c1185a5c5e9fc54612808977ee8f548b2258d31b2f1c3a0a1c9a7d0e4f1b2c3".to_owned(),
        database: "Shop".to_owned(),
        source: SourceInfo {
            kind: "bacpac".to_owned(),
            location: "exports/2025-01/shop.bacpac".to_owned(),
            identity: "sha256 5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".to_owned(),
            server_version: Some("Microsoft SQL Server 2019 (15.0.4382.1)".to_owned()),
            consistency: Consistency::Frozen,
            database: None,
            has_data: true,
        },
        target: None,
        verdict: Verdict {
            state: VerdictState::Incomplete,
            sentence: "nothing has been loaded yet".to_owned(),
            guarantee: "the source is a file that cannot change while it is read".to_owned(),
        },
        tables: Vec::new(),
        findings: Vec::new(),
        unconverted: Vec::new(),
        converted: Vec::new(),
        phases: Vec::new(),
        settings: Vec::new(),
    }
}

/// A run in which every table passed, with losses that the settings allow.
pub(crate) fn validated_run() -> Facts {
    let sizes: [(&str, u64); 12] = [
        ("dbo.Customers", 91_402),
        ("dbo.Addresses", 118_377),
        ("dbo.Orders", 274_951),
        ("dbo.OrderLines", 824_117),
        ("dbo.Products", 1_904),
        ("dbo.ProductCategories", 42),
        ("dbo.Payments", 251_338),
        ("hr.Employees", 318),
        ("hr.Departments", 9),
        ("dbo.AuditLog", 402_260),
        ("dbo.Settings", 1),
        ("dbo.ImportQueue", 0),
    ];
    let mut facts = empty_run();
    facts.target = Some(TargetFacts {
        location: "postgresql://loader@db1.example:5432/shop?sslmode=verify-full".to_owned(),
        server_version: "PostgreSQL 17.5".to_owned(),
        embedded: false,
    });
    facts.verdict = Verdict {
        state: VerdictState::Migrated,
        sentence: "12 tables, 1,964,719 rows, contents proven equal by one witness, all but 2 columns also by a second".to_owned(),
        guarantee: "read from a frozen file, so both readings saw the same rows".to_owned(),
    };
    facts.tables = sizes.iter().map(|(name, rows)| validated_table(name, *rows)).collect();
    facts.tables[0].losses = vec![
        loss("Notes", LossKind::NulReplaced, 14, "CustomerID"),
        loss("CreatedAt", LossKind::FractionCut, 90_117, "CustomerID"),
    ];
    for (table, column) in [(0, "Notes"), (9, "Payload")] {
        if let Some(measures) = &mut facts.tables[table].measures {
            measures.counted_only.push((column.to_owned(), "its text was altered".to_owned()));
        }
    }
    facts.tables[9].losses = vec![loss("Payload", LossKind::NulReplaced, 3, "EntryID")];
    facts.findings = planning_findings();
    facts.unconverted = unconverted();
    facts.converted =
        [("tables", 12), ("primary keys", 12), ("foreign keys", 14), ("indexes", 21), ("checks", 6)]
            .map(|(kind, count)| (kind.to_owned(), count))
            .to_vec();
    facts.phases = phases(&[
        ("extract", 0.412),
        ("audit", 21.9),
        ("plan", 0.037),
        ("create", 0.208),
        ("load", 48.31),
        ("finish", 17.62),
        ("validate", 39.04),
    ]);
    facts.settings = [("mapping.nul", "replace"), ("load.jobs", "4"), ("mapping.schemas.dbo", "public")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
    facts
}

/// A run with a table whose contents differ, a table that lost rows to rejects, hostile names, and
/// a phase that was repeated.
pub(crate) fn failed_run() -> Facts {
    let mut facts = validated_run();
    facts.database = "Shop <b>& co</b>".to_owned();
    facts.verdict = Verdict {
        state: VerdictState::Failed,
        sentence: "2 of 13 tables failed: contents differ in 1, and 3 rows were rejected in 1".to_owned(),
        guarantee: "read from a frozen file, so both readings saw the same rows".to_owned(),
    };
    let differing = &mut facts.tables[2];
    differing.status = TableStatus::Failed;
    differing.digest_read = Some("0".repeat(32));
    differing.differing_columns = vec!["Freight".to_owned(), "ShipName|<i>".to_owned()];
    differing.checks[1] = CheckOutcome {
        check: "contents".to_owned(),
        passed: false,
        detail: "the digests differ in Freight and ShipName".to_owned(),
    };
    differing.differences = Some(differences());
    let mut hostile = validated_table(HOSTILE, 500);
    hostile.measures =
        Some(MeasureFacts { counted_only: vec![(HOSTILE.to_owned(), "altered".to_owned())], ..measures() });
    hostile.status = TableStatus::Failed;
    hostile.loaded_rows = Some(497);
    hostile.target_rows = Some(497);
    hostile.rejected_rows = 3;
    hostile.columns[1].source = HOSTILE.to_owned();
    hostile.columns[1].default = Some("'</pre><script>alert(1)</script>'::text".to_owned());
    hostile.losses = vec![Loss {
        column: HOSTILE.to_owned(),
        kind: LossKind::NulReplaced,
        count: 1,
        samples: vec![format!("Key={HOSTILE}")],
    }];
    hostile.checks[0] = CheckOutcome {
        check: "row-counts".to_owned(),
        passed: false,
        detail: "3 rows were rejected".to_owned(),
    };
    facts.tables.push(hostile);
    let mut rejected = Finding::new(
        "rows-rejected",
        Severity::Blocker,
        HOSTILE,
        "3 rows hold text with NUL characters, which PostgreSQL cannot store",
        "set mapping.nul to replace or strip, or mend the rows in the source",
    );
    rejected.count = Some(3);
    rejected.samples = vec!["ID=7".to_owned(), "ID=<script>12</script>".to_owned(), "ID=40".to_owned()];
    facts.findings.insert(0, rejected);
    facts.unconverted.push(Unconverted {
        kind: "trigger".to_owned(),
        object: HOSTILE.to_owned(),
        reason: "the text uses <script> and ``` fences".to_owned(),
        text: Some("create trigger t as\n```\n</details></pre><script>alert(2)</script>\n````\n".to_owned()),
    });
    facts.phases[4].runs = 3;
    facts.settings.push(("audit.rule|<x>".to_owned(), "a|b\nsecond line".to_owned()));
    facts
}

/// A run of many tables, in the middle of its load.
pub(crate) fn large_run(tables: u64) -> Facts {
    let mut facts = validated_run();
    facts.verdict = Verdict {
        state: VerdictState::Incomplete,
        sentence: format!("{tables} tables are planned, some of them are loaded"),
        guarantee: "read from a frozen file, so both readings saw the same rows".to_owned(),
    };
    facts.tables = (0..tables)
        .map(|number| {
            let mut table =
                validated_table(&format!("sales.Archive_{number:03}_OfOrders"), 37 * number * number);
            table.status = match number % 4 {
                0 => TableStatus::Planned,
                1 => TableStatus::Loading,
                2 => TableStatus::Loaded,
                _ => TableStatus::Finished,
            };
            table.target_rows = None;
            table.digest_read = None;
            table.checks.clear();
            if table.status == TableStatus::Planned {
                table.loaded_rows = None;
                table.digest_sent = None;
            }
            table
        })
        .collect();
    for number in 0..30 {
        facts.findings.push(Finding::new(
            "name-folded",
            Severity::Info,
            format!("sales.Archive_{number:03}_OfOrders"),
            "the name is written in lower case",
            "write SQL with the new name",
        ));
    }
    facts
}

fn validated_table(source: &str, rows: u64) -> TableFacts {
    let digest =
        format!("{:032x}", u128::from(rows + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    TableFacts {
        source: source.to_owned(),
        target: source.to_lowercase().replace("dbo.", "public."),
        status: TableStatus::Validated,
        baseline_rows: Some(rows),
        loaded_rows: Some(rows),
        rejected_rows: 0,
        target_rows: Some(rows),
        bytes: rows * 93,
        // Milliseconds: serde_json reads back as many digits exactly.
        seconds: (rows as f64 / 65.536).round() / 1000.0,
        digest_sent: Some(digest.clone()),
        digest_read: Some(digest),
        differing_columns: Vec::new(),
        differences: None,
        measures: Some(measures()),
        columns: columns(rows),
        losses: Vec::new(),
        checks: [
            ("row-counts", format!("{rows} rows in the source, as many loaded and read back")),
            ("contents", "the digest of the rows sent is that of the rows read back".to_owned()),
            ("keys", "the primary key is unique, foreign keys hold".to_owned()),
            ("columns", "types and nullability are as planned".to_owned()),
        ]
        .map(|(check, detail)| CheckOutcome { check: check.to_owned(), passed: true, detail })
        .to_vec(),
    }
}

fn measures() -> MeasureFacts {
    MeasureFacts { equal: 23, different: 0, counted_only: Vec::new(), by_server: false }
}

fn differences() -> Differences {
    let row = |kind, key: &str, columns: &[&str], values: &[(Option<&str>, Option<&str>)]| RowDifference {
        kind,
        key: key.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        values: values.iter().map(|(a, b)| (a.map(str::to_owned), b.map(str::to_owned))).collect(),
    };
    let rows = vec![
        row(DifferenceKind::Changed, "OrderID=10251", &["Freight"], &[(Some("41.3400"), Some("41.3500"))]),
        row(
            DifferenceKind::Changed,
            "OrderID=10260",
            &["Freight", "ShipName|<i>"],
            &[(Some("55.0900"), None), (Some("<b>Ottilies"), Some(""))],
        ),
        row(DifferenceKind::Missing, "OrderID=10277", &[], &[]),
        row(DifferenceKind::Extra, "OrderID=99999", &[], &[]),
        row(DifferenceKind::Doubled, &format!("Key={HOSTILE}"), &[], &[]),
    ];
    let split = |split: Option<u32>, locator: Option<&str>, rows, is_as_sent| SplitDifference {
        split,
        locator: locator.map(str::to_owned),
        rows,
        is_as_sent,
    };
    let splits = vec![
        split(Some(1), Some("([OrderID] < 10300)"), 9, Some(true)),
        split(Some(4), Some("([OrderID] >= 10900)"), 4, Some(false)),
        split(None, None, 1, None),
    ];
    Differences { total: 14, rows, splits }
}

fn columns(rows: u64) -> Vec<ColumnFacts> {
    let column = |source: &str, source_type: &str, target_type: &str, fidelity: &str| ColumnFacts {
        source: source.to_owned(),
        source_type: source_type.to_owned(),
        target: source.to_lowercase(),
        target_type: target_type.to_owned(),
        fidelity: fidelity.to_owned(),
        note: None,
        nullable: false,
        default: None,
        nulls: Some(0),
        empty: None,
        distinct: None,
        minimum: None,
        maximum: None,
        longest: None,
    };
    let mut id = column("ID", "int", "integer", "exact");
    (id.distinct, id.minimum, id.maximum) = (Some(rows), Some("1".to_owned()), Some(rows.to_string()));
    id.default = Some("generated by default as identity".to_owned());
    let mut name = column("Name", "nvarchar(80)", "varchar(80)", "wider");
    name.note = Some("varchar counts characters, nvarchar counts UTF-16 units".to_owned());
    (name.empty, name.distinct, name.longest) = (Some(rows / 50), Some(rows / 2), Some(64));
    (name.minimum, name.maximum) = (Some("Abel & Söhne".to_owned()), Some("Żubrówka sp. z o.o.".to_owned()));
    let mut notes = column("Notes", "nvarchar(max)", "text", "exact");
    notes.nullable = true;
    notes.nulls = Some(rows / 3);
    (notes.empty, notes.longest) = (Some(rows / 7), Some(18_412));
    let mut total = column("Total", "money", "numeric(19,4)", "exact");
    total.default = Some("0".to_owned());
    (total.minimum, total.maximum) = (Some("-120.5000".to_owned()), Some("922337203685477.5807".to_owned()));
    let mut changed = column("ChangedAt", "datetime2(7)", "timestamp(6)", "lossy");
    changed.note = Some("the seventh digit of the fraction is cut".to_owned());
    changed.nullable = true;
    changed.nulls = Some(rows - rows / 9);
    vec![id, name, notes, total, changed]
}

fn loss(column: &str, kind: LossKind, count: u64, key: &str) -> Loss {
    let samples = (1..=count.min(10)).map(|number| format!("{key}={}", number * 7919)).collect();
    Loss { column: column.to_owned(), kind, count, samples }
}

fn planning_findings() -> Vec<Finding> {
    let mut orphans = Finding::new(
        "foreign-key-orphans",
        Severity::Warning,
        "dbo.OrderLines.FK_OrderLines_Orders",
        "17 rows name an order that does not exist; the constraint stays NOT VALID",
        "mend the rows, then run: alter table order_lines validate constraint fk_orderlines_orders",
    );
    orphans.count = Some(17);
    orphans.samples = (1..=10).map(|number| format!("OrderID={}, Line=1", number * 911)).collect();
    let mut email = Finding::new(
        "invalid-email",
        Severity::Warning,
        "dbo.Customers.Email",
        "values are not e-mail addresses",
        "mend them at the source before they are used",
    );
    email.count = Some(231);
    email.samples = vec!["CustomerID=31".to_owned(), "CustomerID=77".to_owned()];
    let cut = |object: &str| {
        Finding::new(
            "fraction-cut",
            Severity::Info,
            object,
            "timestamp keeps six digits of datetime2(7)",
            "nothing, unless 100 ns matter",
        )
    };
    vec![
        orphans,
        email,
        cut("dbo.Customers.CreatedAt"),
        cut("dbo.Orders.ChangedAt"),
        cut("dbo.Payments.PaidAt"),
    ]
}

fn unconverted() -> Vec<Unconverted> {
    let object = |kind: &str, object: &str, reason: &str, text: Option<&str>| Unconverted {
        kind: kind.to_owned(),
        object: object.to_owned(),
        reason: reason.to_owned(),
        text: text.map(str::to_owned),
    };
    vec![
        object(
            "view",
            "dbo.vOpenOrders",
            "T-SQL is not converted by this version",
            Some(
                "create view dbo.vOpenOrders as\nselect o.OrderID, o.Total\nfrom dbo.Orders as o\nwhere o.ShippedAt is null;",
            ),
        ),
        object(
            "view",
            "dbo.vTopCustomers",
            "T-SQL is not converted by this version",
            Some(
                "create view dbo.vTopCustomers as select top (10) * from dbo.Customers order by Total desc;",
            ),
        ),
        object(
            "procedure",
            "dbo.PlaceOrder",
            "T-SQL is not converted by this version",
            Some("create procedure dbo.PlaceOrder @id int as begin set nocount on; end"),
        ),
        object("procedure", "dbo.Encrypted", "the source holds no text: it is encrypted", None),
        object("synonym", "dbo.OldOrders", "PostgreSQL has no synonyms", None),
    ]
}

fn phases(durations: &[(&str, f64)]) -> Vec<PhaseFacts> {
    durations
        .iter()
        .enumerate()
        .map(|(number, (phase, seconds))| PhaseFacts {
            phase: (*phase).to_owned(),
            started_at: format!("2025-01-31T12:0{number}:00Z"),
            seconds: *seconds,
            runs: 1,
        })
        .collect()
}
