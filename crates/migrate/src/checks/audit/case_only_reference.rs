//! References that hold only because the source compares without regard to case or trailing blanks.

use super::{Check, Found, How, ReferenceRows, orphaned_foreign_key};
use mssql2pg_catalog::Severity;

pub(super) const CHECK: Check = Check {
    code: "case-only-reference",
    severity: Severity::Warning,
    message: "rows that refer to a key that is spelled otherwise: only the source's collation takes the two for equal",
    advice: "spell the references as the keys are spelled, at the source",
    finds: "Rows under declared foreign keys over text whose value differs from the key in case, in accents or in trailing blanks, as far as the column's collation does not care.",
    why: "PostgreSQL compares byte by byte: such a row is an orphan there, and the foreign key cannot be built as valid.",
    how: How::References {
        of: orphaned_foreign_key::declared,
        rows: ReferenceRows::CaseOnly,
        judge: |_, reference, counts| {
            let only_case = counts.exact_orphans.saturating_sub(counts.orphans);
            (only_case > 0).then(|| Found {
                object: reference.object.clone(),
                count: Some(only_case),
                ..Found::default()
            })
        },
    },
};
