//! What a file is that is not a `.bacpac`: people name files after what they hoped for.
//!
//! Invariant: looks at the first bytes only and never fails. To extend: one line in [`SIGNATURES`].

/// How many bytes of a file are looked at; one SQL Server page.
pub(super) const HEAD_BYTES: u64 = 8192;

const SIGNATURES: &[(&[u8], &str)] = &[
    (b"TAPE", "a SQL Server backup (.bak)"),
    (b"MSSQLBAK", "a compressed SQL Server backup (.bak)"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer: a short text that stands for the real file, which is elsewhere",
    ),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"PGDMP", "a PostgreSQL dump"),
    (b"%PDF", "a PDF document"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1F\x8B", "gzip-compressed data"),
    (b"\xFD7zXZ\0", "xz-compressed data"),
    (b"\x28\xB5\x2F\xFD", "zstd-compressed data"),
    (b"\x7FELF", "a program"),
    (b"MZ", "a Windows program"),
];

/// Whether it begins as a zip archive does: with an entry, or with the directory's end if it is empty.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// What the file looks like, to be read after "it is".
pub(super) fn describe(head: &[u8]) -> &'static str {
    if head.is_empty() {
        return "an empty file";
    }
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return what;
    }
    if is_data_file(head) {
        return "a SQL Server data file (.mdf)";
    }
    if head.iter().all(|&byte| byte == 0) {
        return "a file of zero bytes: an unfinished download or copy";
    }
    describe_text(head).unwrap_or("no format that we know")
}

/// Page 0 of a data file (formats.md §2.1): header version 1, page type 15 (file header), own number 0.
fn is_data_file(head: &[u8]) -> bool {
    head.get(..2) == Some(&[1, 15]) && head.get(32..36) == Some(&[0; 4])
}

fn describe_text(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Some("a text file in UTF-16");
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some("a web page (HTML): the download got a page instead of the file");
    }
    if begins(b"<?xml") || begins(b"<DataSchemaModel") {
        return Some("an XML file");
    }
    let control = |byte: &&u8| **byte < 32 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    (!text.is_empty() && text.iter().find(control).is_none()).then_some("a text file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_what_it_is() {
        let check = |head: &[u8], expected: &str| assert!(describe(head).contains(expected), "{head:?}");
        check(b"", "empty");
        check(b"TAPE\0\0\x03\0", "backup (.bak)");
        check(b"MSSQLBAK\x02\0\0\0", "compressed SQL Server backup");
        check(b"\n\n  <!DOCTYPE html>", "HTML");
        check(b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS");
        check(b"-- a dump\ncreate table", "text file");
        check(&[0; 512], "zero bytes");
        check(&[7, 1, 2, 0xFF, 0, 0], "no format");
        let mut page = [0u8; 96];
        page[0] = 1;
        page[1] = 15;
        check(&page, ".mdf");
    }
}
