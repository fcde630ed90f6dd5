-- The indexes of tables and views, primary keys and unique constraints among them. Heaps (type 0) are none.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
-- Types: 1 clustered, 2 nonclustered, 3 XML, 4 spatial, 5 clustered columnstore, 6 nonclustered columnstore, 7 hash.
select
    i.object_id,
    i.index_id,
    i.name,
    i.type,
    i.type_desc,
    i.is_unique,
    i.is_primary_key,
    i.is_unique_constraint,
    i.filter_definition,
    i.has_filter,
    i.is_disabled,
    o.type as owner_type,
    schema_name(o.schema_id) as owner_schema,
    o.name as owner_name,
    k.object_id as constraint_id,
    k.is_system_named
from sys.indexes as i
join sys.objects as o on o.object_id = i.object_id
left join sys.key_constraints as k on k.parent_object_id = i.object_id and k.unique_index_id = i.index_id
where o.is_ms_shipped = 0 and o.type in ('U', 'V') and i.type <> 0 and i.is_hypothetical = 0
order by i.object_id, i.index_id;
