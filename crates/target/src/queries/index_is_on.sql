-- Whether index $3 is one of table $2 in schema $1. An index is always in the schema of its table.
select exists (
    select
    from pg_catalog.pg_index as x
    join pg_catalog.pg_class as i on i.oid = x.indexrelid
    join pg_catalog.pg_class as c on c.oid = x.indrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = $2 and i.relname = $3
) as is_on;
