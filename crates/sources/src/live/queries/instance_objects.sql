-- Objects that are only counted and named, of the kinds that only a server of one's own and a Managed Instance have.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; not on Azure SQL Database.
-- Service Broker's own services, contracts and message types have ids below 65536.
select o.kind, o.schema_name, o.name, o.part_name
from (
    select
        'SqlQueue' as kind,
        schema_name(q.schema_id) collate database_default as schema_name,
        q.name collate database_default as name,
        cast(null as nvarchar(128)) collate database_default as part_name
    from sys.service_queues as q
    where q.is_ms_shipped = 0
    union all
    select
        'SqlNumberedProcedure',
        schema_name(p.schema_id) collate database_default,
        p.name collate database_default,
        cast(n.procedure_number as nvarchar(128)) collate database_default
    from sys.numbered_procedures as n
    join sys.procedures as p on p.object_id = n.object_id
    where p.is_ms_shipped = 0
    union all
    select 'SqlAssembly', null, a.name collate database_default, null
    from sys.assemblies as a
    where a.is_user_defined = 1
    union all
    select 'SqlService', null, s.name collate database_default, null
    from sys.services as s
    where s.service_id >= 65536
    union all
    select 'SqlContract', null, c.name collate database_default, null
    from sys.service_contracts as c
    where c.service_contract_id >= 65536
    union all
    select 'SqlMessageType', null, m.name collate database_default, null
    from sys.service_message_types as m
    where m.message_type_id >= 65536
    union all
    select 'SqlRoute', null, r.name collate database_default, null
    from sys.routes as r
    where r.name <> 'AutoCreatedLocal'
    union all
    select 'SqlRemoteServiceBinding', null, b.name collate database_default, null
    from sys.remote_service_bindings as b
    union all
    select 'SqlBrokerPriority', null, p.name collate database_default, null
    from sys.conversation_priorities as p
    union all
    select 'SqlEventNotification', null, e.name collate database_default, null
    from sys.event_notifications as e
    union all
    select 'SqlDatabaseAuditSpecification', null, a.name collate database_default, null
    from sys.database_audit_specifications as a
) as o
order by o.kind, o.schema_name, o.name, o.part_name;
