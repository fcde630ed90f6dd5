-- Which tables have a history or are one (temporal_type 2 and 1), and which have their rows elsewhere.
-- Needs: VIEW DEFINITION. Since SQL Server 2016; also on Azure SQL Database.
select t.object_id, t.temporal_type, t.is_external
from sys.tables as t
where t.is_ms_shipped = 0 and (t.temporal_type <> 0 or t.is_external = 1)
order by t.object_id;
