//! The password file, by libpq's rules (PostgreSQL manual, "The Password File"): lines
//! `host:port:database:user:password`, `*` for any, `\` before `:` and `\`; the first line that fits counts.
//!
//! Invariant: a file that others may read is not used, and a password goes nowhere but to the caller.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A file that is larger is no password file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Whether a file is not used because others may read it; a login that fails then says so.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o077 != 0)
}

/// The password for a login, when the file has one.
pub(crate) fn password(path: &Path, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > MAX_FILE_BYTES {
        tracing::warn!(path = %path.display(), "the password file is not a plain file of a sensible size; not used");
        return None;
    }
    if is_open_to_others(path) {
        tracing::warn!(path = %path.display(), "the password file is open to others (chmod 600); not used");
        return None;
    }
    let text = match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        _ => {
            tracing::warn!(path = %path.display(), "the password file cannot be read as UTF-8; not used");
            return None;
        }
    };
    let port = port.to_string();
    text.lines().find_map(|line| password_of_line(line, [host, &port, database, user]))
}

/// The password of a line whose four fields fit.
fn password_of_line(line: &str, login: [&str; 4]) -> Option<String> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in login {
        let (field, after) = next_field(rest);
        // A field is any when it is a bare star; an escaped star is the name `*`.
        let fits = field == "*" && rest.starts_with('*') || field == wanted;
        rest = after.filter(|_| fits)?;
    }
    let (password, _) = next_field(rest);
    (!password.is_empty()).then_some(password)
}

/// A field without its escapes, and what stands after its colon.
fn next_field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => field.push(characters.next().map_or('\\', |(_, next)| next)),
            ':' => return (field, text.get(at + 1..)),
            _ => field.push(c),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn check(line: &str, expected: Option<&str>) {
        let found = password_of_line(line, ["db.example", "5432", "shop", "ann"]);
        assert_eq!(found.as_deref(), expected, "{line}");
    }

    #[test]
    fn a_line_fits_by_its_four_fields() {
        check("db.example:5432:shop:ann:pw", Some("pw"));
        check("*:*:*:*:pw", Some("pw"));
        check("*:*:*:*:p\\:w\\\\x", Some("p:w\\x"));
        check("*:*:*:*:pw:not this", Some("pw"));
        check("*:*:*:*:pw\r", Some("pw"));
        check("db.example:5433:shop:ann:pw", None);
        check("db.example:5432:shop:bob:pw", None);
        check("\\*:5432:shop:ann:pw", None);
        check("# db.example:5432:shop:ann:pw", None);
        check("*:*:*:*:", None);
        check("*:*:*", None);
        check("", None);
    }

    #[test]
    fn the_first_line_that_fits_counts_and_an_open_file_is_not_used() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "other:*:*:*:no\n*:*:shop:ann:first\n*:*:*:*:second").unwrap();
        let ask = |database| password(file.path(), "h", 5432, database, "ann");
        assert_eq!(ask("shop").as_deref(), Some("first"));
        assert_eq!(ask("other").as_deref(), Some("second"));
        assert!(!is_open_to_others(file.path()) && !is_open_to_others(Path::new("/nonexistent/pgpass")));
        let open = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(file.path(), open).unwrap();
        assert_eq!(ask("shop"), None);
        assert!(is_open_to_others(file.path()));
        assert_eq!(password(Path::new("/nonexistent/pgpass"), "h", 1, "d", "u"), None);
    }
}
