-- The database snapshots of this database.
-- Needs: CONNECT; sees only databases that the login may open. Since SQL Server 2012.
select d.name, convert(nvarchar(40), d.create_date, 126) as create_date
from sys.databases as d
where d.source_database_id = db_id()
order by d.name;
