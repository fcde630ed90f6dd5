-- What the server and the database are, for the doctor.
-- Needs: CONNECT. Since SQL Server 2012; also on Azure SQL Database.
select
    cast(serverproperty('ProductVersion') as nvarchar(128)) as product_version,
    cast(serverproperty('Edition') as nvarchar(128)) as edition,
    cast(serverproperty('EngineEdition') as int) as engine_edition,
    cast(serverproperty('Collation') as nvarchar(128)) as server_collation,
    d.name as database_name,
    cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128)) as database_collation,
    cast(d.compatibility_level as int) as compatibility_level,
    user_name() as user_name
from sys.databases as d
where d.database_id = db_id();
