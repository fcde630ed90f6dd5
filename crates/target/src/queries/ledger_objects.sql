-- The tables in the ledger's schema $1; no row when there is no such schema.
select array(
    select c.relname::text
    from pg_catalog.pg_class as c
    where c.relnamespace = n.oid and c.relkind in ('r', 'p')
) as tables
from pg_catalog.pg_namespace as n
where n.nspname = $1;
