-- The check constraints of tables.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
-- The server keeps a pair of parentheses around the whole condition: ([Quantity]>(0)).
select
    c.object_id,
    c.parent_object_id,
    c.name,
    c.is_system_named,
    c.definition,
    c.is_not_trusted,
    c.is_disabled
from sys.check_constraints as c
where c.is_ms_shipped = 0
order by c.object_id;
