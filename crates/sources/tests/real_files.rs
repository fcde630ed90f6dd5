//! Every sample that SQL Server's tools wrote reads to its known values. The statements that made Northwind, pubs and
//! AdventureWorksLT are compared value by value elsewhere; here stand counts and a few cells of each kind of type.

#![expect(clippy::panic, clippy::print_stdout, reason = "a test may do both; this file has no other code")]

use mssql2pg_catalog::{Catalog, CodeKind, IndexKind, ObjectName, RowSink, SqlType, Stop, Table, Value};
use mssql2pg_sources::{ErrorKind, Source, open};
use std::path::Path;

/// A sample's path; none, and a line that says so, when the samples are not here.
fn sample(name: &str) -> Option<String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples"));
    if folder.is_dir() {
        return Some(folder.join(name).to_str().expect("a plain path").to_owned());
    }
    let required = std::env::var("MSSQL2PG_REQUIRE").unwrap_or_default();
    assert!(!required.contains("samples"), "../shared/samples is required and not here");
    println!("skipped: ../shared/samples is not here");
    None
}

/// Rows as text: enough to compare with what a script says.
#[derive(Default)]
struct Rows {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
}

impl RowSink for Rows {
    fn value(&mut self, value: Value<'_>) {
        self.row.push(match value {
            Value::Null => "NULL".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Utf16(bytes) => {
                let units: Vec<_> =
                    bytes.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
                String::from_utf16(&units).expect("valid UTF-16")
            }
            Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
            other => format!("{other:?}"),
        });
    }

    fn end_row(&mut self) -> Result<(), Stop> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

fn read(source: &dyn Source, table: &Table) -> Vec<Vec<String>> {
    let mut rows = Rows::default();
    let mut pushed = 0;
    for split in source.splits(table, u64::MAX).expect("splits") {
        pushed += source.read(table, &split, &mut rows).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(pushed, rows.rows.len() as u64);
    let stored = table.stored_columns().count();
    assert!(rows.rows.iter().all(|row| row.len() == stored), "{}", table.name);
    rows.rows
}

fn table<'a>(catalog: &'a Catalog, schema: &str, name: &str) -> &'a Table {
    catalog.table(&ObjectName::new(schema, name)).unwrap_or_else(|| panic!("no table {schema}.{name}"))
}

#[test]
fn every_bacpac_reads_to_the_end_of_every_part() {
    let check = |name: &str, tables: usize, with_rows: usize, rows: u64, code: usize, parts: usize| {
        let Some(path) = sample(&format!("bacpac/{name}.bacpac")) else { return };
        let source = open(&path).unwrap_or_else(|error| panic!("{error}"));
        let catalog = source.catalog().unwrap();
        let counts: Vec<_> =
            catalog.tables.iter().map(|table| read(source.as_ref(), table).len() as u64).collect();
        let splits: usize =
            catalog.tables.iter().map(|table| source.splits(table, u64::MAX).unwrap().len()).sum();
        let found = (
            catalog.tables.len(),
            counts.iter().filter(|count| **count > 0).count(),
            counts.iter().sum::<u64>(),
            catalog.code.len(),
            splits,
        );
        assert_eq!(found, (tables, with_rows, rows, code, parts), "{name}");
        assert_eq!(catalog.database.claimed_rows, Some(rows), "{name}");
        let about = source.about();
        assert!(about.has_data && about.kind == "bacpac", "{name}");
        assert!(
            catalog.code.iter().all(|code| code.text_is_complete && code.missing_text.is_none()),
            "{name}"
        );
    };
    check("AdventureWorksLT-2025", 12, 11, 4277, 10, 11);
    check("AdventureWorksLT-azure", 12, 11, 4277, 8, 11);
    check("Clinic", 9, 5, 287, 0, 9);
    check("ContosoHR", 1, 1, 270, 0, 1);
    check("FourthCoffee", 10, 5, 5, 0, 5);
    check("Insurance", 9, 9, 9000, 1, 17);
    check("Northwind", 13, 11, 3308, 23, 16);
    check("PropertyMLS", 1, 1, 100_978, 2, 128);
    check("QueryStoreTest", 6, 4, 168_995, 6, 134);
    check("pubs", 11, 11, 255, 6, 19);
}

#[test]
fn northwind_has_the_rows_of_its_script() {
    let Some(path) = sample("bacpac/Northwind.bacpac") else { return };
    let source = open(&path).unwrap();
    let catalog = source.catalog().unwrap();
    let rows = |name: &str| read(source.as_ref(), table(&catalog, "dbo", name));
    let customers = rows("Customers");
    assert_eq!(customers.len(), 91);
    assert_eq!(
        customers[0],
        [
            "ALFKI",
            "Alfreds Futterkiste",
            "Maria Anders",
            "Sales Representative",
            "Obere Str. 57",
            "Berlin",
            "NULL",
            "12209",
            "Germany",
            "030-0074321",
            "030-0076545"
        ]
    );
    assert_eq!(rows("Orders").len(), 830);
    let details = rows("Order Details");
    assert_eq!(details.len(), 2155);
    // INSERT "Order Details" VALUES(10248,42,9.8,10,0)
    assert_eq!(details[1], ["10248", "42", "Money(98000)", "10", "Real(0.0)"]);
    let products = rows("Products");
    assert_eq!(products[0][..6], ["1", "Chai", "1", "1", "10 boxes x 20 bags", "Money(180000)"]);
    assert_eq!(products[0][9], "Bit(false)");
    let categories = rows("Categories");
    assert_eq!(categories[0][3], "10746 bytes");
    // '7/4/1996': 35248 days after 1900-01-01.
    assert_eq!(rows("Orders")[0][3], "DateTime { days: 35248, ticks: 0 }");
}

#[test]
fn northwind_keeps_its_constraints_and_what_the_server_knew_of_them() {
    let Some(path) = sample("bacpac/Northwind.bacpac") else { return };
    let catalog = open(&path).unwrap().catalog().unwrap();
    let orders = table(&catalog, "dbo", "Orders");
    assert_eq!(orders.foreign_keys.len(), 3);
    // The script loads Orders, Order Details, Products and Employees with NOCHECK CONSTRAINT ALL.
    assert!(orders.foreign_keys.iter().all(|key| !key.trusted && !key.disabled));
    assert!(table(&catalog, "dbo", "Territories").foreign_keys.iter().all(|key| key.trusted));
    let details = table(&catalog, "dbo", "Order Details");
    assert!(details.checks.iter().all(|check| !check.trusted));
    let key = details.primary_key.as_ref().unwrap();
    assert_eq!(key.name.as_deref(), Some("PK_Order_Details"));
    let columns: Vec<_> = key.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["OrderID", "ProductID"]);
    assert_eq!(details.columns[2].default.as_ref().map(|default| default.text.as_str()), Some("((0))"));
    let last = |name: &str, column: usize| {
        table(&catalog, "dbo", name).columns[column].identity.clone().unwrap().last_value
    };
    assert_eq!(
        (last("Orders", 0), last("Products", 0), last("Employees", 0)),
        (Some(11077), Some(77), Some(9))
    );
    assert_eq!(catalog.database.name, "Northwind");
    assert_eq!(catalog.database.collation.as_deref(), Some("SQL_Latin1_General_CP1_CI_AS"));
    let version = catalog.database.server_version.unwrap();
    assert_eq!(version, "Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64)");
    let view = catalog.code.iter().find(|code| code.name.name == "Products by Category").unwrap();
    assert_eq!(view.kind, CodeKind::View);
    assert!(
        view.text.to_lowercase().contains("create view \"products by category\" as\nselect"),
        "{}",
        view.text
    );
}

#[test]
fn pubs_has_its_alias_types_and_server_made_names() {
    let Some(path) = sample("bacpac/pubs.bacpac") else { return };
    let source = open(&path).unwrap();
    let catalog = source.catalog().unwrap();
    let authors = table(&catalog, "dbo", "authors");
    let rows = read(source.as_ref(), authors);
    assert_eq!(rows.len(), 23);
    let bennet = rows.iter().find(|row| row[0] == "409-56-7008").unwrap();
    let expected = [
        "409-56-7008",
        "Bennet",
        "Abraham",
        "415 658-9932",
        "6223 Bateman St.",
        "Berkeley",
        "CA",
        "94705",
        "Bit(true)",
    ];
    assert_eq!(bennet[..], expected);
    assert_eq!(authors.columns[0].alias, Some(ObjectName::new("dbo", "id")));
    assert_eq!(authors.columns[0].sql_type.to_string(), "varchar(11)");
    assert_eq!(authors.columns[6].sql_type, SqlType::Char { length: 2 });
    assert!(
        authors
            .checks
            .iter()
            .all(|check| check.name.as_deref().is_some_and(|name| name.starts_with("CK__authors__")))
    );
    let employees = table(&catalog, "dbo", "employee");
    assert_eq!(employees.columns[0].sql_type, SqlType::Char { length: 9 });
    let rows = read(source.as_ref(), employees);
    // '11/11/89' is 32821 days after 1900-01-01.
    let cramer = rows.iter().find(|row| row[0] == "PTC11962M").unwrap();
    let expected =
        ["PTC11962M", "Philip", "T", "Cramer", "2", "215", "9952", "DateTime { days: 32821, ticks: 0 }"];
    assert_eq!(cramer[..], expected);
    let trigger = catalog.code.iter().find(|code| code.kind == CodeKind::Trigger).unwrap();
    assert_eq!(trigger.parent, Some(ObjectName::new("dbo", "employee")));
    assert_eq!(catalog.permissions[0].permission, "REFERENCES");
}

#[test]
fn adventure_works_lt_has_its_rows_computed_columns_and_sequence() {
    let Some(path) = sample("bacpac/AdventureWorksLT-azure.bacpac") else { return };
    let source = open(&path).unwrap();
    let catalog = source.catalog().unwrap();
    let count = |name: &str| read(source.as_ref(), table(&catalog, "SalesLT", name)).len();
    assert_eq!((count("Customer"), count("Address"), count("ProductDescription")), (847, 450, 762));
    let header = table(&catalog, "SalesLT", "SalesOrderHeader");
    assert_eq!((header.columns.len(), header.stored_columns().count()), (22, 20));
    let total = header.column("TotalDue").unwrap().computed.as_ref().unwrap();
    assert!(total.text.contains("[SubTotal]+[TaxAmt]"), "{}", total.text);
    let address = table(&catalog, "SalesLT", "Address");
    assert_eq!(address.columns[0].identity.as_ref().unwrap().last_value, Some(11382));
    assert!(address.columns.iter().any(|column| column.alias == Some(ObjectName::new("dbo", "Name"))));
    let untrusted: usize =
        catalog.tables.iter().map(|table| table.checks.iter().filter(|check| !check.trusted).count()).sum();
    assert!(untrusted > 0, "this export has checks that the server did not check");
    assert_eq!(catalog.sequences[0].name, ObjectName::new("SalesLT", "SalesOrderNumber"));
    assert_eq!(catalog.sequences[0].current_value, Some(1));
    // The text of a view: header, body and footer make the whole statement.
    let view = catalog.code.iter().find(|code| code.name.name == "vProductAndDescription").unwrap();
    assert!(view.text.ends_with(';'), "{}", view.text);
    // xml comes as text.
    let models = read(source.as_ref(), table(&catalog, "SalesLT", "ProductModel"));
    assert!(models.iter().any(|row| row[2].starts_with('<') && row[2].ends_with('>')));
}

#[test]
fn the_2025_export_describes_its_tables() {
    let Some(path) = sample("bacpac/AdventureWorksLT-2025.bacpac") else { return };
    let catalog = open(&path).unwrap().catalog().unwrap();
    let address = table(&catalog, "SalesLT", "Address");
    let described =
        address.extended_properties.iter().find(|property| property.column.as_deref() == Some("AddressID"));
    let described = described.unwrap();
    assert_eq!(
        (described.name.as_str(), described.object.as_str()),
        ("MS_Description", "SalesLT.Address.AddressID")
    );
    assert_eq!(described.value, "Primary key for Address records.");
    assert_eq!(catalog.database.compatibility_level, Some(170));
    assert!(
        catalog.tables.iter().all(|table| table.primary_key.is_some() || table.name.name == "BuildVersion")
    );
}

#[test]
fn a_dacpac_is_a_schema_without_rows() {
    let check = |name: &str, tables: usize, code: usize| {
        let path = sample(&format!("dacpac/{name}.dacpac"))?;
        let source = open(&path).unwrap();
        let catalog = source.catalog().unwrap();
        assert_eq!((catalog.tables.len(), catalog.code.len()), (tables, code), "{name}");
        assert!(!source.about().has_data && source.about().kind == "dacpac");
        assert!(catalog.tables.iter().all(|table| source.splits(table, u64::MAX).unwrap().is_empty()));
        Some(catalog)
    };
    if let Some(catalog) = check("AdventureWorks", 71, 52) {
        let type_of =
            |schema, name, column| table(&catalog, schema, name).column(column).unwrap().sql_type.clone();
        assert_eq!(type_of("Person", "Address", "SpatialLocation"), SqlType::Geography);
        assert_eq!(type_of("HumanResources", "Employee", "OrganizationNode"), SqlType::HierarchyId);
        let log = table(&catalog, "dbo", "DatabaseLog");
        assert_eq!(log.columns[2].alias, Some(ObjectName::new("sys", "sysname")));
        let kinds = |kind| {
            catalog.tables.iter().flat_map(|table| &table.indexes).filter(|index| index.kind == kind).count()
        };
        assert_eq!((kinds(IndexKind::Xml), kinds(IndexKind::FullText)), (8, 3));
        assert!(catalog.code.iter().any(|code| code.kind == CodeKind::DatabaseTrigger));
    }
    if let Some(catalog) = check("NorthwindProcedures", 13, 60) {
        assert!(
            catalog
                .tables
                .iter()
                .any(|table| table.columns.iter().any(|column| column.sql_type == SqlType::RowVersion))
        );
        assert_eq!(catalog.principals.len(), 2);
        let procedure =
            catalog.code.iter().find(|code| code.parameters.iter().any(|parameter| parameter.output));
        assert_eq!(procedure.map(|code| code.kind), Some(CodeKind::Procedure));
    }
}

#[test]
fn a_file_with_the_wrong_name_is_called_what_it_is() {
    let check = |name: &str, expected: &str| {
        let Some(path) = sample(name) else { return };
        let error = open(&path).err().unwrap_or_else(|| panic!("{name} must be refused"));
        assert_eq!(error.kind, ErrorKind::NotASource);
        assert!(error.context.contains(expected), "{error}");
    };
    check("negative/html_page_named_NORTHWND.MDF", "web page");
    check("negative/lfs_pointer_named_Northwind.mdf", "Git LFS pointer");
    check("negative/mapdata_text_named_abra.mdf", "text file");
    check("negative/text_dump_named_chinook.bak", "text file");
    check("bak/pubs-2012.bak", "SQL Server backup");
    check("bak/TutorialDB-2016-compressed.bak", "compressed SQL Server backup");
    check("mdf/pubs-2008.mdf", "data file (.mdf)");
    let Some(path) = sample("negative/dacpac_named_FinanceDB.bak") else { return };
    let source = open(&path).unwrap();
    assert!(!source.about().has_data);
    assert_eq!(source.catalog().unwrap().database.name, "FinanceDB");
}
