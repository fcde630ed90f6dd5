-- Sequences and where they stand. Their numbers are sql_variant of the sequence's own type.
-- Needs: VIEW DEFINITION. Since SQL Server 2012; also on Azure SQL Database.
select
    s.object_id,
    schema_name(s.schema_id) as schema_name,
    s.name,
    b.name as base_name,
    s.precision,
    s.scale,
    cast(s.start_value as decimal(38, 0)) as start_value,
    cast(s.increment as decimal(38, 0)) as increment_value,
    cast(s.minimum_value as decimal(38, 0)) as minimum_value,
    cast(s.maximum_value as decimal(38, 0)) as maximum_value,
    cast(s.current_value as decimal(38, 0)) as current_value,
    s.is_cycling
from sys.sequences as s
left join sys.types as b on b.user_type_id = s.system_type_id and b.is_user_defined = 0
where s.is_ms_shipped = 0
order by s.object_id;
