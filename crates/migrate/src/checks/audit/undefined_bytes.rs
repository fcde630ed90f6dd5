//! Bytes that their code page does not define.

use super::values::is_text;
use super::{Check, How, ValueCheck, tsql};
use mssql2pg_catalog::{Severity, Value};
use mssql2pg_mapping::encode::put_text;

pub(super) const CHECK: Check = Check {
    code: "undefined-bytes",
    severity: Severity::Warning,
    message: "text with bytes that its code page does not define",
    advice: "choose text.invalid: reject (the default), replace or strip",
    finds: "Text of `char`, `varchar` and `text` with bytes to which the code page of the column's collation gives no character, and text of UTF-8 collations that is not UTF-8.",
    why: "Nobody knows which character is meant. With `text.invalid = \"reject\"` such rows go to `rejects/`.",
    how: How::Values(ValueCheck {
        applies: |_, column, _| is_text(&column.sql_type).then_some(CHECK.severity),
        is_defect: |value, _| match value {
            // ASCII is defined in every page.
            Value::CodePage(bytes, _) | Value::Utf8(bytes) if bytes.is_ascii() => false,
            Value::CodePage(..) | Value::Utf8(_) => {
                put_text(&mut Vec::new(), value).is_some_and(|flaws| flaws.invalid)
            }
            _ => false,
        },
        policy: Some(("text.invalid", |text| text.invalid)),
        tsql: tsql::undefined_bytes,
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::audit::{Looked, Moment};
    use mssql2pg_catalog::{CodePage, Column, SqlType};

    #[test]
    fn a_byte_without_a_character_is_found() {
        let How::Values(check) = &CHECK.how else { panic!("it looks at values") };
        let column = Column::new("c", SqlType::Text);
        let looked = Looked { column: &column, moment: Moment::now() };
        let is_defect = |value: Value<'_>| (check.is_defect)(&value, &looked);
        assert!(is_defect(Value::CodePage(b"a\x81", CodePage(932))));
        assert!(!is_defect(Value::CodePage(b"a\xE4", CodePage(1252))));
        assert!(is_defect(Value::Utf8(b"a\xE4")));
        assert!(!is_defect(Value::Utf8("ä".as_bytes())));
        assert!(!is_defect(Value::Utf16(&[0, 0xD8])));
    }
}
