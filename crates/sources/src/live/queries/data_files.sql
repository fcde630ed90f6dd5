-- The data files of this database: a database snapshot names each of them.
-- Needs: CONNECT. Since SQL Server 2012.
select f.name, f.physical_name
from sys.database_files as f
where f.type = 0
order by f.file_id;
