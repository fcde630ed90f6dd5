//! People: departments and employees in `hr`, customers and their addresses in `dbo`.
//!
//! Invariant: every e-mail address is valid and unique but for the planted ones; the manager of an
//! employee has a lower number, so the tree has no cycle.

use super::schema::{
    Identities, NVARCHAR_MAX, check, decimal, descriptions, foreign_key, index, nvarchar, optional,
    primary_key, required, rowguid, table, unique, varchar, with_alias, with_default,
};
use super::{Shop, ShopTable, Subject, digits};
use crate::GenerateError;
use crate::bcp::RowWriter;
use crate::calendar::{TICKS_A_SECOND, clock};
use crate::random::Random;
use crate::words::{CITIES, City, DEPARTMENTS, DOMAINS, FIRST_NAMES, JOB_TITLES, LAST_NAMES, NOTES, STREETS};
use mssql2pg_catalog::{Column, Index, SqlType};

pub(super) const CUSTOMER_IDS: Identities = Identities::ONE;
pub(super) const EMPLOYEE_IDS: Identities = Identities::ONE;
const ADDRESS_IDS: Identities = Identities::ONE;
/// Labels 1 to 15 have short codes in hierarchyid.
const REPORTS_A_MANAGER: u64 = 15;

pub(super) fn departments() -> ShopTable {
    let columns = vec![
        required("DepartmentID", SqlType::SmallInt),
        required("Name", nvarchar(50)),
        required("CostCentre", SqlType::Char { length: 6 }),
        optional("Budget", decimal(38, 4)),
    ];
    let mut departments =
        table("hr", "Departments", columns, primary_key("PK_Departments", &["DepartmentID"]));
    departments.unique.push(unique("AK_Departments_Name", &["Name"]));
    let rows = DEPARTMENTS.len().try_into().unwrap_or(0);
    ShopTable { table: departments, rows, units: rows, write: write_department }
}

fn write_department(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Employee, u64::MAX - unit);
    row.count(unit + 1);
    row.text(usize::try_from(unit).ok().and_then(|place| DEPARTMENTS.get(place)).unwrap_or(&""));
    row.words(&["CC", &digits(1000 + unit * 10, 4)]);
    match unit {
        0 => row.null(),
        // The budget of the second has all 38 digits.
        1 => row.decimal(10i128.pow(38) - 1),
        _ => row.decimal(i128::from(random.between(50_000, 9_000_000)) * 10_000),
    }
    row.end_row()
}

pub(super) fn employees(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.employees;
    let columns = vec![
        EMPLOYEE_IDS.column("EmployeeID", SqlType::Int, rows),
        optional("OrgNode", SqlType::HierarchyId),
        optional("ManagerID", SqlType::Int),
        required("DepartmentID", SqlType::SmallInt),
        required("FirstName", nvarchar(50)),
        required("LastName", nvarchar(50)),
        with_alias(required("Email", nvarchar(254)), "dbo", "EmailAddress"),
        required("JobTitle", nvarchar(60)),
        required("BirthDate", SqlType::Date),
        required("HireDate", SqlType::Date),
        required("Salary", SqlType::Money),
        with_default(required("VacationHours", SqlType::SmallInt), "DF_Employees_VacationHours", "((0))"),
        with_default(required("IsActive", SqlType::Bit), "DF_Employees_IsActive", "((1))"),
        optional("ShiftStart", SqlType::Time { scale: 0 }),
        optional("Photo", SqlType::Image),
    ];
    let mut employees = table("hr", "Employees", columns, primary_key("PK_Employees", &["EmployeeID"]));
    employees.unique.push(unique("AK_Employees_Email", &["Email"]));
    employees.foreign_keys = vec![
        foreign_key("FK_Employees_Manager", &["ManagerID"], ("hr", "Employees"), &["EmployeeID"]),
        foreign_key("FK_Employees_Departments", &["DepartmentID"], ("hr", "Departments"), &["DepartmentID"]),
    ];
    employees.checks = vec![
        check("CK_Employees_Salary", "[Salary]>(0)"),
        check("CK_Employees_HireDate", "[HireDate]>[BirthDate]"),
    ];
    employees.indexes = vec![index("IX_Name", &["LastName", "FirstName"])];
    descriptions(
        &mut employees,
        "Everybody who works here.",
        &[
            ("ManagerID", "The employee's manager; NULL for the chief executive."),
            ("OrgNode", "The place in the organisation's tree."),
        ],
    );
    ShopTable { table: employees, rows, units: rows, write: write_employee }
}

fn write_employee(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Employee, unit);
    let manager = unit.checked_sub(1).map(|below| below / REPORTS_A_MANAGER);
    let first = random.pick(FIRST_NAMES);
    let last = random.pick(LAST_NAMES);
    let born = shop.now - random.between(22 * 366, 62 * 366);
    let hired = (born + 20 * 366).max(shop.now - random.between(90, 7000));
    let departments = u64::try_from(DEPARTMENTS.len()).unwrap_or(1);
    row.int(EMPLOYEE_IDS.value(unit));
    match unit {
        // The root's serialisation is empty; one node in the middle is not known yet.
        17 => row.null(),
        _ => row.blob(&hierarchy_node(unit)),
    }
    match manager {
        Some(manager) => row.int(EMPLOYEE_IDS.value(manager)),
        None => row.null(),
    }
    row.count(if unit == 0 { 1 } else { 1 + random.below(departments) });
    row.text(first.0);
    row.text(last.0);
    row.words(&[first.1, ".", last.1, &digits(unit + 1, 1), "@shop.example.com"]);
    row.text(match unit {
        0..=2 => JOB_TITLES[usize::try_from(unit).unwrap_or(0)],
        _ => random.pick(&JOB_TITLES[3..]),
    });
    row.date(born);
    row.date(hired);
    row.money(random.between(28_000, 140_000) * 10_000);
    row.int(random.between(0, 240));
    row.bit(!random.one_in(20));
    match random.one_in(3) {
        true => row.null(),
        false => row.time(clock(6 + random.below(4), 30 * random.below(2), 0)),
    }
    match random.one_in(4) {
        true => row.blob(&small_picture(&mut random)),
        false => row.null(),
    }
    row.end_row()
}

/// The path from the root to an employee as MS-SSCLRT serialises hierarchyid: for the labels 0 to 3
/// `01xx1`, 4 to 7 `100xx1`, 8 to 15 `101xxx1`, one after another, filled up with zero bits.
fn hierarchy_node(unit: u64) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut below = unit;
    while let Some(before) = below.checked_sub(1) {
        labels.push(before % REPORTS_A_MANAGER + 1);
        below = before / REPORTS_A_MANAGER;
    }
    let mut bits: Vec<bool> = Vec::new();
    for label in labels.into_iter().rev() {
        let (code, width) = match label {
            0..=3 => (0b01001 | label << 1, 5),
            4..=7 => (0b100_001 | (label - 4) << 1, 6),
            _ => (0b101_0001 | (label - 8) << 1, 7),
        };
        bits.extend((0..width).rev().map(|place| code >> place & 1 == 1));
    }
    let byte = |chunk: &[bool]| {
        let filled = chunk.iter().copied().chain(std::iter::repeat(false)).take(8);
        filled.fold(0u8, |byte, bit| byte << 1 | u8::from(bit))
    };
    bits.chunks(8).map(byte).collect()
}

/// Some bytes that begin like a PNG file.
pub(super) fn small_picture(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    for _ in 0..random.between(4, 40) {
        bytes.extend_from_slice(&random.bits().to_le_bytes());
    }
    bytes
}

pub(super) fn customers(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.customers;
    let columns = vec![
        CUSTOMER_IDS.column("CustomerID", SqlType::Int, rows),
        required("CustomerNumber", SqlType::Char { length: 10 }),
        optional("Title", nvarchar(8)),
        required("FirstName", nvarchar(50)),
        required("LastName", nvarchar(50)),
        super::schema::computed("FullName", "(([FirstName]+N' ')+[LastName])"),
        with_alias(optional("Email", nvarchar(254)), "dbo", "EmailAddress"),
        with_alias(optional("Phone", nvarchar(25)), "dbo", "Phone"),
        optional("BirthDate", SqlType::Date),
        with_default(required("IsBusiness", SqlType::Bit), "DF_Customers_IsBusiness", "((0))"),
        optional("CreditLimit", SqlType::Money),
        with_default(required("LoyaltyPoints", SqlType::Int), "DF_Customers_LoyaltyPoints", "((0))"),
        optional("PreferredContact", SqlType::TinyInt),
        with_default(optional("Segment", nvarchar(20)), "DF_Customers_Segment", "(N'standard')"),
        optional("Notes", NVARCHAR_MAX),
        with_default(
            required("CreatedAt", SqlType::DateTime),
            "DF__Customers__CreatedAt__4AB81AF0",
            "(getdate())",
        ),
        rowguid("DF_Customers_rowguid"),
        required("Version", SqlType::RowVersion),
    ];
    let mut customers = table("dbo", "Customers", columns, primary_key("PK_Customers", &["CustomerID"]));
    customers.unique = vec![
        unique("AK_Customers_CustomerNumber", &["CustomerNumber"]),
        unique("AK_Customers_rowguid", &["rowguid"]),
    ];
    customers.checks = vec![
        check("CK_Customers_CreditLimit", "[CreditLimit] IS NULL OR [CreditLimit]>=(0)"),
        check("CK_Customers_LoyaltyPoints", "[LoyaltyPoints]>=(0)"),
    ];
    customers.indexes = vec![
        Index {
            unique: true,
            filter: Some(String::from("([Email] IS NOT NULL)")),
            ..index("UX_Customers_Email", &["Email"])
        },
        index("IX_Name", &["LastName", "FirstName"]),
    ];
    descriptions(
        &mut customers,
        "Everybody who has bought something, or might.",
        &[
            ("Email", "Where order confirmations go. It's needed for every online order."),
            ("LoyaltyPoints", "Points not yet spent."),
        ],
    );
    ShopTable { table: customers, rows, units: rows, write: write_customer }
}

fn write_customer(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Customer, unit);
    let first = random.pick(FIRST_NAMES);
    let last = random.pick(LAST_NAMES);
    row.int(CUSTOMER_IDS.value(unit));
    row.words(&["C", &digits(unit + 1, 9)]);
    match random.below(6) {
        0 => row.text("Dr."),
        1 => row.text("Ms."),
        2 => row.text("Mr."),
        _ => row.null(),
    }
    row.text(first.0);
    row.text(last.0);
    write_customer_email(shop, unit, &mut random, row, first.1, last.1);
    match random.one_in(5) {
        true => row.null(),
        false => {
            row.words(&["+1 555 ", &digits(random.below(1000), 3), "-", &digits(random.below(10_000), 4)])
        }
    }
    match random.one_in(4) {
        true => row.null(),
        false => row.date(shop.now - random.between(18 * 366, 90 * 366)),
    }
    let business = random.one_in(8);
    row.bit(business);
    match business {
        true => row.money(random.between(1, 500) * 1_000_000),
        false => row.null(),
    }
    row.count(random.below(5000));
    match random.below(4) {
        0 => row.null(),
        contact => row.count(contact),
    }
    match random.below(10) {
        0 => row.text("gold"),
        1 => row.null(),
        _ => row.text("standard"),
    }
    match (shop.defects.customer_notes_nul.holds(unit), random.one_in(8)) {
        (true, _) => row.words(&["Imported from the old system\0", random.pick(NOTES)]),
        (false, true) => row.text(random.pick(NOTES)),
        (false, false) => row.null(),
    }
    row.moment(shop.now - random.between(30, 4000), datetime_ticks(&mut random));
    row.guid(random.guid());
    row.rowversion(2001 + unit);
    row.end_row()
}

fn write_customer_email(
    shop: &Shop,
    unit: u64,
    random: &mut Random,
    row: &mut RowWriter,
    first: &str,
    last: &str,
) {
    let domain = random.pick(DOMAINS);
    let number = digits(unit + 1, 1);
    if shop.defects.customer_email_null.holds(unit) {
        return row.null();
    }
    match shop.defects.customer_email_invalid.place(unit).map(|place| place % 6) {
        None => row.words(&[first, ".", last, &number, "@", domain]),
        Some(0) => row.words(&[first, ".", last, &number, ".", domain]),
        Some(1) => row.words(&[first, ".", last, &number, "@@", domain]),
        Some(2) => row.words(&[first, ".", last, &number, "@"]),
        Some(3) => row.words(&["@", &number, domain]),
        Some(4) => row.words(&[first, " ", last, &number, "@", domain]),
        Some(_) => row.words(&[first, ".", last, &number, "@localhost"]),
    }
}

/// A time of day that `datetime` holds exactly: full 1/300 s, of which every third is a full 10 ms.
pub(super) fn datetime_ticks(random: &mut Random) -> u64 {
    random.below(86_400) * TICKS_A_SECOND + random.below(100) * 100_000
}

pub(super) fn addresses(shop: &Shop) -> ShopTable {
    let rows = address_count(shop);
    let columns = vec![
        ADDRESS_IDS.column("AddressID", SqlType::Int, rows),
        required("Line1", nvarchar(60)),
        optional("Line2", nvarchar(60)),
        required("City", nvarchar(40)),
        optional("StateProvince", nvarchar(40)),
        required("PostalCode", varchar(12)),
        with_default(
            required("CountryCode", SqlType::Char { length: 2 }),
            "DF_Addresses_CountryCode",
            "('US')",
        ),
        optional("Location", SqlType::Geography),
        optional("ModifiedAt", SqlType::SmallDateTime),
    ];
    let mut addresses = table("dbo", "Addresses", columns, primary_key("PK_Addresses", &["AddressID"]));
    // Longer than the 63 bytes that PostgreSQL keeps of a name.
    let long = "IX_Addresses_CountryCode_StateProvince_City_PostalCode_Line1_Line2";
    addresses.indexes =
        vec![index(long, &["CountryCode", "StateProvince", "City", "PostalCode", "Line1", "Line2"])];
    ShopTable { table: addresses, rows, units: rows, write: write_address }
}

fn address_count(shop: &Shop) -> u64 {
    shop.sizes.customers + shop.sizes.customers.div_ceil(8)
}

fn write_address(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Address, unit);
    let city = random.pick(CITIES);
    row.int(ADDRESS_IDS.value(unit));
    row.words(&[&digits(1 + random.below(300), 1), " ", random.pick(STREETS)]);
    match random.one_in(6) {
        true => row.words(&["Apt. ", &digits(1 + random.below(80), 1)]),
        false => row.null(),
    }
    row.text(city.name);
    match city.state {
        Some(state) => row.text(state),
        None => row.null(),
    }
    row.words(&[city.postal, &digits(random.below(100), 2)]);
    row.text(city.country);
    match random.one_in(3) {
        true => row.null(),
        false => row.blob(&point_near(&city, &mut random)),
    }
    match random.one_in(10) {
        true => row.null(),
        false => row.moment(shop.now - random.between(1, 3000), random.below(1440) * 60 * TICKS_A_SECOND),
    }
    row.end_row()
}

/// A point in WGS 84 as MS-SSCLRT serialises geography: SRID, version 1, "valid" and "single point",
/// latitude, longitude.
fn point_near(city: &City, random: &mut Random) -> [u8; 22] {
    let degrees = |millionths: i64| {
        // Below 2^31, so the conversion is exact, and the quotient is the same everywhere.
        f64::from(i32::try_from(millionths).unwrap_or(0)) / 1e6
    };
    let mut bytes = [0; 22];
    bytes[..4].copy_from_slice(&4326i32.to_le_bytes());
    bytes[4..6].copy_from_slice(&[1, 0x0C]);
    bytes[6..14].copy_from_slice(&degrees(city.latitude + random.between(-90_000, 90_000)).to_le_bytes());
    bytes[14..].copy_from_slice(&degrees(city.longitude + random.between(-90_000, 90_000)).to_le_bytes());
    bytes
}

pub(super) fn customer_addresses(shop: &Shop) -> ShopTable {
    let columns: Vec<Column> = vec![
        required("CustomerID", SqlType::Int),
        required("AddressID", SqlType::Int),
        required("AddressType", nvarchar(10)),
        required("IsDefault", SqlType::Bit),
        required("ModifiedAt", SqlType::DateTime2 { scale: 0 }),
    ];
    let key = primary_key("PK_CustomerAddresses", &["CustomerID", "AddressID"]);
    let mut links = table("dbo", "CustomerAddresses", columns, key);
    links.foreign_keys = vec![
        foreign_key("FK_CustomerAddresses_Customers", &["CustomerID"], ("dbo", "Customers"), &["CustomerID"]),
        foreign_key("FK_CustomerAddresses_Addresses", &["AddressID"], ("dbo", "Addresses"), &["AddressID"]),
    ];
    let units = shop.sizes.customers;
    ShopTable { table: links, rows: address_count(shop), units, write: write_customer_addresses }
}

/// Customer n has address n; every eighth has one of the addresses behind them as well.
fn write_customer_addresses(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let second = unit.is_multiple_of(8).then_some(shop.sizes.customers + unit / 8);
    for (address, kind) in [(Some(unit), "billing"), (second, "shipping")] {
        let Some(address) = address else { continue };
        let mut random = shop.random(Subject::Address, u64::MAX - address);
        row.int(CUSTOMER_IDS.value(unit));
        row.int(ADDRESS_IDS.value(address));
        row.text(kind);
        row.bit(address == unit);
        row.moment(shop.now - random.between(1, 3000), random.below(86_400) * TICKS_A_SECOND);
        row.end_row()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_the_tree_are_serialised_as_sql_server_does() {
        // Known values: /1/ is 0x58, /1/1/ is 0x5AC0, /4/ is 0x84, /8/ is 0xA2.
        let check = |unit, expected: &[u8]| assert_eq!(hierarchy_node(unit), expected, "employee {unit}");
        check(0, &[]);
        check(1, &[0x58]);
        check(2, &[0x68]);
        check(4, &[0x84]);
        check(8, &[0xA2]);
        check(16, &[0x5A, 0xC0]);
    }
}
