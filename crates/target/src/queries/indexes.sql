-- The indexes of table $2 in schema $1, those of its keys included. Key columns that are expressions are texts.
select
    i.relname::text as name,
    x.indisunique as is_unique,
    x.indisvalid as is_valid,
    array(
        select coalesce(a.attname::text, pg_catalog.pg_get_indexdef(x.indexrelid, u.place::int4, false))
        from unnest(x.indkey::int2[]) with ordinality as u (attnum, place)
        -- 0 stands for an expression, and no attribute has this number.
        left join pg_catalog.pg_attribute as a on a.attrelid = x.indrelid and a.attnum = u.attnum
        where u.place <= x.indnkeyatts
        order by u.place
    ) as columns,
    array(
        select u.options & 1 = 1
        from unnest(x.indoption::int2[]) with ordinality as u (options, place)
        order by u.place
    ) as descending,
    array(
        select a.attname::text
        from unnest(x.indkey::int2[]) with ordinality as u (attnum, place)
        join pg_catalog.pg_attribute as a on a.attrelid = x.indrelid and a.attnum = u.attnum
        where u.place > x.indnkeyatts
        order by u.place
    ) as included,
    pg_catalog.pg_get_expr(x.indpred, x.indrelid) as predicate,
    -- PostgreSQL 13 and 14 have no such attribute, and naming it would be an error there.
    coalesce((pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct')::bool, false) as nulls_not_distinct,
    -- A foreign key names the index of the table that it refers to: the constraint must be one of this table.
    exists (
        select
        from pg_catalog.pg_constraint as k
        where k.conindid = x.indexrelid and k.conrelid = x.indrelid and k.contype in ('p', 'u', 'x')
    ) as is_constraint
from pg_catalog.pg_index as x
join pg_catalog.pg_class as i on i.oid = x.indexrelid
join pg_catalog.pg_class as c on c.oid = x.indrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
order by i.relname;
