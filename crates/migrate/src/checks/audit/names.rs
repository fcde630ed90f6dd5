//! What a name says: its words, and whether it says that an e-mail address is in the column.

/// The words of a name: `OrderDueDate` and `order_due_date` both give `order`, `due`, `date`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            previous_lower = false;
            words.push(String::new());
            continue;
        }
        if words.is_empty() || (letter.is_uppercase() && previous_lower) {
            words.push(String::new());
        }
        previous_lower = !letter.is_uppercase();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a column of that name holds e-mail addresses: `Email`, `contact_e_mail`, `EmailAddress`, and not what is about
/// e-mail, `EmailPromotion`, `EmailSent`.
pub(super) fn says_email(name: &str) -> bool {
    let words = words(name);
    let says_mail =
        words.iter().any(|word| word == "email") || words.windows(2).any(|pair| pair == ["e", "mail"]);
    says_mail && words.last().is_some_and(|word| matches!(word.as_str(), "email" | "mail" | "address" | "id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        let check = |name: &str, expected: &[&str]| assert_eq!(words(name), expected);
        check("OrderDueDate", &["order", "due", "date"]);
        check("order_due_date", &["order", "due", "date"]);
        check("EMail", &["email"]);
        check("E-Mail Address", &["e", "mail", "address"]);
        check("SKU", &["sku"]);
    }

    #[test]
    fn a_name_that_says_email_is_told_from_one_about_email() {
        for name in ["Email", "ContactEmail", "E-Mail Address", "email_id"] {
            assert!(says_email(name), "{name}");
        }
        for name in ["EmailPromotion", "EmailSent", "Mailing", "Address"] {
            assert!(!says_email(name), "{name}");
        }
    }
}
