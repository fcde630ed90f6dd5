-- Which tables are nodes or edges of a graph.
-- Needs: VIEW DEFINITION. Since SQL Server 2017; also on Azure SQL Database.
select t.object_id, t.is_node, t.is_edge
from sys.tables as t
where t.is_ms_shipped = 0 and (t.is_node = 1 or t.is_edge = 1)
order by t.object_id;
