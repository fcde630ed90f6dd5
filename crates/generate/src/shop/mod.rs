//! The shop: what its database looks like, how large it is, what every row holds and where defects stand.
//!
//! Invariant: a row is a function of the seed and its number. Tables may ask each other for facts
//! ([`Shop::order`], [`Shop::product_price`]), never for memory.
//!
//! To extend: a table is a function that gives its [`ShopTable`], with the function that writes its
//! rows right below it, and one line in [`Shop::tables`].

mod goods;
mod orders;
mod people;
mod records;
mod schema;
mod scripts;

pub(crate) use schema::{decimal, nvarchar, optional, primary_key, required, table};
pub(crate) use scripts::{Script, scripts};

use crate::bcp::RowWriter;
use crate::planted::{Defect, DefectCode, Planting};
use crate::{GenerateError, GenerateOptions};
use mssql2pg_catalog::{
    AliasType, CATALOG_FORMAT, Catalog, DatabaseInfo, ObjectName, Permission, Principal, PrincipalKind,
    Sequence, SqlType, Table,
};
use std::ops::Deref;

/// Everything that the rows depend on.
pub(crate) struct Shop {
    seed: u64,
    /// Today, in days since 0001-01-01.
    now: i64,
    sizes: Sizes,
    defects: Defects,
}

/// Rows by table.
struct Sizes {
    customers: u64,
    suppliers: u64,
    products: u64,
    prices: u64,
    reviews: u64,
    orders: u64,
    order_lines: u64,
    payments: u64,
    returns: u64,
    employees: u64,
    audit: u64,
    documents: u64,
    readings: u64,
}

/// Where each defect stands.
pub(crate) struct Defects {
    customer_email_null: Planting,
    customer_email_invalid: Planting,
    customer_notes_nul: Planting,
    product_number_null: Planting,
    order_customer_null: Planting,
    order_date_future: Planting,
    payment_orphan: Planting,
    payment_future: Planting,
    audit_nul: Planting,
    audit_fraction: Planting,
    review_surrogate: Planting,
}

/// A table of the shop and how its rows come about.
pub(crate) struct ShopTable {
    /// The table.
    pub(crate) table: Table,
    /// How many rows it has.
    pub(crate) rows: u64,
    /// How often [`ShopTable::write`] is called, with 0, 1, …; one call writes one row or a few.
    pub(crate) units: u64,
    /// Writes the rows of a unit.
    pub(crate) write: WriteUnit,
}

/// Writes the rows of one unit of a table.
pub(crate) type WriteUnit = fn(&Shop, u64, &mut RowWriter) -> Result<(), GenerateError>;

/// What random numbers are drawn for; two subjects never share a stream.
#[derive(Clone, Copy)]
enum Subject {
    Customer,
    Address,
    Supplier,
    Product,
    ProductPrice,
    Price,
    Review,
    Order,
    LineCount,
    OrderLine,
    Payment,
    Return,
    Employee,
    Audit,
    Document,
    Reading,
}

/// 5 thousand million rows: every identity stays inside its type, and every sum inside 64 bits.
const MAX_ROWS: u64 = 5_000_000_000;

impl Shop {
    /// Plans a shop of about `options.rows` rows.
    pub(crate) fn plan(options: &GenerateOptions) -> Result<Self, GenerateError> {
        let GenerateOptions { rows, seed, part_bytes: _, defects, now } = *options;
        if rows > MAX_ROWS {
            return Err(GenerateError::Options(format!("rows is {rows}, and {MAX_ROWS} is the most")));
        }
        let now = now.number()?;
        let share = |thousandths: u64, least: u64| (rows * thousandths / 1000).max(least);
        let orders = share(140, 90);
        let products = share(20, 60).min(500_000);
        let sizes = Sizes {
            customers: share(70, 60),
            suppliers: (rows / 400).clamp(12, 20_000),
            products,
            prices: products * 2,
            reviews: share(30, 60),
            orders,
            order_lines: (0..orders).map(|order| orders::line_count(seed, order)).sum(),
            payments: orders - orders / 10,
            returns: orders / 25,
            employees: (rows / 250).clamp(30, 100_000),
            audit: share(50, 60),
            documents: (rows / 200).clamp(15, 200_000),
            readings: share(40, 40),
        };
        let defects = Defects::plan(seed, &sizes, defects);
        Ok(Self { seed, now, sizes, defects })
    }

    /// All tables, in the order in which they are written.
    pub(crate) fn tables(&self) -> Vec<ShopTable> {
        vec![
            people::departments(),
            people::employees(self),
            people::customers(self),
            people::addresses(self),
            people::customer_addresses(self),
            goods::categories(),
            goods::suppliers(self),
            goods::products(self),
            goods::price_list(self),
            goods::product_reviews(self),
            orders::orders(self),
            orders::order_lines(self),
            orders::payments(self),
            orders::returns(self),
            records::audit_log(self),
            records::documents(self),
            records::warehouse_readings(self),
            records::import_queue(),
        ]
    }

    /// The shop's database without its code objects, which are in [`scripts`].
    pub(crate) fn catalog(&self, tables: &[ShopTable]) -> Catalog {
        let alias = |name: &str, base| AliasType { name: ObjectName::new("dbo", name), base, nullable: true };
        Catalog {
            format: CATALOG_FORMAT,
            database: database_info("Shop"),
            schemas: vec![String::from("hr"), String::from("sales")],
            alias_types: vec![alias("EmailAddress", nvarchar(254)), alias("Phone", nvarchar(25))],
            tables: tables.iter().map(|table| table.table.clone()).collect(),
            sequences: vec![Sequence {
                name: ObjectName::new("sales", "InvoiceNumbers"),
                sql_type: SqlType::BigInt,
                start: 100_000,
                increment: 10,
                minimum: None,
                maximum: None,
                cycle: false,
                current_value: Some(100_000 + 10 * i128::from(self.sizes.orders)),
            }],
            principals: vec![Principal { name: String::from("reporting"), kind: PrincipalKind::Role }],
            permissions: vec![Permission {
                state: String::from("grant"),
                permission: String::from("VIEW DEFINITION"),
                object: None,
                grantee: String::from("reporting"),
            }],
            ..Catalog::default()
        }
    }

    /// The defects with their exact counts and first keys.
    pub(crate) fn defects(&self) -> Vec<Defect> {
        use DefectCode as Code;
        let defects = &self.defects;
        let customers = ("dbo.Customers", "CustomerID", people::CUSTOMER_IDS);
        let products = ("dbo.Products", "ProductID", goods::PRODUCT_IDS);
        let orders = ("dbo.Orders", "OrderID", orders::ORDER_IDS);
        let payments = ("dbo.Payments", "PaymentID", orders::PAYMENT_IDS);
        let audit = ("dbo.AuditLog", "AuditID", records::AUDIT_IDS);
        let reviews = ("sales.ProductReviews", "ReviewID", goods::REVIEW_IDS);
        let orphans = Some("FK_Payments_Orders");
        let list = [
            (Code::NullInCriticalField, customers, "Email", None, defects.customer_email_null),
            (Code::NullInCriticalField, products, "ProductNumber", None, defects.product_number_null),
            (Code::NullInCriticalField, orders, "CustomerID", None, defects.order_customer_null),
            (Code::InvalidEmail, customers, "Email", None, defects.customer_email_invalid),
            (Code::OrphanedForeignKey, payments, "OrderID", orphans, defects.payment_orphan),
            (Code::FutureDate, orders, "OrderDate", None, defects.order_date_future),
            (Code::FutureDate, payments, "PaidAt", None, defects.payment_future),
            (Code::NulCharacter, customers, "Notes", None, defects.customer_notes_nul),
            (Code::NulCharacter, audit, "Message", None, defects.audit_nul),
            (Code::LoneSurrogate, reviews, "Comments", None, defects.review_surrogate),
            (Code::FractionCut, audit, "LoggedAt", None, defects.audit_fraction),
        ];
        let planted = list.into_iter().filter(|(_, _, _, _, planting)| planting.count() > 0);
        planted
            .map(|(code, (table, key, ids), column, constraint, planting)| Defect {
                code,
                table: table.to_owned(),
                columns: vec![column.to_owned()],
                constraint: constraint.map(str::to_owned),
                count: planting.count(),
                keys: planting.rows().take(10).map(|row| format!("{key}={}", ids.value(row))).collect(),
            })
            .collect()
    }

    /// The seed that all values are derived from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Today, in days since 0001-01-01.
    pub(crate) fn today(&self) -> i64 {
        self.now
    }

    fn random(&self, subject: Subject, row: u64) -> crate::random::Random {
        crate::random::Random::of_row(self.seed, subject as u64, row)
    }
}

impl Defects {
    fn plan(seed: u64, sizes: &Sizes, planted: bool) -> Self {
        let plant = |rows, slot, slots| match planted {
            true => Planting::spread(seed, rows, slot, slots),
            false => Planting::NONE,
        };
        Self {
            customer_email_null: plant(sizes.customers, 0, 3),
            customer_email_invalid: plant(sizes.customers, 1, 3),
            customer_notes_nul: plant(sizes.customers, 2, 3),
            product_number_null: plant(sizes.products, 0, 1),
            order_customer_null: plant(sizes.orders, 0, 2),
            order_date_future: plant(sizes.orders, 1, 2),
            payment_orphan: plant(sizes.payments, 0, 2),
            payment_future: plant(sizes.payments, 1, 2),
            audit_nul: plant(sizes.audit, 0, 2),
            audit_fraction: plant(sizes.audit, 1, 2),
            review_surrogate: plant(sizes.reviews, 0, 1),
        }
    }
}

/// Columns whose dates may lie in the future without being wrong.
pub(crate) const EXPECTED_FUTURE: &[&str] =
    &["dbo.Documents.ExpiresOn", "dbo.Orders.RequiredDate", "sales.Price List.ValidTo"];

/// Facts about a generated database.
pub(crate) fn database_info(name: &str) -> DatabaseInfo {
    DatabaseInfo {
        name: name.to_owned(),
        collation: Some(String::from("SQL_Latin1_General_CP1_CI_AS")),
        server_version: Some(crate::origin::SERVER_VERSION.to_owned()),
        compatibility_level: Some(150),
        claimed_rows: None,
    }
}

/// An empty catalog around some tables.
pub(crate) fn plain_catalog(name: &str, tables: Vec<Table>) -> Catalog {
    Catalog { format: CATALOG_FORMAT, database: database_info(name), tables, ..Catalog::default() }
}

/// A number in decimal digits, made without allocating: text is most of the work of a row.
pub(crate) struct Digits {
    bytes: [u8; 20],
    start: usize,
}

/// The digits of `number`, with zeros in front up to `width` (at most 20).
pub(crate) fn digits(mut number: u64, width: usize) -> Digits {
    let mut bytes = [b'0'; 20];
    let mut start = bytes.len();
    while number > 0 || start == bytes.len() {
        start -= 1;
        bytes[start] = b"0123456789"[usize::try_from(number % 10).unwrap_or(0)];
        number /= 10;
    }
    Digits { bytes, start: start.min(bytes.len().saturating_sub(width)) }
}

impl Deref for Digits {
    type Target = str;

    fn deref(&self) -> &str {
        // ASCII digits are UTF-8.
        std::str::from_utf8(&self.bytes[self.start..]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_digits() {
        assert_eq!(&*digits(0, 1), "0");
        assert_eq!(&*digits(17, 1), "17");
        assert_eq!(&*digits(17, 5), "00017");
        assert_eq!(&*digits(u64::MAX, 1), "18446744073709551615");
    }

    #[test]
    fn a_shop_has_about_as_many_rows_as_asked() {
        for rows in [5_000, 100_000, 1_000_000] {
            let options = GenerateOptions { rows, ..GenerateOptions::default() };
            let shop = Shop::plan(&options).unwrap();
            let total: u64 = shop.tables().iter().map(|table| table.rows).sum();
            assert!(total.abs_diff(rows) < rows / 20, "{total} of {rows}");
        }
    }
}
