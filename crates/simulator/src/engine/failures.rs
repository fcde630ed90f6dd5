//! The errors that the engine knows, with SQL Server's numbers, severities and wordings.

use crate::answer::Failure;

/// With that severity.
pub(crate) fn severe(class: u8, number: i32, text: impl Into<String>) -> Failure {
    Failure { class, ..Failure::new(number, text) }
}

/// 18456: who logs in is not told why not.
pub(crate) fn login_failed(user: &str) -> Failure {
    Failure { state: 8, class: 14, ..Failure::new(18456, format!("Login failed for user '{user}'.")) }
}

/// 4060: followed by 18456, as SQL Server does; the wire sends one error, so both texts stand in it.
pub(crate) fn cannot_open(database: &str, user: &str) -> Failure {
    let text = format!(
        "Cannot open database \"{database}\" requested by the login. The login failed. Login failed for user '{user}'."
    );
    severe(11, 4060, text)
}

/// 208.
pub(crate) fn unknown_object(name: &str) -> Failure {
    Failure::new(208, format!("Invalid object name '{name}'."))
}

/// 207.
pub(crate) fn unknown_column(name: &str) -> Failure {
    Failure::new(207, format!("Invalid column name '{name}'."))
}

/// 911.
pub(crate) fn unknown_database(name: &str) -> Failure {
    let text = format!("Database '{name}' does not exist. Make sure that the name is entered correctly.");
    Failure::new(911, text)
}

/// 916.
pub(crate) fn closed_database(name: &str, user: &str) -> Failure {
    let text = format!(
        "The server principal \"{user}\" is not able to access the database \"{name}\" under the current security context."
    );
    severe(14, 916, text)
}

/// 229.
pub(crate) fn denied(permission: &str, object: &str, database: &str, schema: &str) -> Failure {
    let text = format!(
        "The {permission} permission was denied on the object '{object}', database '{database}', schema '{schema}'."
    );
    severe(14, 229, text)
}

/// 262.
pub(crate) fn may_not(permission: &str, database: &str) -> Failure {
    severe(14, 262, format!("{permission} permission denied in database '{database}'."))
}

/// 3906.
pub(crate) fn read_only(database: &str) -> Failure {
    Failure::new(3906, format!("Failed to update database \"{database}\" because the database is read-only."))
}

/// 2714.
pub(crate) fn already_there(name: &str) -> Failure {
    Failure::new(2714, format!("There is already an object named '{name}' in the database."))
}

/// 8115 and its kin.
pub(crate) fn overflow(from: &str, to: &str) -> Failure {
    Failure::new(8115, format!("Arithmetic overflow error converting {from} to data type {to}."))
}

/// What the real server can do and this one cannot. Numbers from 50000 up are a user's own.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> Failure {
    Failure::new(50_000, format!("the simulator cannot do that: {what}"))
}

/// The error that a test asks for by its number.
pub(crate) fn planned(number: u32) -> Failure {
    let (class, text) = match number {
        1205 => (
            13,
            "Transaction (Process ID 52) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
        ),
        1222 => (16, "Lock request time out period exceeded."),
        3960 => (16, "Snapshot isolation transaction aborted due to update conflict."),
        40197 => (20, "The service has encountered an error processing your request. Please try again."),
        40501 => (20, "The service is currently busy. Retry the request after 10 seconds."),
        40613 => (17, "Database is not currently available. Please retry the connection later."),
        49918..=49920 => (16, "Cannot process request. Not enough resources to process request."),
        10928 => (16, "Resource ID : 1. The request limit for the database is 60 and has been reached."),
        10929 => (16, "Resource ID : 1. The server is currently too busy to support more requests."),
        18456 => (14, "Login failed for user."),
        4060 => (11, "Cannot open database requested by the login. The login failed."),
        823..=825 => (24, "The operating system returned an error while reading a page."),
        _ => (16, "An error that was planned."),
    };
    severe(class, i32::try_from(number).unwrap_or(i32::MAX), text)
}
