//! Databases and database snapshots.

use super::super::failures::{may_not, severe, unknown_database, unsupported};
use super::super::language::cursor::Cursor;
use super::super::session::{AZURE_SQL_DATABASE, Session};
use crate::answer::Failure;

/// Runs `create database` behind these words.
pub(super) fn create(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    if !session.login.rights.create_database {
        return Err(may_not("CREATE DATABASE", "master"));
    }
    let name = cursor.name()?;
    let mut files = 0_u32;
    if cursor.eat_word("on") {
        cursor.eat_word("primary");
        while cursor.is_symbol("(") {
            file(cursor)?;
            files += 1;
            cursor.eat_symbol(",");
        }
    }
    if !cursor.eat_words(&["as", "snapshot", "of"]) {
        return session.server.create(&name, None);
    }
    if session.server.options.engine_edition == AZURE_SQL_DATABASE {
        return Err(severe(
            15,
            40510,
            "Statement 'CREATE DATABASE AS SNAPSHOT' is not supported in this version of SQL Server.",
        ));
    }
    let source = session.open_database(&cursor.name()?)?;
    cursor.expect_end()?;
    if source.source.is_some() {
        let text =
            format!("Cannot create a database snapshot on another database snapshot ({}).", source.name);
        return Err(Failure::new(1822, text));
    }
    if files == 0 {
        let text = format!(
            "All files must be specified for database snapshot creation. Missing the file \"{}\".",
            source.name
        );
        return Err(Failure::new(5127, text));
    }
    session.server.create(&name, Some(&source))
}

/// `(name = …, filename = N'…')`.
fn file(cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    cursor.expect_symbol("(")?;
    cursor.expect_word("name")?;
    cursor.expect_symbol("=")?;
    if cursor.text().is_err() {
        cursor.name()?;
    }
    while cursor.eat_symbol(",") {
        let option = cursor.name()?;
        cursor.expect_symbol("=")?;
        match option.eq_ignore_ascii_case("filename") {
            true => drop(cursor.text()?),
            false => return Err(unsupported(format!("the file option {option}"))),
        }
    }
    cursor.expect_symbol(")")
}

/// Drops a database.
///
/// # Errors
/// 3701 when there is none, 3702 when it is this session's own, 3709 when it has a snapshot.
pub(super) fn drop_database(session: &Session, name: &str, lenient: bool) -> Result<(), Failure> {
    let Some(database) = session.server.database(name) else {
        let text = format!(
            "Cannot drop the database '{name}', because it does not exist or you do not have permission."
        );
        return if lenient { Ok(()) } else { Err(Failure { class: 11, ..Failure::new(3701, text) }) };
    };
    if !session.login.rights.create_database {
        return Err(may_not("DROP DATABASE", name));
    }
    if database.id == session.database_id {
        let text = format!("Cannot drop database \"{name}\" because it is currently in use.");
        return Err(Failure { state: 3, ..Failure::new(3702, text) });
    }
    if database.id <= 4 {
        return Err(unknown_database(name));
    }
    if session.server.databases().iter().any(|known| known.source == Some(database.id)) {
        let text = format!("Cannot drop the database while the database snapshot \"{name}\" refers to it.");
        return Err(Failure::new(3709, text));
    }
    session.server.remove(database.id);
    Ok(())
}
