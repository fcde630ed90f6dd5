-- Columns whose values the login would get masked. UNMASK on a table is a permission since SQL Server 2022 only: before,
-- the first question is answered with NULL.
-- Needs: VIEW DEFINITION. Since SQL Server 2016; also on Azure SQL Database.
select s.name as schema_name, t.name as table_name, c.name as column_name
from sys.columns as c
join sys.tables as t on t.object_id = c.object_id
join sys.schemas as s on s.schema_id = t.schema_id
where t.is_ms_shipped = 0
    and c.is_masked = 1
    and coalesce(
        nullif(has_perms_by_name(quotename(s.name) + N'.' + quotename(t.name), 'OBJECT', 'UNMASK'), 0),
        has_perms_by_name(db_name(), 'DATABASE', 'UNMASK'),
        0
    ) = 0
order by s.name, t.name, c.column_id;
