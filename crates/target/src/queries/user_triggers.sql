-- The triggers of table $2 in schema $1 that fire in this session. Those of foreign keys are internal.
select t.tgname::text as name
from pg_catalog.pg_trigger as t
join pg_catalog.pg_class as c on c.oid = t.tgrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and not t.tgisinternal
    -- O: as usual, but not in a session of replication; R: only there; A: always; D: never.
    and t.tgenabled in (
        'A',
        case pg_catalog.current_setting('session_replication_role') when 'replica' then 'R' else 'O' end
    )
order by t.tgname;
