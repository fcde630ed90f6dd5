//! Tests of `report.html`: what it says, that it is well-formed, and that nothing foreign can act in it.

use super::*;
use crate::reports::made_up;

fn pages() -> Vec<(Facts, String)> {
    made_up::all()
        .into_iter()
        .map(|facts| (write(&facts).unwrap(), facts))
        .map(|(page, facts)| (facts, page))
        .collect()
}

/// Every run beside every other one.
fn comparisons() -> Vec<String> {
    let runs = made_up::all();
    let pairs = runs.iter().flat_map(|ours| runs.iter().map(move |other| (ours, other)));
    pairs.map(|(ours, other)| crate::reports::compare(ours, other).html().unwrap()).collect()
}

#[test]
fn a_comparison_is_as_sound_a_page_as_the_report() {
    for page in comparisons() {
        assert_eq!(page.matches("<script").count(), 1, "only our own script");
        assert!(!page.contains("<b>&") && !page.contains('\u{202e}'));
        assert!(!page.contains("http://") && !page.contains("https://"));
        check_balanced(&page);
    }
    let (failed, migrated) = (made_up::failed_run(), made_up::all().remove(0));
    let page = crate::reports::compare(&failed, &migrated).html().unwrap();
    for facts in [&failed, &migrated] {
        assert!(page.contains(&escaped(&facts.verdict.sentence)), "{page}");
    }
}

/// As the template escapes it.
fn escaped(text: &str) -> String {
    minijinja::HtmlEscape(&figures::visible(text)).to_string()
}

#[test]
fn the_verdict_comes_first_and_is_unmistakable() {
    for (facts, page) in pages() {
        let word = figures::verdict_word(facts.verdict.state);
        let at = page.find(&format!("<h2>{word}</h2>")).expect("the verdict's word");
        assert!(page.find("<section").is_none_or(|section| at < section));
        assert!(page.contains(&escaped(&figures::sentence(&facts.verdict.sentence))));
        assert!(page.contains(&escaped(&figures::sentence(&facts.verdict.guarantee))));
    }
    assert!(write(&made_up::failed_run()).unwrap().contains("class=\"verdict failed\""));
}

#[test]
fn every_table_column_finding_and_object_is_on_the_page() {
    for (facts, page) in pages() {
        let page = page.replace("<wbr>", "");
        for table in &facts.tables {
            assert!(page.contains(&escaped(&table.source)), "{}", table.source);
            assert!(page.contains(&escaped(&table.target)), "{}", table.target);
            for column in &table.columns {
                assert!(page.contains(&escaped(&column.source)), "{}", column.source);
            }
            for loss in &table.losses {
                assert!(page.contains(&figures::count(loss.count)));
            }
        }
        for finding in &facts.findings {
            assert!(page.contains(&escaped(&finding.object)), "{}", finding.object);
            assert!(page.contains(&escaped(&figures::sentence(&finding.advice))), "{}", finding.advice);
        }
        for object in &facts.unconverted {
            assert!(page.contains(&escaped(&object.object)), "{}", object.object);
            assert!(page.contains(&escaped(&figures::sentence(&object.reason))), "{}", object.reason);
        }
        for (key, value) in &facts.settings {
            assert!(page.contains(&escaped(key)) && page.contains(&escaped(value)), "{key}");
        }
    }
}

#[test]
fn names_from_a_foreign_database_are_inert() {
    let page = write(&made_up::failed_run()).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "only our own script");
    assert_eq!(page.matches("</script").count(), 1);
    assert!(!page.contains("<b>&"));
    assert!(!page.contains('\u{202e}'), "a name must not turn the direction of the text");
    assert!(page.contains("\\u{202e}"));
}

#[test]
fn the_page_asks_for_nothing_from_outside() {
    for (_, page) in pages() {
        for forbidden in [
            "http://", "https://", "src=", "url(", "@import", "srcset", "<iframe", "<object", "//cdn",
            "fetch(",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for link in page.split("href=\"").skip(1) {
            assert!(link.starts_with('#') || link.starts_with("data:,\""), "{}", &link[..20]);
        }
    }
}

#[test]
fn only_our_own_style_and_script_are_allowed_by_the_policy() {
    let page = write(&made_up::failed_run()).unwrap();
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let content = page.split(&format!("<{element}>")).nth(1).unwrap();
        let content = content.split(&format!("</{element}>")).next().unwrap();
        let allowed = format!("{directive} '{}'", source_hash(content));
        assert!(page.contains(&escaped(&allowed)), "{allowed}");
    }
    assert!(!page.contains(" style=\""), "a style attribute would be refused by the policy");
    assert!(!page.contains(" onclick=\""));
}

#[test]
fn base64_is_that_of_rfc_4648() {
    let check = |bytes: &[u8], expected: &str| assert_eq!(base64(bytes), expected);
    check(b"", "");
    check(b"f", "Zg==");
    check(b"fo", "Zm8=");
    check(b"foo", "Zm9v");
    check(b"foobar", "Zm9vYmFy");
    check(&[0xfb, 0xff], "+/8=");
}

#[test]
fn every_element_is_closed_in_order() {
    for (_, page) in pages() {
        check_balanced(&page);
    }
}

/// Walks the tags of a page as our template writes it: attributes in double quotes, void elements
/// known by name, `/>` within SVG.
fn check_balanced(page: &str) {
    const VOID: [&str; 4] = ["meta", "link", "wbr", "!doctype"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut quoted = false;
        let end = rest
            .find(|character| {
                quoted ^= character == '"';
                character == '>' && !quoted
            })
            .expect("a tag ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '!')
            .collect();
        assert!(!name.is_empty(), "a stray < before {tag:.40}");
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "</{name}>");
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            if name == "style" || name == "script" {
                let closing = format!("</{name}>");
                rest = &rest[rest.find(&closing).expect("the end of our own text") + closing.len()..];
                continue;
            }
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn ids_are_unique_and_every_link_has_its_place() {
    for (_, page) in pages() {
        let mut ids: Vec<&str> =
            page.split(" id=\"").skip(1).map(|after| after.split('"').next().unwrap()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id twice");
        for link in page.split("href=\"#").skip(1) {
            let target = link.split('"').next().unwrap();
            assert!(ids.binary_search(&target).is_ok(), "#{target}");
        }
    }
}

#[test]
fn the_page_can_be_used_without_seeing_it() {
    for (_, page) in pages() {
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{:?}", &page[..60]);
        assert_eq!(page.matches("<h1>").count(), 1);
        assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
        assert_eq!(
            page.matches("<th").count(),
            page.matches("scope=\"").count() + page.matches("<thead").count()
        );
        let images = page.matches("role=\"img\"").count();
        assert_eq!(
            page.matches("<svg").count(),
            images
                + page.matches("<svg aria-hidden").count()
                + page.matches("<svg viewBox").count()
                + page.matches("<svg focusable").count()
        );
        assert_eq!(images, page.matches("focusable=\"false\"><title>").count());
        assert!(!page.contains("undefined"), "a fact is missing");
    }
}

#[test]
fn a_run_without_anything_says_so() {
    let page = write(&made_up::empty_run()).unwrap();
    for text in
        ["There are no tables in the plan", "There are no findings", "No phase has run", "no target yet"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(
        !page.contains("id=\"rows\"") && !page.contains("id=\"profile\"") && !page.contains("id=\"failed\"")
    );
}

#[test]
fn what_failed_is_told_before_the_details() {
    let page = write(&made_up::failed_run()).unwrap();
    let failed = page.split("id=\"failed\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(failed.contains("dbo.Orders"));
    assert!(failed.contains("<code>Freight</code>"));
    assert_eq!(failed.matches("3 rows were rejected").count(), 1, "told once");
    assert!(failed.contains("text.nul") && failed.contains("Something changed the target"), "with advice");
}

#[test]
fn a_very_long_text_is_clipped_and_the_page_says_so() {
    let mut facts = made_up::validated_run();
    facts.unconverted[0].text = Some("x".repeat(50_000));
    let page = write(&facts).unwrap();
    assert!(page.contains("The beginning of 50,000 characters"));
    assert!(!page.contains(&"x".repeat(8_001)));
}

#[test]
fn the_largest_and_the_strangest_numbers_are_written() {
    let mut facts = made_up::validated_run();
    let table = &mut facts.tables[0];
    (table.baseline_rows, table.loaded_rows, table.target_rows) = (Some(u64::MAX), Some(u64::MAX), Some(0));
    (table.bytes, table.rejected_rows, table.seconds) = (u64::MAX, u64::MAX, f64::NAN);
    table.losses[0].count = u64::MAX;
    facts.phases[4].seconds = f64::INFINITY;
    facts.phases[5].seconds = -1.0;
    let page = write(&facts).unwrap();
    assert!(page.contains("(−18,446,744,073,709,551,615)"));
    assert!(page.contains("18.4 EB"));
    assert!(!page.contains("NaN%") && !page.contains("inf%"), "geometry must be numbers");
}

#[test]
fn nothing_is_praised_before_it_was_done() {
    let page = write(&made_up::empty_run()).unwrap();
    for praise in [
        "every loaded row fitted",
        "no loaded value was altered",
        "No object was left behind",
        "equal</span>",
    ] {
        assert!(!page.contains(praise), "{praise}");
    }
}
