-- The tables that change tracking watches.
-- Needs: VIEW DEFINITION on the tables. Since SQL Server 2012; also on Azure SQL Database.
select s.name as schema_name, t.name as table_name
from sys.change_tracking_tables as c
join sys.tables as t on t.object_id = c.object_id
join sys.schemas as s on s.schema_id = t.schema_id
order by s.name, t.name;
