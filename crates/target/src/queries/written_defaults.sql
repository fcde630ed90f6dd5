-- The defaults of the temporary table mssql2pg_twin, in the order of its columns.
select pg_catalog.pg_get_expr(d.adbin, d.adrelid) as default_text
from pg_catalog.pg_attribute as a
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = 'pg_temp.mssql2pg_twin'::regclass and a.attnum > 0
order by a.attnum;
