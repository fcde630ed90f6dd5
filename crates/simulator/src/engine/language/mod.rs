//! T-SQL as far as the engine reads it itself: tokens, expressions, `select`, and where statements end.
//!
//! A parser by hand: it keeps the text of expressions as it was written, and knows where a statement ends without a
//! semicolon.

pub(crate) mod ast;
pub(crate) mod cursor;
mod expression;
pub(crate) mod lexer;
mod select;
pub(crate) mod statements;

pub(crate) use expression::{expression, literal_expression};
pub(crate) use select::select;
