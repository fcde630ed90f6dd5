//! What the generator needs: tables, constraints, rows.

use super::{Simulated, ask, fails, rows, serve, shop};
use crate::answer::AnswerColumn;
use crate::conversation::Conversation;
use mssql2pg_catalog::{
    Catalog, CodeKind, Column, Computed, DefaultValue, Identity, IndexColumn, IndexKind, Length, ObjectName,
    ReferentialAction, SqlType, Value,
};

fn built(sql: &[&str]) -> (Simulated, Box<dyn Conversation>, Catalog) {
    let server = serve(&shop());
    let mut session = server.connect();
    ask(&mut *session, "create database [new]");
    ask(&mut *session, "use [new]");
    for statement in sql {
        ask(&mut *session, statement);
    }
    let catalog = (*server.server.database("new").unwrap().state.catalog).clone();
    (server, session, catalog)
}

#[test]
fn a_table_is_what_was_asked_for() {
    let (_server, _session, catalog) = built(&[
        "create schema [s]",
        "create type [s].[Flag] from bit not null",
        "create table [s].[a] ([Id] int not null, constraint [PK_a] primary key clustered ([Id] desc) with (pad_index = off) on [primary])",
        "create table [s].[t] (
            [Id] bigint identity(10, -2) not null primary key nonclustered,
            [Name] nvarchar(40) collate Greek_CI_AS null constraint [DF_n] default (N'x') constraint [CK_n] check ([Name] <> N'y'),
            [Count] int default 0,
            [At] datetime2(3) not null default getdate(),
            [Price] decimal(9, 2) sparse null,
            [Twice] as ([Price] * 2) persisted,
            [Flag] [s].[Flag],
            [Guid] uniqueidentifier rowguidcol not null unique,
            [Ref] int not null references [s].[a] ([Id]) on delete cascade,
            [Login] sysname,
            [Version] rowversion,
            [Max] varbinary(max) null,
            constraint [UQ_t] unique nonclustered ([Count], [Price] desc),
            constraint [FK_t] foreign key ([Count]) references [s].[a] ([Id]) on update set null
        ) on [primary] textimage_on [primary]",
        "alter table [s].[t] with nocheck add constraint [CK_t] check (([Price] > (0)))",
        "alter table [s].[t] nocheck constraint [FK_t]",
        "alter table [s].[t] add constraint [DF_p] default ((1.5)) for [Price]",
        "create unique nonclustered index [IX] on [s].[t] ([Name] asc, [Count] desc) include ([Price]) where [Name] is not null with (fillfactor = 80)",
        "create nonclustered columnstore index [NCCI] on [s].[t] ([Count])",
        "exec sp_addextendedproperty @name = N'MS_Description', @value = N'It''s', @level0type = N'SCHEMA', @level0name = N's', @level1type = N'TABLE', @level1name = N't', @level2type = N'COLUMN', @level2name = N'Name'",
    ]);
    assert_eq!(catalog.database.name, "new");
    assert_eq!(catalog.schemas, ["s"]);
    let table = catalog.table(&ObjectName::new("s", "t")).unwrap();
    let column = |name: &str| table.column(name).unwrap().clone();
    let default = |name: &str| column(name).default.unwrap().text;
    assert_eq!(column("Id").identity, Some(Identity { seed: 10, increment: -2, last_value: None }));
    assert_eq!(
        column("Name"),
        Column {
            default: Some(DefaultValue { name: Some("DF_n".into()), text: "(N'x')".into() }),
            collation: Some("Greek_CI_AS".into()),
            ..Column::new("Name", SqlType::NVarChar { length: Length::limited(40) })
        }
    );
    assert_eq!(
        (default("Count"), default("At"), default("Price")),
        ("((0))".into(), "(getdate())".into(), "((1.5))".into())
    );
    assert!(column("Price").sparse && column("Guid").rowguid);
    let twice = Computed { text: "([Price] * 2)".into(), persisted: true };
    assert_eq!(
        (column("Twice").computed, column("Twice").sql_type.to_string()),
        (Some(twice), "decimal(20,2)".into())
    );
    assert_eq!((column("Flag").alias, column("Flag").nullable), (Some(ObjectName::new("s", "Flag")), false));
    assert_eq!(
        (column("Login").alias, column("Login").nullable),
        (Some(ObjectName::new("sys", "sysname")), false)
    );
    assert_eq!(table.primary_key.as_ref().map(|key| (key.clustered, key.columns.len())), Some((false, 1)));
    assert_eq!(table.unique.len(), 2);
    assert_eq!(table.unique[1].columns[1], IndexColumn { name: "Price".into(), descending: true });
    assert_eq!(table.foreign_keys[0].on_delete, ReferentialAction::Cascade);
    assert_eq!(table.foreign_keys[1].on_update, ReferentialAction::SetNull);
    assert!(
        table.foreign_keys[1].disabled && !table.foreign_keys[1].trusted && table.foreign_keys[0].trusted
    );
    assert_eq!((table.checks[0].text.as_str(), table.checks[0].trusted), ("([Name] <> N'y')", true));
    assert_eq!((table.checks[1].text.as_str(), table.checks[1].trusted), ("(([Price] > (0)))", false));
    assert_eq!(table.indexes[0].filter.as_deref(), Some("([Name] is not null)"));
    assert_eq!(
        (table.indexes[0].unique, table.indexes[0].included.as_slice()),
        (true, ["Price".to_owned()].as_slice())
    );
    assert_eq!(table.indexes[1].kind, IndexKind::Columnstore);
    assert_eq!(table.extended_properties[0].column.as_deref(), Some("Name"));
    assert_eq!(
        (table.extended_properties[0].object.as_str(), table.extended_properties[0].value.as_str()),
        ("s.t.Name", "It's")
    );
}

#[test]
fn modules_and_other_objects_keep_their_texts() {
    let view = "create view dbo.v as\nselect 1 as a; -- end";
    let function =
        "create function dbo.f (@a int = 1, @b nvarchar(9)) returns decimal(9,2) as begin return 1 end";
    let (_server, mut session, catalog) = built(&[
        "create table dbo.t (a int)",
        view,
        "create procedure dbo.p @a int, @b bit = 0 output as select 1",
        function,
        "create function dbo.i (@a int) returns table as return select 1 as a",
        "create trigger dbo.tr on dbo.t after insert as begin set nocount on end",
        "create type dbo.tt as table (a int)",
        "create sequence dbo.sq as int start with 5 increment by 2 minvalue 1 maxvalue 99 no cycle cache 10",
        "create synonym dbo.sy for [other].[dbo].[x]",
        "create role [r]; create user [u] without login; grant select, insert on [dbo].[t] to [r]",
        "alter role [r] add member [u]",
    ]);
    let kinds: Vec<CodeKind> = catalog.code.iter().map(|code| code.kind).collect();
    use CodeKind::*;
    assert_eq!(kinds, [View, Procedure, ScalarFunction, InlineTableFunction, Trigger, TableType]);
    assert_eq!(catalog.code[0].text, view);
    assert_eq!(catalog.code[1].parameters.len(), 2);
    assert!(catalog.code[1].parameters[1].output);
    assert_eq!(catalog.code[2].returns, Some(SqlType::Decimal { precision: 9, scale: 2 }));
    assert_eq!(catalog.code[2].parameters[0].default.as_deref(), Some("1"));
    assert_eq!(catalog.code[4].parent, Some(ObjectName::new("dbo", "t")));
    let sequence = &catalog.sequences[0];
    assert_eq!(
        (sequence.start, sequence.increment, sequence.minimum, sequence.maximum),
        (5, 2, Some(1), Some(99))
    );
    assert_eq!(catalog.synonyms[0].target, "[other].[dbo].[x]");
    assert_eq!((catalog.permissions.len(), catalog.role_memberships.len()), (2, 1));
    assert_eq!(fails(&mut *session, view), 2714);
    ask(&mut *session, "create or alter view dbo.v as select 2 as a");
    ask(&mut *session, "drop view if exists dbo.none; drop view dbo.v; drop table dbo.t");
    assert_eq!(fails(&mut *session, "drop table dbo.t"), 3701);
}

#[test]
fn rows_are_inserted_with_defaults_and_identities() {
    let (_server, mut session, _) = built(&[
        "create table dbo.t (Id int identity(1, 1) not null, a nvarchar(3) null default N'd', v rowversion, b decimal(5,2) not null, d as b * 2)",
    ]);
    let session = &mut *session;
    assert_eq!(
        ask(session, "insert into dbo.t (a, b) values (N'x', 1.5), (default, 2), (null, N'3.456')"),
        ["done 3"]
    );
    assert_eq!(
        rows(session, "select Id, a, b, d from dbo.t"),
        ["(1, x, 1.50, 3.00)", "(2, d, 2.00, 4.00)", "(3, NULL, 3.46, 6.92)"]
    );
    assert_eq!(fails(session, "insert into dbo.t (Id, b) values (9, 1)"), 544);
    ask(
        session,
        "set identity_insert dbo.t on; insert dbo.t (Id, b) values (20, 1); set identity_insert dbo.t off; insert dbo.t (b) select top 1 b from dbo.t",
    );
    assert_eq!(rows(session, "select max(Id), count(*) from dbo.t"), ["(21, 5)"]);
    assert_eq!(fails(session, "insert into dbo.t (a, b) values (N'y', 1), (N'z', null)"), 515);
    assert_eq!(fails(session, "insert into dbo.t (a, b) values (N'long', 1)"), 2628);
    assert_eq!(fails(session, "insert into dbo.t (c) values (1)"), 207);
    assert_eq!(fails(session, "insert into dbo.none (c) values (1)"), 208);
    assert_eq!(rows(session, "select count(*) from dbo.t"), ["(5)"]);
    ask(session, "begin tran; insert dbo.t (b) values (1); rollback");
    assert_eq!(rows(session, "select count(*) from dbo.t"), ["(5)"]);
    ask(session, "truncate table dbo.t");
    assert_eq!(rows(session, "select count(*) from dbo.t"), ["(0)"]);
}

#[test]
fn a_bulk_load_keeps_all_rows_or_none() {
    let (_server, mut session, _) = built(&[
        "create table dbo.t (Id int not null, Name varchar(5) collate Greek_CI_AS null default 'd', Extra int null, primary key (Id))",
    ]);
    let session = &mut *session;
    let columns = [
        AnswerColumn {
            name: "Name".into(),
            sql_type: SqlType::VarChar { length: Length::limited(5) },
            nullable: true,
            collation: None,
        },
        AnswerColumn { name: "Id".into(), sql_type: SqlType::Int, nullable: false, collation: None },
    ];
    assert_eq!(session.bulk_rows(&columns).err().map(|failure| failure.number), Some(4817));
    let announce =
        "insert bulk [dbo].[t] ([Name] varchar(5) collate Greek_CI_AS, [Id] int) with (tablock, keep_nulls)";
    let load = |session: &mut dyn Conversation, values: &[(Value<'_>, Value<'_>)]| {
        assert_eq!(ask(session, announce), ["done"]);
        {
            let mut sink = session.bulk_rows(&columns).unwrap();
            for (name, id) in values {
                sink.value(*name);
                sink.value(*id);
                sink.end_row().unwrap();
            }
        }
        session.end_bulk().map_err(|failure| failure.number)
    };
    assert_eq!(
        load(session, &[(Value::Utf8("Ά".as_bytes()), Value::Int(1)), (Value::Null, Value::Int(2))]),
        Ok(2)
    );
    assert_eq!(load(session, &[(Value::Null, Value::Int(3)), (Value::Null, Value::Null)]), Err(515));
    assert_eq!(load(session, &[(Value::Utf8(b"123456"), Value::Int(4))]), Err(2628));
    assert_eq!(rows(session, "select * from dbo.t"), ["(1, Ά, NULL)", "(2, NULL, NULL)"]);
    assert_eq!(fails(session, "insert bulk dbo.none ([a] int)"), 208);
}
