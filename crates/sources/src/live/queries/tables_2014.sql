-- Which tables are kept in memory.
-- Needs: VIEW DEFINITION. Since SQL Server 2014; also on Azure SQL Database.
select t.object_id, t.is_memory_optimized
from sys.tables as t
where t.is_ms_shipped = 0 and t.is_memory_optimized = 1
order by t.object_id;
