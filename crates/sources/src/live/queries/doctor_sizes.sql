-- How many rows there are, and how many pages of 8 KiB they use with their indexes: close, not exact.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    (select count(*) from sys.tables as t where t.is_ms_shipped = 0) as table_count,
    (
        select sum(p.rows)
        from sys.partitions as p
        join sys.tables as t on t.object_id = p.object_id
        where t.is_ms_shipped = 0 and p.index_id < 2
    ) as row_count,
    (
        select sum(u.used_pages)
        from sys.allocation_units as u
        join sys.partitions as p on p.partition_id = u.container_id
        join sys.tables as t on t.object_id = p.object_id
        where t.is_ms_shipped = 0 and u.type <> 0
    ) as used_pages;
