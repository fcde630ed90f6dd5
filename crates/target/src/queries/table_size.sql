-- Bytes on disk of table $2 in schema $1, with its indexes and its long values.
select pg_catalog.pg_total_relation_size(c.oid) as bytes
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2;
