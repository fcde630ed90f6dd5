-- The schemas that the types of columns $2 of the tables $1 (quoted names) come from: their operators are there too.
select distinct n.nspname::text as schema_name
from pg_catalog.pg_attribute as a
join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_type as base on base.oid = t.typbasetype
join pg_catalog.pg_namespace as n on n.oid in (t.typnamespace, base.typnamespace)
where a.attrelid = any ($1::text[]::pg_catalog.regclass[])
    and a.attname = any ($2::text[])
    and n.nspname <> 'pg_catalog'
order by 1;
