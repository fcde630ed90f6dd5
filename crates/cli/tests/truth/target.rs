//! What arrived in PostgreSQL, read with plain SQL and nothing of the product.

use postgres::SimpleQueryMessage;

/// A table of the target, every value as PostgreSQL prints it.
#[derive(Debug)]
pub struct TargetTable {
    /// `public.order details`.
    pub name: String,
    pub columns: Vec<String>,
    /// Positions of the primary key's columns; empty without one.
    pub key: Vec<usize>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// All tables outside of PostgreSQL's and the ledger's own schemas, by name.
pub fn read_target(url: &str) -> Vec<TargetTable> {
    let mut client = postgres::Client::connect(url, postgres::NoTls).expect("the test server answers");
    let tables = "select n.nspname || '.' || c.relname, c.oid::regclass::text, c.oid
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'mssql2pg')
         order by 1";
    let found = client.query(tables, &[]).expect("the tables");
    let mut result = Vec::new();
    for table in found {
        let (name, quoted, oid): (String, String, u32) = (table.get(0), table.get(1), table.get(2));
        let columns = client
            .query(
                "select a.attname::text, a.attnum = any (coalesce(i.indkey::int2[], '{}'))
                 from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
                 where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum",
                &[&oid],
            )
            .expect("the columns");
        let key = columns.iter().enumerate().filter(|(_, row)| row.get(1)).map(|(at, _)| at).collect();
        let columns: Vec<String> = columns.iter().map(|row| row.get(0)).collect();
        // The simple protocol gives every value in its type's own text, blanks of char(n) included,
        // which a cast to text would strip.
        let rows = client.simple_query(&format!("select * from {quoted}")).expect("the rows");
        let rows = rows
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
                }
                _ => None,
            })
            .collect();
        result.push(TargetTable { name, columns, key, rows });
    }
    result
}
