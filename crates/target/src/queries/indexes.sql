-- The indexes of table $2 in schema $1, those of its keys included.
select i.relname::text as name, x.indisunique as is_unique, x.indisvalid as is_valid
from pg_catalog.pg_index as x
join pg_catalog.pg_class as i on i.oid = x.indexrelid
join pg_catalog.pg_class as c on c.oid = x.indrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
order by i.relname;
