-- Extended properties, and what they are attached to. Which of the joined names matters depends on the class:
-- 0 the database, 1 an object or its column, 2 a parameter, 3 a schema, 4 a principal, 6 a type, 7 an index, 8 a column
-- of a table type, 10 an XML schema collection, 20 a filegroup or partition scheme, 21 a partition function.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    e.class,
    e.class_desc,
    e.major_id,
    e.minor_id,
    e.name,
    cast(e.value as nvarchar(max)) as value,
    o.type as object_type,
    o.parent_object_id,
    schema_name(o.schema_id) as object_schema,
    o.name as object_name,
    g.name as trigger_name,
    c.name as column_name,
    p.name as parameter_name,
    i.name as index_name,
    s.name as schema_name,
    u.name as principal_name,
    u.type as principal_type,
    schema_name(t.schema_id) as type_schema,
    t.name as type_name,
    t.is_table_type,
    tc.name as type_column_name,
    schema_name(x.schema_id) as collection_schema,
    x.name as collection_name,
    d.name as data_space_name,
    d.type as data_space_type,
    f.name as partition_function_name
from sys.extended_properties as e
left join sys.objects as o on e.class in (1, 2, 7) and o.object_id = e.major_id
left join sys.triggers as g on e.class = 1 and g.parent_class = 0 and g.object_id = e.major_id
left join sys.columns as c on e.class = 1 and c.object_id = e.major_id and c.column_id = e.minor_id
left join sys.parameters as p on e.class = 2 and p.object_id = e.major_id and p.parameter_id = e.minor_id
left join sys.indexes as i on e.class = 7 and i.object_id = e.major_id and i.index_id = e.minor_id
left join sys.schemas as s on e.class = 3 and s.schema_id = e.major_id
left join sys.database_principals as u on e.class = 4 and u.principal_id = e.major_id
left join sys.types as t on e.class in (6, 8) and t.user_type_id = e.major_id
left join sys.table_types as tt on e.class = 8 and tt.user_type_id = e.major_id
left join sys.columns as tc on tc.object_id = tt.type_table_object_id and tc.column_id = e.minor_id
left join sys.xml_schema_collections as x on e.class = 10 and x.xml_collection_id = e.major_id
left join sys.data_spaces as d on e.class = 20 and d.data_space_id = e.major_id
left join sys.partition_functions as f on e.class = 21 and f.function_id = e.major_id
where o.object_id is null or o.is_ms_shipped = 0
order by e.class, e.major_id, e.minor_id, e.name;
