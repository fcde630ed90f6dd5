-- Sequence $2 in schema $1: its quoted name and its increment. What it has given out is only in itself.
select pg_catalog.format('%I.%I', n.nspname, c.relname) as sql_name, s.seqincrement as increment
from pg_catalog.pg_sequence as s
join pg_catalog.pg_class as c on c.oid = s.seqrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2;
