//! Small packages for tests: a zip archive with a model of a few tables, and whatever parts a test wants.

use sha2::{Digest, Sha256};
use std::io::{Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A column: its name, its type with the specifier's properties (`char Length=2`), and whether it takes NULL.
pub(crate) type MadeUpColumn<'a> = (&'a str, &'a str, bool);

/// A model with these tables.
pub(crate) fn model(tables: &[(&str, &[MadeUpColumn<'_>])]) -> String {
    let mut text = String::from(
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><DataSchemaModel \
         DspName=\"Microsoft.Data.Tools.Schema.Sql.Sql160DatabaseSchemaProvider\" \
         xmlns=\"http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02\"><Model>",
    );
    for (table, columns) in tables {
        text +=
            &format!("<Element Type=\"SqlTable\" Name=\"[dbo].[{table}]\"><Relationship Name=\"Columns\">");
        for (column, type_name, nullable) in *columns {
            let (type_name, properties) = type_name.split_once(' ').unwrap_or((type_name, ""));
            let properties: String = properties
                .split_whitespace()
                .filter_map(|property| property.split_once('='))
                .map(|(name, value)| format!("<Property Name=\"{name}\" Value=\"{value}\" />"))
                .collect();
            let null = if *nullable { "True" } else { "False" };
            text += &format!(
                "<Entry><Element Type=\"SqlSimpleColumn\" Name=\"[dbo].[{table}].[{column}]\">\
                 <Property Name=\"IsNullable\" Value=\"{null}\" /><Relationship Name=\"TypeSpecifier\"><Entry>\
                 <Element Type=\"SqlTypeSpecifier\">{properties}<Relationship Name=\"Type\"><Entry>\
                 <References ExternalSource=\"BuiltIns\" Name=\"[{type_name}]\" /></Entry></Relationship></Element>\
                 </Entry></Relationship></Element></Entry>"
            );
        }
        text += "</Relationship></Element>";
    }
    text + "</Model></DataSchemaModel>"
}

/// An `Origin.xml` with the right checksum of that model.
pub(crate) fn origin(model: &str) -> String {
    let checksum: String = Sha256::digest(model).iter().map(|byte| format!("{byte:02X}")).collect();
    format!(
        "<DacOrigin><PackageProperties><ContainsExportedData>true</ContainsExportedData></PackageProperties>\
         <Checksums><Checksum Uri=\"/model.xml\">{checksum}</Checksum></Checksums></DacOrigin>"
    )
}

/// Writes a zip archive.
pub(crate) fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        start(&mut zip, name, options);
        zip.write_all(bytes).expect("memory takes bytes");
    }
    zip.finish().expect("a small archive").into_inner()
}

fn start<W: Write + Seek>(zip: &mut ZipWriter<W>, name: &str, options: SimpleFileOptions) {
    zip.start_file(name, options).expect("a new entry");
}

/// A whole package: model, origin, and parts.
pub(crate) fn package(model: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let origin = origin(model);
    let mut entries = vec![("model.xml", model.as_bytes()), ("Origin.xml", origin.as_bytes())];
    entries.extend(parts);
    zip_of(&entries)
}

/// Writes bytes to a file in `folder` and gives its path.
pub(crate) fn file(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("made-up.bacpac");
    std::fs::write(&path, bytes).expect("a temporary file");
    path.to_str().expect("a plain path").to_owned()
}

/// Writes another inflated size into the directory and the local header of an entry.
pub(crate) fn lie_about_size(archive: &mut [u8], name: &str, size: u32) {
    // APPNOTE 4.3.12: the size stands 24 bytes into a directory entry, whose name begins at 46.
    let mut changed = 0;
    for at in 0..archive.len().saturating_sub(46 + name.len()) {
        let listed =
            archive[at..].starts_with(b"PK\x01\x02") && archive[at + 46..].starts_with(name.as_bytes());
        if listed {
            archive[at + 24..at + 28].copy_from_slice(&size.to_le_bytes());
            changed += 1;
        }
    }
    assert_eq!(changed, 1, "the entry is listed once");
}
