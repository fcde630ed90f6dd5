-- Alias types (create type ... from ...) and the types that they stand for.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    t.user_type_id,
    schema_name(t.schema_id) as schema_name,
    t.name,
    b.name as base_name,
    t.max_length,
    t.precision,
    t.scale,
    t.is_nullable
from sys.types as t
left join sys.types as b on b.user_type_id = t.system_type_id and b.is_user_defined = 0
where t.is_user_defined = 1 and t.is_assembly_type = 0 and t.is_table_type = 0
order by t.user_type_id;
