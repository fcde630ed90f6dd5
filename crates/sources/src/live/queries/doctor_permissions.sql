-- What the login may do in the database, and on the server. NULL where the server cannot tell.
-- Needs: CONNECT. Since SQL Server 2012; also on Azure SQL Database.
select
    has_perms_by_name(db_name(), 'DATABASE', 'CONNECT') as may_connect,
    has_perms_by_name(db_name(), 'DATABASE', 'VIEW DEFINITION') as may_view_definition,
    has_perms_by_name(db_name(), 'DATABASE', 'SELECT') as may_select;
