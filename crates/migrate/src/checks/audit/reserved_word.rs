//! Names that PostgreSQL takes for words of its language.

use super::{Check, Found, How};
use crate::config::Config;
use mssql2pg_catalog::{Catalog, Severity};
use mssql2pg_mapping::names::{fold, quote};

pub(super) const CHECK: Check = Check {
    code: "reserved-word",
    severity: Severity::Info,
    message: "the name is a reserved word in PostgreSQL and must be quoted in every statement",
    advice: "rename it at the source, or have the application's SQL quote it",
    finds: "Names of tables and columns that are reserved words in PostgreSQL once they are folded, such as `user`, `order` and `end`.",
    why: "They are created in quotes and work, but SQL that names them without quotes fails, or worse: `select user` gives the session's user.",
    how: How::Catalog(found),
};

fn found(catalog: &Catalog, config: &Config) -> Vec<Found> {
    let is_reserved = |name: &str| {
        let folded = fold(name, config.names.case);
        let plain = folded.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        plain && quote(&folded) != folded
    };
    let mut found = Vec::new();
    for table in &catalog.tables {
        let columns =
            table.columns.iter().map(|column| (&column.name, format!("{}.{}", table.name, column.name)));
        let names = std::iter::once((&table.name.name, table.name.to_string())).chain(columns);
        found.extend(
            names
                .filter(|(name, _)| is_reserved(name))
                .map(|(_, object)| Found { object, ..Found::default() }),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Column, ObjectName, SqlType, Table};

    #[test]
    fn reserved_words_are_found_and_other_quoted_names_are_not() {
        let column = |name: &str| Column::new(name, SqlType::Int);
        let table = Table {
            name: ObjectName::new("dbo", "Order"),
            columns: vec![column("User"), column("Unit Price"), column("Total")],
            ..Table::default()
        };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let objects: Vec<String> =
            found(&catalog, &Config::default()).into_iter().map(|found| found.object).collect();
        assert_eq!(objects, ["dbo.Order", "dbo.Order.User"]);
    }
}
