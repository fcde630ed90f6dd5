//! Tests of `report.md`: whole, and inert whatever a name of a foreign database contains.

use super::text::{name, prose};
use super::*;
use crate::reports::made_up;

/// Cells of a row, as GitHub's tables extension splits them: at pipes that no backslash escapes.
fn cells(line: &str) -> usize {
    let mut pipes = 0;
    let mut escaped = false;
    for character in line.chars() {
        match character {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '|' if !escaped => pipes += 1,
            _ => {}
        }
        escaped = false;
    }
    pipes - 1
}

/// Lines outside of fenced code.
fn lines_outside_of_fences(text: &str) -> Vec<&str> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match fence {
            Some(closing) if line == closing => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("sql")),
            None => lines.push(line),
        }
    }
    assert_eq!(fence, None, "a fence is left open");
    lines
}

#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_head() {
    for facts in made_up::all() {
        let text = write(&facts).unwrap();
        let mut expected = None;
        let mut tables = 0;
        for line in lines_outside_of_fences(&text) {
            if !line.starts_with('|') {
                expected = None;
                continue;
            }
            tables += usize::from(expected.is_none());
            assert_eq!(*expected.get_or_insert(cells(line)), cells(line), "{line}");
        }
        assert!(tables >= 2, "{tables}");
    }
}

#[test]
fn the_verdict_stands_in_the_first_line_and_every_table_in_the_text() {
    for facts in made_up::all() {
        let text = write(&facts).unwrap();
        let first = text.lines().next().unwrap();
        assert!(first.contains(figures::verdict_word(facts.verdict.state)), "{first}");
        for table in &facts.tables {
            assert!(text.contains(&name(&table.source)), "{}", table.source);
        }
        for finding in &facts.findings {
            assert!(text.contains(&prose(&sentence(&finding.message))), "{}", finding.message);
        }
    }
}

#[test]
fn names_from_a_foreign_database_are_inert() {
    let text = write(&made_up::failed_run()).unwrap();
    for line in lines_outside_of_fences(&text) {
        // Code spans stand for themselves; what is left must hold no tag but ours.
        let unescaped = line.replace("\\\\", "").replace("\\`", "");
        let outside: String = unescaped.split('`').step_by(2).collect();
        let outside = outside.replace("<details>", "").replace("</details>", "");
        let outside = outside.replace("<summary>", "").replace("</summary>", "");
        assert!(!outside.contains('<'), "{line}");
    }
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn text_is_escaped_as_markdown_needs_it() {
    let check = |text: &str, expected: &str| assert_eq!(name(text), expected);
    check("dbo.Order_Lines", "`dbo.Order_Lines`");
    check("a<b>c", "`a<b>c`");
    check("a|b", "a\\|b");
    check("a\\|b", "a\\\\\\|b");
    check("a`b_c", "a\\`b\\_c");
    check("two\nlines", "two lines");
    check("", "");
    check("\0", "\\\\u{0}");
}

#[test]
fn a_fence_is_longer_than_the_backticks_within() {
    let mut text = String::new();
    folded_text(&mut text, "t", "a\n````\nb");
    assert!(text.contains("\n`````sql\na\n````\nb\n`````\n"), "{text}");
}
