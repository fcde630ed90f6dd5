-- What answers, and which database of it.
-- Needs: CONNECT. Since SQL Server 2012; also on Azure SQL Database.
select
    cast(serverproperty('ServerName') as nvarchar(256)) as server_name,
    db_name() as database_name,
    convert(nvarchar(40), d.create_date, 126) as create_date,
    convert(nvarchar(40), d.group_database_id) as group_database_id,
    @@version as version
from sys.databases as d
where d.database_id = db_id();
