-- The triggers on the database itself, which no schema owns and sys.objects does not list.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select t.object_id, t.type, t.name, m.definition
from sys.triggers as t
left join sys.sql_modules as m on m.object_id = t.object_id
where t.parent_class = 0 and t.is_ms_shipped = 0
order by t.object_id;
