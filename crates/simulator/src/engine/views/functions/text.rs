//! Functions of text and numbers. Positions and lengths count UTF-16 units, from 1.

use super::super::cell::Cell;
use super::super::names::name_parts;
use super::{Call, Function, function, some};

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    function("len", (1, 1), "int", |call| {
        Ok(some(call.text(0).map(|text| units(text.trim_end_matches(' ')).len() as i64)))
    }),
    function("left", (2, 2), "nvarchar(4000)", |call| {
        Ok(some(call.text(0).zip(call.int(1)).map(|(text, count)| slice(&text, 1, count))))
    }),
    function("right", (2, 2), "nvarchar(4000)", |call| {
        Ok(some(call.text(0).zip(call.int(1)).map(|(text, count)| {
            let length = units(&text).len() as i64;
            slice(&text, (length - count.max(0) + 1).max(1), count)
        })))
    }),
    function("substring", (3, 3), "nvarchar(4000)", |call| {
        let arguments = call.text(0).zip(call.int(1)).zip(call.int(2));
        Ok(some(arguments.map(|((text, start), count)| slice(&text, start, count))))
    }),
    function("charindex", (2, 3), "int", |call| {
        let Some((wanted, text)) = call.text(0).zip(call.text(1)) else { return Ok(Cell::Null) };
        Ok(Cell::Integer(position(call, &wanted, &text, call.int(2).unwrap_or(1))))
    }),
    function("patindex", (2, 2), "int", |call| {
        let Some((pattern, text)) = call.text(0).zip(call.text(1)) else { return Ok(Cell::Null) };
        let sensitive = call.state.facts.case_sensitive;
        let tail = pattern.strip_prefix('%').unwrap_or(&pattern);
        let starts = text.char_indices().map(|(at, _)| at);
        let found = starts.zip(1i64..).find(|(at, place)| {
            (pattern.starts_with('%') || *place == 1)
                && like_pattern_matches(&text[*at..], tail, None, sensitive)
        });
        Ok(Cell::Integer(found.map_or(0, |(_, place)| place)))
    }),
    function("replace", (3, 3), "nvarchar(4000)", |call| {
        let arguments = call.text(0).zip(call.text(1)).zip(call.text(2));
        Ok(some(arguments.map(|((text, from), to)| replace(call, &text, &from, &to))))
    }),
    function("upper", (1, 1), "", |call| Ok(some(call.text(0).map(|text| text.to_uppercase())))),
    function("lower", (1, 1), "", |call| Ok(some(call.text(0).map(|text| text.to_lowercase())))),
    function("rtrim", (1, 1), "", |call| {
        Ok(some(call.text(0).map(|text| text.trim_end_matches(' ').to_owned())))
    }),
    function("ltrim", (1, 1), "", |call| {
        Ok(some(call.text(0).map(|text| text.trim_start_matches(' ').to_owned())))
    }),
    function("trim", (1, 1), "", |call| Ok(some(call.text(0).map(|text| text.trim_matches(' ').to_owned())))),
    function("reverse", (1, 1), "", |call| {
        Ok(some(call.text(0).map(|text| text.chars().rev().collect::<String>())))
    }),
    function("replicate", (2, 2), "nvarchar(4000)", |call| {
        Ok(some(
            call.text(0).zip(call.int(1)).map(|(text, count)| text.repeat(count.clamp(0, 8000) as usize)),
        ))
    }),
    function("space", (1, 1), "varchar(8000)", |call| {
        Ok(some(call.int(0).map(|count| " ".repeat(count.clamp(0, 8000) as usize))))
    }),
    function("stuff", (4, 4), "nvarchar(4000)", |call| {
        let arguments = call.text(0).zip(call.int(1)).zip(call.int(2));
        Ok(some(arguments.map(|((text, start), count)| {
            let end = start.saturating_add(count);
            slice(&text, 1, start - 1)
                + &call.text(3).unwrap_or_default()
                + &slice(&text, end, i64::from(i32::MAX))
        })))
    }),
    function("concat", (2, 254), "nvarchar(4000)", |call| {
        Ok(Cell::Text((0..call.arguments.len()).filter_map(|at| call.text(at)).collect()))
    }),
    function("concat_ws", (3, 254), "nvarchar(4000)", |call| {
        let words: Vec<_> = (1..call.arguments.len()).filter_map(|at| call.text(at)).collect();
        Ok(Cell::Text(words.join(&call.text(0).unwrap_or_default())))
    }),
    function("quotename", (1, 2), "nvarchar(258)", |call| Ok(quote_name(call))),
    function("parsename", (2, 2), "sysname", |call| {
        let Some((name, place)) = call.text(0).zip(call.int(1)) else { return Ok(Cell::Null) };
        let parts = name_parts(&name);
        let at = usize::try_from(place - 1).ok();
        Ok(some(at.and_then(|at| parts.iter().rev().nth(at)).filter(|part| !part.is_empty()).cloned()))
    }),
    function("char", (1, 1), "char(1)", |call| Ok(some(character(call)))),
    function("nchar", (1, 1), "nchar(1)", |call| Ok(some(character(call)))),
    function("ascii", (1, 1), "int", |call| {
        Ok(some(call.text(0).and_then(|text| text.bytes().next()).map(i64::from)))
    }),
    function("unicode", (1, 1), "int", |call| {
        Ok(some(call.text(0).and_then(|text| text.encode_utf16().next()).map(i64::from)))
    }),
    function("abs", (1, 1), "", |call| Ok(number(call, i64::abs, f64::abs))),
    function("floor", (1, 1), "", |call| Ok(number(call, |whole| whole, f64::floor))),
    function("ceiling", (1, 1), "", |call| Ok(number(call, |whole| whole, f64::ceil))),
    function("sign", (1, 1), "", |call| Ok(number(call, i64::signum, f64::signum))),
    function("isnumeric", (1, 1), "int", |call| {
        Ok(Cell::Integer(i64::from(call.text(0).is_some_and(|text| text.trim().parse::<f64>().is_ok()))))
    }),
    function("like", (2, 3), "bit", |call| {
        let Some((text, pattern)) = call.text(0).zip(call.text(1)) else { return Ok(Cell::Null) };
        let escape = call.text(2).and_then(|escape| escape.chars().next());
        let sensitive = call.state.facts.case_sensitive;
        Ok(Cell::Integer(i64::from(like_pattern_matches(&text, &pattern, escape, sensitive))))
    }),
];

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Units from `start`, which counts from 1 and may lie before the text.
fn slice(text: &str, start: i64, count: i64) -> String {
    let units = units(text);
    let end = start.saturating_add(count.max(0)).max(1);
    let from = usize::try_from(start.max(1) - 1).unwrap_or(usize::MAX).min(units.len());
    let to = usize::try_from(end - 1).unwrap_or(usize::MAX).min(units.len());
    String::from_utf16_lossy(units.get(from..to.max(from)).unwrap_or_default())
}

fn folded(call: &Call<'_>, text: &str) -> String {
    if call.state.facts.case_sensitive { text.to_owned() } else { text.to_lowercase() }
}

fn position(call: &Call<'_>, wanted: &str, text: &str, start: i64) -> i64 {
    let (wanted, text) = (units(&folded(call, wanted)), units(&folded(call, text)));
    let from = usize::try_from(start.max(1) - 1).unwrap_or(usize::MAX);
    if wanted.is_empty() {
        return 0;
    }
    let places = text.windows(wanted.len()).enumerate().skip(from);
    places.into_iter().find(|(_, window)| *window == wanted.as_slice()).map_or(0, |(at, _)| at as i64 + 1)
}

fn replace(call: &Call<'_>, text: &str, from: &str, to: &str) -> String {
    if call.state.facts.case_sensitive || from.is_empty() {
        return if from.is_empty() { text.to_owned() } else { text.replace(from, to) };
    }
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let end = rest.char_indices().nth(from.chars().count()).map_or(rest.len(), |(at, _)| at);
        let head = &rest[..end];
        if head.chars().count() == from.chars().count() && head.to_lowercase() == from.to_lowercase() {
            replaced.push_str(to);
            rest = &rest[end..];
        } else {
            replaced.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    replaced
}

fn quote_name(call: &Call<'_>) -> Cell {
    let Some(name) = call.text(0).filter(|name| units(name).len() <= 128) else { return Cell::Null };
    let quote = call.text(1).unwrap_or_else(|| "[".to_owned());
    let (open, close) = match quote.as_str() {
        "[" | "]" => ('[', ']'),
        "'" => ('\'', '\''),
        "\"" => ('"', '"'),
        "(" | ")" => ('(', ')'),
        _ => return Cell::Null,
    };
    let doubled = name.replace(close, &format!("{close}{close}"));
    Cell::Text(format!("{open}{doubled}{close}"))
}

fn character(call: &Call<'_>) -> Option<String> {
    let code = call.int(0).and_then(|code| u32::try_from(code).ok())?;
    char::from_u32(code).map(String::from)
}

fn number(call: &Call<'_>, whole: fn(i64) -> i64, real: fn(f64) -> f64) -> Cell {
    match call.arguments.first() {
        Some(Cell::Integer(number)) => Cell::Integer(whole(*number)),
        Some(Cell::Real(number)) => Cell::Real(real(*number)),
        _ => Cell::Null,
    }
}

/// T-SQL's `like`: `%`, `_`, `[a-z]`, `[^a-z]`.
fn like_pattern_matches(text: &str, pattern: &str, escape: Option<char>, case_sensitive: bool) -> bool {
    let fold = |text: &str| -> Vec<char> {
        if case_sensitive {
            text.chars().collect()
        } else {
            text.chars().flat_map(char::to_lowercase).collect()
        }
    };
    matches_from(&fold(text), &fold(pattern), escape)
}

fn matches_from(text: &[char], pattern: &[char], escape: Option<char>) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        // Blanks at the end of what is compared do not matter.
        return text.iter().all(|character| *character == ' ');
    };
    if Some(first) == escape
        && let Some((literal, rest)) = rest.split_first()
    {
        return text
            .split_first()
            .is_some_and(|(found, text)| found == literal && matches_from(text, rest, escape));
    }
    match first {
        '%' => (0..=text.len()).any(|skip| matches_from(&text[skip..], rest, escape)),
        '_' => text.split_first().is_some_and(|(_, text)| matches_from(text, rest, escape)),
        '[' if rest.contains(&']') => {
            let end = rest.iter().skip(1).position(|character| *character == ']').map_or(0, |at| at + 1);
            let (set, rest) = (&rest[..end], &rest[end + 1..]);
            text.split_first()
                .is_some_and(|(found, text)| in_set(*found, set) && matches_from(text, rest, escape))
        }
        _ => text
            .split_first()
            .is_some_and(|(found, text)| *found == first && matches_from(text, rest, escape)),
    }
}

fn in_set(found: char, set: &[char]) -> bool {
    let (negated, mut set) = match set.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut inside = false;
    while let Some((&first, rest)) = set.split_first() {
        match rest {
            ['-', last, tail @ ..] => {
                inside |= (first..=*last).contains(&found);
                set = tail;
            }
            _ => {
                inside |= first == found;
                set = rest;
            }
        }
    }
    inside != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_sets_and_escapes() {
        let check = |text: &str, pattern: &str, expected: bool| {
            assert_eq!(
                like_pattern_matches(text, pattern, Some('\\'), false),
                expected,
                "{text} like {pattern}"
            );
        };
        check("Orders", "ord%", true);
        check("Orders", "o_ders", true);
        check("DF__Orders__0A1B2C3D", "DF[_][_]%[_][_][0-9a-f]%", true);
        check("DFxOrders", "DF[_]%", false);
        check("a", "[^b]", true);
        check("b", "[^b]", false);
        check("10%", "10\\%", true);
        check("100", "10\\%", false);
        check("a]", "a]", true);
    }

    #[test]
    fn a_slice_may_begin_before_the_text() {
        assert_eq!(slice("abcdef", 2, 3), "bcd");
        assert_eq!(slice("abcdef", 0, 3), "ab");
        assert_eq!(slice("abcdef", 5, 30), "ef");
        assert_eq!(slice("abcdef", 9, 1), "");
    }
}
