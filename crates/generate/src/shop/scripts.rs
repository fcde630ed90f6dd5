//! The shop's T-SQL: views, a procedure, a function and a trigger, in the two pieces DacFx keeps.
//!
//! Invariant: header and body, put together, are the statement that created the object.

use mssql2pg_catalog::{CodeKind, ObjectName, Parameter, SqlType};

/// A code object as `model.xml` holds it. Line ends are LF here and CR LF in the file.
pub(crate) struct Script {
    /// What it is: a view, procedure, scalar function or trigger.
    pub(crate) kind: CodeKind,
    /// Its name.
    pub(crate) name: ObjectName,
    /// The table of a trigger.
    pub(crate) parent: Option<ObjectName>,
    /// The parameters of a procedure or function.
    pub(crate) parameters: Vec<Parameter>,
    /// What a function returns.
    pub(crate) returns: Option<SqlType>,
    /// `CREATE … AS`.
    pub(crate) header: &'static str,
    /// What follows.
    pub(crate) body: &'static str,
    /// The columns of a view.
    pub(crate) columns: &'static [&'static str],
    /// The bracketed names of what the body uses.
    pub(crate) references: &'static [&'static str],
}

/// All of them.
pub(crate) fn scripts() -> Vec<Script> {
    let mut scripts = views();
    scripts.extend(routines());
    scripts
}

fn views() -> Vec<Script> {
    vec![
        Script {
            columns: &["OrderID", "OrderDate", "CustomerName", "Lines", "Total"],
            references: &["[dbo].[Orders]", "[dbo].[OrderLines]", "[dbo].[Customers]"],
            ..script(
                CodeKind::View,
                "sales",
                "vOrderSummary",
                "CREATE VIEW [sales].[vOrderSummary]\nAS",
                ORDER_SUMMARY,
            )
        },
        Script {
            columns: &["Name", "Stock"],
            references: &["[dbo].[Products]", "[dbo].[Products].[Name]", "[dbo].[Products].[Stock]"],
            ..script(
                CodeKind::View,
                "dbo",
                "vLowStock",
                "CREATE VIEW [dbo].[vLowStock]\nAS",
                "\nSELECT TOP (100) [Name], [Stock] FROM [dbo].[Products] WHERE [Stock] < 10 ORDER BY [Stock];",
            )
        },
    ]
}

fn routines() -> Vec<Script> {
    vec![
        Script {
            parameters: vec![
                parameter("@CustomerID", SqlType::Int, None),
                parameter("@MaxRows", SqlType::Int, Some("50")),
            ],
            references: &["[dbo].[uspGetCustomerOrders].[@CustomerID]", "[dbo].[Orders]"],
            ..script(
                CodeKind::Procedure,
                "dbo",
                "uspGetCustomerOrders",
                "CREATE PROCEDURE [dbo].[uspGetCustomerOrders]\n    @CustomerID int,\n    @MaxRows int = 50\nAS",
                CUSTOMER_ORDERS,
            )
        },
        Script {
            parameters: vec![
                parameter("@UnitPrice", SqlType::Money, None),
                parameter("@Quantity", SqlType::SmallInt, None),
            ],
            returns: Some(SqlType::Money),
            references: &["[dbo].[ufnGrossTotal].[@UnitPrice]", "[dbo].[ufnGrossTotal].[@Quantity]"],
            ..script(
                CodeKind::ScalarFunction,
                "dbo",
                "ufnGrossTotal",
                "CREATE FUNCTION [dbo].[ufnGrossTotal](@UnitPrice money, @Quantity smallint)\nRETURNS money\nAS",
                "\nBEGIN\n    RETURN @UnitPrice * @Quantity * 1.19;\nEND;",
            )
        },
        Script {
            parent: Some(ObjectName::new("dbo", "Orders")),
            references: &["[dbo].[AuditLog]", "[dbo].[Orders]"],
            ..script(
                CodeKind::Trigger,
                "dbo",
                "trOrders_Audit",
                "CREATE TRIGGER [dbo].[trOrders_Audit] ON [dbo].[Orders]\nAFTER UPDATE\nAS",
                ORDERS_AUDIT,
            )
        },
    ]
}

fn script(kind: CodeKind, schema: &str, name: &str, header: &'static str, body: &'static str) -> Script {
    Script {
        kind,
        name: ObjectName::new(schema, name),
        parent: None,
        parameters: Vec::new(),
        returns: None,
        header,
        body,
        columns: &[],
        references: &[],
    }
}

fn parameter(name: &str, sql_type: SqlType, default: Option<&str>) -> Parameter {
    Parameter { name: name.to_owned(), sql_type, output: false, default: default.map(str::to_owned) }
}

const ORDER_SUMMARY: &str = "
SELECT o.[OrderID], o.[OrderDate], c.[FullName] AS [CustomerName], COUNT(*) AS [Lines],
       SUM(l.[LineTotal]) AS [Total]
FROM [dbo].[Orders] AS o
JOIN [dbo].[OrderLines] AS l ON l.[OrderID] = o.[OrderID]
LEFT JOIN [dbo].[Customers] AS c ON c.[CustomerID] = o.[CustomerID]
GROUP BY o.[OrderID], o.[OrderDate], c.[FullName];";

const CUSTOMER_ORDERS: &str = "
BEGIN
    SET NOCOUNT ON;
    SELECT TOP (@MaxRows) [OrderID], [OrderDate], ISNULL([Comment], N'') AS [Comment]
    FROM [dbo].[Orders]
    WHERE [CustomerID] = @CustomerID
    ORDER BY [OrderDate] DESC;
END;";

const ORDERS_AUDIT: &str = "
BEGIN
    SET NOCOUNT ON;
    INSERT [dbo].[AuditLog] ([LoggedAt], [User], [Action], [TableName], [Key])
    SELECT SYSUTCDATETIME(), SUSER_SNAME(), 'update', N'Orders', CONVERT(nvarchar(100), i.[OrderID])
    FROM inserted AS i;
END;";
