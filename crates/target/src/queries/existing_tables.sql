-- Which of the names (schemas $1, tables $2, as parallel arrays) are taken, by whatever kind of relation: a view or a
-- sequence stands in the way of a table as well.
select w.schema_name, w.table_name
from unnest($1::text[], $2::text[]) with ordinality as w (schema_name, table_name, place)
where exists (
    select
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = w.schema_name and c.relname = w.table_name
)
order by w.place;
