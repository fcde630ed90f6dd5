-- Objects that are only counted and named, of the kinds that came with SQL Server 2016.
-- Needs: VIEW DEFINITION. Since SQL Server 2016; also on Azure SQL Database.
-- The rows of external tables are not in this database.
select o.kind, o.schema_name, o.name, o.part_name
from (
    select
        'SqlExternalTable' as kind,
        schema_name(t.schema_id) collate database_default as schema_name,
        t.name collate database_default as name,
        cast(null as nvarchar(128)) collate database_default as part_name
    from sys.tables as t
    where t.is_external = 1 and t.is_ms_shipped = 0
    union all
    select
        'SqlSecurityPolicy',
        schema_name(p.schema_id) collate database_default,
        p.name collate database_default,
        null
    from sys.security_policies as p
    where p.is_ms_shipped = 0
    union all
    select 'SqlExternalDataSource', null, d.name collate database_default, null
    from sys.external_data_sources as d
    union all
    select 'SqlExternalFileFormat', null, f.name collate database_default, null
    from sys.external_file_formats as f
    union all
    select 'SqlColumnMasterKey', null, k.name collate database_default, null
    from sys.column_master_keys as k
    union all
    select 'SqlColumnEncryptionKey', null, k.name collate database_default, null
    from sys.column_encryption_keys as k
    union all
    select 'SqlDatabaseCredential', null, c.name collate database_default, null
    from sys.database_scoped_credentials as c
) as o
order by o.kind, o.schema_name, o.name, o.part_name;
