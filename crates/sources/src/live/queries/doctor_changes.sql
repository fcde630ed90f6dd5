-- The version of the last committed change, where change tracking is on, and how many tables it does not watch.
-- Needs: VIEW DEFINITION on the tables. Since SQL Server 2012; also on Azure SQL Database.
select
    change_tracking_current_version() as change_version,
    (
        select count(*)
        from sys.tables as t
        where t.is_ms_shipped = 0
            and not exists (select 1 from sys.change_tracking_tables as c where c.object_id = t.object_id)
    ) as unwatched_tables;
