-- Table types. Their columns and keys hang on an object that the server makes for each.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select t.user_type_id, t.type_table_object_id, schema_name(t.schema_id) as schema_name, t.name
from sys.table_types as t
where t.is_user_defined = 1
order by t.user_type_id;
