-- How many dimensions vectors have.
-- Needs: VIEW DEFINITION. Since SQL Server 2025; also on Azure SQL Database.
select c.object_id, c.column_id, c.vector_dimensions
from sys.columns as c
join sys.tables as o on o.object_id = c.object_id
where o.is_ms_shipped = 0 and c.vector_dimensions is not null
order by c.object_id, c.column_id;
