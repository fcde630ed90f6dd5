-- The primary keys and unique constraints of table types, a row for each of their columns.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select i.object_id, i.index_id, i.is_primary_key, x.key_ordinal, c.name as column_name
from sys.table_types as o
join sys.indexes as i on i.object_id = o.type_table_object_id
join sys.index_columns as x on x.object_id = i.object_id and x.index_id = i.index_id
left join sys.columns as c on c.object_id = x.object_id and c.column_id = x.column_id
where o.is_user_defined = 1 and (i.is_primary_key = 1 or i.is_unique_constraint = 1) and x.key_ordinal > 0
order by i.object_id, i.index_id, x.key_ordinal;
