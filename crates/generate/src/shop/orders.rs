//! Orders, their lines, payments and returns.
//!
//! Invariant: the order's sums are the sums of its lines; every key but the planted ones refers to a
//! row that exists; every date but the planted ones and the promised ones lies before today.

use super::schema::{
    Identities, check, computed, decimal, descriptions, foreign_key, index, nvarchar, optional, primary_key,
    required, rowguid, table, varchar, with_default,
};
use super::{Shop, ShopTable, Subject, digits, goods, people};
use crate::GenerateError;
use crate::bcp::RowWriter;
use crate::calendar::{TICKS_A_SECOND, days};
use crate::random::Random;
use crate::words::{CURRENCIES, ORDER_COMMENTS, PAYMENT_METHODS, QUANTITIES, RETURN_REASONS};
use mssql2pg_catalog::{ForeignKey, Index, ReferentialAction, SqlType};

pub(super) const ORDER_IDS: Identities = Identities { seed: 10_001, increment: 1 };
pub(super) const PAYMENT_IDS: Identities = Identities::ONE;
/// Many databases begin here, so as not to waste half of an int.
const RETURN_IDS: Identities = Identities { seed: i32::MIN as i64, increment: 1 };
/// An order older than this many days has been sent or cancelled.
const OPEN_DAYS: i64 = 45;

/// What an order's own row, its lines and its payment must agree upon.
pub(super) struct Order {
    customer: u64,
    date: i64,
    ticks: u64,
    status: i64,
    lines: u64,
    /// For what only the order's own row shows.
    random: Random,
}

struct Line {
    product: u64,
    quantity: i64,
    /// In ten-thousandths, full cents.
    unit_price: i64,
    /// In hundredths.
    discount: i64,
    note: bool,
}

impl Line {
    /// In ten-thousandths; exact, for prices are full cents and discounts full hundredths.
    fn total(&self) -> i64 {
        self.unit_price * self.quantity * (100 - self.discount) / 100
    }
}

/// How many lines an order has, without making the order.
pub(super) fn line_count(seed: u64, order: u64) -> u64 {
    let mut random = Random::of_row(seed, Subject::LineCount as u64, order);
    random.pick(&[1, 1, 1, 2, 2, 2, 2, 3, 3, 5])
}

impl Shop {
    /// The order of that number, counted from 0.
    pub(super) fn order(&self, order: u64) -> Order {
        let mut random = self.random(Subject::Order, order);
        // Few customers buy often: the bound of the second draw is a draw itself.
        let customer = random.below(self.sizes.customers);
        let customer = if random.one_in(2) { random.below(customer + 1) } else { customer };
        // Orders are spread over eight years, and their numbers grow with time.
        let behind = u128::from(self.sizes.orders - order) * 2900 / u128::from(self.sizes.orders.max(1));
        let age = 20 + i64::try_from(behind).unwrap_or(0);
        let status = match (age < OPEN_DAYS, random.below(30)) {
            (true, draw) => 1 + i64::try_from(draw % 3).unwrap_or(0),
            (false, 0) => 6,
            (false, _) => 5,
        };
        let milliseconds = random.below(86_400_000);
        let (date, ticks) = (self.now - age, milliseconds * 10_000);
        Order { customer, date, ticks, status, lines: line_count(self.seed, order), random }
    }

    fn order_line(&self, order: u64, line: u64) -> Line {
        let mut random = self.random(Subject::OrderLine, order * 8 + line);
        let product = random.below(self.sizes.products);
        Line {
            product,
            quantity: random.pick(QUANTITIES),
            unit_price: self.product_price(product),
            discount: random.pick(&[0, 0, 0, 0, 0, 0, 5, 10, 15, 25]),
            note: random.one_in(30),
        }
    }

    fn subtotal(&self, order: u64, lines: u64) -> i64 {
        (0..lines).map(|line| self.order_line(order, line).total()).sum()
    }
}

pub(super) fn orders(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.orders;
    let columns = vec![
        ORDER_IDS.column("OrderID", SqlType::Int, rows),
        computed("OrderNumber", "(N'SO'+CONVERT([nvarchar](12),[OrderID]))"),
        optional("CustomerID", SqlType::Int),
        optional("SalesRepID", SqlType::Int),
        required("ShipToAddressID", SqlType::Int),
        with_default(
            required("OrderDate", SqlType::DateTime2 { scale: 3 }),
            "DF_Orders_OrderDate",
            "(sysutcdatetime())",
        ),
        required("RequiredDate", SqlType::Date),
        optional("ShippedDate", SqlType::Date),
        with_default(required("Status", SqlType::TinyInt), "DF_Orders_Status", "((1))"),
        with_default(required("IsOnline", SqlType::Bit), "DF_Orders_IsOnline", "((1))"),
        required("SubTotal", SqlType::Money),
        required("Tax", SqlType::Money),
        required("Freight", SqlType::Money),
        computed("TotalDue", "(([SubTotal]+[Tax])+[Freight])"),
        with_default(
            required("CurrencyCode", SqlType::Char { length: 3 }),
            "DF_Orders_CurrencyCode",
            "('EUR')",
        ),
        optional("Comment", nvarchar(400)),
        rowguid("DF_Orders_rowguid"),
    ];
    let mut orders = table("dbo", "Orders", columns, primary_key("PK_Orders", &["OrderID"]));
    orders.foreign_keys = vec![
        foreign_key("FK_Orders_Customers", &["CustomerID"], ("dbo", "Customers"), &["CustomerID"]),
        foreign_key("FK_Orders_Employees", &["SalesRepID"], ("hr", "Employees"), &["EmployeeID"]),
        foreign_key(
            "FK_Orders_CustomerAddresses",
            &["CustomerID", "ShipToAddressID"],
            ("dbo", "CustomerAddresses"),
            &["CustomerID", "AddressID"],
        ),
    ];
    orders.checks = vec![
        check("CK_Orders_RequiredDate", "[RequiredDate]>=[OrderDate]"),
        check("CK_Orders_Status", "[Status]>=(1) AND [Status]<=(6)"),
    ];
    orders.indexes = vec![
        Index {
            filter: Some(String::from("([Status]<(4))")),
            ..index("IX_Orders_Open", &["OrderDate desc"])
        },
        Index {
            included: vec![String::from("OrderDate"), String::from("Status")],
            ..index("IX_Orders_CustomerID", &["CustomerID"])
        },
    ];
    descriptions(
        &mut orders,
        "One row for each order.",
        &[
            ("Status", "1 new, 2 paid, 3 packed, 4 on its way, 5 delivered, 6 cancelled."),
            ("RequiredDate", "The day that we have promised."),
        ],
    );
    ShopTable { table: orders, rows, units: rows, write: write_order }
}

fn write_order(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let Order { customer, date, ticks, status, lines, mut random } = shop.order(unit);
    let future = shop.defects.order_date_future.place(unit);
    let (date, status) = match future {
        Some(place) => (future_day(place), 1),
        None => (date, status),
    };
    row.int(ORDER_IDS.value(unit));
    match shop.defects.order_customer_null.holds(unit) {
        true => row.null(),
        false => row.int(people::CUSTOMER_IDS.value(customer)),
    }
    let online = !random.one_in(4);
    match online {
        true => row.null(),
        false => row.int(people::EMPLOYEE_IDS.value(random.below(shop.sizes.employees))),
    }
    // Customer n lives at address n.
    row.int(people::CUSTOMER_IDS.value(customer));
    row.moment(date, ticks);
    row.date(date + random.between(7, 35));
    match status {
        5 => row.date(date + random.between(1, 10)),
        _ => row.null(),
    }
    row.int(status);
    row.bit(online);
    let subtotal = shop.subtotal(unit, lines);
    row.money(subtotal);
    // 19 per cent, cut to full cents.
    row.money(subtotal * 19 / 100 / 100 * 100);
    row.money(random.between(0, 40) * 5_000);
    row.text(random.pick(CURRENCIES));
    match random.one_in(12) {
        true => row.text(random.pick(ORDER_COMMENTS)),
        false => row.null(),
    }
    row.guid(random.guid());
    row.end_row()
}

/// A day that no clock has seen: from 2091 on, at most eight centuries ahead.
fn future_day(place: u64) -> i64 {
    days(2091, 3, 17) + 97 * i64::try_from(place % 3000).unwrap_or(0)
}

pub(super) fn order_lines(shop: &Shop) -> ShopTable {
    let columns = vec![
        required("OrderID", SqlType::Int),
        required("LineNumber", SqlType::SmallInt),
        required("ProductID", SqlType::Int),
        with_default(required("Quantity", SqlType::SmallInt), "DF_OrderLines_Quantity", "((1))"),
        required("UnitPrice", SqlType::Money),
        with_default(required("Discount", decimal(5, 4)), "DF_OrderLines_Discount", "((0))"),
        computed("LineTotal", "(([UnitPrice]*[Quantity])*((1)-[Discount]))"),
        optional("Note", nvarchar(100)),
    ];
    let key = primary_key("PK_OrderLines", &["OrderID", "LineNumber"]);
    let mut lines = table("dbo", "OrderLines", columns, key);
    lines.foreign_keys = vec![
        ForeignKey {
            on_delete: ReferentialAction::Cascade,
            ..foreign_key("FK_OrderLines_Orders", &["OrderID"], ("dbo", "Orders"), &["OrderID"])
        },
        foreign_key("FK_OrderLines_Products", &["ProductID"], ("dbo", "Products"), &["ProductID"]),
    ];
    lines.checks = vec![
        check("CK_OrderLines_Quantity", "[Quantity]>(0)"),
        check("CK_OrderLines_Discount", "[Discount]>=(0) AND [Discount]<=(1)"),
    ];
    lines.indexes = vec![index("IX_OrderLines_ProductID", &["ProductID"])];
    let rows = shop.sizes.order_lines;
    ShopTable { table: lines, rows, units: shop.sizes.orders, write: write_order_lines }
}

fn write_order_lines(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    for number in 0..line_count(shop.seed, unit) {
        let line = shop.order_line(unit, number);
        row.int(ORDER_IDS.value(unit));
        row.count(number + 1);
        row.int(goods::PRODUCT_IDS.value(line.product));
        row.int(line.quantity);
        row.money(line.unit_price);
        row.decimal(i128::from(line.discount * 100));
        match line.note {
            true => row.text("Gift wrap, please 🎁"),
            false => row.null(),
        }
        row.end_row()?;
    }
    Ok(())
}

pub(super) fn payments(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.payments;
    let columns = vec![
        PAYMENT_IDS.column("PaymentID", SqlType::Int, rows),
        required("OrderID", SqlType::Int),
        required("PaidAt", SqlType::DateTime),
        required("Method", varchar(20)),
        required("Amount", decimal(19, 4)),
        optional("CardLastFour", SqlType::Char { length: 4 }),
        optional("Reference", SqlType::UniqueIdentifier),
        optional("ExchangeRate", SqlType::Float),
        with_default(required("IsRefund", SqlType::Bit), "DF_Payments_IsRefund", "((0))"),
    ];
    let mut payments = table("dbo", "Payments", columns, primary_key("PK_Payments", &["PaymentID"]));
    // Added WITH NOCHECK to a table that had lost orders before.
    let orders = foreign_key("FK_Payments_Orders", &["OrderID"], ("dbo", "Orders"), &["OrderID"]);
    payments.foreign_keys = vec![ForeignKey { trusted: false, ..orders }];
    payments.indexes = vec![index("IX_Payments_OrderID", &["OrderID"])];
    ShopTable { table: payments, rows, units: rows, write: write_payment }
}

fn write_payment(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Payment, unit);
    // Nine of ten orders are paid.
    let number = unit + unit / 9;
    let order = shop.order(number);
    let method = random.pick(PAYMENT_METHODS);
    row.int(PAYMENT_IDS.value(unit));
    match shop.defects.payment_orphan.place(unit) {
        Some(place) => row.int(ORDER_IDS.value(shop.sizes.orders) + 1000 + i64::try_from(place).unwrap_or(0)),
        None => row.int(ORDER_IDS.value(number)),
    }
    let day = match shop.defects.payment_future.place(unit) {
        Some(place) => future_day(place),
        None => order.date + random.between(1, 14),
    };
    row.moment(day, people::datetime_ticks(&mut random));
    row.text(method);
    row.decimal(i128::from(shop.subtotal(number, order.lines)) * 119 / 100);
    match method {
        "card" => row.text(&digits(random.below(10_000), 4)),
        _ => row.null(),
    }
    match random.one_in(4) {
        true => row.null(),
        false => row.guid(random.guid()),
    }
    match random.one_in(3) {
        true => {
            // Below 2^31, so the conversion is exact, and the quotient is the same everywhere.
            let rate = i32::try_from(random.between(700_000, 1_400_000)).unwrap_or(0);
            row.float(f64::from(rate) / 1e6);
        }
        false => row.null(),
    }
    row.bit(order.status == 6);
    row.end_row()
}

pub(super) fn returns(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.returns;
    let columns = vec![
        RETURN_IDS.column("ReturnID", SqlType::Int, rows),
        required("OrderID", SqlType::Int),
        required("LineNumber", SqlType::SmallInt),
        optional("Reason", nvarchar(200)),
        optional("ReturnedAt", SqlType::SmallDateTime),
        optional("RefundAmount", SqlType::SmallMoney),
    ];
    let mut returns = table("sales", "Returns", columns, primary_key("PK_Returns", &["ReturnID"]));
    returns.foreign_keys.push(foreign_key(
        "FK_Returns_OrderLines",
        &["OrderID", "LineNumber"],
        ("dbo", "OrderLines"),
        &["OrderID", "LineNumber"],
    ));
    ShopTable { table: returns, rows, units: rows, write: write_return }
}

fn write_return(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Return, unit);
    let number = unit * 25;
    let order = shop.order(number);
    row.int(RETURN_IDS.value(unit));
    row.int(ORDER_IDS.value(number));
    row.count(1 + random.below(order.lines));
    match random.one_in(6) {
        true => row.null(),
        false => row.text(random.pick(RETURN_REASONS)),
    }
    match random.one_in(6) {
        true => row.null(),
        false => row.moment(order.date + random.between(3, 19), random.below(1440) * 60 * TICKS_A_SECOND),
    }
    match random.one_in(5) {
        true => row.null(),
        false => row.money(random.between(1, 20_000) * 100),
    }
    row.end_row()
}
