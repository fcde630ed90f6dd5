-- The columns that the server adds to tables of a graph. 2, 5 and 8 are JSON that a client may read ($node_id or
-- $edge_id, $from_id, $to_id); the others are the server's own.
-- Needs: VIEW DEFINITION. Since SQL Server 2017; also on Azure SQL Database.
select c.object_id, c.column_id, c.graph_type
from sys.columns as c
join sys.tables as o on o.object_id = c.object_id
where o.is_ms_shipped = 0 and c.graph_type is not null
order by c.object_id, c.column_id;
