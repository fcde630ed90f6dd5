-- The columns of table types.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    c.object_id,
    c.column_id,
    c.name,
    schema_name(t.schema_id) as type_schema,
    t.name as type_name,
    t.is_user_defined as type_is_user_defined,
    t.is_assembly_type as type_is_assembly,
    b.name as base_name,
    c.max_length,
    c.precision,
    c.scale,
    c.is_nullable,
    c.is_computed,
    k.definition as computed_text
from sys.table_types as o
join sys.columns as c on c.object_id = o.type_table_object_id
left join sys.types as t on t.user_type_id = c.user_type_id
left join sys.types as b on b.user_type_id = c.system_type_id and b.is_user_defined = 0
left join sys.computed_columns as k on k.object_id = c.object_id and k.column_id = c.column_id
where o.is_user_defined = 1
order by c.object_id, c.column_id;
