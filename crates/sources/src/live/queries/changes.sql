-- What betrays a change: the version of the last committed change that change tracking saw, and the versions from which
-- it knows, which a truncation moves. NULL where change tracking is off.
-- Needs: VIEW DEFINITION on the tables. Since SQL Server 2012; also on Azure SQL Database.
select
    change_tracking_current_version() as change_version,
    (select sum(c.min_valid_version) from sys.change_tracking_tables as c) as least_versions,
    (select sum(c.begin_version) from sys.change_tracking_tables as c) as begin_versions;
