-- The columns of the indexes of tables and views. key_ordinal is 0 for included columns and for all columns of XML,
-- spatial and columnstore indexes.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    x.object_id,
    x.index_id,
    x.index_column_id,
    x.key_ordinal,
    x.is_descending_key,
    x.is_included_column,
    c.name as column_name
from sys.index_columns as x
join sys.objects as o on o.object_id = x.object_id
left join sys.columns as c on c.object_id = x.object_id and c.column_id = x.column_id
where o.is_ms_shipped = 0 and o.type in ('U', 'V')
order by x.object_id, x.index_id, x.index_column_id;
