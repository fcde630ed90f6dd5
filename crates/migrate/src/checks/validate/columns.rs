//! Columns: type and nullability as PostgreSQL's own catalog tells them, against the plan.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;

pub(super) const CHECK: TableCheck = TableCheck {
    name: "columns",
    manual: "Every column's type, nullability, identity and generation state in PostgreSQL's catalog is what the plan says, and there is no other column but generated ones.",
    advice: "something altered the table after it was made, or it was there before: alter the named columns back to what the plan says and run validate again, or migrate again into another run folder with --if-exists replace",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    let plan = context.plan;
    let found = mssql2pg_target::catalog::columns(context.connection, &plan.schema, &plan.name)
        .map_err(Error::target(format!("cannot look at {}", plan.sql_name())))?;
    let mut differences = Vec::new();
    for planned in &plan.columns {
        let Some(column) = found.iter().find(|column| column.name == planned.name) else {
            differences.push(format!("the column {} is missing", planned.name));
            continue;
        };
        if !same_type(&column.type_text, &planned.pg_type) {
            differences.push(format!(
                "the column {} is {}, planned {}",
                planned.name, column.type_text, planned.pg_type
            ));
        }
        let in_key = plan.primary_key.as_ref().is_some_and(|key| key.columns.contains(&planned.name));
        if column.nullable != (planned.nullable && !in_key) {
            let word = if column.nullable { "takes NULL" } else { "does not take NULL" };
            differences.push(format!("the column {} {word}, against the plan", planned.name));
        }
        if column.identity != planned.identity.is_some() {
            differences.push(format!("the column {} differs from the plan in identity", planned.name));
        }
        if column.generated != planned.generated.is_some() {
            differences.push(format!("the column {} differs from the plan in generation", planned.name));
        }
    }
    for column in &found {
        // One that is generated holds nothing of its own: somebody has added what could not be converted.
        if !column.generated && !plan.columns.iter().any(|planned| planned.name == column.name) {
            differences.push(format!("the column {} is not in the plan", column.name));
        }
    }
    Ok(Compared::none_of(differences, format!("{} as planned", counted(plan.columns.len() as u64, "column"))))
}

/// Whether PostgreSQL's spelling of a type (`format_type`) is the plan's type.
pub fn same_type(found: &str, planned: &str) -> bool {
    canonical(found) == canonical(planned)
}

/// Spells a type as `format_type` does: `character varying(40)`, `timestamp(3) without time zone`.
fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    // `format_type` writes the schema of types outside the search path (PostGIS, pgvector).
    let name = name.rsplit_once('.').map_or(name.as_str(), |(_, name)| name);
    let (head, parameters) = match (name.find('('), name.find(')')) {
        (Some(open), Some(close)) if open < close => {
            (format!("{}{}", &name[..open], &name[close + 1..]), name[open..=close].replace(' ', ""))
        }
        _ => (name.to_owned(), String::new()),
    };
    let head = match head.split_whitespace().collect::<Vec<_>>().join(" ").as_str() {
        "varchar" => "character varying".to_owned(),
        "char" | "bpchar" => "character".to_owned(),
        "timestamp" => "timestamp without time zone".to_owned(),
        "timestamptz" => "timestamp with time zone".to_owned(),
        "time" => "time without time zone".to_owned(),
        "int" | "int4" => "integer".to_owned(),
        "int2" => "smallint".to_owned(),
        "int8" => "bigint".to_owned(),
        "float8" => "double precision".to_owned(),
        "float4" => "real".to_owned(),
        "bool" => "boolean".to_owned(),
        "decimal" => "numeric".to_owned(),
        other => other.to_owned(),
    };
    // PostgreSQL spells these without their default parameter.
    let parameters = match (head.as_str(), parameters.as_str()) {
        ("timestamp without time zone" | "timestamp with time zone" | "time without time zone", "(6)") => "",
        _ => parameters.as_str(),
    };
    format!("{head}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::same_type;

    #[test]
    fn spellings_of_one_type_are_the_same_type() {
        for (found, planned) in [
            ("character varying(40)", "varchar(40)"),
            ("timestamp(3) without time zone", "timestamp(3)"),
            ("timestamp(6) without time zone", "timestamp(6)"),
            ("timestamp without time zone", "timestamp(6)"),
            ("numeric(19,4)", "numeric(19, 4)"),
            ("character(5)", "char(5)"),
            ("real[]", "real[]"),
            ("public.geography", "geography"),
        ] {
            assert!(same_type(found, planned), "{found} {planned}");
        }
        assert!(!same_type("numeric(19,4)", "numeric(19,2)"));
        assert!(!same_type("timestamp(3) without time zone", "timestamptz(3)"));
        assert!(!same_type("character varying(40)", "text"));
    }
}
