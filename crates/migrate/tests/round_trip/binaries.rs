//! Bytes: binary types, row versions, GUIDs, tree paths, shapes, vectors.

use crate::naive::{Random, guid_text, hex, hex_text};
use crate::trial::{Cell, Owned, Tried, prove};
use mssql2pg_catalog::{Length, SqlType};

pub(crate) const VECTOR_READ: &str = "encode(array_send({c}), 'hex')";

pub(crate) fn bytes(bytes: Vec<u8>) -> Cell {
    let text = hex_text(&bytes);
    Cell::kept(Owned::Bytes(bytes), text)
}

pub(crate) fn guid(guid: [u8; 16]) -> Cell {
    Cell::kept(Owned::Guid(guid), guid_text(&guid))
}

/// Eight bytes, the highest first; PostgreSQL has no number above 2^63 - 1, so the upper half is negative.
pub(crate) fn rowversion_number(bytes: [u8; 8]) -> Cell {
    let value = bytes.iter().fold(0i128, |value, byte| value * 256 + i128::from(*byte));
    let value = if value >= 1 << 63 { value - (1 << 64) } else { value };
    Cell::kept(Owned::Bytes(bytes.to_vec()), value.to_string())
}

/// Paths whose bytes are known from SQL Server's documentation and sample databases.
pub(crate) const PATHS: &[(&[u8], &str)] = &[
    (&[], "/"),
    (&[0x48], "/0/"),
    (&[0x58], "/1/"),
    (&[0x68], "/2/"),
    (&[0x78], "/3/"),
    (&[0x84], "/4/"),
    (&[0x3F, 0x80], "/-1/"),
    (&[0x5A, 0xC0], "/1/1/"),
    (&[0x5B, 0x40], "/1/2/"),
    (&[0x62, 0xC0], "/1.1/"),
    (&[0x5A, 0xD6], "/1/1/1/"),
    (&[0x5A, 0xDA], "/1/1/2/"),
    (&[0x5A, 0xDE], "/1/1/3/"),
    (&[0x5A, 0xE1], "/1/1/4/"),
    (&[0x5A, 0xE1, 0x58], "/1/1/4/1/"),
];

/// SQL Server's serialisation of a single point, and the same as EWKB; `geography` has the latitude first.
pub(crate) fn point(srid: i32, x: f64, y: f64, latitude_first: bool) -> (Vec<u8>, Vec<u8>) {
    let mut stored = [&srid.to_le_bytes()[..], &[1, 0x0C]].concat();
    let (first, second) = if latitude_first { (y, x) } else { (x, y) };
    stored.extend([first, second].iter().flat_map(|double| double.to_le_bytes()));
    let mut ewkb = vec![1, 1, 0, 0, if srid == 0 { 0 } else { 0x20 }];
    if srid != 0 {
        ewkb.extend(srid.to_le_bytes());
    }
    ewkb.extend([x, y].iter().flat_map(|double| double.to_le_bytes()));
    (stored, ewkb)
}

/// The bytes of SQL Server 2025: a header, then floats, the lowest byte first.
pub(crate) fn vector_bytes(floats: &[f32]) -> Vec<u8> {
    let count = floats.len() as u16;
    let mut stored = vec![0xA9, 1, count as u8, (count >> 8) as u8, 0, 0, 0, 0];
    stored.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
    stored
}

/// What `array_send` gives for `real[]`: one dimension, no NULLs, the element's type, length and lower bound.
pub(crate) fn vector(floats: &[f32], value: Owned) -> Cell {
    let mut sent = format!("0000000100000000000002bc{:08x}00000001", floats.len());
    floats.iter().for_each(|float| sent.push_str(&format!("00000004{:08x}", float.to_bits())));
    Cell::kept(value, sent)
}

#[test]
fn bytes_are_what_they_were_and_empty_is_not_null() {
    let mut random = Random::seeded(20);
    let every: Vec<u8> = (0..=255).collect();
    let values = || [vec![], vec![0], vec![0, 0], every.clone(), b"\\x41'\"".to_vec(), vec![0xFF; 3]];
    let cells = |most: usize| {
        let fits = values().into_iter().filter(|value| value.len() <= most);
        fits.map(bytes).chain([Cell::null()]).collect::<Vec<Cell>>()
    };
    let large = vec![random.bytes(2 << 20), vec![0; 2 << 20], random.bytes((2 << 20) + 1)];
    let length: usize = large.iter().map(Vec::len).sum();
    let max = SqlType::VarBinary { length: Length::MAX };
    prove(&[
        vec![
            Tried::new(SqlType::VarBinary { length: Length::limited(300) }, cells(300))
                .totalling("count({c})::text", "6")
                .totalling("count(*) filter (where {c} = '')::text", "1"),
            Tried::new(max.clone(), cells(300)),
            Tried::new(SqlType::Image, cells(300)),
            Tried::new(SqlType::Binary { length: 3 }, cells(3)),
            Tried::new(SqlType::Unknown { name: "dbo.Point".to_owned() }, cells(300)),
        ],
        vec![
            Tried::new(max, large.into_iter().map(bytes).collect())
                .totalling("sum(octet_length({c}))::text", length.to_string()),
        ],
    ]);
}

#[test]
fn every_byte_of_a_guid_has_its_place() {
    let mut guids = vec![[0; 16], [0xFF; 16], std::array::from_fn(|place| place as u8)];
    for bit in 0..128 {
        let mut guid = [0u8; 16];
        guid[bit / 8] = 1 << (bit % 8);
        guids.push(guid);
    }
    // The one whose text is in Microsoft's documentation of `uniqueidentifier`.
    let known = *b"\xFF\x19\x96\x6F\x86\x8B\x11\xD0\xB4\x2D\x00\xC0\x4F\xC9\x64\xFF";
    assert_eq!(guid_text(&known), "6f9619ff-8b86-d011-b42d-00c04fc964ff");
    guids.push(known);
    let cells = || guids.iter().map(|bytes| guid(*bytes)).chain([Cell::null()]).collect();
    let count = guids.len().to_string();
    prove(&[vec![
        Tried::new(SqlType::UniqueIdentifier, cells()).totalling("count(distinct {c})::text", count),
        Tried::new(SqlType::UniqueIdentifier, cells()).wanting("text"),
    ]]);
}

#[test]
fn row_versions_are_bytes_or_numbers() {
    let versions = [
        [0; 8],
        [0, 0, 0, 0, 0, 0, 7, 0xD1],
        [0x7F, 255, 255, 255, 255, 255, 255, 255],
        [0x80, 0, 0, 0, 0, 0, 0, 0],
        [255; 8],
    ];
    let numbers = versions.iter().map(|version| rowversion_number(*version)).chain([Cell::null()]).collect();
    let raw = versions.iter().map(|version| bytes(version.to_vec())).chain([Cell::null()]).collect();
    prove(&[
        vec![
            Tried::new(SqlType::RowVersion, raw),
            Tried::new(SqlType::RowVersion, numbers)
                .wanting("bigint")
                .totalling("min({c})::text", "-9223372036854775808")
                .totalling("max({c})::text", "9223372036854775807"),
        ],
        vec![
            Tried::new(SqlType::RowVersion, vec![Cell::refused(Owned::Bytes(vec![1; 7]))]).wanting("bigint"),
        ],
    ]);
}

#[test]
fn paths_of_a_tree_are_written_out() {
    let texts = PATHS.iter().map(|(bytes, path)| Cell::kept(Owned::Bytes(bytes.to_vec()), *path));
    let raw = PATHS.iter().map(|(path, _)| bytes(path.to_vec()));
    prove(&[
        vec![
            Tried::new(SqlType::HierarchyId, texts.chain([Cell::null()]).collect()),
            Tried::new(SqlType::HierarchyId, raw.collect()).wanting("bytea"),
        ],
        vec![Tried::new(SqlType::HierarchyId, vec![Cell::refused(Owned::Bytes(vec![0xFF]))])],
    ]);
}

/// Shapes as SQL Server stores them, with EWKB and EWKT as PostGIS writes them, worked out by hand.
struct Shape {
    stored: Vec<u8>,
    ewkb: String,
    ewkt: &'static str,
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn shapes() -> Vec<Shape> {
    let wgs84 = 4326i32.to_le_bytes();
    let joined = |parts: &[&[u8]]| parts.concat();
    vec![
        Shape {
            stored: joined(&[&wgs84, &[1, 0x0F], &doubles(&[1.0, 2.0, 3.0, 4.0])]),
            ewkb: hex(&joined(&[&[1, 1, 0, 0, 0xE0], &wgs84, &doubles(&[1.0, 2.0, 3.0, 4.0])])),
            ewkt: "SRID=4326;POINT(1 2 3 4)",
        },
        Shape {
            stored: joined(&[&wgs84, &[1, 0x14], &doubles(&[1.0, 2.0, 3.5, -4.0])]),
            ewkb: hex(&joined(&[
                &[1, 2, 0, 0, 0x20],
                &wgs84,
                &2i32.to_le_bytes(),
                &doubles(&[1.0, 2.0, 3.5, -4.0]),
            ])),
            ewkt: "SRID=4326;LINESTRING(1 2,3.5 -4)",
        },
        Shape {
            // An empty point has no points, no figures, and one shape without either.
            stored: joined(&[&[0; 4], &[1, 4], &[0; 4], &[0; 4], &[1, 0, 0, 0], &[0xFF; 8], &[1]]),
            ewkb: hex(&joined(&[&[1, 1, 0, 0, 0], &doubles(&[f64::NAN, f64::NAN])])),
            ewkt: "POINT EMPTY",
        },
        Shape {
            stored: joined(&[
                &wgs84,
                &[1, 4],
                &4i32.to_le_bytes(),
                &doubles(&[0.0, 0.0, 10.0, 0.0, 0.0, 10.0, 0.0, 0.0]),
                &[1, 0, 0, 0],
                // One figure: an outer ring from the point 0 on. One shape: no parent, figure 0, a polygon.
                &[2, 0, 0, 0, 0],
                &[1, 0, 0, 0],
                &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 3],
            ]),
            ewkb: hex(&joined(&[
                &[1, 3, 0, 0, 0x20],
                &wgs84,
                &1i32.to_le_bytes(),
                &4i32.to_le_bytes(),
                &doubles(&[0.0, 0.0, 10.0, 0.0, 0.0, 10.0, 0.0, 0.0]),
            ])),
            ewkt: "SRID=4326;POLYGON((0 0,10 0,0 10,0 0))",
        },
    ]
}

#[test]
fn shapes_keep_their_srid_and_the_order_of_their_axes() {
    let raw = shapes()
        .into_iter()
        .map(|shape| Cell::kept(Owned::Bytes(shape.stored), format!("\\x{}", shape.ewkb)));
    let texts = shapes().into_iter().map(|shape| Cell::kept(Owned::Bytes(shape.stored), shape.ewkt));
    let mut raw: Vec<Cell> = raw.collect();
    let mut texts: Vec<Cell> = texts.collect();
    let (plane, plane_ewkb) = point(0, 1.5, f64::MAX, false);
    raw.push(Cell::kept(Owned::Bytes(plane), hex_text(&plane_ewkb)));
    let (plane, _) = point(25_832, 1.5, -0.25, false);
    texts.push(Cell::kept(Owned::Bytes(plane), "SRID=25832;POINT(1.5 -0.25)"));
    // Seattle: latitude 47.65, longitude -122.35.
    let (globe, globe_ewkb) = point(4326, -122.35, 47.65, true);
    let globe_raw = vec![Cell::kept(Owned::Bytes(globe.clone()), hex_text(&globe_ewkb)), Cell::null()];
    let globe_text = vec![Cell::kept(Owned::Bytes(globe), "SRID=4326;POINT(-122.35 47.65)"), Cell::null()];
    let full_globe =
        [&4326i32.to_le_bytes()[..], &[2, 0x24], &[0; 8], &[1, 0, 0, 0], &[0xFF; 8], &[11], &[0; 4]].concat();
    prove(&[
        vec![
            Tried::new(SqlType::Geometry, raw),
            Tried::new(SqlType::Geometry, texts).wanting("text"),
            Tried::new(SqlType::Geography, globe_raw),
            Tried::new(SqlType::Geography, globe_text).wanting("text"),
        ],
        vec![Tried::new(
            SqlType::Geography,
            vec![Cell::refused(Owned::Bytes(full_globe)), Cell::refused(Owned::Bytes(vec![1]))],
        )],
    ]);
}

#[test]
fn vectors_keep_every_float() {
    let floats = [1.5f32, -0.0, f32::MAX];
    let raw: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
    let cells = vec![
        vector(&floats, Owned::Bytes(vector_bytes(&floats))),
        vector(&floats, Owned::Bytes(raw)),
        vector(&[1.5, -2.0, 3e38], Owned::Utf8(b"[1.5, -2, 3e38]".to_vec())),
        vector(&[0.1, 1e-45, 16_777_216.0], Owned::utf16("[0.1,1e-45,16777216]")),
        Cell::null(),
    ];
    let sql_type = SqlType::Vector { dimensions: 3 };
    let refused = [
        Owned::Bytes(vec![1; 11]),
        Owned::Bytes(vector_bytes(&[1.0])),
        Owned::utf16("[1,2]"),
        Owned::utf16("1,2,3"),
    ];
    let total = Tried::new(sql_type.clone(), cells)
        .read_by(VECTOR_READ)
        .totalling("(array_agg({c}[1] order by id))[1:4]::text", "{1.5,1.5,1.5,0.1}");
    prove(&[
        vec![total, Tried::new(sql_type.clone(), vec![bytes(vector_bytes(&floats))]).wanting("bytea")],
        vec![Tried::new(sql_type, refused.map(Cell::refused).to_vec())],
    ]);
}
