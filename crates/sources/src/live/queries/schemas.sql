-- The schemas of users. Below 5 are dbo, guest, INFORMATION_SCHEMA and sys; from 16384 on those of the fixed roles.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select s.schema_id, s.name
from sys.schemas as s
where s.schema_id > 4 and s.schema_id < 16384
order by s.schema_id;
