-- The full-text indexes of tables and views, a row for each of their columns.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    f.object_id,
    f.is_enabled,
    o.type as owner_type,
    schema_name(o.schema_id) as owner_schema,
    o.name as owner_name,
    x.column_id,
    c.name as column_name
from sys.fulltext_indexes as f
join sys.objects as o on o.object_id = f.object_id
left join sys.fulltext_index_columns as x on x.object_id = f.object_id
left join sys.columns as c on c.object_id = x.object_id and c.column_id = x.column_id
where o.is_ms_shipped = 0
order by f.object_id, x.column_id;
