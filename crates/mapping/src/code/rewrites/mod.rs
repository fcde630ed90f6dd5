//! T-SQL functions in PostgreSQL's words.
//!
//! Invariant: an entry either gives the same value for every argument that it accepts, or refuses the
//! argument with a reason.
//!
//! To extend: a function is one [`Rewrite`] in the file of its family; a family is one file and one line in
//! [`ALL`].

mod clock;
mod conversion;
mod dates;
mod nulls;
mod numbers;
mod session;
mod text;

pub(super) use conversion::convert_type;

use super::NotConverted;
use super::print::{Printer, Typed};
use super::syntax::Expr;
use super::values::ValueType;
use std::ops::RangeInclusive;

/// How one function is written.
pub(super) struct Rewrite {
    /// The function in lower case.
    name: &'static str,
    /// How many arguments it takes.
    arguments: RangeInclusive<usize>,
    /// Writes a call.
    write: fn(&Printer<'_>, &[Expr]) -> Result<Typed, NotConverted>,
}

/// Every family.
static ALL: &[&[Rewrite]] = &[
    clock::REWRITES,
    dates::REWRITES,
    nulls::REWRITES,
    numbers::REWRITES,
    session::REWRITES,
    text::REWRITES,
];

/// A call in PostgreSQL's words.
pub(super) fn convert(printer: &Printer<'_>, name: &str, arguments: &[Expr]) -> Result<Typed, NotConverted> {
    let found = ALL.iter().flat_map(|family| family.iter()).find(|rewrite| rewrite.name == name);
    let Some(rewrite) = found else {
        let kind = match name.rsplit_once('.') {
            None => "the function",
            Some((owner, _)) => printer.method_of(owner).unwrap_or("the user's function"),
        };
        return Err(NotConverted::new(format!("it calls {kind} {name}, which is not converted")));
    };
    if !rewrite.arguments.contains(&arguments.len()) {
        return Err(NotConverted::new(format!("it calls {name} with {} arguments", arguments.len())));
    }
    (rewrite.write)(printer, arguments)
}

/// A call whose form depends on the column that it fills: clocks and new GUIDs. None if `expr` is no such call.
pub(super) fn for_type(
    printer: &Printer<'_>,
    expr: &Expr,
    to: &ValueType,
) -> Option<Result<Typed, NotConverted>> {
    let Expr::Call { name, arguments } = expr else { return None };
    if !arguments.is_empty() {
        return None;
    }
    clock::for_type(printer, name, to).or_else(|| session::for_type(printer, name, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_is_listed_once_and_in_lower_case() {
        let mut names: Vec<&str> = ALL.iter().flat_map(|family| family.iter()).map(|one| one.name).collect();
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
