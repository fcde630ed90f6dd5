-- What computes and restricts the values of the temporary table mssql2pg_twin: its generated columns, its checks and the
-- predicates of its indexes, as PostgreSQL writes them, by their names.
select 'g' as kind, a.attname::text as name, pg_catalog.pg_get_expr(d.adbin, d.adrelid) as text
from pg_catalog.pg_attribute as a
join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = 'pg_temp.mssql2pg_twin'::regclass and a.attgenerated = 's'
union all
select 'c', k.conname::text, pg_catalog.pg_get_constraintdef(k.oid)
from pg_catalog.pg_constraint as k
where k.conrelid = 'pg_temp.mssql2pg_twin'::regclass and k.contype = 'c'
union all
select 'i', c.relname::text, pg_catalog.pg_get_expr(x.indpred, x.indrelid)
from pg_catalog.pg_index as x
join pg_catalog.pg_class as c on c.oid = x.indexrelid
where x.indrelid = 'pg_temp.mssql2pg_twin'::regclass;
