-- Rows and pages of tables by index, as the storage engine keeps count: close, not exact.
-- sys.dm_db_partition_stats would be closer, but needs VIEW DATABASE STATE.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    p.object_id,
    p.index_id,
    sum(p.rows) as row_count,
    sum(a.used_pages) as used_pages,
    count(*) as partition_count
from sys.partitions as p
join sys.tables as t on t.object_id = p.object_id
left join (
    select u.container_id, sum(u.used_pages) as used_pages
    from sys.allocation_units as u
    where u.type <> 0
    group by u.container_id
) as a on a.container_id = p.partition_id
where t.is_ms_shipped = 0
group by p.object_id, p.index_id
order by p.object_id, p.index_id;
