//! The T-SQL text of the shop and of objects that it does not have.

use super::*;
use crate::GenerateOptions;
use crate::shop::{Shop, scripts};
use mssql2pg_catalog::{
    CheckConstraint, Column, Computed, ForeignKey, Identity, Index, IndexColumn, IndexKind, Key, Length,
    ReferentialAction, SqlType, Synonym, Table,
};

fn shop() -> Catalog {
    let shop = Shop::plan(&GenerateOptions { rows: 1000, ..GenerateOptions::default() }).unwrap();
    shop.catalog(&shop.tables())
}

fn find(statements: &[Statement], doing: &str) -> String {
    let found = statements.iter().find(|statement| statement.doing == doing);
    found.unwrap_or_else(|| panic!("nothing does: {doing}")).sql.clone()
}

#[test]
fn a_table_is_created_with_its_columns_and_primary_key() {
    let statements = before_rows(&shop(), &|_, _| false);
    assert_eq!(
        find(&statements, "create the table sales.Price List"),
        "create table [sales].[Price List] (
    [Price List ID] int identity(1, 1) not null,
    [ProductID] int not null,
    [Order] int not null,
    [CurrencyCode] char(3) not null,
    [Price] decimal(19,4) not null,
    [Min Quantity] smallint not null constraint [DF_Price List_Min Quantity] default ((1)),
    [ValidFrom] date not null,
    [ValidTo] date not null,
    constraint [PK_Price List] primary key clustered ([Price List ID])
)"
    );
    let customers = find(&statements, "create the table dbo.Customers");
    for part in [
        "\n    [FullName] as (([FirstName]+N' ')+[LastName]),",
        "\n    [Email] [dbo].[EmailAddress] null,",
        "\n    [rowguid] uniqueidentifier not null rowguidcol constraint [DF_Customers_rowguid] default (newid()),",
        "\n    [Version] rowversion not null,",
    ] {
        assert!(customers.contains(part), "{part} is not in {customers}");
    }
    assert!(find(&statements, "create the table dbo.AuditLog").contains("[User] sysname not null"));
    let readings = find(&statements, "create the table dbo.WarehouseReadings");
    assert!(!readings.contains("constraint"), "{readings}");
}

#[test]
fn schemas_types_and_sequences_come_before_tables() {
    let statements = before_rows(&shop(), &|_, _| false);
    let sql: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
    assert_eq!(
        sql[..6],
        [
            "create schema [hr]",
            "create schema [sales]",
            "create type [dbo].[EmailAddress] from nvarchar(254) null",
            "create type [dbo].[Phone] from nvarchar(25) null",
            "create sequence [sales].[InvoiceNumbers] as bigint start with 100000 increment by 10",
            "declare @first sql_variant; exec sys.sp_sequence_get_range @sequence_name = \
             N'[sales].[InvoiceNumbers]', @range_size = 141, @range_first_value = @first output",
        ]
    );
    assert_eq!(sql.last(), Some(&"create role [reporting]"));
    let is_there = |kind: &str, name: &str| (kind, name) == ("schema", "hr") || kind == "principal";
    let statements = before_rows(&shop(), &is_there);
    assert_eq!(statements.first().map(|first| first.sql.as_str()), Some("create schema [sales]"));
    assert!(!statements.iter().any(|statement| statement.doing.contains("role")));
}

#[test]
fn constraints_and_code_come_after_the_rows() {
    let statements = after_rows(&shop(), &scripts());
    let check = |doing: &str, expected: &str| assert_eq!(find(&statements, doing), expected);
    check(
        "create the unique constraint AK_Price List of sales.Price List",
        "alter table [sales].[Price List] add constraint [AK_Price List] unique nonclustered \
         ([ProductID], [CurrencyCode], [ValidFrom])",
    );
    check(
        "create the index UX_Customers_Email of dbo.Customers",
        "create unique nonclustered index [UX_Customers_Email] on [dbo].[Customers] ([Email]) \
         where ([Email] IS NOT NULL)",
    );
    check(
        "create the index IX_Products_CategoryID of dbo.Products",
        "create nonclustered index [IX_Products_CategoryID] on [dbo].[Products] ([CategoryID], [ListPrice] desc) \
         include ([Name], [ListPrice])",
    );
    check(
        "create the foreign key FK_ProductReviews_Products of sales.ProductReviews",
        "alter table [sales].[ProductReviews] with check add constraint [FK_ProductReviews_Products] \
         foreign key ([ProductID]) references [dbo].[Products] ([ProductID]) on delete cascade",
    );
    let orphans = find(&statements, "create the foreign key FK_Payments_Orders of dbo.Payments");
    assert!(orphans.starts_with("alter table [dbo].[Payments] with nocheck add"), "{orphans}");
    check(
        "create the check CK_Suppliers_Rating of dbo.Suppliers",
        "alter table [dbo].[Suppliers] with check add constraint [CK_Suppliers_Rating] \
         check ([Rating]>=(1) AND [Rating]<=(5))",
    );
    check(
        "describe dbo.Customers.Email",
        "exec sys.sp_addextendedproperty @name = N'MS_Description', @value = N'Where order confirmations go. \
         It''s needed for every online order.', @level0type = N'SCHEMA', @level0name = N'dbo', \
         @level1type = N'TABLE', @level1name = N'Customers', @level2type = N'COLUMN', @level2name = N'Email'",
    );
    check("grant VIEW DEFINITION to reporting", "grant view definition to [reporting]");
    let place = |part: &str| {
        let found = statements.iter().position(|statement| statement.doing.contains(part));
        found.unwrap_or_else(|| panic!("nothing does: {part}"))
    };
    assert!(place("the foreign key") > place("unique constraint AK_Customers_rowguid"));
    assert!(place("the view") > place("foreign key FK_Payments_Orders"));
    assert!(find(&statements, "create the view sales.vOrderSummary").starts_with("CREATE VIEW"));
}

#[test]
fn names_are_quoted_and_states_come_back() {
    let table = Table {
        name: ObjectName::new("s", "a]b"),
        columns: vec![
            Column {
                identity: Some(Identity { seed: -5, increment: -1, last_value: None }),
                nullable: false,
                ..Column::new("i", SqlType::BigInt)
            },
            Column {
                collation: Some("Greek_CI_AS".to_owned()),
                sparse: true,
                ..Column::new("t", SqlType::VarChar { length: Length::MAX })
            },
            Column {
                computed: Some(Computed { text: "([i]*2)".to_owned(), persisted: true }),
                ..Column::new("c", SqlType::Int)
            },
        ],
        unique: vec![Key {
            name: None,
            columns: vec![IndexColumn { name: "i".to_owned(), descending: true }],
            clustered: true,
        }],
        checks: vec![CheckConstraint {
            name: Some("C'K".to_owned()),
            text: "[i]<0".to_owned(),
            trusted: false,
            disabled: true,
        }],
        foreign_keys: vec![ForeignKey {
            name: Some("FK".to_owned()),
            columns: vec!["i".to_owned()],
            referenced_table: ObjectName::new("s", "a]b"),
            referenced_columns: vec!["i".to_owned()],
            on_delete: ReferentialAction::SetNull,
            on_update: ReferentialAction::SetDefault,
            trusted: true,
            disabled: false,
        }],
        indexes: vec![Index {
            name: "ix".to_owned(),
            kind: IndexKind::BTree,
            unique: false,
            clustered: false,
            columns: vec![IndexColumn { name: "c".to_owned(), descending: false }],
            included: Vec::new(),
            filter: None,
            disabled: true,
        }],
        ..Table::default()
    };
    let synonyms = vec![Synonym { name: ObjectName::new("s", "y"), target: "[other].[dbo].[t]".to_owned() }];
    let catalog = Catalog { tables: vec![table], synonyms, ..Catalog::default() };
    let before = before_rows(&catalog, &|_, _| false);
    assert_eq!(
        before[0].sql,
        "create table [s].[a]]b] (
    [i] bigint identity(-5, -1) not null,
    [t] varchar(max) collate Greek_CI_AS sparse null,
    [c] as ([i]*2) persisted
)"
    );
    let after: Vec<String> = after_rows(&catalog, &[]).into_iter().map(|statement| statement.sql).collect();
    assert_eq!(
        after,
        [
            "alter table [s].[a]]b] add unique clustered ([i] desc)",
            "create nonclustered index [ix] on [s].[a]]b] ([c])",
            "alter index [ix] on [s].[a]]b] disable",
            "alter table [s].[a]]b] with nocheck add constraint [C'K] check ([i]<0)",
            "alter table [s].[a]]b] nocheck constraint [C'K]",
            "alter table [s].[a]]b] with check add constraint [FK] foreign key ([i]) references [s].[a]]b] ([i]) \
             on delete set null on update set default",
            "create synonym [s].[y] for [other].[dbo].[t]",
        ]
    );
    let drop = |kind| drop(kind, &ObjectName::new("s", "a]b")).map(|statement| statement.sql);
    assert_eq!(drop("U").as_deref(), Some("drop table [s].[a]]b]"));
    assert_eq!(drop("schema"), None);
}
