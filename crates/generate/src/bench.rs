//! One wide table of orders, for measuring how fast a load is.
//!
//! Invariant: a row is about 160 bytes in PostgreSQL's binary COPY format, half of its columns are
//! text or numeric as in real order tables, and no value is lost on the way to PostgreSQL.

use crate::bcp::RowWriter;
use crate::calendar::TICKS_A_SECOND;
use crate::random::Random;
use crate::shop::{
    Shop, ShopTable, decimal, digits, nvarchar, optional, plain_catalog, primary_key, required, table,
};
use crate::words::{CITIES, CURRENCIES, FIRST_NAMES, LAST_NAMES, ORDER_COMMENTS};
use crate::{GenerateError, GenerateOptions, Planted, Progress, Writing, write_database};
use mssql2pg_catalog::{Column, Identity, SqlType, Table};
use std::path::Path;

/// The subject of the rows' random numbers; far from those of the shop.
const SUBJECT: u64 = 1000;

/// Writes a `.bacpac` of one table, `dbo.Orders`, of 14 columns and exactly `rows` rows, in parts of
/// about 16 MiB. No defects, and no file beside it.
///
/// # Errors
/// [`GenerateError::Options`] when `rows` does not fit an int, else when the file cannot be written.
pub fn write_orders_bench(
    path: &Path,
    rows: u64,
    seed: u64,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Planted, GenerateError> {
    if i32::try_from(rows).is_err() {
        return Err(GenerateError::Options(format!("rows is {rows}, and an order's key is an int")));
    }
    let options = GenerateOptions { rows: 0, seed, defects: false, ..GenerateOptions::default() };
    let shop = Shop::plan(&options)?;
    let table = orders_table(rows);
    let catalog = plain_catalog("OrdersBench", vec![table.clone()]);
    let tables = [ShopTable { table, rows, units: rows, write: write_order }];
    let writing = Writing { path, options: &options, catalog: &catalog, scripts: &[], tables: &tables };
    write_database(&writing, &shop, progress)
}

fn orders_table(rows: u64) -> Table {
    let last = i128::from(rows);
    let identity = Identity { seed: 1, increment: 1, last_value: (rows > 0).then_some(last) };
    let columns = vec![
        Column { identity: Some(identity), ..required("OrderID", SqlType::Int) },
        required("CustomerID", SqlType::BigInt),
        optional("SalesRepID", SqlType::Int),
        required("OrderDate", SqlType::DateTime2 { scale: 7 }),
        required("RequiredDate", SqlType::Date),
        required("Status", SqlType::TinyInt),
        required("IsOnline", SqlType::Bit),
        required("Total", decimal(19, 4)),
        required("Freight", SqlType::Money),
        required("CurrencyCode", SqlType::Char { length: 3 }),
        required("ShipName", nvarchar(80)),
        required("ShipCity", nvarchar(40)),
        optional("Comment", nvarchar(400)),
        required("rowguid", SqlType::UniqueIdentifier),
    ];
    table("dbo", "Orders", columns, primary_key("PK_Orders", &["OrderID"]))
}

fn write_order(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = Random::of_row(shop.seed(), SUBJECT, unit);
    let date = shop.today() - random.between(20, 2900);
    row.count(unit + 1);
    row.count(4_000_000_000 + random.below(1_000_000));
    match random.one_in(5) {
        true => row.null(),
        false => row.count(1 + random.below(5000)),
    }
    row.moment(date, random.below(86_400 * TICKS_A_SECOND / 10) * 10);
    row.date(date + random.between(7, 35));
    row.count(1 + random.below(6));
    row.bit(!random.one_in(4));
    row.decimal(i128::from(random.between(100, 90_000_000)));
    row.money(random.between(0, 4_000) * 100);
    row.text(random.pick(CURRENCIES));
    row.words(&[random.pick(FIRST_NAMES).0, " ", random.pick(LAST_NAMES).0]);
    row.text(random.pick(CITIES).name);
    match random.below(4) {
        0 => row.text(random.pick(ORDER_COMMENTS)),
        1 => row.words(&["Reference ", &digits(random.below(1_000_000), 6)]),
        _ => row.null(),
    }
    row.guid(random.guid());
    row.end_row()
}
