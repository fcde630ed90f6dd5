-- What would make the login see other rows or values than there are: columns that it gets masked, and security policies.
-- UNMASK on a table is a permission since SQL Server 2022 only: before, that question is answered with NULL.
-- Needs: VIEW DEFINITION. Since SQL Server 2016; also on Azure SQL Database.
select
    (
        select count(*)
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
    ) as masked_columns,
    (select count(*) from sys.security_policies as p where p.is_enabled = 1) as policies;
