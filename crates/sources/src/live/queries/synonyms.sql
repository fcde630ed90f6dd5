-- Synonyms, and what they stand for as it was written.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select s.object_id, schema_name(s.schema_id) as schema_name, s.name, s.base_object_name
from sys.synonyms as s
where s.is_ms_shipped = 0
order by s.object_id;
