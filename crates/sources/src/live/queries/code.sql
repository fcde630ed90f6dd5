-- Views, procedures, functions, aggregates, triggers on tables and views, bound defaults and rules, with their text.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
-- AF, FS, FT, PC and TA are CLR and have no text. A D with a parent is the default of a column, not code.
select
    o.object_id,
    o.type,
    schema_name(o.schema_id) as schema_name,
    o.name,
    schema_name(p.schema_id) as parent_schema,
    p.name as parent_name,
    m.definition,
    objectproperty(o.object_id, 'IsEncrypted') as is_encrypted
from sys.objects as o
left join sys.objects as p on p.object_id = o.parent_object_id
left join sys.sql_modules as m on m.object_id = o.object_id
where o.is_ms_shipped = 0
    and (
        o.type in ('V', 'P', 'PC', 'RF', 'FN', 'FS', 'IF', 'TF', 'FT', 'AF', 'TR', 'TA', 'R')
        or (o.type = 'D' and o.parent_object_id = 0)
    )
order by o.object_id;
