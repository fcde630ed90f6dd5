//! Broken, hostile and strange files: each is one clear error that names what is wrong, and none costs memory.

mod made_up;

use made_up::{file, lie_about_size, model, origin, package, zip_of};
use mssql2pg_catalog::{RowSink, Stop, Value};
use mssql2pg_sources::{ErrorKind, Source, SourceError, open};
use std::error::Error;

const PART: &str = "Data/dbo.T/TableData-000-00000.BCP";

/// Counts rows.
#[derive(Default)]
struct Count(u64);

impl RowSink for Count {
    fn value(&mut self, _: Value<'_>) {}
    fn end_row(&mut self) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }
}

fn int_model() -> String {
    model(&[("T", &[("id", "int", false)])])
}

/// Opens the bytes and reads every split of every table.
fn read_all(bytes: &[u8]) -> Result<u64, SourceError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = open(&file(folder.path(), bytes))?;
    let mut rows = Count::default();
    for table in &source.catalog()?.tables {
        for split in source.splits(table, u64::MAX)? {
            source.read(table, &split, &mut rows)?;
        }
    }
    Ok(rows.0)
}

fn refused(bytes: &[u8], kind: ErrorKind, expected: &[&str]) {
    let error = read_all(bytes).expect_err("it must be refused");
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    assert_eq!(error.kind, kind, "{text}");
    for word in expected {
        assert!(text.contains(word), "{text:?} should say {word:?}");
    }
}

#[test]
fn an_honest_package_is_read() {
    let bytes = package(&int_model(), &[(PART, &[1, 0, 0, 0, 2, 0, 0, 0])]);
    assert_eq!(read_all(&bytes).unwrap(), 2);
}

#[test]
fn an_origin_is_not_needed() {
    let model = int_model();
    assert_eq!(read_all(&zip_of(&[("model.xml", model.as_bytes())])).unwrap(), 0);
    let bare = zip_of(&[("model.xml", model.as_bytes()), ("Origin.xml", b"<DacOrigin />")]);
    assert_eq!(read_all(&bare).unwrap(), 0);
}

#[test]
fn a_zip_that_is_no_package_says_so() {
    refused(&zip_of(&[("readme.txt", b"hello")]), ErrorKind::NotASource, &["zip archive without model.xml"]);
    refused(&zip_of(&[]), ErrorKind::NotASource, &["without model.xml"]);
    refused(b"", ErrorKind::NotASource, &["empty file"]);
    refused(b"TAPE\0\0\x03\0", ErrorKind::NotASource, &["SQL Server backup"]);
}

#[test]
fn a_truncated_zip_says_so() {
    let bytes = package(&int_model(), &[(PART, &[1, 0, 0, 0])]);
    for keep in [bytes.len() - 1, bytes.len() / 2, 40, 4] {
        refused(&bytes[..keep], ErrorKind::Damaged, &["cut off or damaged"]);
    }
}

#[test]
fn a_missing_file_or_a_folder_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &std::path::Path| open(path.to_str().unwrap()).err().unwrap().kind;
    assert_eq!(kind(&folder.path().join("none.bacpac")), ErrorKind::Open);
    assert_eq!(kind(folder.path()), ErrorKind::Open);
}

#[test]
fn a_wrong_checksum_of_the_model_is_damage() {
    let model = int_model();
    let other = origin(&(model.clone() + " "));
    let bytes = zip_of(&[("model.xml", model.as_bytes()), ("Origin.xml", other.as_bytes())]);
    refused(&bytes, ErrorKind::Damaged, &["model.xml does not have the checksum"]);
}

#[test]
fn a_part_that_belongs_to_nothing_is_damage() {
    let check = |name: &str, expected: &str| {
        refused(&package(&int_model(), &[(name, &[1, 0, 0, 0])]), ErrorKind::Damaged, &[expected]);
    };
    check("Data/dbo.Gone/TableData-000-00000.BCP", "dbo.Gone");
    check("Data/dbo.T/notes.txt", "no part of a table");
    check("Data/TableData-000-00000.BCP", "no table's folder");
    check("Data/../x", "outside the archive");
    check("../model.xml", "outside the archive");
    let twins: &[(&str, &[u8])] = &[(PART, b""), ("Data/dbo.T/TableData-0-00000.BCP", b"")];
    refused(&package(&int_model(), twins), ErrorKind::Damaged, &["the same part"]);
}

#[test]
fn two_entries_of_one_name_are_damage() {
    let other = PART.replace("dbo.T/", "dbo.U/");
    let mut bytes = package(&int_model(), &[(PART, &[1, 0, 0, 0]), (&other, &[2, 0, 0, 0])]);
    for at in 0..bytes.len() - other.len() {
        if bytes[at..].starts_with(other.as_bytes()) {
            bytes[at..at + PART.len()].copy_from_slice(PART.as_bytes());
        }
    }
    refused(&bytes, ErrorKind::Damaged, &["two entries of the same name"]);
}

#[test]
fn a_part_that_is_named_and_missing_is_damage() {
    let (model, gone) = (int_model(), "Data/dbo.T/TableData-007-00000.BCP");
    let named = |part: &str| {
        format!(
            "<Relationships><Relationship Type=\"table=T\" Target=\"/{part}\" Id=\"R1\" /></Relationships>"
        )
    };
    let package = |rels: String| {
        let rows: &[u8] = &[1, 0, 0, 0];
        zip_of(&[("model.xml", model.as_bytes()), (PART, rows), ("_rels/.rels", rels.as_bytes())])
    };
    assert_eq!(read_all(&package(named(PART))).unwrap(), 1);
    refused(&package(named(gone)), ErrorKind::Damaged, &[gone, "missing"]);
}

#[test]
fn a_part_that_ends_in_a_row_names_table_part_and_row() {
    let bytes = package(&int_model(), &[(PART, &[1, 0, 0, 0, 2, 0, 0])]);
    let expected = &["dbo.T.id", "TableData-000-00000.BCP", "row 2", "byte 4", "ends inside the row"];
    refused(&bytes, ErrorKind::Damaged, expected);
}

#[test]
fn a_model_of_a_bomb_is_too_large() {
    let mut model = int_model();
    model.push_str(&" ".repeat(80 << 20));
    refused(&package(&model, &[]), ErrorKind::TooLarge, &["model.xml"]);
}

#[test]
fn an_entry_that_lies_about_its_size_is_damage() {
    let model = int_model() + &" ".repeat(1000);
    let mut bytes = package(&model, &[(PART, &[1, 0, 0, 0, 2, 0, 0, 0])]);
    let honest = bytes.clone();
    lie_about_size(&mut bytes, "model.xml", 100);
    refused(&bytes, ErrorKind::Damaged, &["model.xml", "more than the 100 bytes"]);
    let mut bytes = honest.clone();
    lie_about_size(&mut bytes, PART, 4);
    refused(&bytes, ErrorKind::Damaged, &[PART, "more than the 4 bytes"]);
    let mut bytes = honest;
    lie_about_size(&mut bytes, PART, 1000);
    refused(&bytes, ErrorKind::Damaged, &[PART, "ends after 8 of 1000"]);
}

#[test]
fn a_flipped_bit_in_a_part_is_damage() {
    let model = model(&[("T", &[("text", "image", true)])]);
    let mut part = 200_000u32.to_le_bytes().to_vec();
    // Noise, so that deflate cannot shrink it and every offset below is inside the data.
    let mut state = 1u64;
    part.extend((0..200_000).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }));
    let bytes = package(&model, &[(PART, &part)]);
    let at = bytes.windows(PART.len()).position(|window| window == PART.as_bytes()).unwrap() + PART.len();
    for offset in [1000, 5000, 50_000, 100_000] {
        let mut bytes = bytes.clone();
        bytes[at + offset] ^= 1;
        let error = read_all(&bytes).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged, "{error}");
    }
}

#[test]
fn a_huge_length_without_data_is_refused_at_once() {
    let model = model(&[("T", &[("x", "xml", true)])]);
    let mut part = (1u64 << 60).to_le_bytes().to_vec();
    part.extend([0; 16]);
    refused(&package(&model, &[(PART, &part)]), ErrorKind::Damaged, &["dbo.T.x", "only 16 left"]);
}

#[test]
fn an_encrypted_zip_says_so() {
    let mut bytes = package(&int_model(), &[]);
    // APPNOTE 4.4.4: bit 0 of the flags, 8 bytes into a directory entry.
    let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[at + 8] |= 1;
    refused(&bytes, ErrorKind::Unsupported, &["encrypted"]);
}

#[test]
fn a_layout_that_fits_nothing_is_refused_before_any_row() {
    let model = model(&[("T", &[("code", "char Length=2", false), ("text", "nvarchar Length=5", false)])]);
    let folder = tempfile::tempdir().unwrap();
    let bytes = package(&model, &[(PART, &[b'a', 0, b'b', 0, 0, 0, b'c', 0, b'd', 0, 99, 0])]);
    let source = open(&file(folder.path(), &bytes)).unwrap();
    let table = &source.catalog().unwrap().tables[0];
    let split = &source.splits(table, u64::MAX).unwrap()[0];
    let mut rows = Count::default();
    let error = source.read(table, split, &mut rows).unwrap_err();
    assert!(error.context.contains("dbo.T.text") && error.context.contains("row 2"), "{error}");
    assert_eq!(rows.0, 0);
}

#[test]
fn parts_come_in_the_order_of_their_numbers_and_are_read_in_parallel() {
    let names: Vec<_> = (0..40).map(|number| format!("Data/dbo.T/TableData-{number:03}-00000.BCP")).collect();
    let bytes: Vec<_> = (0..40u32).map(u32::to_le_bytes).collect();
    let mut parts: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(bytes.iter().map(|b| &b[..])).collect();
    parts.reverse();
    let folder = tempfile::tempdir().unwrap();
    let source = open(&file(folder.path(), &package(&int_model(), &parts))).unwrap();
    let catalog = source.catalog().unwrap();
    let table = &catalog.tables[0];
    assert_eq!(table.estimated_bytes, Some(160));
    let splits = source.splits(table, u64::MAX).unwrap();
    let numbers: Vec<_> = splits.iter().map(|split| split.number).collect();
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    struct First(Vec<i64>);
    impl RowSink for First {
        fn value(&mut self, value: Value<'_>) {
            if let Value::Int(number) = value {
                self.0.push(number);
            }
        }
        fn end_row(&mut self) -> Result<(), Stop> {
            Ok(())
        }
    }
    let source: &dyn Source = source.as_ref();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let splits = &splits;
            scope.spawn(move || {
                for split in splits.iter().skip(worker).step_by(4) {
                    let mut first = First(Vec::new());
                    source.read(table, split, &mut first).unwrap();
                    assert_eq!(first.0, [i64::from(split.number)]);
                }
            });
        }
    });
}

#[test]
fn another_export_has_another_identity() {
    let folder = tempfile::tempdir().unwrap();
    let identity = |part: &[u8]| {
        open(&file(folder.path(), &package(&int_model(), &[(PART, part)]))).unwrap().about().identity
    };
    let first = identity(&[1, 0, 0, 0]);
    assert_eq!(first, identity(&[1, 0, 0, 0]));
    assert_ne!(first, identity(&[2, 0, 0, 0]));
    assert!(first.starts_with("sha256:") && first.len() == 71, "{first}");
}
