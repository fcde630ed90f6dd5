-- The columns that the client encrypts (Always Encrypted).
-- Needs: VIEW DEFINITION. Since SQL Server 2016; also on Azure SQL Database.
select c.object_id, c.column_id, c.encryption_type
from sys.columns as c
join sys.tables as o on o.object_id = c.object_id
where o.is_ms_shipped = 0 and c.encryption_type is not null
order by c.object_id, c.column_id;
