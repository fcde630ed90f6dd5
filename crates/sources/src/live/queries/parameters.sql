-- The parameters of procedures and functions; number 0 is what a function returns.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
-- The server keeps the defaults of T-SQL parameters in the text only.
select
    p.object_id,
    p.parameter_id,
    p.name,
    schema_name(t.schema_id) as type_schema,
    t.name as type_name,
    t.is_user_defined as type_is_user_defined,
    t.is_assembly_type as type_is_assembly,
    t.is_table_type as type_is_table,
    b.name as base_name,
    p.max_length,
    p.precision,
    p.scale,
    p.is_output,
    p.is_cursor_ref
from sys.parameters as p
join sys.objects as o on o.object_id = p.object_id
left join sys.types as t on t.user_type_id = p.user_type_id
left join sys.types as b on b.user_type_id = p.system_type_id and b.is_user_defined = 0
where o.is_ms_shipped = 0
order by p.object_id, p.parameter_id;
