-- The foreign keys of tables. Actions: 0 none, 1 cascade, 2 set null, 3 set default.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    f.object_id,
    f.parent_object_id,
    f.name,
    f.is_system_named,
    f.referenced_object_id,
    f.delete_referential_action,
    f.update_referential_action,
    f.is_not_trusted,
    f.is_disabled
from sys.foreign_keys as f
where f.is_ms_shipped = 0
order by f.object_id;
