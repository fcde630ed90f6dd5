-- The defaults of columns.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select d.object_id, d.parent_object_id, d.parent_column_id, d.name, d.definition
from sys.default_constraints as d
where d.is_ms_shipped = 0
order by d.object_id;
