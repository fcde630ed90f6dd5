//! Tests that `report.html` can be used by everybody: contrast, headings, words for charts, motion, paper.
//!
//! Contrast is computed from the style sheet's own variables, by WCAG 2.1's definition: a new colour is
//! one line in [`PAIRS`].

use super::*;
use crate::reports::made_up;
use std::collections::BTreeMap;

/// Text on its ground, both by their variables.
const PAIRS: &[(&str, &str)] = &[
    ("ink", "page"),
    ("ink", "surface"),
    ("ink", "sunken"),
    ("muted", "page"),
    ("muted", "surface"),
    ("link", "page"),
    ("link", "surface"),
    ("bad", "surface"),
    ("warn", "surface"),
    ("good", "good-soft"),
    ("warn", "warn-soft"),
    ("bad", "bad-soft"),
    ("calm", "calm-soft"),
    ("white", "verdict-migrated"),
    ("white", "verdict-incomplete"),
    ("white", "verdict-failed"),
];

/// Shapes of charts on their ground, which need 3 : 1 (WCAG 2.1, 1.4.11).
const SHAPES: &[(&str, &str)] = &[
    ("source", "surface"),
    ("target", "surface"),
    ("bad", "surface"),
    ("warn", "surface"),
    ("calm", "surface"),
    ("calm", "grid"),
    ("warn", "grid"),
    ("target", "grid"),
];

type Colours = BTreeMap<String, f64>;

/// The luminance of every colour variable, in light, dark and print.
fn themes() -> [Colours; 3] {
    let style = include_str!("../report.css");
    let mut blocks = style.split(":root {").skip(1).map(|block| block.split('}').next().unwrap());
    let light = colours(blocks.next().unwrap());
    let [dark, print] = [blocks.next().unwrap(), blocks.next().unwrap()].map(|block| {
        let mut theme = light.clone();
        theme.extend(colours(block));
        theme
    });
    [light, dark, print]
}

fn colours(block: &str) -> Colours {
    let pairs = block.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(':'));
    let mut colours: Colours =
        pairs.map(|(name, value)| (name.to_owned(), luminance(value.trim()))).collect();
    colours.insert("white".to_owned(), 1.0);
    colours
}

/// The relative luminance of `#rgb` or `#rrggbb` (WCAG 2.1).
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap_or_else(|| panic!("{colour} is no colour"));
    let width = digits.len() / 3;
    let channel = |place: usize| {
        let text = digits[place * width..(place + 1) * width].repeat(3 - width);
        let share = f64::from(u8::from_str_radix(&text, 16).unwrap()) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

fn contrast(theme: &Colours, (one, other): (&str, &str)) -> f64 {
    let (one, other) = (theme[one], theme[other]);
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_is_computed_as_wcag_does() {
    let theme = colours("--black: #000; --grey: #777777");
    assert!((contrast(&theme, ("black", "white")) - 21.0).abs() < 1e-9);
    assert!((contrast(&theme, ("grey", "white")) - 4.48).abs() < 0.01);
}

#[test]
fn text_and_charts_stand_out_in_light_in_dark_and_on_paper() {
    for (place, theme) in themes().iter().enumerate() {
        for pair in PAIRS {
            let ratio = contrast(theme, *pair);
            assert!(ratio >= 4.5, "theme {place}: {pair:?} is {ratio:.2}");
        }
        for pair in SHAPES {
            let ratio = contrast(theme, *pair);
            assert!(ratio >= 3.0, "theme {place}: {pair:?} is {ratio:.2}");
        }
    }
}

#[test]
fn headings_go_down_one_step_at_a_time() {
    for facts in made_up::all() {
        let page = write(&facts).unwrap();
        let levels: Vec<u8> = page
            .split("<h")
            .skip(1)
            .filter_map(|rest| match rest.as_bytes() {
                [level @ b'1'..=b'6', b'>' | b' ', ..] => Some(level - b'0'),
                _ => None,
            })
            .collect();
        assert_eq!(levels.first(), Some(&1));
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    }
}

#[test]
fn motion_is_for_those_who_have_not_refused_it_and_paper_shows_what_is_folded() {
    let style = include_str!("../report.css");
    let (before, after) = style.split_once("@media (prefers-reduced-motion: no-preference)").unwrap();
    for word in ["transition", "animation", "smooth"] {
        assert!(!before.contains(word), "{word} for everybody");
    }
    assert!(after.contains("details.printed::details-content"));
}

#[test]
fn both_witnesses_and_the_rows_that_differ_are_in_the_details() {
    let page = write(&made_up::failed_run()).unwrap();
    let page = page.replace("<wbr>", "");
    let details = page.split("id=\"table-2\"").nth(1).unwrap().split("</details>").next().unwrap();
    for text in [
        "First witness",
        "Second witness",
        "23 measures equal",
        "OrderID=10251",
        "<code>41.3400</code> → <code>41.3500</code>",
        "<span class=\"muted\">NULL</span>",
        "the empty string",
        "and 9 more",
        "&lt;b&gt;Ottilies",
        "-120.5000",
    ] {
        assert!(details.contains(text), "{text}");
    }
}
