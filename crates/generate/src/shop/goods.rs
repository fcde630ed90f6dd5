//! Goods: categories, suppliers, products, their prices and what customers say of them.
//!
//! Invariant: a product's price is a function of its number ([`Shop::product_price`]), so that order
//! lines agree with the catalogue without looking it up.

use super::schema::{
    Identities, VARBINARY_MAX, check, computed, decimal, descriptions, foreign_key, index, nvarchar,
    optional, primary_key, required, table, unique, varchar, with_alias, with_default,
};
use super::{Shop, ShopTable, Subject, digits, people};
use crate::GenerateError;
use crate::bcp::RowWriter;
use crate::calendar::{TICKS_A_SECOND, days};
use crate::words::{
    CATEGORIES, CITIES, COLOURS, COMPANY_FORMS, CURRENCIES, DOMAINS, FIRST_NAMES, LAST_NAMES, OPINIONS,
    PRODUCT_KINDS, PRODUCT_NOUNS, SIZES,
};
use mssql2pg_catalog::{ForeignKey, Index, ReferentialAction, SqlType};

pub(super) const PRODUCT_IDS: Identities = Identities { seed: 100, increment: 1 };
pub(super) const REVIEW_IDS: Identities = Identities::ONE;
const CATEGORY_IDS: Identities = Identities::ONE;
const SUPPLIER_IDS: Identities = Identities { seed: 1000, increment: 10 };
const PRICE_IDS: Identities = Identities::ONE;
/// The last day that SQL Server knows: "valid until further notice".
const LAST_DAY: i64 = days(9999, 12, 31);

impl Shop {
    /// The list price of a product in ten-thousandths, always full cents.
    pub(super) fn product_price(&self, product: u64) -> i64 {
        let mut random = self.random(Subject::ProductPrice, product);
        // Many cheap things, few dear ones: the product of two draws is skewed like real prices.
        let cents = random.between(10, 300) * random.between(10, 200) + 99;
        cents * 100
    }
}

pub(super) fn categories() -> ShopTable {
    let rows = CATEGORIES.len().try_into().unwrap_or(0);
    let columns = vec![
        CATEGORY_IDS.column("CategoryID", SqlType::SmallInt, rows),
        optional("ParentCategoryID", SqlType::SmallInt),
        required("Name", nvarchar(50)),
        required("SortKey", varchar(40)),
    ];
    let mut categories = table("dbo", "Categories", columns, primary_key("PK_Categories", &["CategoryID"]));
    categories.unique.push(unique("AK_Categories_Name", &["Name"]));
    categories.foreign_keys.push(foreign_key(
        "FK_Categories_Parent",
        &["ParentCategoryID"],
        ("dbo", "Categories"),
        &["CategoryID"],
    ));
    ShopTable { table: categories, rows, units: rows, write: write_category }
}

fn write_category(_: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let entry = usize::try_from(unit).ok().and_then(|place| CATEGORIES.get(place));
    let (name, parent) = entry.copied().unwrap_or_default();
    row.int(CATEGORY_IDS.value(unit));
    match parent {
        Some(parent) => row.int(CATEGORY_IDS.value(parent)),
        None => row.null(),
    }
    row.text(name);
    row.words(&[&digits(parent.unwrap_or(unit) + 1, 3), ".", &digits(unit + 1, 3)]);
    row.end_row()
}

pub(super) fn suppliers(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.suppliers;
    let columns = vec![
        SUPPLIER_IDS.column("SupplierID", SqlType::Int, rows),
        required("CompanyName", nvarchar(80)),
        optional("ContactName", nvarchar(100)),
        with_alias(optional("ContactEmail", nvarchar(254)), "dbo", "EmailAddress"),
        required("City", nvarchar(40)),
        required("CountryCode", SqlType::Char { length: 2 }),
        optional("Rating", SqlType::TinyInt),
        optional("HomePage", SqlType::NText),
        optional("PaymentTerms", SqlType::Text),
        with_default(required("IsActive", SqlType::Bit), "DF_Suppliers_IsActive", "((1))"),
    ];
    let mut suppliers = table("dbo", "Suppliers", columns, primary_key("PK_Suppliers", &["SupplierID"]));
    suppliers.checks.push(check("CK_Suppliers_Rating", "[Rating]>=(1) AND [Rating]<=(5)"));
    // Two more tables have an index of this name: in SQL Server it is unique within its table only.
    suppliers.indexes.push(index("IX_Name", &["CompanyName"]));
    ShopTable { table: suppliers, rows, units: rows, write: write_supplier }
}

fn write_supplier(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Supplier, unit);
    let city = random.pick(CITIES);
    let last = random.pick(LAST_NAMES);
    let number = digits(unit + 1, 1);
    row.int(SUPPLIER_IDS.value(unit));
    row.words(&[last.0, " ", random.pick(PRODUCT_NOUNS), "s ", random.pick(COMPANY_FORMS)]);
    match random.one_in(5) {
        true => row.null(),
        false => row.words(&[random.pick(FIRST_NAMES).0, " ", last.0]),
    }
    match random.one_in(5) {
        true => row.null(),
        false => row.words(&["sales.", last.1, &number, "@", random.pick(DOMAINS)]),
    }
    row.text(city.name);
    row.text(city.country);
    match random.below(6) {
        0 => row.null(),
        rating => row.count(rating),
    }
    match random.one_in(3) {
        true => row.null(),
        false => row.words(&["https://www.example.com/suppliers/", &number, "?ref=shop&lang=en"]),
    }
    match random.below(4) {
        0 => row.null(),
        1 => row.text("30 days net; 2 % within 10 days"),
        _ => row.text("30 days net"),
    }
    row.bit(!random.one_in(15));
    row.end_row()
}

pub(super) fn products(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.products;
    let columns = vec![
        PRODUCT_IDS.column("ProductID", SqlType::Int, rows),
        optional("ProductNumber", nvarchar(25)),
        required("Name", nvarchar(100)),
        required("CategoryID", SqlType::SmallInt),
        required("SupplierID", SqlType::Int),
        optional("Colour", nvarchar(15)),
        optional("Size", varchar(10)),
        required("StandardCost", SqlType::Money),
        required("ListPrice", SqlType::Money),
        computed("Margin", "([ListPrice]-[StandardCost])"),
        optional("Weight", decimal(8, 3)),
        with_default(required("Stock", SqlType::Int), "DF_Products_Stock", "((0))"),
        required("SellStartDate", SqlType::DateTime),
        optional("SellEndDate", SqlType::DateTime),
        with_default(required("Discontinued", SqlType::Bit), "DF_Products_Discontinued", "((0))"),
        optional("Attributes", SqlType::Xml),
        optional("Barcode", SqlType::Binary { length: 8 }),
        optional("Photo", VARBINARY_MAX),
    ];
    let mut products = table("dbo", "Products", columns, primary_key("PK_Products", &["ProductID"]));
    products.foreign_keys = vec![
        foreign_key("FK_Products_Categories", &["CategoryID"], ("dbo", "Categories"), &["CategoryID"]),
        foreign_key("FK_Products_Suppliers", &["SupplierID"], ("dbo", "Suppliers"), &["SupplierID"]),
    ];
    products.checks = vec![
        check("CK_Products_ListPrice", "[ListPrice]>=(0.00)"),
        check("CK_Products_SellEndDate", "[SellEndDate]>=[SellStartDate] OR [SellEndDate] IS NULL"),
    ];
    products.indexes = vec![
        Index {
            unique: true,
            filter: Some(String::from("([ProductNumber] IS NOT NULL)")),
            ..index("UX_Products_ProductNumber", &["ProductNumber"])
        },
        index("IX_Name", &["Name"]),
        Index {
            included: vec![String::from("Name"), String::from("ListPrice")],
            ..index("IX_Products_CategoryID", &["CategoryID", "ListPrice desc"])
        },
    ];
    descriptions(
        &mut products,
        "Everything on sale, now or once.",
        &[("ProductNumber", "What is printed on the box.")],
    );
    ShopTable { table: products, rows, units: rows, write: write_product }
}

fn write_product(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Product, unit);
    let price = shop.product_price(unit);
    let kind = random.pick(PRODUCT_KINDS);
    let noun = random.pick(PRODUCT_NOUNS);
    let categories = u64::try_from(CATEGORIES.len()).unwrap_or(1);
    row.int(PRODUCT_IDS.value(unit));
    match shop.defects.product_number_null.holds(unit) {
        true => row.null(),
        false => row.words(&[&noun[..2], "-", &digits(unit + 1, 6)]),
    }
    row.words(&[kind, " ", noun, " ", &digits(100 + unit % 900, 1)]);
    row.int(CATEGORY_IDS.value(random.below(categories)));
    row.int(SUPPLIER_IDS.value(random.below(shop.sizes.suppliers)));
    match random.one_in(3) {
        true => row.null(),
        false => row.text(random.pick(COLOURS)),
    }
    match random.one_in(2) {
        true => row.null(),
        false => row.text(random.pick(SIZES)),
    }
    row.money(price * random.between(45, 85) / 100);
    row.money(price);
    match random.one_in(5) {
        true => row.null(),
        false => row.decimal(i128::from(random.between(5, 60_000))),
    }
    row.count(random.below(400));
    let start = shop.now - random.between(1000, 4000);
    row.moment(start, 0);
    let discontinued = random.one_in(12);
    match discontinued {
        true => row.moment(start + random.between(30, 900), people::datetime_ticks(&mut random)),
        false => row.null(),
    }
    row.bit(discontinued);
    match random.one_in(3) {
        true => row.null(),
        false => row.words(&[
            "<attributes><material>",
            ["steel", "oak", "linen", "ABS &amp; glass"][usize::try_from(random.below(4)).unwrap_or(0)],
            "</material><warranty months=\"",
            &digits(12 * (1 + random.below(5)), 1),
            "\"/></attributes>",
        ]),
    }
    match random.one_in(4) {
        true => row.null(),
        false => row.blob(&(4_000_000_000_000 + unit).to_be_bytes()),
    }
    match random.one_in(10) {
        true => row.blob(&people::small_picture(&mut random)),
        false => row.null(),
    }
    row.end_row()
}

pub(super) fn price_list(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.prices;
    let columns = vec![
        PRICE_IDS.column("Price List ID", SqlType::Int, rows),
        required("ProductID", SqlType::Int),
        required("Order", SqlType::Int),
        required("CurrencyCode", SqlType::Char { length: 3 }),
        required("Price", decimal(19, 4)),
        with_default(required("Min Quantity", SqlType::SmallInt), "DF_Price List_Min Quantity", "((1))"),
        required("ValidFrom", SqlType::Date),
        required("ValidTo", SqlType::Date),
    ];
    let mut prices = table("sales", "Price List", columns, primary_key("PK_Price List", &["Price List ID"]));
    prices.unique.push(unique("AK_Price List", &["ProductID", "CurrencyCode", "ValidFrom"]));
    prices.foreign_keys.push(foreign_key(
        "FK_Price List_Products",
        &["ProductID"],
        ("dbo", "Products"),
        &["ProductID"],
    ));
    ShopTable { table: prices, rows, units: rows, write: write_price }
}

fn write_price(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Price, unit);
    // Every product once in one currency, then every product once in the next.
    let product = unit % shop.sizes.products;
    let variant = unit / shop.sizes.products;
    let currency = usize::try_from(variant).ok().and_then(|place| CURRENCIES.get(place % CURRENCIES.len()));
    row.int(PRICE_IDS.value(unit));
    row.int(PRODUCT_IDS.value(product));
    row.count(variant + 1);
    row.text(currency.unwrap_or(&"EUR"));
    row.decimal(i128::from(shop.product_price(product)) * i128::from(random.between(85, 125)) / 100);
    row.int(random.pick(&[1, 1, 1, 10, 100]));
    row.date(shop.now - random.between(100, 2000));
    row.date(if random.one_in(4) { shop.now + random.between(1, 700) } else { LAST_DAY });
    row.end_row()
}

pub(super) fn product_reviews(shop: &Shop) -> ShopTable {
    let rows = shop.sizes.reviews;
    let columns = vec![
        REVIEW_IDS.column("ReviewID", SqlType::Int, rows),
        required("ProductID", SqlType::Int),
        optional("CustomerID", SqlType::Int),
        required("Rating", SqlType::TinyInt),
        optional("Comments", nvarchar(3000)),
        required("ReviewedAt", SqlType::DateTimeOffset { scale: 7 }),
        with_default(required("Helpful", SqlType::Int), "DF_ProductReviews_Helpful", "((0))"),
    ];
    let key = primary_key("PK_ProductReviews", &["ReviewID"]);
    let mut reviews = table("sales", "ProductReviews", columns, key);
    reviews.foreign_keys = vec![
        ForeignKey {
            on_delete: ReferentialAction::Cascade,
            ..foreign_key("FK_ProductReviews_Products", &["ProductID"], ("dbo", "Products"), &["ProductID"])
        },
        foreign_key("FK_ProductReviews_Customers", &["CustomerID"], ("dbo", "Customers"), &["CustomerID"]),
    ];
    reviews.checks.push(check("CK_ProductReviews_Rating", "[Rating]>=(1) AND [Rating]<=(5)"));
    ShopTable { table: reviews, rows, units: rows, write: write_review }
}

fn write_review(shop: &Shop, unit: u64, row: &mut RowWriter) -> Result<(), GenerateError> {
    let mut random = shop.random(Subject::Review, unit);
    row.int(REVIEW_IDS.value(unit));
    row.int(PRODUCT_IDS.value(random.below(shop.sizes.products)));
    match random.one_in(6) {
        true => row.null(),
        false => row.int(people::CUSTOMER_IDS.value(random.below(shop.sizes.customers))),
    }
    row.int(random.pick(&[1, 2, 3, 4, 4, 5, 5, 5]));
    match (shop.defects.review_surrogate.holds(unit), random.one_in(5)) {
        (true, _) => {
            // The first half of an emoji, as a program cuts it that counts UTF-16 units.
            let mut units: Vec<u16> = "Great value ".encode_utf16().collect();
            units.push(0xD83D);
            row.units(&units);
        }
        (false, true) => row.null(),
        (false, false) => row.text(random.pick(OPINIONS)),
    }
    let offset = random.pick(&[0, 60, 120, -300, -480, 330, 540]);
    let ticks = random.below(86_400) * TICKS_A_SECOND + random.below(1_000_000) * 10;
    row.moment_with_offset(shop.now - random.between(2, 2000), ticks, offset);
    row.count(random.below(random.clone().below(60) + 1));
    row.end_row()
}
