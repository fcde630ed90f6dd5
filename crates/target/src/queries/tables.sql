-- All tables that are not the system's own, partitioned ones included.
select n.nspname::text as schema_name, c.relname::text as table_name
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
    and not c.relispartition
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
order by 1, 2;
