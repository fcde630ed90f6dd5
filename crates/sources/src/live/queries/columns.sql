-- The columns of the tables of users: type, identity, computed expression.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
-- Seeds are sql_variant of the column's own type; decimal(38, 0) holds them all.
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
    c.collation_name,
    c.is_rowguidcol,
    c.is_sparse,
    c.is_column_set,
    c.is_computed,
    k.definition as computed_text,
    k.is_persisted,
    c.is_identity,
    cast(i.seed_value as decimal(38, 0)) as seed_value,
    cast(i.increment_value as decimal(38, 0)) as increment_value,
    cast(i.last_value as decimal(38, 0)) as last_value
from sys.columns as c
join sys.tables as o on o.object_id = c.object_id
left join sys.types as t on t.user_type_id = c.user_type_id
left join sys.types as b on b.user_type_id = c.system_type_id and b.is_user_defined = 0
left join sys.computed_columns as k on k.object_id = c.object_id and k.column_id = c.column_id
left join sys.identity_columns as i on i.object_id = c.object_id and i.column_id = c.column_id
where o.is_ms_shipped = 0
order by c.object_id, c.column_id;
