-- The database itself, the server that holds it, and whether the login may see all definitions.
-- Needs: CONNECT. Since SQL Server 2012; also on Azure SQL Database.
-- may_view_definition is NULL where the server cannot tell.
select
    d.name as database_name,
    cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128)) as collation_name,
    cast(d.compatibility_level as int) as compatibility_level,
    cast(serverproperty('ProductVersion') as nvarchar(128)) as product_version,
    cast(serverproperty('EngineEdition') as int) as engine_edition,
    @@version as version,
    user_name() as user_name,
    has_perms_by_name(db_name(), 'DATABASE', 'VIEW DEFINITION') as may_view_definition
from sys.databases as d
where d.database_id = db_id();
