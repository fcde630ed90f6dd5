//! Plans of made-up databases: each test holds the smallest catalog that shows its promise.

use super::*;
use crate::ddl;
use crate::encode::Encoder;
use crate::plan::{FidelityPlan, IdentityPlan};
use crate::settings::{CaseFolding, ColumnSettings, Transform};
use mssql2pg_catalog::{
    CheckConstraint, CodeKind, CodeObject, Column, Computed, DefaultValue, ExtendedProperty, ForeignKey,
    Identity, Index, IndexColumn, IndexKind, Key, Length, ObjectName, Principal, PrincipalKind,
    ReferentialAction, Sequence, Severity, SqlType, Synonym,
};

fn required(name: &str, sql_type: SqlType) -> Column {
    Column { nullable: false, ..Column::new(name, sql_type) }
}

fn text(length: u16) -> SqlType {
    SqlType::NVarChar { length: Length::limited(length) }
}

fn default(text: &str) -> Option<DefaultValue> {
    Some(DefaultValue { name: None, text: text.to_owned() })
}

fn computed(name: &str, text: &str) -> Column {
    Column {
        computed: Some(Computed { text: text.to_owned(), persisted: false }),
        ..Column::new(name, SqlType::Unknown { name: String::new() })
    }
}

fn key(name: Option<&str>, columns: &[&str]) -> Key {
    let column = |name: &&str| IndexColumn { name: (*name).to_owned(), descending: false };
    Key { name: name.map(str::to_owned), columns: columns.iter().map(column).collect(), clustered: true }
}

fn index(name: &str, columns: &[&str]) -> Index {
    Index {
        name: name.to_owned(),
        kind: IndexKind::BTree,
        unique: false,
        clustered: false,
        columns: key(None, columns).columns,
        included: Vec::new(),
        filter: None,
        disabled: false,
    }
}

fn foreign_key(name: Option<&str>, columns: &[&str], table: ObjectName, referenced: &[&str]) -> ForeignKey {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ForeignKey {
        name: name.map(str::to_owned),
        columns: owned(columns),
        referenced_table: table,
        referenced_columns: owned(referenced),
        on_delete: ReferentialAction::NoAction,
        on_update: ReferentialAction::NoAction,
        trusted: true,
        disabled: false,
    }
}

fn check(name: Option<&str>, text: &str) -> CheckConstraint {
    CheckConstraint { name: name.map(str::to_owned), text: text.to_owned(), trusted: true, disabled: false }
}

fn table(name: &str, columns: Vec<Column>) -> Table {
    Table { name: ObjectName::new("dbo", name), columns, ..Table::default() }
}

fn catalog(tables: Vec<Table>) -> Catalog {
    Catalog { tables, ..Catalog::default() }
}

fn plan(catalog: &Catalog) -> DatabasePlan {
    plan_database(catalog, &MappingSettings::default()).expect("default settings fit every catalog")
}

fn codes(plan: &DatabasePlan) -> Vec<&str> {
    plan.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// A small shop with most of what tables have.
fn shop() -> Catalog {
    let customers = Table {
        primary_key: Some(key(Some("PK_Customers"), &["CustomerID"])),
        unique: vec![key(None, &["Email"])],
        extended_properties: vec![
            ExtendedProperty {
                object: "dbo.Customers".to_owned(),
                column: None,
                name: "MS_Description".to_owned(),
                value: "Who buys; it's all here".to_owned(),
            },
            ExtendedProperty {
                object: "dbo.Customers.Email".to_owned(),
                column: Some("Email".to_owned()),
                name: "MS_Description".to_owned(),
                value: "unique".to_owned(),
            },
        ],
        ..table(
            "Customers",
            vec![
                Column {
                    identity: Some(Identity { seed: 1, increment: 1, last_value: Some(7) }),
                    ..required("CustomerID", SqlType::Int)
                },
                Column::new("Email", text(100)),
                Column { default: default("((1))"), ..required("IsActive", SqlType::Bit) },
            ],
        )
    };
    let orders = Table {
        primary_key: Some(key(None, &["Order", "Line No"])),
        foreign_keys: vec![ForeignKey {
            on_delete: ReferentialAction::Cascade,
            trusted: false,
            ..foreign_key(None, &["CustomerID"], ObjectName::new("dbo", "Customers"), &["CustomerID"])
        }],
        checks: vec![
            check(None, "[Quantity]>(0)"),
            CheckConstraint { trusted: false, ..check(Some("CK_Old"), "[Price]>=(0)") },
        ],
        indexes: vec![
            Index {
                included: vec!["Price".to_owned(), "Note".to_owned()],
                filter: Some("([Quantity]>(10))".to_owned()),
                ..index("IX_Customer", &["CustomerID"])
            },
            Index { unique: true, ..index("UX_Note", &["Price"]) },
        ],
        ..table(
            "Order Details",
            vec![
                required("Order", SqlType::Int),
                required("Line No", SqlType::SmallInt),
                Column::new("CustomerID", SqlType::Int),
                required("Quantity", SqlType::Int),
                Column::new("Price", SqlType::Money),
                Column::new("Note", SqlType::NVarChar { length: Length::MAX }),
                Column { default: default("(getdate())"), ..required("CreatedAt", SqlType::DateTime) },
                computed("Total", "([Price]*[Quantity])"),
            ],
        )
    };
    Catalog { schemas: vec!["Sales".to_owned(), "guest".to_owned()], ..catalog(vec![customers, orders]) }
}

#[test]
fn a_plan_is_the_same_byte_for_byte_every_time() {
    let text = |plan: &DatabasePlan| serde_json::to_string(plan).expect("a plan is JSON");
    let first = plan(&shop());
    assert_eq!(text(&first), text(&plan(&shop())));
    let read: DatabasePlan = serde_json::from_str(&text(&first)).expect("a plan reads back");
    assert_eq!(read, first);
}

#[test]
fn tables_are_created_without_keys_and_in_readable_lines() {
    let plan = plan(&shop());
    assert_eq!(plan.schemas, ["sales"]);
    assert_eq!(ddl::create_schemas(&plan), ["create schema if not exists sales"]);
    assert_eq!(
        ddl::create_table(&plan.tables[0]),
        "create table public.customers (\n    \
         customerid integer generated by default as identity (start with 1 increment by 1) not null,\n    \
         email varchar(100),\n    \
         isactive boolean default true not null\n)"
    );
    assert_eq!(
        ddl::create_table(&plan.tables[1]),
        "create table public.\"order details\" (\n    \
         \"order\" integer not null,\n    \
         \"line no\" smallint not null,\n    \
         customerid integer,\n    \
         quantity integer not null,\n    \
         price numeric(19,4),\n    \
         note text,\n    \
         createdat timestamp(3) default localtimestamp(3) not null,\n    \
         total numeric(19,4) generated always as (price * quantity) stored\n)"
    );
    assert_eq!(
        ddl::copy_in(&plan.tables[1]),
        "copy public.\"order details\" (\"order\", \"line no\", customerid, quantity, price, note, createdat) \
         from stdin (format binary)"
    );
    assert_eq!(
        ddl::copy_out(&plan.tables[0]),
        "copy (select customerid, email, isactive from public.customers) to stdout (format binary)"
    );
}

fn lines(statements: Vec<ddl::Statement>) -> Vec<String> {
    statements.into_iter().map(|one| format!("{}: {}", one.step, one.sql)).collect()
}

#[test]
fn keys_indexes_and_constraints_are_statements_of_their_own() {
    let plan = plan(&shop());
    let [customers, details] = plan.tables.as_slice() else { panic!("two tables") };
    assert_eq!(
        lines(ddl::primary_key(customers).into_iter().chain(ddl::primary_key(details)).collect()),
        [
            "primary-key public.customers: alter table public.customers add constraint pk_customers primary key (customerid)",
            "primary-key public.\"order details\": alter table public.\"order details\" add constraint \
             \"order details_pkey\" primary key (\"order\", \"line no\")",
        ]
    );
    assert_eq!(
        lines(ddl::unique(customers, 15)),
        ["unique public.customers.customers_email_key: alter table public.customers add constraint \
          customers_email_key unique nulls not distinct (email)"]
    );
    assert!(lines(ddl::unique(customers, 14))[0].ends_with("unique (email)"));
    assert_eq!(
        lines(ddl::indexes(details, 15)),
        [
            "index public.ix_customer: create index ix_customer on public.\"order details\" (customerid) \
             include (price) where quantity > 10",
            "index public.ux_note: create unique index ux_note on public.\"order details\" (price) nulls not distinct",
        ]
    );
    assert_eq!(
        lines(ddl::foreign_keys_not_valid(details)),
        [
            "foreign-key public.\"order details\".order details_customerid_fkey: alter table public.\"order details\" \
          add constraint \"order details_customerid_fkey\" foreign key (customerid) references public.customers \
          (customerid) on delete cascade not valid"
        ]
    );
    assert_eq!(
        lines(ddl::validate_foreign_keys(details)),
        ["validate-foreign-key public.\"order details\".order details_customerid_fkey: alter table \
          public.\"order details\" validate constraint \"order details_customerid_fkey\""]
    );
    assert_eq!(
        lines(ddl::checks(details)),
        [
            "check public.\"order details\".order details_quantity_check: alter table public.\"order details\" add \
             constraint \"order details_quantity_check\" check (quantity > 0)",
            "check public.\"order details\".ck_old: alter table public.\"order details\" add constraint ck_old \
             check (price >= 0) not valid",
            "validate-check public.\"order details\".ck_old: alter table public.\"order details\" validate constraint ck_old",
        ]
    );
    assert_eq!(
        lines(ddl::comments(customers)),
        [
            "comment public.customers: comment on table public.customers is 'Who buys; it''s all here'",
            "comment public.customers.email: comment on column public.customers.email is 'unique'",
        ]
    );
    assert!(!details.foreign_keys[0].trusted);
    for code in ["untrusted-foreign-key", "untrusted-check", "included-column-left-out"] {
        assert!(codes(&plan).contains(&code), "{code}");
    }
}

#[test]
fn every_finding_has_a_listed_code_and_advice() {
    assert!(FINDING_CODES.is_sorted_by_key(|(code, _)| code));
    let mut shop = shop();
    shop.database.collation = Some("SQL_Latin1_General_CP1_CI_AS".to_owned());
    shop.tables.push(Table {
        traits: ["system-versioned", "memory-optimized", "graph-edge", "shiny"].map(str::to_owned).to_vec(),
        ..table("Odd", vec![Column { encrypted: true, ..Column::new("Secret", SqlType::Int) }])
    });
    let plan = plan(&shop);
    assert!(plan.findings.len() > 8);
    for finding in &plan.findings {
        assert!(FINDING_CODES.iter().any(|(code, _)| *code == finding.code), "{}", finding.code);
        assert!(!finding.advice.is_empty() && !finding.message.ends_with('.'), "{}", finding.code);
    }
}

#[test]
fn a_computed_column_that_is_not_converted_takes_what_stands_on_it_along() {
    let source = Table {
        indexes: vec![index("IX_Hash", &["Hash"])],
        ..table(
            "T",
            vec![
                required("A", SqlType::Int),
                computed("Hash", "checksum([A])"),
                Column::new("B", SqlType::Int),
            ],
        )
    };
    let plan = plan(&catalog(vec![source]));
    let table = &plan.tables[0];
    let columns: Vec<(&str, Option<usize>)> =
        table.columns.iter().map(|column| (column.name.as_str(), column.source_ordinal)).collect();
    assert_eq!(columns, [("a", Some(0)), ("b", Some(1))]);
    assert!(table.indexes.is_empty());
    let left: Vec<(&str, &str, &str)> = plan
        .unconverted
        .iter()
        .map(|one| (one.kind.as_str(), one.object.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("computed column", "dbo.T.Hash", "it calls the function checksum, which is not converted"),
            ("index", "dbo.T.IX_Hash", "its column Hash is not carried over"),
        ]
    );
    assert_eq!(plan.unconverted[0].text.as_deref(), Some("checksum([A])"));
    assert!(codes(&plan).contains(&"computed-column-left-out"));
}

#[test]
fn checks_and_indexes_may_stand_on_a_generated_column() {
    let source = Table {
        checks: vec![check(Some("CK"), "[Total]<(100.0)")],
        indexes: vec![index("IX", &["Total"])],
        ..table("T", vec![Column::new("Price", SqlType::Money), computed("Total", "[Price]*(2)")])
    };
    let plan = plan(&catalog(vec![source]));
    assert_eq!(plan.tables[0].checks[0].expression, "total < 100.0");
    assert_eq!(plan.tables[0].indexes[0].columns, [("total".to_owned(), false)]);
    assert_eq!(plan.tables[0].columns[1].source_ordinal, None);
    assert_eq!(plan.tables[0].columns[1].pg_type, "numeric(19,4)");
}

#[test]
fn identities_are_integers_in_postgresql() {
    let identity = |seed, increment, last_value| Some(Identity { seed, increment, last_value });
    let check = |sql_type: SqlType,
                 identity: Option<Identity>,
                 pg_type: &str,
                 expected: Option<IdentityPlan>,
                 code: Option<&str>,
                 ddl: &str| {
        let source = table("T", vec![Column { identity, ..required("Id", sql_type) }]);
        let plan = plan(&catalog(vec![source]));
        let column = &plan.tables[0].columns[0];
        assert_eq!((column.pg_type.as_str(), &column.identity), (pg_type, &expected));
        let found: Vec<&str> = codes(&plan).into_iter().filter(|code| code.starts_with("identity")).collect();
        assert_eq!(found, code.into_iter().collect::<Vec<_>>());
        assert!(ddl::create_table(&plan.tables[0]).contains(ddl), "{}", ddl::create_table(&plan.tables[0]));
    };
    let planned = |start, increment, last_value| Some(IdentityPlan { start, increment, last_value });
    check(
        SqlType::TinyInt,
        identity(1, 1, None),
        "smallint",
        planned(1, 1, None),
        None,
        "(start with 1 increment by 1)",
    );
    check(
        SqlType::BigInt,
        identity(0, 5, None),
        "bigint",
        planned(0, 5, None),
        None,
        "increment by 5 minvalue 0)",
    );
    check(SqlType::Int, identity(1, 1, Some(-3)), "integer", planned(1, 1, Some(-3)), None, "minvalue -3)");
    check(SqlType::Int, identity(100, -1, None), "integer", planned(100, -1, None), None, "maxvalue 100)");
    let decimal = |precision| SqlType::Decimal { precision, scale: 0 };
    check(
        decimal(18),
        identity(1, 1, Some(9)),
        "bigint",
        planned(1, 1, Some(9)),
        Some("identity-type-changed"),
        "bigint generated",
    );
    check(
        decimal(38),
        identity(1, 1, None),
        "numeric(38,0)",
        None,
        Some("identity-left-out"),
        "id numeric(38,0) not null",
    );
    let huge = 10_i128.pow(30);
    check(
        SqlType::BigInt,
        identity(huge, 1, None),
        "bigint",
        None,
        Some("identity-left-out"),
        "id bigint not null",
    );
}

#[test]
fn an_offset_can_have_a_column_of_its_own() {
    let source = table(
        "T",
        vec![
            Column {
                default: default("(sysdatetimeoffset())"),
                ..required("At", SqlType::DateTimeOffset { scale: 7 })
            },
            Column::new("B", SqlType::Int),
        ],
    );
    let settings = MappingSettings {
        columns: BTreeMap::from([(
            "dbo.T.At".to_owned(),
            ColumnSettings { pg_type: Some("timestamptz+offset".to_owned()), ..ColumnSettings::default() },
        )]),
        ..MappingSettings::default()
    };
    let plan = plan_database(&catalog(vec![source]), &settings).expect("a plan");
    let found: Vec<_> = plan.tables[0]
        .columns
        .iter()
        .map(|column| {
            (column.name.as_str(), column.pg_type.as_str(), column.source_ordinal, column.default.as_deref())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("at", "timestamptz(6)", Some(0), Some("now()")),
            ("at_offset", "smallint", Some(0), Some("0")),
            ("b", "integer", Some(1), None),
        ]
    );
    assert_eq!(plan.tables[0].columns[1].encoder, Encoder::OffsetMinutes);
    assert_eq!(plan.tables[0].columns[1].source, "At");
}

#[test]
fn the_advice_about_an_offset_names_the_type_that_keeps_it() {
    let advice = |scale, pg_type: Option<&str>| {
        let settings = MappingSettings {
            columns: BTreeMap::from([(
                "dbo.T.At".to_owned(),
                ColumnSettings { pg_type: pg_type.map(str::to_owned), ..ColumnSettings::default() },
            )]),
            ..MappingSettings::default()
        };
        let source = table("T", vec![Column::new("At", SqlType::DateTimeOffset { scale })]);
        let plan = plan_database(&catalog(vec![source]), &settings).expect("a plan");
        plan.findings.into_iter().find(|finding| finding.code == "lossy-type").map(|finding| finding.advice)
    };
    let keeps = |advice: Option<String>| advice.is_some_and(|advice| advice.contains("timestamptz+offset"));
    assert!(keeps(advice(3, None)));
    assert!(keeps(advice(7, None)));
    assert!(advice(7, None).is_some_and(|advice| advice.contains("accept the loss of the last digit")));
    let chosen = advice(7, Some("timestamptz+offset"));
    assert!(chosen.is_some_and(|advice| advice.starts_with("accept the loss")));
    assert_eq!(advice(3, Some("timestamptz+offset")), None);
}

#[test]
fn names_that_meet_in_a_table_or_schema_are_told_apart() {
    let source = vec![
        Table {
            indexes: vec![index("City", &["xmin"])],
            ..table("Orders", vec![Column::new("xmin", SqlType::Int)])
        },
        Table {
            indexes: vec![index("City", &["Id"])],
            ..table("ORDERS", vec![Column::new("Id", SqlType::Int), Column::new("ID", SqlType::Int)])
        },
        table("City", vec![Column::new("A", SqlType::Int)]),
    ];
    let plan = plan(&catalog(source));
    let names: Vec<&str> = plan.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["orders_2", "orders", "city"]);
    assert_eq!(plan.tables[0].columns[0].name, "xmin_2");
    let columns: Vec<&str> = plan.tables[1].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["id_2", "id"]);
    assert_eq!(plan.tables[0].indexes[0].name, "orders_2_city");
    assert_eq!(plan.tables[1].indexes[0].name, "orders_city");
    assert_eq!(plan.tables[1].indexes[0].columns[0].0, "id_2");
    let collisions = plan.findings.iter().filter(|finding| finding.code == "identifier-collision");
    let of = |severity| collisions.clone().filter(|finding| finding.severity == severity).count();
    assert_eq!((of(Severity::Warning), of(Severity::Info)), (3, 2));
}

#[test]
fn schemas_follow_the_settings_and_dbo_is_public() {
    let in_schema = |schema: &str, name: &str| Table {
        name: ObjectName::new(schema, name),
        ..table(name, vec![Column::new("A", SqlType::Int)])
    };
    let source = catalog(vec![
        in_schema("dbo", "A"),
        in_schema("SalesLT", "B"),
        in_schema("pg_x", "C"),
        in_schema("HR", "D"),
    ]);
    let settings = MappingSettings {
        case: CaseFolding::SnakeCase,
        schemas: BTreeMap::from([("HR".to_owned(), "people".to_owned())]),
        ..MappingSettings::default()
    };
    let plan = plan_database(&source, &settings).expect("a plan");
    let names: Vec<String> = plan.tables.iter().map(TablePlan::sql_name).collect();
    assert_eq!(names, ["public.a", "sales_lt.b", "source_pg_x.c", "people.d"]);
    assert_eq!(plan.schemas, ["people", "sales_lt", "source_pg_x"]);
}

#[test]
fn foreign_keys_need_a_table_and_a_unique_key() {
    let target = Table {
        indexes: vec![Index { unique: true, ..index("UX", &["B", "C"]) }],
        ..table(
            "Target",
            vec![
                Column::new("A", SqlType::Int),
                Column::new("B", SqlType::Int),
                Column::new("C", SqlType::Int),
            ],
        )
    };
    let to = |columns: &[&str]| {
        foreign_key(
            Some(&format!("FK_{}", columns.concat())),
            &["X", "Y"][..columns.len()],
            ObjectName::new("dbo", "Target"),
            columns,
        )
    };
    let source = Table {
        foreign_keys: vec![
            to(&["C", "B"]),
            to(&["A"]),
            foreign_key(Some("FK_Gone"), &["X"], ObjectName::new("dbo", "Gone"), &["A"]),
            ForeignKey { disabled: true, ..to(&["B", "C"]) },
        ],
        ..table("Source", vec![Column::new("X", SqlType::Int), Column::new("Y", SqlType::Int)])
    };
    let plan = plan(&catalog(vec![target, source]));
    let keys: Vec<(&str, bool)> =
        plan.tables[1].foreign_keys.iter().map(|key| (key.name.as_str(), key.trusted)).collect();
    assert_eq!(keys, [("fk_cb", true), ("fk_bc", false)]);
    let reasons: Vec<&str> = plan.unconverted.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "PostgreSQL needs a primary key or unique constraint on the columns of dbo.Target that it references",
            "the table dbo.Gone that it references is not carried over",
        ]
    );
}

#[test]
fn sequences_keep_their_range() {
    let sequence = |name: &str, sql_type: SqlType, start: i128, increment: i128| Sequence {
        name: ObjectName::new("dbo", name),
        sql_type,
        start,
        increment,
        minimum: None,
        maximum: None,
        cycle: false,
        current_value: None,
    };
    let huge = 10_i128.pow(30);
    let source = Catalog {
        sequences: vec![
            Sequence { current_value: Some(5), ..sequence("A", SqlType::BigInt, 1, 1) },
            sequence("B", SqlType::TinyInt, 1, 1),
            Sequence {
                cycle: true,
                minimum: Some(-5),
                maximum: Some(100),
                ..sequence("C", SqlType::Int, 100, -5)
            },
            sequence("D", SqlType::BigInt, i128::from(i64::MIN), 1),
            sequence("E", SqlType::Decimal { precision: 38, scale: 0 }, 1, 1),
            sequence("F", SqlType::Decimal { precision: 38, scale: 0 }, huge, 1),
            Sequence {
                maximum: Some(huge),
                ..sequence("G", SqlType::Decimal { precision: 38, scale: 0 }, 1, 1)
            },
        ],
        tables: vec![table(
            "T",
            vec![
                Column { default: default("(NEXT VALUE FOR [dbo].[a])"), ..required("X", SqlType::Int) },
                Column { default: default("(NEXT VALUE FOR [dbo].[F])"), ..required("Y", SqlType::Int) },
            ],
        )],
        ..Catalog::default()
    };
    let plan = plan(&source);
    let sql: Vec<String> = plan.sequences.iter().map(ddl::create_sequence).collect();
    assert_eq!(
        sql,
        [
            "create sequence public.a as bigint start with 1 increment by 1",
            "create sequence public.b as smallint start with 1 increment by 1 maxvalue 255",
            "create sequence public.c as integer start with 100 increment by -5 minvalue -5 maxvalue 100 cycle",
            "create sequence public.d as bigint start with -9223372036854775808 increment by 1 minvalue -9223372036854775808",
            "create sequence public.e as bigint start with 1 increment by 1",
            "create sequence public.g as bigint start with 1 increment by 1",
        ]
    );
    assert_eq!(plan.sequences[0].last_value, Some(5));
    assert_eq!(plan.tables[0].columns[0].default.as_deref(), Some("nextval('public.a')"));
    assert_eq!(plan.tables[0].columns[1].default, None);
    let left: Vec<&str> = plan.unconverted.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(left, ["sequence", "default"]);
}

#[test]
fn settings_change_types_and_values() {
    let source = table(
        "T",
        vec![
            Column { default: default("((0))"), ..required("Flag", SqlType::Bit) },
            Column { default: default("('N')"), ..required("Answer", SqlType::Char { length: 1 }) },
            required("Name", text(10)),
        ],
    );
    let column = |pg_type: Option<&str>, transforms: &[Transform]| ColumnSettings {
        pg_type: pg_type.map(str::to_owned),
        transforms: transforms.to_vec(),
        ..ColumnSettings::default()
    };
    let settings = MappingSettings {
        types: BTreeMap::from([("bit".to_owned(), "smallint".to_owned())]),
        columns: BTreeMap::from([
            ("dbo.T.Answer".to_owned(), column(None, &[Transform::Trim, Transform::YesNo])),
            ("dbo.T.Name".to_owned(), column(Some("text"), &[Transform::NullIfEmpty])),
        ]),
        ..MappingSettings::default()
    };
    let plan = plan_database(&catalog(vec![source]), &settings).expect("a plan");
    let columns = &plan.tables[0].columns;
    assert_eq!((columns[0].pg_type.as_str(), columns[0].default.as_deref()), ("smallint", Some("0")));
    assert_eq!((columns[1].pg_type.as_str(), columns[1].default.as_deref()), ("boolean", Some("false")));
    assert_eq!((columns[1].encoder, columns[1].source_type.as_str()), (Encoder::YesNo, "char(1)"));
    assert_eq!((columns[2].pg_type.as_str(), columns[2].nullable), ("text", true));
    assert!(codes(&plan).contains(&"not-null-dropped"));
    assert!(matches!(columns[1].fidelity, FidelityPlan::Lossy(_)));
}

#[test]
fn settings_that_name_what_is_not_there_are_errors_with_a_hint() {
    let source = catalog(vec![Table {
        primary_key: Some(key(None, &["Name"])),
        ..table(
            "Orders",
            vec![Column::new("Flag", SqlType::Bit), required("Name", text(10)), computed("C", "[Flag]")],
        )
    }]);
    let check = |settings: MappingSettings, message: &str, hint: &str| {
        let error = plan_database(&source, &settings).expect_err(message);
        assert_eq!((error.message.as_str(), error.hint.as_str()), (message, hint));
        assert_eq!(error.to_string(), message);
    };
    let column = |name: &str, pg_type: Option<&str>, transforms: &[Transform]| MappingSettings {
        columns: BTreeMap::from([(
            name.to_owned(),
            ColumnSettings {
                pg_type: pg_type.map(str::to_owned),
                transforms: transforms.to_vec(),
                ..ColumnSettings::default()
            },
        )]),
        ..MappingSettings::default()
    };
    let types = |name: &str, target: &str| MappingSettings {
        types: BTreeMap::from([(name.to_owned(), target.to_owned())]),
        ..MappingSettings::default()
    };
    let schemas = |name: &str, target: &str| MappingSettings {
        schemas: BTreeMap::from([(name.to_owned(), target.to_owned())]),
        ..MappingSettings::default()
    };
    check(
        column("dbo.Orders.Flg", Some("smallint"), &[]),
        "the settings name the column dbo.Orders.Flg, which the source does not have",
        "did you mean dbo.Orders.Flag?",
    );
    check(
        column("dbo.Orders.Flag", Some("uuid"), &[]),
        "dbo.Orders.Flag is bit and cannot become uuid",
        "it can become boolean, smallint, integer",
    );
    check(
        column("dbo.Orders.Flag", None, &[Transform::Trim]),
        "the settings transform dbo.Orders.Flag, which is bit and no text",
        "transforms are for columns of type char, nchar, varchar, nvarchar, text and ntext",
    );
    check(
        column("dbo.Orders.Name", None, &[Transform::YesNo, Transform::Trim]),
        "the transform yes_no of dbo.Orders.Name is not the last one",
        "nothing can follow yes_no: its result is no text any more",
    );
    check(
        column("dbo.Orders.Name", None, &[Transform::NullIfEmpty]),
        "the transform null_if_empty of dbo.Orders.Name would put NULL into a primary key",
        "leave the transform out for this column",
    );
    check(
        column("dbo.Orders.C", Some("text"), &[]),
        "the settings change dbo.Orders.C, which is a computed column",
        "its type and values follow from its expression; change the columns it is computed from, or leave it out with leave_out",
    );
    check(
        types("bitt", "smallint"),
        "the settings name the type bitt, which SQL Server does not have",
        "did you mean bit?",
    );
    check(types("bit", "uuid"), "bit cannot become uuid", "it can become boolean, smallint, integer");
    check(
        schemas("dbp", "x"),
        "the settings name the schema dbp, which the source does not have",
        "did you mean dbo?",
    );
    check(
        schemas("dbo", "mssql2pg"),
        "the schema dbo cannot become \"mssql2pg\" in PostgreSQL",
        "the ledger is kept in that schema; choose another name",
    );
    check(
        schemas("dbo", "pg_x"),
        "the schema dbo cannot become \"pg_x\" in PostgreSQL",
        "a schema's name has 1 to 63 bytes and does not begin with pg_",
    );
}

#[test]
fn what_is_not_carried_over_is_listed_with_its_text() {
    let source = Catalog {
        code: vec![CodeObject {
            kind: CodeKind::View,
            name: ObjectName::new("dbo", "V"),
            parent: None,
            parameters: Vec::new(),
            returns: None,
            text: "create view V as\r\nselect 1\u{2028}drop table x".to_owned(),
            text_is_complete: true,
            missing_text: None,
        }],
        synonyms: vec![Synonym { name: ObjectName::new("dbo", "S"), target: "[other].[dbo].[T]".to_owned() }],
        principals: vec![Principal { name: "app".to_owned(), kind: PrincipalKind::User }],
        ..catalog(vec![Table {
            indexes: vec![
                Index { kind: IndexKind::Columnstore, ..index("CS", &["A"]) },
                Index { disabled: true, ..index("D", &["A"]) },
            ],
            ..table("T", vec![Column { default: default("(host_name())"), ..Column::new("A", text(10)) }])
        }])
    };
    let plan = plan(&source);
    let left: Vec<(&str, &str)> =
        plan.unconverted.iter().map(|one| (one.kind.as_str(), one.object.as_str())).collect();
    assert_eq!(
        left,
        [
            ("default", "dbo.T.A"),
            ("index", "dbo.T.CS"),
            ("index", "dbo.T.D"),
            ("view", "dbo.V"),
            ("synonym", "dbo.S")
        ]
    );
    let files = ddl::schema_files(&plan, 15);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "01-schemas.sql",
            "02-tables.sql",
            "03-keys.sql",
            "04-indexes.sql",
            "05-foreign-keys.sql",
            "06-checks.sql",
            "07-comments.sql",
            "unconverted.sql"
        ]
    );
    let unconverted = &files[7].1;
    assert!(unconverted.contains("-- select 1\n-- drop table x\n"));
    assert!(unconverted.lines().all(|line| line.is_empty() || line.starts_with("--")));
    assert!(codes(&plan).contains(&"principals"));
    let principals = plan.findings.iter().find(|finding| finding.code == "principals").expect("a finding");
    assert_eq!(principals.message, "1 user or role, 0 memberships and 0 permissions: listed, not created");
}

#[test]
fn an_encrypted_column_is_a_blocker_and_keeps_its_ciphertext() {
    let source = table("T", vec![Column { encrypted: true, ..required("Secret", SqlType::Int) }]);
    let plan = plan(&catalog(vec![source]));
    let column = &plan.tables[0].columns[0];
    assert_eq!(
        (column.pg_type.as_str(), column.encoder, column.source_type.as_str()),
        ("bytea", Encoder::Bytea, "int")
    );
    assert_eq!(plan.findings[0].code, "encrypted-column");
    assert_eq!(plan.findings[0].severity, Severity::Blocker);
}

#[test]
fn both_ends_of_a_foreign_key_follow_a_decimal_identity() {
    let number = SqlType::Decimal { precision: 18, scale: 0 };
    let parent = Table {
        primary_key: Some(key(None, &["Id"])),
        checks: vec![check(Some("CK"), "[Id]>(0)")],
        ..table(
            "Parent",
            vec![Column {
                identity: Some(Identity { seed: 1, increment: 1, last_value: None }),
                ..required("Id", number.clone())
            }],
        )
    };
    let to = |table: &str, column: &str| foreign_key(None, &["Id"], ObjectName::new("dbo", table), &[column]);
    let child = Table {
        primary_key: Some(key(None, &["Id"])),
        foreign_keys: vec![to("Parent", "Id")],
        ..table("Child", vec![required("Id", number.clone())])
    };
    let grandchild = Table {
        foreign_keys: vec![to("Child", "Id")],
        ..table("Grandchild", vec![required("Id", number.clone()), Column::new("Other", number)])
    };
    let plan = plan(&catalog(vec![grandchild, child, parent]));
    let types: Vec<&str> =
        plan.tables.iter().flat_map(|table| &table.columns).map(|column| column.pg_type.as_str()).collect();
    assert_eq!(types, ["bigint", "numeric(18,0)", "bigint", "bigint"]);
    assert_eq!(plan.tables[2].checks[0].expression, "id > 0");
    assert_eq!(codes(&plan).iter().filter(|code| **code == "identity-type-changed").count(), 3);
}

/// A catalog whose text compares by that collation.
fn collated(collation: &str, tables: Vec<Table>) -> Catalog {
    let mut source = catalog(tables);
    source.database.collation = Some(collation.to_owned());
    source
}

#[test]
fn a_computed_column_that_compares_text_is_kept_under_binary_collations_alone() {
    let flag = |collation: Option<&str>| Table {
        indexes: vec![
            Index { unique: true, ..index("UX_Flag", &["flag"]) },
            Index { unique: true, filter: Some("[kind]=N'open'".to_owned()), ..index("UX_Open", &["Id"]) },
            Index { filter: Some("[kind]<>N'open'".to_owned()), ..index("IX_Closed", &["Id"]) },
        ],
        ..table(
            "T",
            vec![
                required("Id", SqlType::Int),
                Column { collation: collation.map(str::to_owned), ..Column::new("kind", text(10)) },
                Column {
                    computed: Some(Computed {
                        text: "(case when [kind]=N'open' then (1) else (0) end)".to_owned(),
                        persisted: true,
                    }),
                    ..Column::new("flag", SqlType::Int)
                },
            ],
        )
    };
    let check = |database: &str, own: Option<&str>, kept: bool| {
        let plan = plan(&collated(database, vec![flag(own)]));
        let table = &plan.tables[0];
        let generated: Vec<&str> = table.columns.iter().filter_map(|one| one.generated.as_deref()).collect();
        let left: Vec<&str> = plan.unconverted.iter().map(|one| one.object.as_str()).collect();
        let warned: Vec<&str> = plan
            .findings
            .iter()
            .filter(|finding| finding.code.ends_with("-left-out"))
            .map(|finding| finding.object.as_str())
            .collect();
        if kept {
            assert_eq!(generated, ["case when rtrim(kind, ' ') = 'open' then 1 else 0 end"]);
            assert_eq!(table.indexes[1].filter.as_deref(), Some("rtrim(kind, ' ') = 'open'"));
            assert!(left.is_empty() && warned.is_empty(), "{left:?} {warned:?}");
        } else {
            assert!(generated.is_empty() && table.indexes.is_empty());
            assert_eq!(left, ["dbo.T.flag", "dbo.T.UX_Flag", "dbo.T.UX_Open", "dbo.T.IX_Closed"]);
            assert_eq!(warned, ["dbo.T.flag", "dbo.T.UX_Flag", "dbo.T.UX_Open"]);
        }
    };
    check("SQL_Latin1_General_CP1_CI_AS", None, false);
    check("SQL_Latin1_General_CP1_CI_AS", Some("Latin1_General_BIN2"), true);
    check("Latin1_General_BIN2", None, true);
    check("Latin1_General_BIN2", Some("French_CI_AI"), false);
    check("Latin1_General_CS_AS", None, false);
}

#[test]
fn the_text_of_a_computed_column_has_no_collation_that_is_known() {
    let source = Table {
        indexes: vec![
            Index { filter: Some("[Both]=N'ab'".to_owned()), ..index("IX_Both", &["Id"]) },
            Index { filter: Some("[A]=N'a'".to_owned()), ..index("IX_A", &["Id"]) },
        ],
        ..table(
            "T",
            vec![
                required("Id", SqlType::Int),
                Column { collation: Some("French_CI_AI".to_owned()), ..Column::new("B", text(10)) },
                Column::new("A", text(10)),
                computed("Both", "[B]+N'b'"),
            ],
        )
    };
    let plan = plan(&collated("Latin1_General_BIN2", vec![source]));
    let kept: Vec<&str> = plan.tables[0].indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(kept, ["ix_a"]);
    assert_eq!(plan.unconverted[0].reason, "it compares text by a collation that the source does not tell");
}

#[test]
fn a_key_that_is_not_carried_over_is_a_finding() {
    let unique = |name: &str, column: &str| Index { unique: true, ..index(name, &[column]) };
    let source = Table {
        primary_key: Some(key(Some("PK_T"), &["Id", "Hash"])),
        unique: vec![key(None, &["Hash"]), key(Some("UQ_Id"), &["Id"])],
        indexes: vec![
            unique("UX_Hash", "Hash"),
            unique("UX_Doc", "Doc"),
            unique("UX_Id", "Id"),
            Index { disabled: true, ..unique("UX_Disabled", "Hash") },
            index("IX_Hash", &["Hash"]),
        ],
        ..table(
            "T",
            vec![
                required("Id", SqlType::Int),
                computed("Hash", "checksum([Id])"),
                Column::new("Doc", SqlType::Xml),
            ],
        )
    };
    let plan = plan(&catalog(vec![source]));
    let found: Vec<(&str, Severity, &str)> = plan
        .findings
        .iter()
        .filter(|finding| finding.code.contains("key-left-out"))
        .map(|finding| (finding.code.as_str(), finding.severity, finding.object.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("primary-key-left-out", Severity::Blocker, "dbo.T.PK_T"),
            ("unique-key-left-out", Severity::Warning, "dbo.T.unique constraint"),
            ("unique-key-left-out", Severity::Warning, "dbo.T.UX_Hash"),
            ("unique-key-left-out", Severity::Warning, "dbo.T.UX_Doc"),
        ]
    );
    let blocker = plan.findings.iter().find(|finding| finding.severity == Severity::Blocker);
    assert!(blocker.is_some_and(|one| one.message.ends_with(": its column Hash is not carried over")));
    // A computed column and six of what stands on it.
    assert_eq!(plan.unconverted.len(), 7);
    assert!(found.iter().all(|(code, ..)| FINDING_CODES.iter().any(|(listed, _)| listed == code)));
}

#[test]
fn a_table_may_have_as_many_columns_as_postgresql_allows() {
    let check = |count: usize, last: Column, expected: Option<u64>| {
        let mut columns: Vec<Column> = (1..count)
            .map(|number| Column { sparse: true, ..Column::new(format!("C{number}"), SqlType::Int) })
            .collect();
        columns.push(last);
        let plan = plan(&catalog(vec![table("Wide", columns)]));
        let found = plan.findings.iter().find(|finding| finding.code == "too-many-columns");
        assert_eq!(found.map(|finding| finding.count), expected.map(Some));
        if let Some(found) = found {
            assert_eq!((found.severity, found.object.as_str()), (Severity::Blocker, "dbo.Wide"));
            assert!(found.message.contains("1601") && found.message.contains("1600"), "{}", found.message);
        }
    };
    check(1600, Column::new("Last", SqlType::Int), None);
    check(1601, Column::new("Last", SqlType::Int), Some(1601));
    check(1601, computed("Last", "[C1]+[C2]"), Some(1601));
    // What is left out takes no place.
    check(1601, computed("Last", "checksum([C1])"), None);
    assert!(FINDING_CODES.iter().any(|(code, _)| *code == "too-many-columns"));
}

#[test]
fn the_schema_of_the_ledger_is_not_given_away() {
    let check = |sources: &[&str], expected: &[&str]| {
        let in_schema = |schema: &&str| Table {
            name: ObjectName::new(*schema, "T"),
            ..table("T", vec![Column::new("A", SqlType::Int)])
        };
        let plan = plan(&catalog(sources.iter().map(in_schema).collect()));
        let schemas: Vec<&str> = plan.tables.iter().map(|table| table.schema.as_str()).collect();
        assert_eq!(schemas, expected);
        let collisions = plan.findings.iter().filter(|finding| finding.code == "identifier-collision");
        assert_eq!(collisions.count(), 1);
        assert!(!plan.schemas.contains(&"mssql2pg".to_owned()));
    };
    check(&["mssql2pg", "app"], &["mssql2pg_2", "app"]);
    check(&["MSSQL2PG"], &["mssql2pg_2"]);
    check(&["Mssql2Pg", "mssql2pg_2"], &["mssql2pg_3", "mssql2pg_2"]);
}

#[test]
fn a_computed_column_is_left_out_if_the_settings_say_so() {
    let source = catalog(vec![Table {
        indexes: vec![Index { unique: true, ..index("UX_Total", &["Total"]) }, index("IX_A", &["A"])],
        ..table("T", vec![required("A", SqlType::Int), computed("Total", "[A]*(2)")])
    }]);
    let settings = |name: &str, special: ColumnSettings| MappingSettings {
        columns: BTreeMap::from([(name.to_owned(), special)]),
        ..MappingSettings::default()
    };
    let leave_out = || ColumnSettings { leave_out: true, ..ColumnSettings::default() };
    let plan = plan_database(&source, &settings("dbo.T.Total", leave_out())).expect("a plan");
    assert_eq!(plan.tables[0].columns.len(), 1);
    let left: Vec<(&str, &str, &str)> = plan
        .unconverted
        .iter()
        .map(|one| (one.kind.as_str(), one.object.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("computed column", "dbo.T.Total", "left out by the settings"),
            ("index", "dbo.T.UX_Total", "its column Total is not carried over"),
        ]
    );
    assert_eq!(plan.unconverted[0].text.as_deref(), Some("[A]*(2)"));
    assert!(codes(&plan).contains(&"unique-key-left-out"));
    assert!(!codes(&plan).contains(&"computed-column-left-out"));

    let refused = |name: &str, special: ColumnSettings| {
        plan_database(&source, &settings(name, special)).expect_err("a setting that cannot be").message
    };
    assert_eq!(
        refused("dbo.T.A", leave_out()),
        "the settings leave out dbo.T.A, which is not a computed column"
    );
    let retyped = ColumnSettings { pg_type: Some("text".to_owned()), ..leave_out() };
    assert_eq!(
        refused("dbo.T.Total", retyped),
        "the settings change dbo.T.Total, which is a computed column"
    );
}

#[test]
fn settings_of_a_column_are_read_by_name_and_take_no_others() {
    let read = |text: &str| serde_json::from_str::<ColumnSettings>(text);
    let expected = ColumnSettings { leave_out: true, ..ColumnSettings::default() };
    assert_eq!(read(r#"{"leave_out": true}"#).expect("settings"), expected);
    assert_eq!(read("{}").expect("settings"), ColumnSettings::default());
    assert!(read(r#"{"leaveout": true}"#).is_err());
    // A setting that is not made does not change the fingerprint of runs that know nothing of it.
    let written = serde_json::to_string(&ColumnSettings::default()).expect("JSON");
    assert!(!written.contains("leave_out"), "{written}");
}
