-- What could hold the rows of this database still.
-- Needs: CONNECT. Since SQL Server 2012; also on Azure SQL Database.
select
    d.name as database_name,
    cast(serverproperty('ServerName') as nvarchar(256)) as server_name,
    convert(nvarchar(40), d.create_date, 126) as create_date,
    cast(d.is_read_only as int) as is_read_only,
    cast(d.is_in_standby as int) as is_in_standby,
    d.snapshot_isolation_state_desc,
    d.source_database_id,
    (select count(*) from sys.database_files as f where f.type = 2) as filestream_files,
    cast(serverproperty('EngineEdition') as int) as engine_edition,
    has_perms_by_name(null, null, 'CREATE ANY DATABASE') as may_create_database,
    convert(nvarchar(40), sysutcdatetime(), 126) as now_utc
from sys.databases as d
where d.database_id = db_id();
