-- The code pages of the collations that columns have, and the database's own collation.
-- Needs: CONNECT; sees only columns of tables that the login may see. Since SQL Server 2012.
select
    c.collation_name,
    cast(collationproperty(c.collation_name, 'CodePage') as int) as code_page,
    case when c.collation_name = cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128))
        then 1 else 0 end as is_database
from (
    select collation_name from sys.columns where collation_name is not null
    union
    select cast(databasepropertyex(db_name(), 'Collation') as nvarchar(128))
) as c;
