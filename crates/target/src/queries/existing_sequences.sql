-- Which of the names (schemas $1, sequences $2, as parallel arrays) are sequences, those of identity columns included.
select w.schema_name, w.sequence_name
from unnest($1::text[], $2::text[]) with ordinality as w (schema_name, sequence_name, place)
where exists (
    select
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = w.schema_name and c.relname = w.sequence_name and c.relkind = 'S'
)
order by w.place;
