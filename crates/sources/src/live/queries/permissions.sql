-- Permissions on the database and what is in it; dbo's own and those on system objects (negative ids) are left out.
-- State: G grant, W grant with grant option, D deny, R revoke.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    q.class,
    q.class_desc,
    q.major_id,
    q.minor_id,
    q.state,
    q.permission_name,
    grantee.name as grantee_name,
    grantor.name as grantor_name,
    schema_name(o.schema_id) as object_schema,
    o.name as object_name,
    c.name as column_name,
    s.name as schema_name,
    u.name as principal_name,
    schema_name(t.schema_id) as type_schema,
    t.name as type_name,
    schema_name(x.schema_id) as collection_schema,
    x.name as collection_name
from sys.database_permissions as q
join sys.database_principals as grantee on grantee.principal_id = q.grantee_principal_id
left join sys.database_principals as grantor on grantor.principal_id = q.grantor_principal_id
left join sys.objects as o on q.class = 1 and o.object_id = q.major_id
left join sys.columns as c on q.class = 1 and c.object_id = q.major_id and c.column_id = q.minor_id
left join sys.schemas as s on q.class = 3 and s.schema_id = q.major_id
left join sys.database_principals as u on q.class = 4 and u.principal_id = q.major_id
left join sys.types as t on q.class = 6 and t.user_type_id = q.major_id
left join sys.xml_schema_collections as x on q.class = 10 and x.xml_collection_id = q.major_id
where q.grantee_principal_id <> 1
    and grantee.name not like '##%'
    and q.major_id >= 0
    and (o.object_id is null or o.is_ms_shipped = 0)
order by q.class, q.major_id, q.minor_id, q.grantee_principal_id, q.grantor_principal_id, q.type;
