-- The tables of users, with what every version knows of them.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
-- A table is partitioned when its heap or clustered index (index_id 0 or 1) lies on a partition scheme.
select
    t.object_id,
    schema_name(t.schema_id) as schema_name,
    t.name,
    t.is_filetable,
    t.is_replicated,
    t.is_merge_published,
    t.is_tracked_by_cdc,
    case when exists (select 1 from sys.change_tracking_tables as c where c.object_id = t.object_id)
        then 1 else 0 end as is_change_tracked,
    case when exists (
        select 1
        from sys.indexes as i
        join sys.partition_schemes as p on p.data_space_id = i.data_space_id
        where i.object_id = t.object_id and i.index_id < 2
    ) then 1 else 0 end as is_partitioned
from sys.tables as t
where t.is_ms_shipped = 0
order by t.object_id;
