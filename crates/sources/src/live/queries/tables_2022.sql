-- Which tables belong to a ledger: 1 is the history of one, 2 can be updated, 3 only appended to.
-- Needs: VIEW DEFINITION. Since SQL Server 2022; also on Azure SQL Database.
select t.object_id, t.ledger_type
from sys.tables as t
where t.is_ms_shipped = 0 and t.ledger_type <> 0
order by t.object_id;
