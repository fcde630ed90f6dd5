-- The columns of foreign keys, on both sides.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    x.constraint_object_id,
    x.constraint_column_id,
    c.name as column_name,
    r.name as referenced_column_name
from sys.foreign_key_columns as x
join sys.foreign_keys as f on f.object_id = x.constraint_object_id
left join sys.columns as c on c.object_id = x.parent_object_id and c.column_id = x.parent_column_id
left join sys.columns as r on r.object_id = x.referenced_object_id and r.column_id = x.referenced_column_id
where f.is_ms_shipped = 0
order by x.constraint_object_id, x.constraint_column_id;
