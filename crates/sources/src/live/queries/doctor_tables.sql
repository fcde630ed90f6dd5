-- The tables that the login may not read.
-- Needs: VIEW DEFINITION; without it, tables that the login has no right on are not in the list.
-- Since SQL Server 2012; also on Azure SQL Database.
select
    schema_name(t.schema_id) as schema_name,
    t.name,
    has_perms_by_name(quotename(schema_name(t.schema_id)) + N'.' + quotename(t.name), 'OBJECT', 'SELECT') as may_select
from sys.tables as t
where t.is_ms_shipped = 0
order by schema_name(t.schema_id), t.name;
