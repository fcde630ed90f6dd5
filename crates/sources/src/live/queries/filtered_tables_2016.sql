-- Tables of which a security policy may hide rows from the login.
-- Needs: VIEW DEFINITION. Since SQL Server 2016; also on Azure SQL Database.
select distinct s.name as schema_name, t.name as table_name
from sys.security_predicates as f
join sys.security_policies as p on p.object_id = f.object_id
join sys.tables as t on t.object_id = f.target_object_id
join sys.schemas as s on s.schema_id = t.schema_id
where p.is_enabled = 1 and f.predicate_type = 0
order by s.name, t.name;
