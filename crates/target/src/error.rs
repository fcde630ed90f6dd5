//! What can go wrong at the target, and how a SQLSTATE or a broken connection becomes a kind.
//!
//! Invariant: no value of a cell is in an error. Of what the server says we keep SQLSTATE, the primary message and
//! the names of the objects; its detail (`Key (email)=(a@b.c) already exists.`) is dropped but for the codes in
//! [`DETAIL_NAMES_OBJECTS`], its hint always, quoted texts of class 22 messages (`invalid input syntax for type
//! integer: "…"`) are blanked, and so is the value at the end of the COPY line. Advice is not here: see
//! `migrate::error::hint`. A new kind needs its line in [`kind_of_code`].

use std::error::Error as StdError;
use std::fmt;

/// The codes whose detail names objects and never a value: dependent objects still exist (`view v depends on table t`)
/// and feature not supported (`Table "c" references "t".`). Their messages alone do not say what is in the way.
const DETAIL_NAMES_OBJECTS: [&str; 2] = ["2BP01", "0A000"];

/// The kinds of error; `migrate` turns each into advice, an exit code and the decision to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The address cannot be understood, or names a setting that we do not have.
    Address,
    /// Nobody answers: the name is unknown, the port refuses, the time is up, or the server is just starting.
    Connect,
    /// The TLS handshake failed, a certificate is not trusted, or the server has no TLS and the address asks for it.
    Tls,
    /// The server does not let us in: user, password, database.
    Login,
    /// We are in, but may not do this.
    Permission,
    /// The run in the target was started with other settings.
    OtherRun,
    /// What we would create is there already.
    Exists,
    /// A resource is exhausted: disk, memory, connections (SQLSTATE class 53).
    Full,
    /// A constraint refused the rows (SQLSTATE class 23).
    Constraint,
    /// A value was refused (SQLSTATE class 22).
    Data,
    /// The connection went away; what was not committed is rolled back by the server.
    Lost,
    /// We stopped it ourselves, or somebody cancelled the statement.
    Cancelled,
    /// Any other refusal of a statement.
    Query,
}

/// An error with the object it is about, and its cause.
#[derive(Debug)]
pub struct TargetError {
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// What we could not do and with what object; lower case, no period.
    pub context: String,
    /// The cause underneath; a [`ServerError`] when the server said no.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TargetError {
    /// Whether it speaks of the way to the server, and not of what was asked.
    pub fn is_of_connection(&self) -> bool {
        matches!(self.kind, ErrorKind::Lost | ErrorKind::Connect | ErrorKind::Login)
    }

    /// ` (error 22P02)` where the server said no: its code alone, since its text may hold values. Otherwise nothing.
    pub fn code_in_brackets(&self) -> String {
        self.server().map_or_else(String::new, |said| format!(" (error {})", said.code))
    }

    /// Whether the object of the statement is not as it was taken to be: a table or column that is gone or of another
    /// type, no right to it, a value that is none of its type. Trouble that passes is not: a full disk, a time-out.
    pub fn is_of_object(&self) -> bool {
        match self.server() {
            Some(said) => ["42", "22", "0A"].iter().any(|class| said.code.starts_with(class)),
            None => self.kind == ErrorKind::Query,
        }
    }

    /// In a sentence about the object: what the server said, in which there is no value, or else what we could not do.
    pub fn brief(&self) -> String {
        match self.server() {
            Some(said) => format!("{} (error {})", said.message, said.code),
            None => self.context.clone(),
        }
    }

    /// An error without a cause underneath.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// An error with its cause.
    pub fn caused(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.into(), source: Some(source.into()) }
    }

    /// An error of the PostgreSQL client, with the values taken out of it; for callers of `Connection::client`.
    pub fn postgres(context: impl Into<String>, error: postgres::Error) -> Self {
        let context = context.into();
        if let Some(db) = error.as_db_error() {
            let server = ServerError::of(db);
            return Self::caused(kind_of_code(&server.code), context, server);
        }
        let kind = if connection_is_gone(&error) { ErrorKind::Lost } else { ErrorKind::Query };
        Self::caused(kind, context, error)
    }

    /// What the server said, when the cause is the server's refusal.
    pub fn server(&self) -> Option<&ServerError> {
        self.source.as_deref().and_then(|source| source.downcast_ref())
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for TargetError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What the server said, without values. The fields are those of the ErrorResponse message (PostgreSQL manual,
/// "Error and Notice Message Fields").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// SQLSTATE, five characters.
    pub code: String,
    /// The primary message; quoted texts are blanked when the class is 22.
    pub message: String,
    /// What the message leaves open, on one line; only where it names objects and no value.
    pub detail: Option<String>,
    /// `COPY t, line 3, column c`, when the error came from a COPY.
    pub place: Option<String>,
    /// The schema of the object.
    pub schema: Option<String>,
    /// The table.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The constraint.
    pub constraint: Option<String>,
}

impl ServerError {
    /// Keeps what is safe to show.
    pub(crate) fn of(db: &postgres::error::DbError) -> Self {
        let code = db.code().code().to_owned();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            message: message_without_values(&code, db.message()),
            detail: db.detail().and_then(|detail| detail_without_values(&code, detail)),
            code,
            place: db.where_().and_then(copy_place),
            schema: owned(db.schema()),
            table: owned(db.table()),
            column: owned(db.column()),
            constraint: owned(db.constraint()),
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(place) = &self.place {
            write!(f, ", at {place}")?;
        }
        // The message names the object mostly; where it does not, the fields do.
        let named = [("table", &self.table), ("column", &self.column), ("constraint", &self.constraint)];
        for (what, name) in named {
            if let Some(name) = name
                && !self.message.contains(name.as_str())
            {
                write!(f, ", {what} \"{name}\"")?;
            }
        }
        write!(f, " (SQLSTATE {})", self.code)
    }
}

impl StdError for ServerError {}

/// The kind of a SQLSTATE (PostgreSQL manual, appendix A).
pub(crate) fn kind_of_code(code: &str) -> ErrorKind {
    match code {
        "57P03" => ErrorKind::Connect,
        // Shutdown, crash, dropped database, and the time-outs that close the session.
        "57P01" | "57P02" | "57P04" | "57P05" | "25P03" | "25P04" => ErrorKind::Lost,
        "57014" => ErrorKind::Cancelled,
        "3D000" => ErrorKind::Login,
        // 25006: the session or the server is read-only.
        "42501" | "25006" => ErrorKind::Permission,
        "42P04" | "42P06" | "42P07" | "42701" | "42710" | "42723" => ErrorKind::Exists,
        _ => match code.get(..2) {
            Some("08") => ErrorKind::Lost,
            Some("22") => ErrorKind::Data,
            Some("23") => ErrorKind::Constraint,
            Some("28") => ErrorKind::Login,
            Some("53") => ErrorKind::Full,
            _ => ErrorKind::Query,
        },
    }
}

/// Whether an error that the server did not send means that the connection is gone. The client's kinds are private;
/// an I/O error below, or "closed", is what they leave to see.
pub(crate) fn connection_is_gone(error: &postgres::Error) -> bool {
    error.is_closed() || find_cause::<std::io::Error>(error).is_some()
}

/// The first cause of a type in a chain, the error itself included, and inside of I/O errors, which do not name their
/// inner error as their source.
pub(crate) fn find_cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Blanks the quoted texts of class 22 (data exception), where they are values. 22021 quotes an encoding's name and
/// bytes of the value in hexadecimal (`invalid byte sequence for encoding "UTF8": 0x00`); the bytes go.
fn message_without_values(code: &str, message: &str) -> String {
    if !code.starts_with("22") {
        return message.to_owned();
    }
    if code == "22021" {
        return message.split(": 0x").next().unwrap_or_default().to_owned();
    }
    let Some(first) = message.find('"') else { return message.to_owned() };
    // From the first quote to the last one: a value may hold quotes itself, unescaped.
    let last = message.rfind('"').unwrap_or(first);
    let start = message.get(..first).unwrap_or_default();
    let end = message.get(last + 1..).unwrap_or_default();
    format!("{start}\"…\"{end}")
}

/// The detail of a code in [`DETAIL_NAMES_OBJECTS`], its lines joined: PostgreSQL names up to 100 objects, one a line.
fn detail_without_values(code: &str, detail: &str) -> Option<String> {
    let lines: Vec<&str> = detail
        .lines()
        .map(|line| line.trim().trim_end_matches('.'))
        .filter(|line| !line.is_empty())
        .collect();
    (DETAIL_NAMES_OBJECTS.contains(&code) && !lines.is_empty()).then(|| lines.join("; "))
}

/// `COPY t, line 3, column c: "value"` without the value, and without the calls that may stand below it.
fn copy_place(context: &str) -> Option<String> {
    let line = context.lines().find(|line| line.starts_with("COPY "))?;
    let place = line.split(": \"").next().unwrap_or_default();
    // A null value is written as `: null input`; what follows the last colon is never a name.
    Some(place.trim_end_matches(": null input").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_has_its_kind() {
        let cases = [
            ("53100", ErrorKind::Full),
            ("53200", ErrorKind::Full),
            ("53300", ErrorKind::Full),
            ("23505", ErrorKind::Constraint),
            ("23503", ErrorKind::Constraint),
            ("22003", ErrorKind::Data),
            ("22P04", ErrorKind::Data),
            ("57P01", ErrorKind::Lost),
            ("08006", ErrorKind::Lost),
            ("57P03", ErrorKind::Connect),
            ("57014", ErrorKind::Cancelled),
            ("28P01", ErrorKind::Login),
            ("28000", ErrorKind::Login),
            ("3D000", ErrorKind::Login),
            ("42501", ErrorKind::Permission),
            ("25006", ErrorKind::Permission),
            ("42P07", ErrorKind::Exists),
            ("42P06", ErrorKind::Exists),
            ("42601", ErrorKind::Query),
            ("40P01", ErrorKind::Query),
            ("", ErrorKind::Query),
        ];
        for (code, kind) in cases {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }

    #[test]
    fn values_are_taken_out_of_what_the_server_says() {
        let cases = [
            (
                "22P02",
                "invalid input syntax for type integer: \"s3cret\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            ("22P02", "invalid input: \"a\"s3cret\"b\" end", "invalid input: \"…\" end"),
            (
                "22003",
                "value \"99999\" is out of range for type smallint",
                "value \"…\" is out of range for type smallint",
            ),
            (
                "22001",
                "value too long for type character varying(5)",
                "value too long for type character varying(5)",
            ),
            (
                "22021",
                "invalid byte sequence for encoding \"UTF8\": 0x00",
                "invalid byte sequence for encoding \"UTF8\"",
            ),
            ("23502", "null value in column \"a\" violates", "null value in column \"a\" violates"),
        ];
        for (code, said, kept) in cases {
            assert_eq!(message_without_values(code, said), kept);
        }
        assert_eq!(detail_without_values("23505", "Key (email)=(s3cret) already exists."), None);
        assert_eq!(detail_without_values("2BP01", "\n"), None);
        let detail = "view v depends on table t\nconstraint fk on table c depends on table t";
        assert_eq!(
            detail_without_values("2BP01", detail).as_deref(),
            Some("view v depends on table t; constraint fk on table c depends on table t")
        );
        assert_eq!(
            detail_without_values("0A000", "Table \"c\" references \"t\".").as_deref(),
            Some("Table \"c\" references \"t\"")
        );
        assert_eq!(
            copy_place("COPY t, line 3, column c: \"s3cret\"\nmore").as_deref(),
            Some("COPY t, line 3, column c")
        );
        assert_eq!(copy_place("COPY t, line 3").as_deref(), Some("COPY t, line 3"));
        assert_eq!(copy_place("PL/pgSQL function f(1) line 3"), None);
    }
}
