//! Principals, memberships and permissions: an inventory. What a login may do is what the test says.

use super::super::language::cursor::Cursor;
use super::super::session::Session;
use crate::answer::Failure;
use mssql2pg_catalog::{Permission, Principal, PrincipalKind, RoleMembership};

/// Runs `create user`, `create role` and the like behind these words.
pub(super) fn principal(session: &mut Session, kind: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let kind = match kind {
        "user" => PrincipalKind::User,
        "login" => PrincipalKind::Login,
        "application" => {
            cursor.expect_word("role")?;
            PrincipalKind::ApplicationRole
        }
        _ => PrincipalKind::Role,
    };
    let name = cursor.name()?;
    session.change(|state| {
        state.catalog_mut().principals.push(Principal { name, kind });
        Ok(())
    })
}

/// Runs `alter role … add member …` behind its first two words.
pub(super) fn member(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    let role = cursor.name()?;
    cursor.expect_word("add")?;
    cursor.expect_word("member")?;
    let member = cursor.name()?;
    session.change(|state| {
        state.catalog_mut().role_memberships.push(RoleMembership { role, member });
        Ok(())
    })
}

/// Runs `grant` or `deny` behind this word.
pub(super) fn permit(session: &mut Session, word: &str, cursor: &mut Cursor<'_>) -> Result<(), Failure> {
    session.check_write("ALTER")?;
    let start = cursor.place();
    while !cursor.is_word("on") && !cursor.is_word("to") && cursor.advance().is_some() {}
    let names = cursor.written(start, cursor.place()).to_uppercase();
    let mut object = None;
    if cursor.eat_word("on") {
        // `on schema::s`, `on object::s.t`.
        if cursor.peek_at(1).is_some_and(|next| next.is_symbol("::")) {
            cursor.name()?;
            cursor.expect_symbol("::")?;
        }
        object = Some(cursor.parts()?.join("."));
    }
    cursor.expect_word("to")?;
    let grantee = cursor.name()?;
    let state_word = match cursor.eat_words(&["with", "grant", "option"]) {
        true => "grant-with-grant-option",
        false => word,
    };
    session.change(|state| {
        for permission in names.split(',') {
            state.catalog_mut().permissions.push(Permission {
                state: state_word.to_owned(),
                permission: permission.trim().to_owned(),
                object: object.clone(),
                grantee: grantee.clone(),
            });
        }
        Ok(())
    })
}
