//! `hierarchyid` becomes its path, `/1/3.1/`.
//!
//! The bytes are an ORDPATH: a string of labels, each with a prefix code that says how many bits
//! follow, some of them fixed, and a last bit that says whether a slash (1) or a dot (0) ends it. A
//! label before a dot is stored one too high, so that `/1.1/` sorts after `/1/`. Zero bits fill the
//! last byte. Source: MS-SSCLRT 2.1, checked against paths that SQL Server wrote.

use super::Reject;

/// One kind of label: its lowest number, and its bits: `0` and `1` are fixed, `x` are the number
/// above the lowest, `T` tells slash from dot. Prefixes are free of each other.
const LABELS: &[(i64, &str)] = &[
    (0, "01xxT"),
    (4, "100xxT"),
    (8, "101xxxT"),
    (16, "110xx0x1xxxT"),
    (80, "1110xxx0xxx0x1xxxT"),
    (1_104, "11110xxxxx0xxx0x1xxxT"),
    (5_200, "111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
    (4_294_972_496, "111111xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
    (-8, "00111xxxT"),
    (-72, "0010xx0x1xxxT"),
    (-4_168, "000110xxxxx0xxx0x1xxxT"),
    (-4_294_971_464, "000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
    (-281_479_271_682_120, "000100xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
];

/// The path of a `hierarchyid`'s bytes; the root, no bytes, is `/`.
pub(super) fn hierarchy_path(bytes: &[u8]) -> Result<String, Reject> {
    let end = bytes.len().checked_mul(8).ok_or_else(undecodable)?;
    let mut path = String::from("/");
    let mut at = 0;
    let mut open = false;
    // What fills the last byte is less than a byte of zeros, and no label starts with five zeros.
    while !is_filling(bytes, at, end) {
        let (number, slash, length) = label(bytes, at, end).ok_or_else(undecodable)?;
        at += length;
        let number = if slash { number } else { number - 1 };
        path.push_str(&number.to_string());
        path.push(if slash { '/' } else { '.' });
        open = !slash;
    }
    if open { Err(undecodable()) } else { Ok(path) }
}

fn undecodable() -> Reject {
    Reject::new("the bytes are not a hierarchyid")
}

fn bit(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1)
}

fn is_filling(bytes: &[u8], at: usize, end: usize) -> bool {
    end - at < 8 && (at..end).all(|at| bit(bytes, at) == 0)
}

/// The label at a bit position: its number, whether a slash ends it, its length in bits.
fn label(bytes: &[u8], at: usize, end: usize) -> Option<(i64, bool, usize)> {
    LABELS.iter().find_map(|(lowest, pattern)| {
        if end - at < pattern.len() {
            return None;
        }
        let (mut above, mut slash) = (0i64, false);
        for (offset, kind) in pattern.bytes().enumerate() {
            let bit = bit(bytes, at + offset);
            match kind {
                b'x' => above = above << 1 | i64::from(bit),
                b'T' => slash = bit == 1,
                fixed if fixed - b'0' == bit => {}
                _ => return None,
            }
        }
        Some((lowest + above, slash, pattern.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], expected: Option<&str>) {
        assert_eq!(hierarchy_path(bytes).ok().as_deref(), expected, "{bytes:02x?}");
    }

    /// Writes labels as the table says; the test's own way back.
    fn encode(levels: &[Vec<i64>]) -> Vec<u8> {
        let mut bits = String::new();
        for level in levels {
            for (index, number) in level.iter().enumerate() {
                let last = index + 1 == level.len();
                let stored = if last { *number } else { number + 1 };
                let (lowest, pattern) = LABELS.iter().filter(|(lowest, _)| *lowest <= stored).max().unwrap();
                let mut rest = stored - lowest;
                let reversed: String = pattern
                    .chars()
                    .rev()
                    .map(|kind| match kind {
                        'T' => char::from(b'0' + u8::from(last)),
                        'x' => {
                            let bit = rest & 1;
                            rest >>= 1;
                            if bit == 1 { '1' } else { '0' }
                        }
                        fixed => fixed,
                    })
                    .collect();
                bits.extend(reversed.chars().rev());
            }
        }
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        bits.as_bytes()
            .chunks(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
            .collect()
    }

    #[test]
    fn known_paths_are_decoded() {
        check(&[], Some("/"));
        check(&[0x58], Some("/1/"));
        check(&[0x68], Some("/2/"));
        check(&[0x78], Some("/3/"));
        check(&[0x84], Some("/4/"));
        check(&[0x5A, 0xC0], Some("/1/1/"));
        check(&[0x5B, 0x40], Some("/1/2/"));
        check(&[0x62, 0xC0], Some("/1.1/"));
        check(&[0x48], Some("/0/"));
        check(&[0x3F, 0x80], Some("/-1/"));
    }

    #[test]
    fn what_is_not_a_path_is_rejected() {
        check(&[0x00], None);
        check(&[0x00, 0x00], None);
        check(&[0xFF], None);
        check(&[0x60], None);
        check(&[0x58, 0x00], None);
    }

    #[test]
    fn the_edges_of_every_kind_of_label_are_decoded() {
        for (lowest, pattern) in LABELS {
            let count = 1i64 << pattern.matches('x').count();
            for number in [*lowest, lowest + 1, lowest + count - 1] {
                check(&encode(&[vec![number]]), Some(&format!("/{number}/")));
            }
        }
    }

    proptest! {
        #[test]
        fn random_paths_come_back(
            levels in proptest::collection::vec(
                proptest::collection::vec(
                    prop_oneof![-100i64..100, -10_000i64..10_000, -9_000_000_000i64..9_000_000_000], 1..4),
                0..8,
            ),
        ) {
            let mut path = String::from("/");
            for level in &levels {
                let numbers: Vec<String> = level.iter().map(i64::to_string).collect();
                path.push_str(&numbers.join("."));
                path.push('/');
            }
            prop_assert_eq!(hierarchy_path(&encode(&levels)).expect("a path"), path);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = hierarchy_path(&bytes);
        }
    }
}
