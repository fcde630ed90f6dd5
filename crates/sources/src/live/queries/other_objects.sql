-- Objects that are only counted and named. The kinds are the words of a .bacpac.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select o.kind, o.schema_name, o.name, o.part_name
from (
    select
        'SqlXmlSchemaCollection' as kind,
        schema_name(x.schema_id) collate database_default as schema_name,
        x.name collate database_default as name,
        cast(null as nvarchar(128)) collate database_default as part_name
    from sys.xml_schema_collections as x
    where x.xml_collection_id > 1
    union all
    select
        'SqlUserDefinedType',
        schema_name(t.schema_id) collate database_default,
        t.name collate database_default,
        null
    from sys.types as t
    where t.is_user_defined = 1 and t.is_assembly_type = 1
    union all
    select
        'SqlStatistic',
        schema_name(t.schema_id) collate database_default,
        t.name collate database_default,
        s.name collate database_default
    from sys.stats as s
    join sys.tables as t on t.object_id = s.object_id
    where s.user_created = 1 and t.is_ms_shipped = 0
    union all
    select
        'SqlEdgeConstraint',
        schema_name(t.schema_id) collate database_default,
        t.name collate database_default,
        e.name collate database_default
    from sys.objects as e
    join sys.objects as t on t.object_id = e.parent_object_id
    where e.type = 'EC' and e.is_ms_shipped = 0
    union all
    select 'SqlFullTextCatalog', null, c.name collate database_default, null
    from sys.fulltext_catalogs as c
    union all
    select 'SqlFullTextStopList', null, l.name collate database_default, null
    from sys.fulltext_stoplists as l
    union all
    select 'SqlSearchPropertyList', null, l.name collate database_default, null
    from sys.registered_search_property_lists as l
    union all
    select 'SqlPartitionFunction', null, f.name collate database_default, null
    from sys.partition_functions as f
    union all
    select 'SqlPartitionScheme', null, p.name collate database_default, null
    from sys.partition_schemes as p
    union all
    select 'SqlFilegroup', null, g.name collate database_default, null
    from sys.data_spaces as g
    where g.type in ('FG', 'FD', 'FX') and g.data_space_id > 1
    union all
    select
        case when k.name = '##MS_DatabaseMasterKey##' then 'SqlMasterKey' else 'SqlSymmetricKey' end,
        null,
        case when k.name = '##MS_DatabaseMasterKey##' then null else k.name collate database_default end,
        null
    from sys.symmetric_keys as k
    union all
    select 'SqlAsymmetricKey', null, k.name collate database_default, null
    from sys.asymmetric_keys as k
    union all
    select 'SqlCertificate', null, c.name collate database_default, null
    from sys.certificates as c
    where c.name not like '##%'
    union all
    select 'SqlPlanGuide', null, g.name collate database_default, null
    from sys.plan_guides as g
) as o
order by o.kind, o.schema_name, o.name, o.part_name;
