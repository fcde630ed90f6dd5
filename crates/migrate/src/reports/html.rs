//! `report.html`: one self-contained page for a manager and a DBA, verdict first; and `compare.html`, two runs side by side.
//!
//! `report.html` and `compare.html` beside this file are their templates (`head.html` begins both); `report.css` and
//! `report.js` stand inline. A page's own content security policy forbids every request and every script but that one,
//! whatever a name in a foreign database contains; besides, the templates escape everything.
//!
//! To extend: a fact that needs no work is used in the template straight from [`Facts`]; one that does
//! becomes a field of [`page::Page`].

mod charts;
mod page;

use super::{Comparison, Report, ReportError, figures};
use crate::facts::Facts;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, HtmlEscape, UndefinedBehavior, Value, context, escape_formatter};
use sha2::{Digest, Sha256};

/// `report.html`.
pub(super) const REPORT: Report = Report { file_name: FILE_NAME, write };

const FILE_NAME: &str = "report.html";
const COMPARE_NAME: &str = "compare.html";
const HEAD_NAME: &str = "head.html";

fn write(facts: &Facts) -> Result<String, ReportError> {
    let page = context! {
        page => Value::from(Serde(page::page(facts))),
        facts => Value::from(Serde(facts)),
        unknown => figures::UNKNOWN,
    };
    let title =
        format!("{}: {} – migration report", figures::verdict_word(facts.verdict.state), facts.database);
    render(FILE_NAME, &title, page)
        .map_err(|error| ReportError { file_name: FILE_NAME, source: Box::new(error) })
}

/// `compare.html`.
pub(super) fn comparison(compared: &Comparison) -> Result<String, ReportError> {
    let failed = |error| ReportError { file_name: COMPARE_NAME, source: Box::new(error) };
    let page = context! { compared => Value::from(Serde(compared)) };
    render(COMPARE_NAME, &format!("{} – two runs side by side", compared.database()), page).map_err(failed)
}

/// A page with the style, the script and the policy that all have.
fn render(template: &str, title: &str, page: Value) -> Result<String, minijinja::Error> {
    // A check-out with CRLF must not change the hashes: HTML parsers read CRLF as LF.
    let style = include_str!("report.css").replace("\r\n", "\n");
    let script = include_str!("report.js").replace("\r\n", "\n");
    let policy = format!(
        "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        source_hash(&style),
        source_hash(&script)
    );
    let environment = environment()?;
    let head = environment.get_template(HEAD_NAME)?.render(context! { style, policy, title })?;
    environment.get_template(template)?.render(context! { head, script, ..page })
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(|output, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(output, state, &Value::from(figures::visible(text).as_ref()))
        }
        _ => escape_formatter(output, state, value),
    });
    environment.add_filter("count", |number: Option<u64>| figures::known_count(number));
    environment.add_filter("bytes", figures::bytes);
    environment.add_filter("seconds", figures::seconds);
    environment.add_filter("moment", |text: &str| figures::moment(text));
    environment.add_filter("sentence", |text: &str| figures::sentence(text));
    environment.add_filter("short", |text: &str| figures::short(text));
    environment.add_filter("of_kind", |number: u64, kinds: &str| figures::of_kind(number, kinds));
    environment.add_filter("breakable", breakable);
    environment.add_template(FILE_NAME, include_str!("report.html"))?;
    environment.add_template(COMPARE_NAME, include_str!("compare.html"))?;
    environment.add_template(HEAD_NAME, include_str!("head.html"))?;
    Ok(environment)
}

/// A name that the page may break between its words, and only elsewhere where a word is too long by itself.
fn breakable(name: &str) -> Value {
    let shown = figures::visible(name);
    let pieces: Vec<String> =
        figures::pieces(&shown).into_iter().map(|piece| HtmlEscape(piece).to_string()).collect();
    Value::from_safe_string(pieces.join("<wbr>"))
}

/// The hash by which a content security policy knows an inline style or script (CSP level 3, 2.3.1).
fn source_hash(content: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(content.as_bytes())))
}

/// Base64 of RFC 4648, 4, with padding: for a hash of 32 bytes a crate would be too much.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= group.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod accessible;
#[cfg(test)]
mod tests;
