//! Which losses are declared: by the type table for this very column, or by a transform or a text policy that the user has
//! set. Any other loss is a mistake of ours.
//!
//! Invariant: a loss is declared for its own reason only. That a column is Lossy because its offset is dropped does not
//! excuse a cut fraction.
//!
//! To extend: a kind of loss is an arm in [`is_declared`].

use super::{Encoder, Loss, LossKind};
use crate::plan::{ColumnPlan, Comparison, FidelityPlan, TablePlan};
use crate::settings::{TextPolicy, Transform};

/// Whether the plan of the table has said before that this would be lost.
pub fn is_declared(table: &TablePlan, loss: &Loss) -> bool {
    table.copy_columns().any(|column| column.source == loss.column && declares(table, column, loss.kind))
}

fn declares(table: &TablePlan, column: &ColumnPlan, kind: LossKind) -> bool {
    let is_lossy = matches!(column.fidelity, FidelityPlan::Lossy(_));
    let transforms = |transform: Transform| column.transforms.contains(&transform);
    match kind {
        LossKind::NulReplaced => column.nul == TextPolicy::Replace,
        LossKind::NulStripped => column.nul == TextPolicy::Strip,
        LossKind::InvalidTextReplaced => column.invalid_text == TextPolicy::Replace,
        LossKind::InvalidTextStripped => column.invalid_text == TextPolicy::Strip,
        // Only the seventh digit is cut, so only a type that has one can lose it.
        LossKind::FractionCut => is_lossy && column.source_type.ends_with("(7)"),
        LossKind::OffsetDropped => {
            let has_offset = |other: &ColumnPlan| {
                other.encoder == Encoder::OffsetMinutes && other.source_ordinal == column.source_ordinal
            };
            is_lossy && column.encoder == Encoder::TimestampTz && !table.columns.iter().any(has_offset)
        }
        // The type table says so in its way of comparison.
        LossKind::XmlDeclarationDropped => column.comparison == Comparison::Xml,
        LossKind::Trimmed => transforms(Transform::Trim),
        LossKind::EmptyToNull => transforms(Transform::NullIfEmpty),
        LossKind::Lowered => transforms(Transform::Lower),
        LossKind::Uppered => transforms(Transform::Upper),
        LossKind::FlagToBoolean => transforms(Transform::YesNo),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ColumnSettings;
    use crate::{MappingSettings, plan_database};
    use mssql2pg_catalog::{Catalog, Column, Length, ObjectName, SqlType, Table};

    /// The kinds of loss that are declared for a column of this type.
    fn declared(sql_type: SqlType, special: ColumnSettings, settings: MappingSettings) -> Vec<LossKind> {
        let table = Table {
            name: ObjectName::new("dbo", "T"),
            columns: vec![Column::new("C", sql_type)],
            ..Table::default()
        };
        let mut settings = settings;
        settings.columns.insert("dbo.T.C".to_owned(), special);
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let plan = plan_database(&catalog, &settings).unwrap();
        let loss = |kind| Loss { column: "C".to_owned(), kind, count: 1, samples: Vec::new() };
        let kinds = LossKind::ALL.into_iter();
        kinds.filter(|kind| is_declared(&plan.tables[0], &loss(*kind))).collect()
    }

    #[test]
    fn a_loss_is_declared_only_where_the_type_or_the_user_says_so() {
        use LossKind as L;
        let plain = |sql_type| declared(sql_type, ColumnSettings::default(), MappingSettings::default());
        assert_eq!(plain(SqlType::DateTime2 { scale: 7 }), [L::FractionCut]);
        assert_eq!(plain(SqlType::DateTime2 { scale: 6 }), []);
        assert_eq!(plain(SqlType::DateTime), []);
        assert_eq!(plain(SqlType::Time { scale: 7 }), [L::FractionCut]);
        assert_eq!(plain(SqlType::DateTimeOffset { scale: 3 }), [L::OffsetDropped]);
        assert_eq!(plain(SqlType::DateTimeOffset { scale: 7 }), [L::FractionCut, L::OffsetDropped]);
        assert_eq!(plain(SqlType::Xml), [L::XmlDeclarationDropped]);
        assert_eq!(plain(SqlType::Int), []);
        assert_eq!(plain(SqlType::NVarChar { length: Length::MAX }), []);
        let kept =
            ColumnSettings { pg_type: Some("timestamptz+offset".to_owned()), ..ColumnSettings::default() };
        let of_kept = declared(SqlType::DateTimeOffset { scale: 7 }, kept, MappingSettings::default());
        assert_eq!(of_kept, [L::FractionCut]);
        let trimmed = ColumnSettings {
            transforms: vec![Transform::Trim, Transform::NullIfEmpty],
            ..ColumnSettings::default()
        };
        let policies = MappingSettings {
            nul: TextPolicy::Strip,
            invalid_text: TextPolicy::Replace,
            ..MappingSettings::default()
        };
        assert_eq!(
            declared(SqlType::NVarChar { length: Length::MAX }, trimmed, policies),
            [L::NulStripped, L::InvalidTextReplaced, L::Trimmed, L::EmptyToNull]
        );
    }
}
