-- Users and roles that somebody made. Below 5 are public, dbo, guest, INFORMATION_SCHEMA and sys.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select p.principal_id, p.name, p.type
from sys.database_principals as p
where p.principal_id > 4 and p.is_fixed_role = 0 and p.name not like '##%'
order by p.principal_id;
