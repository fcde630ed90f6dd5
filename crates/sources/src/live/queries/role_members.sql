-- Who is a member of which role; that dbo owns the database goes without saying.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select m.role_principal_id, m.member_principal_id, r.name as role_name, p.name as member_name
from sys.database_role_members as m
join sys.database_principals as r on r.principal_id = m.role_principal_id
join sys.database_principals as p on p.principal_id = m.member_principal_id
where m.member_principal_id <> 1 and p.name not like '##%'
order by m.role_principal_id, m.member_principal_id;
