-- The keys, foreign keys and checks of table $2 in schema $1. Not-null constraints, which PostgreSQL 18 lists as well,
-- are told by the columns.
select
    k.conname::text as name,
    k.contype::text as kind,
    array(
        select a.attname::text
        from unnest(k.conkey) with ordinality as u (attnum, place)
        join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.attnum
        order by u.place
    ) as columns,
    k.convalidated as validated,
    k.confdeltype::text as on_delete,
    k.confupdtype::text as on_update,
    pg_catalog.pg_get_constraintdef(k.oid) as definition,
    -- Null unless it is a foreign key.
    rn.nspname::text as referenced_schema,
    rc.relname::text as referenced_table,
    array(
        select a.attname::text
        from unnest(k.confkey) with ordinality as u (attnum, place)
        join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = u.attnum
        order by u.place
    ) as referenced_columns
from pg_catalog.pg_constraint as k
join pg_catalog.pg_class as c on c.oid = k.conrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_class as rc on rc.oid = k.confrelid
left join pg_catalog.pg_namespace as rn on rn.oid = rc.relnamespace
where n.nspname = $1 and c.relname = $2 and k.contype in ('p', 'u', 'f', 'c')
order by k.contype, k.conname;
