//! Records: the audit log, documents, sensor readings (a heap without any key) and an empty queue.
//!
//! Invariant: no table but the empty one has a column whose layout in a `.bacpac` nobody has seen.

use super::schema::{
    Identities, NVARCHAR_MAX, VARBINARY_MAX, decimal, foreign_key, index, nvarchar, optional, primary_key,
    required, table, varchar, with_alias, with_default,
};
use super::{Shop, ShopTable, Subject, digits, people};
use crate::GenerateError;
use crate::bcp::RowWriter;
use crate::calendar::TICKS_A_SECOND;
use crate::words::{AUDIT_ACTIONS, FIRST_NAMES, LAST_NAMES, NOTES, OPINIONS};
use mssql2pg_catalog::{Length, SqlType};

/// Beyond what an int holds.
pub(super) const AUDIT_IDS: Identities = Identities { seed: 3_000_000_001, increment: 1 };
const DOCUMENT_IDS: Identities = Identities::ONE;
const MILLISECOND: u64 = 10_000;
const DAY: u64 = 86_400 * TICKS_A_SECOND;

pub(super) fn audit_log(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.audit;
    let columns = vec![
        AUDIT_IDS.column("AuditID", SqlType::BigInt, rows),
        required("LoggedAt", SqlType::DateTime2 { scale: 7 }),
        with_alias(required("User", nvarchar(128)), "sys", "sysname"),
        required("Action", varchar(30)),
        with_alias(optional("TableName", nvarchar(128)), "sys", "sysname"),
        optional("Key", nvarchar(100)),
        optional("Message", NVARCHAR_MAX),
        optional("Details", SqlType::Xml),
        optional("Duration", SqlType::Time { scale: 3 }),
        optional("ClientTime", SqlType::DateTimeOffset { scale: 3 }),
    ];
    let mut audit = table("dbo", "AuditLog", columns, primary_key("PK_AuditLog", &["AuditID"]));
    audit.indexes = vec![index("IX_AuditLog_LoggedAt", &["LoggedAt desc", "User"])];
    ShopTable { table: audit, rows, units: rows, write: write_audit }
}

fn write_audit(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Audit, unit);
    let user = random.pick(FIRST_NAMES).1;
    let day = shop.now - random.between(2, 800);
    let microseconds = random.below(DAY / 10);
    let below = if shop.defects.audit_fraction.holds(unit) { 1 + random.below(9) } else { 0 };
    row.int(AUDIT_IDS.value(unit));
    row.moment(day, microseconds * 10 + below);
    row.words(&["SHOP\\", user]);
    row.text(random.pick(AUDIT_ACTIONS));
    let key = digits(1 + random.below(shop.sizes.orders), 1);
    match random.one_in(6) {
        true => {
            row.null();
            row.null();
        }
        false => {
            row.text(random.pick(&["Orders", "Orders", "Customers", "Products", "Price List"]));
            row.text(&key);
        }
    }
    match (shop.defects.audit_nul.holds(unit), random.one_in(2)) {
        (true, _) => row.words(&["key ", &key, " changed\0\0"]),
        (false, true) => row.null(),
        (false, false) => row.words(&["key ", &key, " changed by ", user, ": 1 row"]),
    }
    match random.one_in(4) {
        true => row.words(&["<change key=\"", &key, "\"><old>1</old><new>2</new></change>"]),
        false => row.null(),
    }
    match random.one_in(3) {
        true => row.null(),
        false => row.time(random.below(90_000) * MILLISECOND),
    }
    match random.one_in(3) {
        true => row.null(),
        false => {
            let offset = random.pick(&[0, 60, 120, -300, 345]);
            row.moment_with_offset(day, random.below(86_400_000) * MILLISECOND, offset);
        }
    }
    row.end_row()
}

pub(super) fn documents(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.documents;
    let columns = vec![
        DOCUMENT_IDS.column("DocumentID", SqlType::Int, rows),
        required("Title", nvarchar(120)),
        required("FileName", nvarchar(260)),
        required("OwnerID", SqlType::Int),
        with_default(required("Revision", SqlType::Int), "DF_Documents_Revision", "((1))"),
        optional("Content", VARBINARY_MAX),
        optional("Thumbprint", SqlType::VarBinary { length: Length::limited(64) }),
        optional("Summary", NVARCHAR_MAX),
        optional("Body", SqlType::VarChar { length: Length::MAX }),
        optional("Metadata", SqlType::Xml),
        required("CreatedAt", SqlType::DateTime2 { scale: 7 }),
        optional("ExpiresOn", SqlType::Date),
    ];
    let key = primary_key("PK_Documents", &["DocumentID"]);
    let mut documents = table("dbo", "Documents", columns, key);
    documents.foreign_keys.push(foreign_key(
        "FK_Documents_Employees",
        &["OwnerID"],
        ("hr", "Employees"),
        &["EmployeeID"],
    ));
    ShopTable { table: documents, rows, units: rows, write: write_document }
}

fn write_document(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Document, unit);
    let number = digits(unit + 1, 5);
    row.int(DOCUMENT_IDS.value(unit));
    row.words(&["Contract no. ", &number, " – ", random.pick(LAST_NAMES).0]);
    row.words(&["contract-", &number, ".pdf"]);
    row.int(people::EMPLOYEE_IDS.value(random.below(shop.sizes.employees)));
    row.count(1 + random.below(9));
    match random.below(6) {
        0 => row.null(),
        1 => row.blob(&[]),
        _ => row.blob(&people::small_picture(&mut random)),
    }
    match random.one_in(3) {
        true => row.null(),
        false => row.blob(&random.guid()),
    }
    match random.below(5) {
        0 => row.null(),
        1 => row.text(""),
        _ => row.words(&[random.pick(NOTES), "\r\n", random.pick(OPINIONS)]),
    }
    match random.below(5) {
        0 => row.null(),
        1 => {
            // Longer than the 8000 bytes that fit a row, and of characters that the column's code page has.
            let sentence = random.pick(OPINIONS);
            let sentence =
                if sentence.chars().all(|letter| letter <= '\u{FF}') { sentence } else { OPINIONS[0] };
            row.words(&vec![sentence; 400]);
        }
        _ => row.words(&["See contract ", &number, "\t\"annex\" \\ 1"]),
    }
    match random.one_in(3) {
        true => row.null(),
        false => row.words(&[
            "<document xmlns=\"urn:example:shop\" id=\"",
            &number,
            "\"><owner>Müller &amp; Söhne</owner><tags><tag>a</tag><tag/></tags></document>",
        ]),
    }
    row.moment(shop.now - random.between(2, 3000), random.below(DAY / 10) * 10);
    match random.one_in(2) {
        true => row.null(),
        false => row.date(shop.now + random.between(-400, 4000)),
    }
    row.end_row()
}

pub(super) fn warehouse_readings(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.readings;
    let columns = vec![
        required("ReadAt", SqlType::DateTimeOffset { scale: 0 }),
        required("SensorID", SqlType::UniqueIdentifier),
        optional("Temperature", SqlType::Real),
        optional("Humidity", SqlType::Float),
        optional("Pressure", decimal(38, 10)),
        optional("BatteryVolts", decimal(9, 4)),
        required("PulseCount", decimal(38, 0)),
        optional("WindowStart", SqlType::Time { scale: 7 }),
        optional("WindowEnd", SqlType::Time { scale: 2 }),
        optional("Counter", SqlType::BigInt),
        optional("Delta", SqlType::SmallInt),
        optional("IsValid", SqlType::Bit),
        optional("Flags", SqlType::VarBinary { length: Length::limited(8) }),
    ];
    let mut readings = table("dbo", "WarehouseReadings", columns, None);
    readings.indexes = vec![index("IX_WarehouseReadings_ReadAt", &["ReadAt"])];
    ShopTable { table: readings, rows, units: rows, write: write_reading }
}

fn write_reading(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Reading, unit);
    let sensor = random.below(24);
    // Below 2^24, so the conversions are exact, and the quotients are the same everywhere.
    let small = |value: i64| i16::try_from(value).unwrap_or(0);
    let offset = random.pick(&[60, 120]);
    row.moment_with_offset(shop.now - random.between(2, 365), random.below(86_400) * TICKS_A_SECOND, offset);
    row.guid(shop.random(Subject::Reading, u64::MAX - sensor).guid());
    match random.one_in(20) {
        true => row.null(),
        false => row.real(f32::from(small(random.between(-200, 380))) / 10.0),
    }
    match random.one_in(20) {
        true => row.null(),
        false => row.float(f64::from(small(random.between(0, 10_000))) / 100.0),
    }
    match random.one_in(8) {
        true => row.null(),
        false => row.decimal(i128::from(random.between(9_500_000_000_000, 10_500_000_000_000))),
    }
    match random.one_in(8) {
        true => row.null(),
        false => row.decimal(i128::from(random.between(-5_000, 42_000))),
    }
    // Up to 38 digits: more than any integer type holds.
    row.decimal(
        i128::from(random.bits() >> 1) * 10_000_000_000_000_000_000 + i128::from(random.below(1 << 60)),
    );
    match random.one_in(4) {
        true => row.null(),
        false => row.time(random.below(DAY / 10) * 10),
    }
    match random.one_in(4) {
        true => row.null(),
        false => row.time(random.below(8_640_000) * 100_000),
    }
    match random.one_in(6) {
        true => row.null(),
        false => row.int(random.between(i64::MIN, i64::MAX)),
    }
    match random.one_in(6) {
        true => row.null(),
        false => row.int(random.between(i64::from(i16::MIN), i64::from(i16::MAX))),
    }
    match random.below(3) {
        0 => row.null(),
        draw => row.bit(draw == 1),
    }
    match random.below(4) {
        0 => row.null(),
        length => row.blob(&random.bits().to_le_bytes()[..usize::try_from(length).unwrap_or(0)]),
    }
    row.end_row()
}

/// A table without rows, of the types that the others have not.
pub(super) fn import_queue() -> ShopTable {
    let columns = vec![
        Identities::ONE.column("QueueID", SqlType::BigInt, 0),
        required("Source", SqlType::NChar { length: 12 }),
        optional("Value", SqlType::SqlVariant),
        required("Digest", SqlType::Binary { length: 20 }),
        required("Fee", SqlType::SmallMoney),
        required("ArrivedAt", SqlType::SmallDateTime),
        optional("Area", SqlType::Geometry),
        optional("Attachment", SqlType::Image),
    ];
    let key = primary_key("PK__ImportQu__8324E71529B3C3D4", &["QueueID"]);
    ShopTable { table: table("dbo", "ImportQueue", columns, key), rows: 0, units: 0, write: write_nothing }
}

fn write_nothing(_: &Shop, _: u64, _: &mut RowWriter) -> Result<(), GenerateError> {
    Ok(())
}
