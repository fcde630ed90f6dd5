-- The columns of table $2 in schema $1, in their order.
select
    a.attname::text as name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type_text,
    not a.attnotnull as nullable,
    a.attidentity <> '' as is_identity,
    a.attgenerated <> '' as is_generated,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) as default_text
from pg_catalog.pg_attribute as a
join pg_catalog.pg_class as c on c.oid = a.attrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
order by a.attnum;
