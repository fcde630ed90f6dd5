//! Losses: what was altered on the way, per column, against what the plan declares and the user allows.
//!
//! Invariant: a loss that nobody has declared fails its table, whatever the settings.

use super::{Compared, TableCheck, TableContext};
use crate::checks::counted;
use crate::error::Error;
use mssql2pg_mapping::TablePlan;
use mssql2pg_mapping::encode::{Loss, is_declared};

pub(super) const CHECK: TableCheck = TableCheck {
    name: "losses",
    manual: "Every value that was altered on the way is counted by column and reason, and declared: by the type table for that column, or by a transform or text policy in the settings. With `validate.max_losses`, no more values than that were altered in the table.",
    advice: "for a loss that is not declared, report it to us; for more losses than you allow, choose types that keep more (docs/reference/types.md) or mend the values at the source, and migrate again into another run folder with --if-exists replace, or raise validate.max_losses",
    run: check,
};

fn check(context: &mut TableContext<'_>) -> Result<Compared, Error> {
    Ok(judge(context.plan, &context.losses()?, context.config.validate.max_losses))
}

fn judge(plan: &TablePlan, losses: &[Loss], most: Option<u64>) -> Compared {
    let total: u64 = losses.iter().map(|loss| loss.count).sum();
    let mut differences: Vec<String> = losses
        .iter()
        .filter(|loss| !is_declared(plan, loss))
        .map(|loss| format!("{}, which is not declared", shown(loss)))
        .collect();
    if let Some(most) = most.filter(|most| total > *most) {
        let of_columns: Vec<String> = losses.iter().map(shown).collect();
        differences.push(format!(
            "{} altered, {most} allowed ({})",
            counted(total, "value"),
            of_columns.join("; ")
        ));
    }
    let detail = match total {
        0 => "no value altered".to_owned(),
        total => format!("{} altered, all as declared", counted(total, "value")),
    };
    Compared::none_of(differences, detail)
}

fn shown(loss: &Loss) -> String {
    format!("{}: {} ({})", loss.column, loss.kind.label(), counted(loss.count, "value"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::{Catalog, Column, ObjectName, SqlType, Table};
    use mssql2pg_mapping::encode::LossKind;
    use mssql2pg_mapping::{MappingSettings, plan_database};

    #[test]
    fn declared_losses_pass_up_to_the_limit_and_others_never() {
        let table = Table {
            name: ObjectName::new("dbo", "T"),
            columns: vec![Column::new("At", SqlType::DateTime2 { scale: 7 })],
            ..Table::default()
        };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let plan = plan_database(&catalog, &MappingSettings::default()).unwrap().tables.remove(0);
        let said = |kind, most| {
            let loss = Loss { column: "At".to_owned(), kind, count: 3, samples: Vec::new() };
            let compared = judge(&plan, &[loss], most);
            (compared.passed, compared.detail)
        };
        assert_eq!(said(LossKind::FractionCut, None), (true, "3 values altered, all as declared".to_owned()));
        assert!(said(LossKind::FractionCut, Some(3)).0);
        let (passed, detail) = said(LossKind::FractionCut, Some(2));
        assert!(!passed && detail.starts_with("3 values altered, 2 allowed (At: "), "{detail}");
        let (passed, detail) = said(LossKind::OffsetDropped, Some(9));
        assert!(!passed && detail.contains("At: ") && detail.ends_with("not declared"), "{detail}");
        assert_eq!(judge(&plan, &[], Some(0)).detail, "no value altered");
    }
}
