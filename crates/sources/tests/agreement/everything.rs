//! A made-up database that has one of everything, in the order of a model, and what an older server knows of it.

use mssql2pg_catalog::*;

fn decimal() -> SqlType {
    SqlType::Decimal { precision: 38, scale: 10 }
}

fn text(length: u16) -> SqlType {
    SqlType::NVarChar { length: Length::limited(length) }
}

fn key(name: &str, columns: &[&str], clustered: bool) -> Key {
    Key {
        name: Some(name.to_owned()),
        columns: columns.iter().map(|name| ascending(name)).collect(),
        clustered,
    }
}

fn ascending(name: &str) -> IndexColumn {
    IndexColumn { name: name.to_owned(), descending: false }
}

fn index(name: &str, kind: IndexKind, columns: &[&str]) -> Index {
    Index {
        name: name.to_owned(),
        kind,
        unique: false,
        clustered: false,
        columns: columns.iter().map(|name| ascending(name)).collect(),
        included: Vec::new(),
        filter: None,
        disabled: false,
    }
}

fn required(name: &str, sql_type: SqlType) -> Column {
    Column { nullable: false, ..Column::new(name, sql_type) }
}

fn plain(schema: &str, name: &str, traits: &[&str]) -> Table {
    Table {
        name: ObjectName::new(schema, name),
        columns: vec![required("Id", SqlType::Int), Column::new("Name", text(50))],
        primary_key: Some(key(&format!("PK_{name}"), &["Id"], true)),
        traits: traits.iter().map(|name| (*name).to_owned()).collect(),
        ..Table::default()
    }
}

fn property(object: &str, column: Option<&str>, value: &str) -> ExtendedProperty {
    ExtendedProperty {
        object: object.to_owned(),
        column: column.map(str::to_owned),
        name: "MS_Description".to_owned(),
        value: value.to_owned(),
    }
}

/// Every type that a column can have and every version knows.
fn types() -> Table {
    let types = vec![
        SqlType::Bit,
        SqlType::TinyInt,
        SqlType::SmallInt,
        SqlType::Int,
        SqlType::BigInt,
        decimal(),
        SqlType::Decimal { precision: 1, scale: 0 },
        SqlType::Money,
        SqlType::SmallMoney,
        SqlType::Real,
        SqlType::Float,
        SqlType::Date,
        SqlType::Time { scale: 0 },
        SqlType::Time { scale: 7 },
        SqlType::DateTime,
        SqlType::SmallDateTime,
        SqlType::DateTime2 { scale: 3 },
        SqlType::DateTimeOffset { scale: 5 },
        SqlType::Char { length: 10 },
        SqlType::VarChar { length: Length::limited(8000) },
        SqlType::VarChar { length: Length::MAX },
        SqlType::Text,
        SqlType::NChar { length: 4000 },
        text(4000),
        SqlType::NVarChar { length: Length::MAX },
        SqlType::NText,
        SqlType::Binary { length: 8000 },
        SqlType::VarBinary { length: Length::limited(1) },
        SqlType::VarBinary { length: Length::MAX },
        SqlType::Image,
        SqlType::RowVersion,
        SqlType::UniqueIdentifier,
        SqlType::Xml,
        SqlType::SqlVariant,
        SqlType::HierarchyId,
        SqlType::Geography,
        SqlType::Geometry,
    ];
    let columns = types.into_iter().enumerate().map(|(number, sql_type)| {
        // A rowversion is never NULL.
        let nullable = sql_type != SqlType::RowVersion;
        Column { nullable, ..Column::new(format!("c{number}"), sql_type) }
    });
    Table { name: ObjectName::new("dbo", "Types"), columns: columns.collect(), ..Table::default() }
}

fn orders() -> Table {
    let identity = Identity { seed: -5, increment: -1, last_value: Some(-77) };
    let default =
        |name: &str, text: &str| Some(DefaultValue { name: Some(name.to_owned()), text: text.to_owned() });
    let computed = Computed { text: "([Amount]*(2))".to_owned(), persisted: true };
    let columns = vec![
        Column { identity: Some(identity), ..required("Id", SqlType::BigInt) },
        Column {
            alias: Some(ObjectName::new("sales", "Code")),
            ..Column::new("Code", SqlType::VarChar { length: Length::limited(6) })
        },
        Column { alias: Some(ObjectName::new("sys", "sysname")), ..required("Author", text(128)) },
        Column { default: default("DF__Orders__Amount__0A1B2C3D", "((0))"), ..required("Amount", decimal()) },
        Column {
            default: default("DF_Guid", "(newid())"),
            rowguid: true,
            ..required("Guid", SqlType::UniqueIdentifier)
        },
        Column { sparse: true, ..Column::new("Rare", SqlType::Int) },
        Column {
            computed: Some(computed),
            nullable: false,
            ..Column::new("Twice", SqlType::Unknown { name: "unknown".to_owned() })
        },
        Column {
            collation: Some("Greek_CI_AS".to_owned()),
            ..Column::new("Greek", SqlType::VarChar { length: Length::limited(9) })
        },
        Column::new("Paper", SqlType::Xml),
        Column::new("Place", SqlType::Geography),
        Column {
            collation: Some("Latin1_General_BIN2".to_owned()),
            encrypted: true,
            ..Column::new("Secret", text(11))
        },
        Column::new("Parent", SqlType::BigInt),
    ];
    let check = |name: &str, text: &str, trusted, disabled| CheckConstraint {
        name: Some(name.to_owned()),
        text: text.to_owned(),
        trusted,
        disabled,
    };
    let foreign_key = ForeignKey {
        name: Some("FK_Orders_Parent".to_owned()),
        columns: vec!["Parent".to_owned()],
        referenced_table: ObjectName::new("sales", "Orders"),
        referenced_columns: vec!["Id".to_owned()],
        on_delete: ReferentialAction::NoAction,
        on_update: ReferentialAction::NoAction,
        trusted: false,
        disabled: true,
    };
    Table {
        name: ObjectName::new("sales", "Orders"),
        columns,
        primary_key: Some(key("PK__Orders__3214EC070A1B2C3D", &["Id"], true)),
        unique: vec![key("UQ_Orders_Guid", &["Guid", "Code"], false)],
        foreign_keys: vec![foreign_key],
        checks: vec![
            check("CK__Orders__Amount__0A1B2C3D", "[Amount]>=(0)", true, false),
            check("CK_off", "[Rare]<>(13)", false, true),
            check("CK_whole", "([Amount]+(1))>(0) OR ([Rare] IS NULL)", false, false),
        ],
        indexes: vec![
            index("CS", IndexKind::Columnstore, &["Amount", "Rare"]),
            Index {
                unique: true,
                columns: vec![ascending("Rare"), IndexColumn { name: "Amount".to_owned(), descending: true }],
                included: vec!["Author".to_owned(), "Code".to_owned()],
                filter: Some("([Rare] IS NOT NULL)".to_owned()),
                ..index("IX_rare", IndexKind::BTree, &[])
            },
            Index { disabled: true, ..index("ix_tired", IndexKind::BTree, &["Code"]) },
            index("SX", IndexKind::Spatial, &["Place"]),
            index("XX", IndexKind::Xml, &["Paper"]),
        ],
        extended_properties: vec![
            property("sales.Orders.Amount", Some("Amount"), "What it costs, it's said"),
            property("sales.Orders", None, "two\nlines"),
        ],
        ..Table::default()
    }
}

fn tables() -> Vec<Table> {
    let in_memory = Table {
        primary_key: Some(key("PK_InMemory", &["Id"], false)),
        indexes: vec![index("HX", IndexKind::Hash, &["Name"])],
        ..plain("dbo", "InMemory", &["memory-optimized"])
    };
    let versioned = |name: &str, traits: &[&str]| {
        let mut table = plain("dbo", name, traits);
        table.columns.push(required("Since", SqlType::DateTime2 { scale: 7 }));
        table.columns.push(required("Until", SqlType::DateTime2 { scale: 7 }));
        table
    };
    let history = Table { primary_key: None, ..versioned("VersionedHistory", &["history-table"]) };
    let columnstore = Table {
        primary_key: None,
        indexes: vec![Index { clustered: true, ..index("CCI", IndexKind::Columnstore, &[]) }],
        ..plain("dbo", "Columns", &[])
    };
    vec![
        columnstore,
        plain("dbo", "Edge", &["graph-edge"]),
        plain("dbo", "Files", &["file-table"]),
        in_memory,
        plain("dbo", "Ledger", &["ledger"]),
        plain("dbo", "Node", &["graph-node"]),
        plain("dbo", "Parts", &["partitioned"]),
        plain("dbo", "Replicated", &["replicated"]),
        types(),
        versioned("Versioned", &["system-versioned"]),
        history,
        plain("dbo", "we]ird.name 'x'", &[]),
        orders(),
    ]
}

fn code_object(kind: CodeKind, schema: &str, name: &str, text: &str) -> CodeObject {
    CodeObject {
        kind,
        name: ObjectName::new(schema, name),
        parent: None,
        parameters: Vec::new(),
        returns: None,
        text: text.to_owned(),
        text_is_complete: kind != CodeKind::TableType,
        missing_text: None,
    }
}

fn without_text(kind: CodeKind, schema: &str, name: &str, why: &str) -> CodeObject {
    let object = code_object(kind, schema, name, "");
    CodeObject { text_is_complete: false, missing_text: Some(why.to_owned()), ..object }
}

fn code() -> Vec<CodeObject> {
    let parameter =
        |name: &str, sql_type, output| Parameter { name: name.to_owned(), sql_type, output, default: None };
    let ids = SqlType::Unknown { name: "sales.Ids".to_owned() };
    vec![
        code_object(CodeKind::BoundDefault, "dbo", "a_default", "create default a_default as 0"),
        code_object(CodeKind::BoundRule, "dbo", "a_rule", "create rule a_rule as @x > 0"),
        CodeObject {
            parameters: vec![parameter("@x", decimal(), false)],
            returns: Some(SqlType::Int),
            ..code_object(
                CodeKind::ScalarFunction,
                "dbo",
                "f_scalar",
                "create function dbo.f_scalar(@x decimal(38,10)) returns int as begin return 1 end",
            )
        },
        without_text(CodeKind::Procedure, "dbo", "p_clr", "CLR"),
        without_text(CodeKind::Procedure, "dbo", "p_secret", "encrypted"),
        CodeObject {
            parameters: vec![parameter("@ids", ids, false), parameter("@n", text(10), true)],
            ..code_object(
                CodeKind::Procedure,
                "dbo",
                "p_work",
                "create procedure dbo.p_work @ids sales.Ids readonly, @n nvarchar(10) output as\nselect 1",
            )
        },
        code_object(
            CodeKind::TableFunction,
            "dbo",
            "t_many",
            "create function dbo.t_many() returns @t table (a int) as begin return end",
        ),
        code_object(
            CodeKind::InlineTableFunction,
            "dbo",
            "t_one",
            "create function dbo.t_one() returns table as return select 1 as a",
        ),
        code_object(CodeKind::View, "dbo", "v_orders", "create view dbo.v_orders as select 1 as a"),
        code_object(
            CodeKind::TableType,
            "sales",
            "Ids",
            "table (\n    [Id] int not null,\n    [Name] nvarchar(10) null,\n    primary key ([Id])\n)",
        ),
        CodeObject {
            parent: Some(ObjectName::new("sales", "Orders")),
            ..code_object(
                CodeKind::Trigger,
                "sales",
                "t_orders",
                "create trigger sales.t_orders on sales.Orders after insert as select 1",
            )
        },
        code_object(
            CodeKind::DatabaseTrigger,
            "",
            "watch",
            "create trigger watch on database for create_table as select 1",
        ),
    ]
}

fn sequence(name: &str, sql_type: SqlType, minimum: Option<i128>, maximum: Option<i128>) -> Sequence {
    Sequence {
        name: ObjectName::new("sales", name),
        sql_type,
        start: 5,
        increment: 5,
        minimum,
        maximum,
        cycle: minimum.is_some(),
        current_value: Some(25),
    }
}

fn permissions() -> Vec<Permission> {
    let permission = |state: &str, permission: &str, object: Option<&str>, grantee: &str| Permission {
        state: state.to_owned(),
        permission: permission.to_owned(),
        object: object.map(str::to_owned),
        grantee: grantee.to_owned(),
    };
    vec![
        permission("deny", "DELETE", Some("sales.Orders"), "writers"),
        permission("grant", "CONNECT", None, "ann"),
        permission("grant", "SELECT", Some("sales"), "readers"),
        permission("grant-with-grant-option", "SELECT", Some("sales.Orders"), "ann"),
    ]
}

/// One of everything.
pub(crate) fn catalog() -> Catalog {
    let principal = |name: &str, kind| Principal { name: name.to_owned(), kind };
    Catalog {
        format: CATALOG_FORMAT,
        database: DatabaseInfo {
            name: "Everything".to_owned(),
            collation: Some("SQL_Latin1_General_CP1_CI_AS".to_owned()),
            server_version: None,
            compatibility_level: Some(110),
            claimed_rows: None,
        },
        schemas: vec!["Empty".to_owned(), "sales".to_owned()],
        alias_types: vec![
            AliasType {
                name: ObjectName::new("sales", "Code"),
                base: SqlType::VarChar { length: Length::limited(6) },
                nullable: false,
            },
            AliasType { name: ObjectName::new("sales", "Sum"), base: decimal(), nullable: true },
        ],
        tables: tables(),
        code: code(),
        sequences: vec![
            sequence("s_big", SqlType::BigInt, Some(1), Some(1000)),
            sequence("s_huge", SqlType::Decimal { precision: 38, scale: 0 }, None, None),
            sequence("s_int", SqlType::Int, None, None),
        ],
        synonyms: vec![Synonym {
            name: ObjectName::new("dbo", "far"),
            target: "[other server].[db]..[t]".to_owned(),
        }],
        extended_properties: vec![
            property("sales.CK_off", None, "a constraint"),
            property("", None, "the database"),
            property("sales.Orders.IX_rare", None, "an index"),
            property("sales", None, "a schema"),
            property("dbo.f_scalar.@x", None, "a parameter"),
            property("dbo.v_orders", None, "a view"),
        ],
        principals: vec![
            principal("ann", PrincipalKind::User),
            principal("app", PrincipalKind::ApplicationRole),
            principal("readers", PrincipalKind::Role),
            principal("writers", PrincipalKind::Role),
        ],
        role_memberships: vec![
            RoleMembership { role: "db_datareader".to_owned(), member: "readers".to_owned() },
            RoleMembership { role: "readers".to_owned(), member: "ann".to_owned() },
        ],
        permissions: permissions(),
        other: others(),
    }
}

/// What is only counted and named, in the order of a model; the release and whether Azure SQL Database has it.
const OTHERS: &[(&str, &str, u16, bool)] = &[
    ("SqlMasterKey", "", 2012, true),
    ("SqlAssembly", "assembly", 2012, false),
    ("SqlFullTextCatalog", "catalog", 2012, true),
    ("SqlCertificate", "certificate", 2012, true),
    ("SqlColumnMasterKey", "cmk", 2016, true),
    ("SqlDatabaseCredential", "credential", 2016, true),
    ("SqlXmlSchemaCollection", "dbo.Papers", 2012, true),
    ("SqlSecurityPolicy", "dbo.policy", 2016, true),
    ("SqlQueue", "dbo.queue", 2012, false),
    ("SqlFilegroup", "OLD", 2012, true),
    ("SqlPartitionFunction", "pf_years", 2012, true),
    ("SqlPartitionScheme", "ps_years", 2012, true),
    ("SqlStatistic", "sales.Orders.st_rare", 2012, true),
    ("SqlService", "service", 2012, false),
    ("SqlIndex on a view", "dbo.v_orders.IX_v", 2012, true),
];

fn others() -> Vec<OtherObject> {
    let other = |(kind, name, ..): &(&str, &str, u16, bool)| OtherObject {
        kind: (*kind).to_owned(),
        name: (*name).to_owned(),
    };
    OTHERS.iter().map(other).collect()
}

/// What a server of that release tells of it.
pub(crate) fn as_known_in(mut catalog: Catalog, release: u16, azure: bool) -> Catalog {
    let since = |name: &str| match name {
        "memory-optimized" => 2014,
        "system-versioned" | "history-table" => 2016,
        "graph-node" | "graph-edge" => 2017,
        "ledger" => 2022,
        _ => 2012,
    };
    catalog.other.retain(|other| {
        let known = OTHERS.iter().find(|(kind, ..)| *kind == other.kind);
        known.is_some_and(|(_, _, since, in_azure)| *since <= release && (!azure || *in_azure))
    });
    for table in &mut catalog.tables {
        table.traits.retain(|name| since(name) <= release);
        for column in &mut table.columns {
            column.encrypted &= release >= 2016;
        }
    }
    catalog
}
