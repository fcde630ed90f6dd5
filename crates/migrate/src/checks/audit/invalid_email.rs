//! Values in e-mail columns that cannot be e-mail addresses.
//!
//! A practical rule and not all of RFC 5321: one `@`, something without blanks before it, and a
//! domain of at least two labels of letters, digits and hyphens after it.

use super::{ColumnCheck, is_text, show_text, words};
use mssql2pg_catalog::Severity;

pub(super) const CHECK: ColumnCheck = ColumnCheck {
    code: "invalid-email",
    severity: Severity::Warning,
    message: "not an e-mail address",
    advice: "correct the addresses at the source; they are migrated as they are",
    applies: |_, column, _| {
        let words = words(&column.name);
        let says_mail =
            words.iter().any(|word| word == "email") || words.windows(2).any(|pair| pair == ["e", "mail"]);
        // Columns about e-mail that hold no address: EmailPromotion, EmailSent.
        says_mail
            && is_text(&column.sql_type)
            && words.last().is_some_and(|word| matches!(word.as_str(), "email" | "mail" | "address" | "id"))
    },
    is_defect: |value, _| {
        let mut text = String::new();
        show_text(value, &mut text) && !is_email(&text)
    },
    policy: None,
};

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.trim_end_matches(' ').rsplit_once('@') else { return false };
    let local_fits = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '@');
    let label_fits = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    local_fits && domain.contains('.') && domain.split('.').all(label_fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mssql2pg_catalog::Value;

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
        assert!((CHECK.is_defect)(&Value::Utf16(b"a\0"), &super::super::Moment::now()));
        assert!(!(CHECK.is_defect)(&Value::Null, &super::super::Moment::now()));
    }
}
