//! `create`, `alter`, `drop`, `grant`: what changes the catalog.
//!
//! Texts of expressions are kept as they were given, in the brackets that SQL Server puts around them.
//!
//! To extend: an arm in [`run`] by the kind of object, and a file by its subject.

mod alter;
mod database;
mod drop;
mod index;
mod module;
mod object;
mod property;
mod security;
mod sequence_range;
mod table;

pub(super) use property::add_property;
pub(super) use sequence_range::take_range;

use super::failures::unsupported;
use super::language::cursor::Cursor;
use super::session::Session;
use crate::answer::Failure;

/// Runs a statement that changes the catalog. `cursor` stands behind its first word, which begins at `start` of `sql`.
///
/// # Errors
/// SQL Server's own, and what this engine does not know.
pub(super) fn run(
    session: &mut Session,
    word: &str,
    start: usize,
    sql: &str,
    mut cursor: Cursor<'_>,
) -> Result<(), Failure> {
    let cursor = &mut cursor;
    match word {
        "create" => create(session, start, sql, cursor),
        "alter" => alter(session, start, sql, cursor),
        "drop" => drop::drop(session, cursor),
        "truncate" => drop::truncate(session, cursor),
        _ => security::permit(session, word, cursor),
    }
}

fn create(session: &mut Session, start: usize, sql: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    if cursor.eat_word("database") {
        return database::create(session, cursor);
    }
    let kind = cursor.peek().map(|token| token.text.to_ascii_lowercase()).unwrap_or_default();
    session.check_write(&format!("CREATE {}", kind.to_uppercase()))?;
    let replaces = cursor.eat_words(&["or", "alter"]);
    let kind = cursor.name()?.to_ascii_lowercase();
    match kind.as_str() {
        "table" => table::create(session, cursor),
        "schema" => object::schema(session, cursor),
        "unique" | "clustered" | "nonclustered" | "index" | "columnstore" | "xml" | "primary" | "spatial" => {
            index::create(session, &kind, cursor)
        }
        "view" | "procedure" | "proc" | "function" | "trigger" => {
            module::create(session, &kind, replaces, sql.get(start..).unwrap_or_default(), cursor)
        }
        "type" => object::data_type(session, sql.get(start..).unwrap_or_default(), cursor),
        "sequence" => object::sequence(session, cursor),
        "synonym" => object::synonym(session, cursor),
        "user" | "role" | "login" | "application" => security::principal(session, &kind, cursor),
        "statistics" => Ok(()),
        _ => Err(unsupported(format!("create {kind}"))),
    }
}

fn alter(session: &mut Session, start: usize, sql: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    session.check_write("ALTER")?;
    let kind = cursor.name()?.to_ascii_lowercase();
    match kind.as_str() {
        "table" => alter::table(session, cursor),
        "role" => security::member(session, cursor),
        "index" => index::alter(session, cursor),
        // What a server is told about a database does not show here, but through the options of the test.
        "database" | "authorization" | "schema" => Ok(()),
        "view" | "procedure" | "proc" | "function" | "trigger" => {
            module::create(session, &kind, true, sql.get(start..).unwrap_or_default(), cursor)
        }
        _ => Err(unsupported(format!("alter {kind}"))),
    }
}

/// In brackets, if the whole text is not in them yet.
fn bracketed(text: &str) -> String {
    let mut depth = 0_i32;
    let whole = text.starts_with('(')
        && text.char_indices().all(|(place, char)| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            depth > 0 || place + 1 == text.len()
        });
    if whole { text.to_owned() } else { format!("({text})") }
}

/// A name that the server makes up, as it does: a prefix, the table, and a number from the whole.
fn made_up(prefix: &str, table: &str, what: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in prefix.bytes().chain(table.bytes()).chain(what.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let table: String = table.chars().take(9).collect();
    let what: String = what.chars().take(5).collect();
    match prefix {
        "PK" | "UQ" => format!("{prefix}__{table}__{hash:016X}"),
        _ => format!("{prefix}__{table}__{what}__{:08X}", hash >> 32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_stand_in_brackets() {
        assert_eq!(bracketed("(a) + (b)"), "((a) + (b))");
        assert_eq!(bracketed("((0))"), "((0))");
        assert_eq!(bracketed("getdate()"), "(getdate())");
        assert!(made_up("PK", "Customers", "").starts_with("PK__Customers__"));
    }
}
