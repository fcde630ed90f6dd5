//! Identifiers: folding, quoting, PostgreSQL's 63 bytes, and names that meet.
//!
//! Invariant: which name an object gets depends only on the set of source names in its scope, not
//! on the order they come in: claims are sorted before names are handed out.
//!
//! To extend: a new PostgreSQL major may add key words; add them to `KEYWORDS` (sorted).

use crate::settings::CaseFolding;
use mssql2pg_catalog::{Finding, Severity};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The longest identifier in bytes (`NAMEDATALEN - 1`; PostgreSQL documentation, "Identifiers and Key Words").
pub const MAX_BYTES: usize = 63;

/// Every key word of PostgreSQL 13 to 18 that `quote_ident` quotes: reserved words, and those that
/// cannot be a function's, a type's or a column's name everywhere (`pg_get_keywords()`, all but
/// category `U`). Sorted.
static KEYWORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// Columns that every PostgreSQL table has; no user column may be called so ("System Columns").
pub(crate) static SYSTEM_COLUMNS: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// The identifier as SQL writes it: bare where PostgreSQL reads it back unchanged, else in double
/// quotes with inner quotes doubled. Like PostgreSQL's own `quote_ident`, but for `$`.
pub fn quote(name: &str) -> String {
    let mut characters = name.chars();
    let starts_plain = characters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_');
    let goes_on_plain = characters
        .all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || matches!(other, '_' | '$'));
    if starts_plain && goes_on_plain && KEYWORDS.binary_search(&name).is_err() {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// A string literal, safe whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// Folds a name; it is not shortened yet.
///
/// - `Lower`: Unicode lower case as [`str::to_lowercase`] does it; blanks and punctuation stay.
/// - `SnakeCase`: words are parted where case changes (`OrderDate`, `HTTPServer`), blanks and punctuation
///   become one `_` between words, then lower case. A name without any letter or digit becomes `_`.
/// - `Preserve`: as it is.
pub fn fold(name: &str, case: CaseFolding) -> String {
    match case {
        CaseFolding::Lower => name.to_lowercase(),
        CaseFolding::SnakeCase => snake_case(name),
        CaseFolding::Preserve => name.to_owned(),
    }
}

fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    // Punctuation parts words only when another word follows; an underscore of the user's stays.
    let mut pending_break = false;
    for (at, &character) in characters.iter().enumerate() {
        if character == '_' {
            pending_break = false;
            if !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        if !character.is_alphanumeric() {
            pending_break = !out.is_empty();
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| characters.get(before)).copied();
        let after = characters.get(at + 1).copied();
        let new_word = character.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                || before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase));
        if (pending_break || new_word) && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        pending_break = false;
        out.extend(character.to_lowercase());
    }
    if out.is_empty() { "_".to_owned() } else { out }
}

/// Cuts a folded name that is too long: what fits of it, `_`, and 8 hexadecimal digits of the SHA-256
/// of `full`, the whole name in the source's spelling. A name that fits is returned as it is.
pub fn shorten(folded: &str, full: &str) -> String {
    if folded.len() <= MAX_BYTES {
        return folded.to_owned();
    }
    let digest = Sha256::digest(full.as_bytes());
    let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{hash}", cut(folded, MAX_BYTES - 9))
}

/// The longest prefix of at most `bytes` bytes that ends between two characters.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// One wish for a name in a scope.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// What it is and whose it is, for findings: `dbo.Orders.Total`.
    pub(crate) object: String,
    /// The name in the source's spelling.
    pub(crate) source: String,
    /// The folded name, if it is not simply the source's name folded (generated names).
    pub(crate) folded: String,
    /// What to try before numbers when the name is taken, already folded: an index is unique only
    /// within its table, so `<table>_<index>` says more than `<index>_2`.
    pub(crate) fallback: Option<String>,
    /// How much it matters when the name cannot be had.
    pub(crate) severity: Severity,
}

impl Claim {
    /// A claim of a table, column or sequence: somebody's code names it.
    pub(crate) fn new(object: impl Into<String>, source: &str, case: CaseFolding) -> Self {
        Self {
            object: object.into(),
            source: source.to_owned(),
            folded: fold(source, case),
            fallback: None,
            severity: Severity::Warning,
        }
    }
}

/// The names that are taken in one name space: the relations of a schema (tables, indexes, sequences
/// and the indexes behind constraints share one in PostgreSQL), the columns of a table, its constraints.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Name → who has it, in the words of [`Claim::object`].
    taken: BTreeMap<String, String>,
}

impl Scope {
    /// Marks a name as taken; whoever has it already keeps it.
    pub(crate) fn reserve(&mut self, name: &str, owner: &str) {
        self.taken.entry(name.to_owned()).or_insert_with(|| owner.to_owned());
    }

    /// Whether somebody has this name.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.taken.contains_key(name)
    }

    /// Hands out one name per claim, in the claims' order. A name that needs no change goes first,
    /// then the others by source name; each shortening and each collision becomes a finding.
    pub(crate) fn assign(&mut self, claims: &[Claim], findings: &mut Vec<Finding>) -> Vec<String> {
        let mut order: Vec<usize> = (0..claims.len()).collect();
        order.sort_by_key(|&at| {
            claims.get(at).map(|claim| (claim.folded != claim.source, &claim.source, &claim.object))
        });
        let mut names = vec![String::new(); claims.len()];
        for at in order {
            if let (Some(claim), Some(name)) = (claims.get(at), names.get_mut(at)) {
                *name = self.assign_one(claim, findings);
            }
        }
        names
    }

    fn assign_one(&mut self, claim: &Claim, findings: &mut Vec<Finding>) -> String {
        let wanted = shorten(if claim.folded.is_empty() { "_" } else { &claim.folded }, &claim.source);
        if claim.folded.len() > MAX_BYTES {
            findings.push(Finding::new(
                "identifier-shortened",
                Severity::Info,
                &claim.object,
                format!("its name is longer than {MAX_BYTES} bytes and becomes {wanted}"),
                "use the shortened name in code that is ported, or rename the object at the source",
            ));
        }
        let Some(owner) = self.taken.get(&wanted) else {
            self.taken.insert(wanted.clone(), claim.object.clone());
            return wanted;
        };
        let name = self.free_name(&wanted, claim);
        findings.push(Finding::new(
            "identifier-collision",
            claim.severity,
            &claim.object,
            format!("its name would be {wanted}, which {owner} has; it becomes {name}"),
            "use the new name in code that is ported, or rename one of the two at the source",
        ));
        self.taken.insert(name.clone(), claim.object.clone());
        name
    }

    fn free_name(&self, wanted: &str, claim: &Claim) -> String {
        if let Some(fallback) = &claim.fallback {
            let fallback = shorten(fallback, &claim.object);
            if !self.is_taken(&fallback) {
                return fallback;
            }
        }
        let mut number = 2_u64;
        loop {
            let suffix = format!("_{number}");
            let name = format!("{}{suffix}", cut(wanted, MAX_BYTES - suffix.len()));
            if !self.is_taken(&name) {
                return name;
            }
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_quoted_where_postgresql_needs_it() {
        let check = |name: &str, expected: &str| assert_eq!(quote(name), expected);
        check("orders", "orders");
        check("_x$1", "_x$1");
        check("OrderDate", "\"OrderDate\"");
        check("order details", "\"order details\"");
        check("order", "\"order\"");
        check("user", "\"user\"");
        check("left", "\"left\"");
        check("time", "\"time\"");
        check("system_user", "\"system_user\"");
        check("name", "name");
        check("1st", "\"1st\"");
        check("$a", "\"$a\"");
        check("größe", "\"größe\"");
        check("a\"b", "\"a\"\"b\"");
        check("", "\"\"");
    }

    #[test]
    fn the_key_words_are_sorted_because_they_are_searched_by_halves() {
        assert!(KEYWORDS.is_sorted());
        assert!(SYSTEM_COLUMNS.is_sorted());
    }

    #[test]
    fn a_literal_is_closed_only_by_its_own_quote() {
        let check = |text: &str, expected: &str| assert_eq!(quote_literal(text), expected);
        check("plain", "'plain'");
        check("it's", "'it''s'");
        check("a\\b", "E'a\\\\b'");
        check("\\'; drop", "E'\\\\''; drop'");
    }

    #[test]
    fn names_are_folded_as_the_setting_says() {
        let check = |name: &str, lower: &str, snake: &str| {
            assert_eq!(fold(name, CaseFolding::Lower), lower);
            assert_eq!(fold(name, CaseFolding::SnakeCase), snake, "{name}");
            assert_eq!(fold(name, CaseFolding::Preserve), name);
        };
        check("OrderDate", "orderdate", "order_date");
        check("HTTPServer", "httpserver", "http_server");
        check("OrderID", "orderid", "order_id");
        check("Order Details", "order details", "order_details");
        check("AddressLine1", "addressline1", "address_line1");
        check("Line2Text", "line2text", "line2_text");
        check("already_snake", "already_snake", "already_snake");
        check("Order_Date", "order_date", "order_date");
        check("_Hidden", "_hidden", "_hidden");
        check("Tax (%)", "tax (%)", "tax");
        check("A & B", "a & b", "a_b");
        check("%%", "%%", "_");
        check("GRÖSSE", "grösse", "grösse");
        check("ŁódźCity", "łódźcity", "łódź_city");
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_a_stable_hash() {
        let long = "a".repeat(64);
        let short = shorten(&long, &long);
        assert_eq!(short.len(), MAX_BYTES);
        // The first 8 digits of `printf '%s' aaaa… | sha256sum`.
        assert_eq!(short, format!("{}_ffe054fe", "a".repeat(54)));
        assert_eq!(shorten(&"a".repeat(63), "x"), "a".repeat(63));
        let wide = "ß".repeat(40);
        let short = shorten(&wide, &wide);
        assert!(short.len() <= MAX_BYTES && short.starts_with(&"ß".repeat(27)));
        let other = format!("{}b", "a".repeat(63));
        assert_ne!(shorten(&long, &long), shorten(&other, &other));
    }

    fn assign(names: &[&str]) -> (Vec<String>, Vec<Finding>) {
        let claims: Vec<Claim> =
            names.iter().map(|name| Claim::new(format!("dbo.{name}"), name, CaseFolding::Lower)).collect();
        let mut findings = Vec::new();
        (Scope::default().assign(&claims, &mut findings), findings)
    }

    #[test]
    fn names_that_meet_are_told_apart_and_reported() {
        let (names, findings) = assign(&["Orders", "ORDERS", "Items", "orders"]);
        assert_eq!(names, ["orders_3", "orders_2", "items", "orders"]);
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0].code, "identifier-collision");
        assert_eq!(findings[0].severity, Severity::Warning);
        assert_eq!(findings[0].object, "dbo.ORDERS");
        assert_eq!(
            findings[0].message,
            "its name would be orders, which dbo.orders has; it becomes orders_2"
        );
    }

    #[test]
    fn the_order_of_claims_does_not_decide_who_gets_which_name() {
        let (first, _) = assign(&["Orders", "ORDERS", "orders"]);
        let (second, _) = assign(&["orders", "ORDERS", "Orders"]);
        assert_eq!(first.iter().rev().collect::<Vec<_>>(), second.iter().collect::<Vec<_>>());
    }

    #[test]
    fn long_names_that_meet_stay_within_the_limit() {
        let mut scope = Scope::default();
        let name = "x".repeat(63);
        scope.reserve(&name, "somebody");
        let mut findings = Vec::new();
        let names = scope.assign(&[Claim::new("dbo.x", &name, CaseFolding::Lower)], &mut findings);
        assert_eq!(names, [format!("{}_2", "x".repeat(61))]);
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn an_index_whose_name_is_taken_gets_its_tables_name_in_front() {
        let mut scope = Scope::default();
        scope.reserve("city", "dbo.A.City");
        let claim = Claim {
            fallback: Some("b_city".to_owned()),
            ..Claim::new("dbo.B.City", "City", CaseFolding::Lower)
        };
        assert_eq!(scope.assign(&[claim], &mut Vec::new()), ["b_city"]);
    }
}
