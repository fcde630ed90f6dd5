-- The tables, views, procedures, scalar functions, sequences, alias types, schemas and principals of the database, by
-- name; `kind` is sys.objects.type, or type, schema or principal.
-- Needs: CONNECT; sees only what the login may see. Since SQL Server 2012.
select s.name as schema_name, o.name as object_name, rtrim(o.type) as kind
from sys.objects as o
join sys.schemas as s on s.schema_id = o.schema_id
where o.is_ms_shipped = 0 and o.type in ('U', 'V', 'P', 'FN', 'SO')
union all
select s.name, t.name, 'type'
from sys.types as t
join sys.schemas as s on s.schema_id = t.schema_id
where t.is_user_defined = 1
union all
select '', s.name, 'schema'
from sys.schemas as s
union all
select '', p.name, 'principal'
from sys.database_principals as p;
