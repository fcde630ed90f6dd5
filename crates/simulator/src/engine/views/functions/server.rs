//! Functions about the server, the session and the time, and the `@@` names.

use super::super::cell::{Cell, variant};
use super::super::facts::DatabaseFacts;
use super::super::names::NamedObject;
use super::{Call, Function, function, some};
use crate::answer::Failure;
use mssql2pg_catalog::ObjectName;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    function("serverproperty", (1, 1), "sql_variant", |call| Ok(server_property(call))),
    function("databasepropertyex", (2, 2), "sql_variant", |call| Ok(database_property(call))),
    function("collationproperty", (2, 2), "sql_variant", |call| {
        let value = call.text(0).zip(call.text(1));
        let value = value.and_then(|(name, property)| super::super::collations::property(&name, &property));
        Ok(variant("int", some(value)))
    }),
    function("connectionproperty", (1, 1), "sql_variant", |call| {
        let words = match call.text(0).unwrap_or_default().to_ascii_lowercase().as_str() {
            "net_transport" | "physical_net_transport" => "TCP",
            "protocol_type" => "TSQL",
            "auth_scheme" => "SQL",
            "client_net_address" | "local_net_address" => "127.0.0.1",
            "local_tcp_port" => return Ok(variant("int", Cell::Integer(1433))),
            _ => return Ok(Cell::Null),
        };
        Ok(variant("nvarchar(40)", Cell::Text(words.to_owned())))
    }),
    function("db_name", (0, 1), "sysname", |call| {
        let id = if call.arguments.is_empty() { Some(call.state.facts.database_id) } else { call.id(0) };
        let found = call.state.facts.databases.iter().find(|database| Some(database.id) == id);
        Ok(some(found.map(|database| database.name.clone())))
    }),
    function("db_id", (0, 1), "smallint", |call| {
        if call.arguments.is_empty() {
            return Ok(Cell::Integer(call.state.facts.database_id.into()));
        }
        let Some(name) = call.text(0) else { return Ok(Cell::Null) };
        let found = call.state.facts.databases.iter().find(|found| call.state.names.same(&found.name, &name));
        Ok(some(found.map(|database| i64::from(database.id))))
    }),
    function("original_db_name", (0, 0), "sysname", |call| {
        Ok(Cell::Text(call.state.facts.database_name.clone()))
    }),
    function("suser_sname", (0, 1), "sysname", login),
    function("suser_name", (0, 1), "sysname", login),
    function("original_login", (0, 0), "sysname", login),
    function("system_user", (0, 0), "sysname", login),
    function("suser_id", (0, 1), "int", |_| Ok(Cell::Integer(1))),
    function("user_name", (0, 1), "sysname", user),
    function("current_user", (0, 0), "sysname", user),
    function("session_user", (0, 0), "sysname", user),
    function("user", (0, 0), "sysname", user),
    function("user_id", (0, 1), "int", principal_id),
    function("database_principal_id", (0, 1), "int", principal_id),
    function("app_name", (0, 0), "nvarchar(128)", |_| Ok(Cell::Text("mssql2pg".to_owned()))),
    function("host_name", (0, 0), "nvarchar(128)", |_| Ok(Cell::Text("localhost".to_owned()))),
    function("host_id", (0, 0), "char(10)", |_| Ok(Cell::Text("1         ".to_owned()))),
    function("sysutcdatetime", (0, 0), "datetime2(7)", now),
    function("sysdatetime", (0, 0), "datetime2(7)", now),
    function("sysdatetimeoffset", (0, 0), "datetimeoffset(7)", now),
    function("getdate", (0, 0), "datetime", now_datetime),
    function("getutcdate", (0, 0), "datetime", now_datetime),
    function("current_timestamp", (0, 0), "datetime", now_datetime),
    function("xact_state", (0, 0), "smallint", |call| {
        Ok(Cell::Integer((call.session.open_transactions > 0).into()))
    }),
    function("change_tracking_current_version", (0, 0), "bigint", |call| {
        Ok(some(call.state.facts.change_tracking.as_ref().map(|tracking| tracking.version)))
    }),
    function("change_tracking_min_valid_version", (1, 1), "bigint", |call| {
        let tracking = call.state.facts.change_tracking.as_ref();
        let object = call.id(0).and_then(|id| call.state.names.object(id));
        let tracked = tracking.zip(object).filter(|(tracking, object)| {
            tracking.tables.iter().any(|table| table.schema == object.schema && table.name == object.name)
        });
        Ok(some(tracked.map(|(tracking, _)| tracking.min_valid_version)))
    }),
    function("filegroup_name", (1, 1), "nvarchar(128)", |call| {
        Ok(some((call.int(0) == Some(1)).then(|| "PRIMARY".to_owned())))
    }),
    function("file_name", (1, 1), "nvarchar(128)", |call| {
        let file = call.state.facts.files.iter().find(|file| Some(file.id) == call.id(0));
        Ok(some(file.map(|file| file.name.clone())))
    }),
    function("stats_date", (2, 2), "datetime", |call| {
        Ok(some(call.id(0).map(|_| call.state.facts.create_date().as_datetime().0)))
    }),
    function("newid", (0, 0), "uniqueidentifier", |call| {
        let mut bytes = call.session.now.0.to_le_bytes().to_vec();
        bytes.resize(16, 0x40);
        Ok(Cell::Blob(bytes))
    }),
    function("@@version", (0, 0), "nvarchar(300)", |call| Ok(Cell::Text(version(&call.state.facts)))),
    function("@@spid", (0, 0), "smallint", |call| Ok(Cell::Integer(call.session.session_id.into()))),
    function("@@servername", (0, 0), "nvarchar(128)", |call| {
        Ok(Cell::Text(call.state.facts.server_name.clone()))
    }),
    function("@@servicename", (0, 0), "nvarchar(128)", |_| Ok(Cell::Text("MSSQLSERVER".to_owned()))),
    function("@@trancount", (0, 0), "int", |call| Ok(Cell::Integer(call.session.open_transactions.into()))),
    function("@@language", (0, 0), "nvarchar(128)", |_| Ok(Cell::Text("us_english".to_owned()))),
    function("@@langid", (0, 0), "smallint", |_| Ok(Cell::Integer(0))),
    function("@@datefirst", (0, 0), "tinyint", |_| Ok(Cell::Integer(7))),
    function("@@lock_timeout", (0, 0), "int", |_| Ok(Cell::Integer(-1))),
    function("@@max_precision", (0, 0), "tinyint", |_| Ok(Cell::Integer(38))),
    function("@@textsize", (0, 0), "int", |_| Ok(Cell::Integer(i32::MAX.into()))),
    function("@@options", (0, 0), "int", |_| Ok(Cell::Integer(5432))),
    function("@@rowcount", (0, 0), "int", |_| Ok(Cell::Integer(0))),
    function("@@error", (0, 0), "int", |_| Ok(Cell::Integer(0))),
    function("@@microsoftversion", (0, 0), "int", |call| {
        Ok(Cell::Integer(microsoft_version(&call.state.facts)))
    }),
];

fn login(call: &Call<'_>) -> Result<Cell, Failure> {
    Ok(Cell::Text(call.session.login.clone()))
}

/// The user that a login is in the database: `dbo` for who may do everything.
fn user(call: &Call<'_>) -> Result<Cell, Failure> {
    if let Some(id) = call.id(0) {
        let found = call.state.names.principals.iter().find(|(_, found)| *found == id);
        return Ok(some(found.map(|(name, _)| name.clone())));
    }
    let name = if call.session.is_administrator() { "dbo" } else { call.session.login.as_str() };
    Ok(Cell::Text(name.to_owned()))
}

fn principal_id(call: &Call<'_>) -> Result<Cell, Failure> {
    let id = match call.text(0) {
        Some(name) => call.state.names.principal_id(&name),
        None if call.session.is_administrator() => Some(1),
        None => call.state.names.principal_id(&call.session.login),
    };
    Ok(some(id.map(i64::from)))
}

fn now(call: &Call<'_>) -> Result<Cell, Failure> {
    Ok(Cell::Integer(call.session.now.0))
}

fn now_datetime(call: &Call<'_>) -> Result<Cell, Failure> {
    Ok(Cell::Integer(call.session.now.as_datetime().0))
}

/// `t_row_count(object_id, index_id, partition_number, estimate)`: rows as they are now, all in the first partition.
pub(super) fn row_count(call: &Call<'_>) -> Result<Cell, Failure> {
    let object = call.id(0).and_then(|id| call.state.names.object(id));
    let counted = object.and_then(|object| {
        let name = ObjectName::new(object.schema.as_str(), object.name.as_str());
        call.session.row_counts.get(&name)
    });
    Ok(match (counted, call.int(2)) {
        (Some(count), Some(1)) => Cell::Integer(i64::try_from(*count).unwrap_or(i64::MAX)),
        (Some(_), _) => Cell::Integer(0),
        (None, _) => call.arguments.get(3).cloned().unwrap_or(Cell::Null),
    })
}

/// The rows of a table, where the session knows them.
pub(super) fn rows_of(call: &Call<'_>, object: &NamedObject) -> Option<i64> {
    let name = ObjectName::new(object.schema.as_str(), object.name.as_str());
    call.session.row_counts.get(&name).and_then(|count| i64::try_from(*count).ok())
}

fn version(facts: &DatabaseFacts) -> String {
    if facts.engine_edition == 5 {
        return format!(
            "Microsoft SQL Azure (RTM) - {} \n\tCopyright (C) 2022 Microsoft Corporation\n",
            facts.product_version
        );
    }
    let year = match facts.product_version.split('.').next() {
        Some("11") => 2012,
        Some("12") => 2014,
        Some("13") => 2016,
        Some("14") => 2017,
        Some("15") => 2019,
        Some("17") => 2025,
        _ => 2022,
    };
    format!(
        "Microsoft SQL Server {year} (RTM) - {} (X64) \n\tCopyright (C) {year} Microsoft Corporation\n\t{} on Linux <X64>",
        facts.product_version, facts.edition
    )
}

fn microsoft_version(facts: &DatabaseFacts) -> i64 {
    let mut parts = facts.product_version.split('.').map(|part| part.parse::<i64>().unwrap_or(0));
    let (major, minor, build) =
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (major << 24) | (minor << 16) | build
}

fn server_property(call: &Call<'_>) -> Cell {
    let facts = &call.state.facts;
    let words = |text: &str| variant("nvarchar(128)", Cell::Text(text.to_owned()));
    let number = |number: i64| variant("int", Cell::Integer(number));
    let part = |at: usize| facts.product_version.split('.').nth(at).unwrap_or("0").to_owned();
    match call.text(0).unwrap_or_default().to_ascii_lowercase().as_str() {
        "servername" | "machinename" | "computernamephysicalnetbios" => words(&facts.server_name),
        "instancename" | "productupdatelevel" | "productupdatereference" => Cell::Null,
        "productversion" => words(&facts.product_version),
        "productmajorversion" => words(&part(0)),
        "productminorversion" => words(&part(1)),
        "productbuild" => words(&part(2)),
        "productlevel" => words("RTM"),
        "edition" => words(&facts.edition),
        "editionid" => variant("bigint", Cell::Integer(-2_117_995_310)),
        "engineedition" => number(facts.engine_edition.into()),
        "collation" => words(server_collation(facts)),
        "collationid" => number(872_468_488),
        "lcid" => number(1033),
        "comparisonstyle" => number(if facts.case_sensitive { 196_608 } else { 196_609 }),
        "sqlcharset" => variant("tinyint", Cell::Integer(1)),
        "sqlcharsetname" => words("iso_1"),
        "sqlsortorder" => variant("tinyint", Cell::Integer(if facts.case_sensitive { 51 } else { 52 })),
        "sqlsortordername" => words(if facts.case_sensitive { "nocasepref_iso" } else { "nocase_iso" }),
        "isclustered"
        | "ishadrenabled"
        | "issingleuser"
        | "isintegratedsecurityonly"
        | "ispolybaseinstalled"
        | "islocaldb"
        | "isbigdatacluster"
        | "isexternalauthenticationonly" => number(0),
        "isfulltextinstalled" | "isxtpsupported" | "isadvancedanalyticsinstalled" => number(1),
        "hadrmanagerstatus" => number(2),
        "processid" => number(1),
        "licensetype" => words("DISABLED"),
        "buildclrversion" => words("v4.0.30319"),
        "filestreamconfiguredlevel" | "filestreameffectivelevel" => number(0),
        "instancedefaultdatapath" => words("/var/opt/mssql/data/"),
        "instancedefaultlogpath" => words("/var/opt/mssql/data/"),
        "resourceversion" => words(&facts.product_version),
        _ => Cell::Null,
    }
}

fn server_collation(facts: &DatabaseFacts) -> &'static str {
    if facts.case_sensitive { "SQL_Latin1_General_CP1_CS_AS" } else { "SQL_Latin1_General_CP1_CI_AS" }
}

fn database_property(call: &Call<'_>) -> Cell {
    let facts = &call.state.facts;
    let Some(name) = call.text(0) else { return Cell::Null };
    let found = facts.databases.iter().find(|database| call.state.names.same(&database.name, &name));
    let Some(database) = found else { return Cell::Null };
    let words = |text: &str| variant("nvarchar(128)", Cell::Text(text.to_owned()));
    let number = |number: i64| variant("int", Cell::Integer(number));
    let collation = database.collation.as_deref().unwrap_or(server_collation(facts));
    let read_only = database.is_read_only || database.source_database_id.is_some();
    match call.text(1).unwrap_or_default().to_ascii_lowercase().as_str() {
        "collation" => words(collation),
        "comparisonstyle" | "lcid" => {
            let property = call.text(1).unwrap_or_default();
            variant("int", some(super::super::collations::property(collation, &property)))
        }
        "status" => words("ONLINE"),
        "updateability" => words(if read_only { "READ_ONLY" } else { "READ_WRITE" }),
        "useraccess" => words("MULTI_USER"),
        "recovery" => words("FULL"),
        "version" => number(957),
        "edition" | "serviceobjective" if facts.engine_edition != 5 => Cell::Null,
        "edition" => words("GeneralPurpose"),
        "serviceobjective" => words("GP_S_Gen5_1"),
        "sqlsortorder" => variant("tinyint", Cell::Integer(52)),
        "isautoclose"
        | "isautoshrink"
        | "isinstandby"
        | "ispublished"
        | "issubscribed"
        | "isclone"
        | "isansinullsenabled"
        | "isanynullsdefault"
        | "isquotedidentifiersenabled" => number(0),
        "isautocreatestatistics" | "isautoupdatestatistics" | "isfulltextenabled" => number(1),
        _ => Cell::Null,
    }
}
