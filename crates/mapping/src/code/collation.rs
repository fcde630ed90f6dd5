//! Text that is compared: by a collation in SQL Server, character by character in PostgreSQL.
//!
//! Invariant: what a generated column holds, and what the filter of an index lets in, is decided by a
//! comparison of text only where both servers find the same texts equal for sure. That is so for binary
//! collations alone. All others find different texts equal (case, width, soft hyphens, `ß` and `ss` …),
//! those that tell case and accents apart too. Trailing blanks count in no collation of SQL Server
//! ("= (String comparison or assignment)"), so that they are cut off here. The order of texts is never taken
//! for the same: PostgreSQL's depends on the target database. Checks and defaults decide no value that is
//! there, and are converted as they stand.
//!
//! To extend: a rewrite that compares or searches text calls [`Printer::compared`] or
//! [`Printer::finds_the_same_text`].

use super::NotConverted;
use super::print::{ATOM, Printer, Typed};
use super::syntax::Expr;
use super::values::Family;
use crate::names::quote_literal;

impl Printer<'_> {
    /// `typed`, which are `parts` in one type, as `operator` can compare them.
    pub(super) fn compared(
        &self,
        operator: &str,
        parts: &[&Expr],
        typed: Vec<Typed>,
    ) -> Result<Vec<Typed>, NotConverted> {
        if !self.wanted.decides_values() || typed.iter().all(|one| one.family() != Family::Text) {
            return Ok(typed);
        }
        self.finds_the_same_text(parts)?;
        if !matches!(operator, "=" | "<>") {
            return Err(NotConverted::new("it orders text, which PostgreSQL does by another collation"));
        }
        Ok(parts.iter().zip(typed).map(|(part, one)| without_trailing_blanks(part, one)).collect())
    }

    /// Refuses text whose collation finds equal what PostgreSQL tells apart, where that decides a value.
    pub(super) fn finds_the_same_text(&self, parts: &[&Expr]) -> Result<(), NotConverted> {
        if !self.wanted.decides_values() {
            return Ok(());
        }
        let mut collations = Vec::new();
        for part in parts {
            self.collations(part, &mut collations);
        }
        if collations.is_empty() {
            // Nothing but literals: they have the database's.
            collations.push(self.context.database.collation);
        }
        match collations.into_iter().find(|collation| !collation.is_some_and(is_binary)) {
            None => Ok(()),
            Some(Some(name)) => Err(NotConverted::new(format!(
                "it compares text by the collation {name}, which finds texts equal that PostgreSQL tells apart"
            ))),
            Some(None) => {
                Err(NotConverted::new("it compares text by a collation that the source does not tell"))
            }
        }
    }

    /// Every collation that may govern the value of `expr` ("Collation Precedence"): those of its text
    /// columns, and the database's for all that is made text of something else.
    fn collations<'b>(&'b self, expr: &Expr, found: &mut Vec<Option<&'b str>>) {
        match expr {
            Expr::Null => {}
            literal if literal.is_literal() => {}
            Expr::Column(parts) => {
                let column = parts.last().and_then(|name| self.find_column(name));
                found.push(match column {
                    Some(column) if Family::of_sql_type(&column.sql_type) == Family::Text => {
                        column.collation.as_deref()
                    }
                    _ => self.context.database.collation,
                });
            }
            Expr::Arithmetic { left, right, .. } => {
                self.collations(left, found);
                self.collations(right, found);
            }
            Expr::Convert { value, .. } => self.collations(value, found),
            // The conditions of both choose a value, and give none of their text to it.
            Expr::Case { arms, otherwise, .. } => {
                for result in arms.iter().map(|(_, then)| then).chain(otherwise.as_deref()) {
                    self.collations(result, found);
                }
            }
            Expr::Call { name, arguments } if !arguments.is_empty() => {
                for argument in arguments.iter().skip(usize::from(name == "iif")) {
                    self.collations(argument, found);
                }
            }
            _ => found.push(self.context.database.collation),
        }
    }
}

/// Whether a collation compares code points: `_BIN` and `_BIN2` ("Binary collations").
fn is_binary(collation: &str) -> bool {
    collation.split('_').any(|part| part.eq_ignore_ascii_case("BIN") || part.eq_ignore_ascii_case("BIN2"))
}

fn without_trailing_blanks(part: &Expr, one: Typed) -> Typed {
    let sql = match part {
        Expr::Text { value, .. } => quote_literal(value.trim_end_matches(' ')),
        _ if one.family() == Family::Text => format!("rtrim({}, ' ')", one.sql),
        _ => return one,
    };
    Typed { sql, level: ATOM, kind: one.kind }
}
