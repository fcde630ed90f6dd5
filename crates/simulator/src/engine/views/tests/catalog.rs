//! A catalog with one of each kind.

use mssql2pg_catalog::*;

fn name(text: &str) -> ObjectName {
    let (schema, name) = text.split_once('.').unwrap_or(("", text));
    ObjectName::new(schema, name)
}

fn key_column(name: &str) -> IndexColumn {
    IndexColumn { name: name.to_owned(), descending: false }
}

fn code(kind: CodeKind, of: &str, text: &str) -> CodeObject {
    CodeObject {
        kind,
        name: name(of),
        parent: None,
        parameters: Vec::new(),
        returns: None,
        text: text.to_owned(),
        text_is_complete: true,
        missing_text: None,
    }
}

fn index(of: &str, kind: IndexKind, columns: &[&str]) -> Index {
    Index {
        name: of.to_owned(),
        kind,
        unique: false,
        clustered: false,
        columns: columns.iter().map(|name| key_column(name)).collect(),
        included: Vec::new(),
        filter: None,
        disabled: false,
    }
}

fn orders() -> Table {
    let text = |length: u16| SqlType::NVarChar { length: Length::limited(length) };
    Table {
        name: name("sales.Orders"),
        columns: vec![
            Column {
                nullable: false,
                identity: Some(Identity { seed: 10, increment: 5, last_value: Some(40) }),
                ..Column::new("OrderID", SqlType::Int)
            },
            Column { alias: Some(name("dbo.Phone")), ..Column::new("Phone", text(25)) },
            Column {
                default: Some(DefaultValue { name: None, text: "((0))".to_owned() }),
                ..Column::new("Total", SqlType::Decimal { precision: 10, scale: 2 })
            },
            Column {
                computed: Some(Computed { text: "([Total]*(2))".to_owned(), persisted: true }),
                ..Column::new("Twice", SqlType::Decimal { precision: 12, scale: 2 })
            },
            Column {
                collation: Some("Cyrillic_General_CI_AS".to_owned()),
                ..Column::new("Note", SqlType::VarChar { length: Length::MAX })
            },
            Column { nullable: false, ..Column::new("Placed", SqlType::DateTime2 { scale: 3 }) },
            Column::new("Extra", SqlType::Xml),
        ],
        primary_key: Some(Key {
            name: Some("PK_Orders".to_owned()),
            columns: vec![IndexColumn { name: "OrderID".to_owned(), descending: true }],
            clustered: true,
        }),
        unique: vec![Key { name: None, columns: vec![key_column("Phone")], clustered: false }],
        checks: vec![CheckConstraint {
            name: Some("CK_Total".to_owned()),
            text: "([Total]>=(0))".to_owned(),
            trusted: false,
            disabled: true,
        }],
        indexes: vec![
            Index {
                included: vec!["Total".to_owned()],
                filter: Some("([Total]>(0))".to_owned()),
                ..index("IX_Placed", IndexKind::BTree, &["Placed", "Phone"])
            },
            index("XI_Extra", IndexKind::Xml, &["Extra"]),
            index("Orders", IndexKind::FullText, &["Note"]),
        ],
        extended_properties: vec![
            ExtendedProperty {
                object: "sales.Orders".to_owned(),
                column: None,
                name: "MS_Description".to_owned(),
                value: "What was ordered".to_owned(),
            },
            ExtendedProperty {
                object: "sales.Orders.Total".to_owned(),
                column: Some("Total".to_owned()),
                name: "MS_Description".to_owned(),
                value: "In euros".to_owned(),
            },
        ],
        estimated_rows: Some(100),
        estimated_bytes: Some(81_920),
        ..Table::default()
    }
}

fn lines() -> Table {
    Table {
        name: name("sales.Lines"),
        columns: vec![
            Column { nullable: false, ..Column::new("OrderID", SqlType::Int) },
            Column { nullable: false, ..Column::new("From", SqlType::DateTime2 { scale: 7 }) },
            Column { nullable: false, ..Column::new("To", SqlType::DateTime2 { scale: 7 }) },
        ],
        foreign_keys: vec![ForeignKey {
            name: Some("FK_Lines_Orders".to_owned()),
            columns: vec!["OrderID".to_owned()],
            referenced_table: name("sales.Orders"),
            referenced_columns: vec!["OrderID".to_owned()],
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::NoAction,
            trusted: true,
            disabled: false,
        }],
        traits: vec!["system-versioned".to_owned(), "partitioned".to_owned()],
        estimated_rows: Some(7),
        ..Table::default()
    }
}

fn history() -> Table {
    Table {
        name: name("sales.LinesHistory"),
        columns: vec![Column::new("OrderID", SqlType::Int)],
        traits: vec!["history-table".to_owned()],
        ..Table::default()
    }
}

/// The shop.
pub(super) fn shop() -> Catalog {
    let trigger = CodeObject {
        parent: Some(name("sales.Orders")),
        ..code(
            CodeKind::Trigger,
            "sales.OnOrder",
            "create trigger sales.OnOrder on sales.Orders after insert as select 1",
        )
    };
    let function = CodeObject {
        parameters: vec![Parameter {
            name: "@a".to_owned(),
            sql_type: SqlType::Int,
            output: false,
            default: None,
        }],
        returns: Some(SqlType::BigInt),
        ..code(
            CodeKind::ScalarFunction,
            "dbo.Twice",
            "create function dbo.Twice(@a int) returns bigint as begin return @a end",
        )
    };
    let principal = |name: &str, kind| Principal { name: name.to_owned(), kind };
    Catalog {
        format: CATALOG_FORMAT,
        database: DatabaseInfo {
            name: "Shop".to_owned(),
            collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
            ..DatabaseInfo::default()
        },
        schemas: vec!["sales".to_owned()],
        alias_types: vec![AliasType {
            name: name("dbo.Phone"),
            base: SqlType::NVarChar { length: Length::limited(25) },
            nullable: true,
        }],
        tables: vec![orders(), lines(), history()],
        code: vec![
            code(CodeKind::View, "sales.Big", "create view sales.Big as select 1 as one"),
            code(CodeKind::Procedure, "dbo.Do", "create procedure dbo.Do as select 1"),
            function,
            trigger,
            code(
                CodeKind::DatabaseTrigger,
                "Guard",
                "create trigger Guard on database for drop_table as rollback",
            ),
            code(
                CodeKind::TableType,
                "dbo.Ids",
                "table (\n    [Id] int not null,\n    primary key ([Id])\n)",
            ),
            CodeObject {
                missing_text: Some("CLR".to_owned()),
                ..code(CodeKind::Aggregate, "dbo.Median", "")
            },
        ],
        sequences: vec![Sequence {
            name: name("dbo.Numbers"),
            sql_type: SqlType::Decimal { precision: 38, scale: 0 },
            start: i128::from(i64::MAX) * 10,
            increment: -1,
            minimum: None,
            maximum: None,
            cycle: true,
            current_value: None,
        }],
        synonyms: vec![Synonym { name: name("dbo.O"), target: "[sales].[Orders]".to_owned() }],
        extended_properties: vec![ExtendedProperty {
            object: "sales".to_owned(),
            column: None,
            name: "Owner".to_owned(),
            value: "Ann".to_owned(),
        }],
        principals: vec![principal("ann", PrincipalKind::User), principal("clerks", PrincipalKind::Role)],
        role_memberships: vec![RoleMembership { role: "clerks".to_owned(), member: "ann".to_owned() }],
        permissions: vec![Permission {
            state: "grant".to_owned(),
            permission: "SELECT".to_owned(),
            object: Some("sales.Orders".to_owned()),
            grantee: "clerks".to_owned(),
        }],
        other: vec![
            OtherObject { kind: "SqlFullTextCatalog".to_owned(), name: "Words".to_owned() },
            OtherObject { kind: "SqlQueue".to_owned(), name: "dbo.Inbox".to_owned() },
            OtherObject { kind: "SqlStatistic".to_owned(), name: "sales.Orders.ByTotal".to_owned() },
        ],
    }
}
