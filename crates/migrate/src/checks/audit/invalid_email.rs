//! Values in e-mail columns that cannot be e-mail addresses.
//!
//! A practical rule and not all of RFC 5321: one `@`, something without blanks before it, and a domain of at least two
//! labels after it. It is such that T-SQL can tell the same; what is not ASCII counts as a letter.

use super::names::says_email;
use super::values::is_text;
use super::{Check, How, ValueCheck, critical, tsql};
use mssql2pg_catalog::Severity;
use mssql2pg_mapping::encode::put_text;

pub(super) const CHECK: Check = Check {
    code: "invalid-email",
    severity: Severity::Warning,
    message: "not an e-mail address",
    advice: "correct the addresses at the source; they are migrated as they are",
    finds: "Values that cannot be e-mail addresses, in text columns that `audit.email` names, without that setting in those whose names say e-mail. An address has one `@`, before it something without blanks that neither begins nor ends with a point nor has two in a row, after it at least two labels of letters, digits and hyphens. Empty strings count, NULLs do not.",
    why: "A check constraint or a domain over e-mail addresses in PostgreSQL, or the first mailing after the move, fails on them.",
    how: How::Values(ValueCheck {
        applies: |table, column, config| {
            let named = match config.email.is_empty() {
                true => says_email(&column.name),
                false => critical::is_named(&config.email, table, column),
            };
            (named && is_text(&column.sql_type)).then_some(CHECK.severity)
        },
        is_defect: |value, _| {
            let mut text = Vec::new();
            let Some(flaws) = put_text(&mut text, value) else { return false };
            flaws.nul || !is_email(&String::from_utf8_lossy(&text))
        },
        policy: None,
        tsql: tsql::invalid_email,
    }),
};

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.trim_end_matches(' ').split_once('@') else { return false };
    let local_fits = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.chars().any(|letter| letter <= ' ' || letter == '\u{7f}');
    let label_fits = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || !letter.is_ascii())
    };
    local_fits && domain.contains('.') && domain.split('.').all(label_fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::audit::{Looked, Moment};
    use mssql2pg_catalog::{Column, SqlType, Value};

    #[test]
    fn an_address_is_told_from_what_is_none() {
        for good in
            ["a@b.co", "first.last+tag@mail.example.com", "o'brien@x.org", "zoë@exämple.de", "a@b.co  "]
        {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@@b.co",
            "a@b..co",
            "a@-b.co",
            ".a@b.co",
            "a@b.co, c@d.ef",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        let How::Values(check) = &CHECK.how else { panic!("it looks at values") };
        let column = Column::new("Email", SqlType::NText);
        let looked = Looked { column: &column, moment: Moment::now() };
        assert!((check.is_defect)(&Value::Utf16(b"a\0"), &looked));
        assert!(!(check.is_defect)(&Value::Null, &looked));
    }
}
