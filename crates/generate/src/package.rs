//! The container: a zip written from front to back, laid out as DacFx lays it out (formats.md §1.1).
//!
//! Invariant: a file of the final name exists only when it is whole. Until then there is a draft
//! beside it, which goes away when the writer is dropped.

use crate::GenerateError;
use crate::model_xml::escape;
use mssql2pg_catalog::ObjectName;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Level 1 inflates as fast as any and deflates about three times as fast as the default.
const DEFLATE_LEVEL: i64 = 1;
/// Above this a zip entry needs 64-bit sizes in its header. Text deflates well, and incompressible
/// bytes grow by less than a thousandth, which the margin covers.
const LARGE_PART_BYTES: u64 = 4_000_000_000;

/// A `.bacpac` in the making.
pub(crate) struct Package {
    path: PathBuf,
    zip: ZipWriter<BufWriter<File>>,
    // After `zip`, so that the file is closed before it is removed.
    draft: Draft,
    options: SimpleFileOptions,
    relationships: String,
    part_bytes: u64,
    part: Option<OpenPart>,
}

struct OpenPart {
    table: ObjectName,
    number: u64,
    written: u64,
}

/// Removes the draft unless it has been renamed.
struct Draft(Option<PathBuf>);

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Nothing more can be done about a draft that does not go away.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Package {
    /// Begins the file and writes `model.xml` and the small entries.
    pub(crate) fn create(
        path: &Path,
        name: &str,
        model: &str,
        part_bytes: u64,
    ) -> Result<Self, GenerateError> {
        let mut draft_name = path.file_name().unwrap_or_default().to_owned();
        draft_name.push(".draft");
        let draft_path = path.with_file_name(draft_name);
        let file = File::create(&draft_path).map_err(|source| GenerateError::file(&draft_path, source))?;
        // 2026-01-01: the time of writing would make two equal runs differ.
        let modified = DateTime::from_date_and_time(2026, 1, 1, 0, 0, 0).unwrap_or_default();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(DEFLATE_LEVEL))
            .last_modified_time(modified);
        let mut package = Self {
            path: path.to_owned(),
            zip: ZipWriter::new(BufWriter::with_capacity(1 << 18, file)),
            draft: Draft(Some(draft_path)),
            options,
            relationships: String::new(),
            part_bytes,
            part: None,
        };
        package.small_entry("model.xml", model)?;
        package.small_entry("DacMetadata.xml", &metadata(name))?;
        package.small_entry("[Content_Types].xml", CONTENT_TYPES)?;
        Ok(package)
    }

    /// Writes whole rows of a table; the first of them begin its first part.
    pub(crate) fn rows(&mut self, table: &ObjectName, bytes: &[u8]) -> Result<(), GenerateError> {
        let number = match &self.part {
            Some(part) if part.table == *table && part.written < self.part_bytes => None,
            Some(part) if part.table == *table => Some(part.number + 1),
            _ => Some(0),
        };
        if let Some(number) = number {
            self.begin_part(table, number)?;
        }
        if let Some(part) = &mut self.part {
            part.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        self.zip.write_all(bytes).map_err(|source| GenerateError::file(&self.path, source))
    }

    fn begin_part(&mut self, table: &ObjectName, number: u64) -> Result<(), GenerateError> {
        let directory = percent_encoded(&table.to_string());
        let entry = format!("Data/{directory}/TableData-{number:03}-00000.BCP");
        let options = self.options.large_file(self.part_bytes >= LARGE_PART_BYTES);
        self.zip.start_file(&entry, options).map_err(|source| GenerateError::zip(&self.path, source))?;
        for (kind, value) in [("table", &table.name), ("schema", &table.schema)] {
            let id = self.relationships.len();
            // Writing to a String cannot fail.
            let _ = write!(
                self.relationships,
                "<Relationship Type=\"{kind}={}\" Target=\"/{entry}\" Id=\"R{id:016x}\" />",
                escape(value)
            );
        }
        self.part = Some(OpenPart { table: table.clone(), number, written: 0 });
        Ok(())
    }

    /// Writes the last entries, closes the file and gives it its name.
    pub(crate) fn finish(mut self, origin: &str) -> Result<(), GenerateError> {
        let relationships = format!("{RELATIONSHIPS_BEGIN}{}</Relationships>", self.relationships);
        self.small_entry("_rels/.rels", &relationships)?;
        self.small_entry("Origin.xml", origin)?;
        let Self { path, mut draft, zip, .. } = self;
        let buffered = zip.finish().map_err(|source| GenerateError::zip(&path, source))?;
        let file = buffered.into_inner().map_err(|error| GenerateError::file(&path, error.into_error()))?;
        file.sync_all().map_err(|source| GenerateError::file(&path, source))?;
        if let Some(draft_path) = &draft.0 {
            std::fs::rename(draft_path, &path).map_err(|source| GenerateError::file(&path, source))?;
        }
        draft.0 = None;
        Ok(())
    }

    fn small_entry(&mut self, name: &str, text: &str) -> Result<(), GenerateError> {
        self.zip.start_file(name, self.options).map_err(|source| GenerateError::zip(&self.path, source))?;
        self.zip.write_all(text.as_bytes()).map_err(|source| GenerateError::file(&self.path, source))
    }
}

const CONTENT_TYPES: &str = concat!(
    "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>",
    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">",
    "<Default Extension=\"xml\" ContentType=\"text/xml\" />",
    "<Default Extension=\"BCP\" ContentType=\"application/octet-stream\" />",
    "<Default Extension=\"rels\" ",
    "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\" /></Types>"
);

const RELATIONSHIPS_BEGIN: &str = concat!(
    "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>",
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
);

fn metadata(name: &str) -> String {
    format!(
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n\
         <DacType xmlns=\"{}\">\r\n  <Name>{}</Name>\r\n  <Version>0.0.0.0</Version>\r\n</DacType>",
        crate::model_xml::NAMESPACE,
        escape(name)
    )
}

/// A directory name as DacFx writes it: everything but letters, digits and `-_.~` of ASCII as the
/// percent-encoded bytes of its UTF-8.
fn percent_encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_names_are_percent_encoded() {
        assert_eq!(percent_encoded("dbo.Order Details"), "dbo.Order%20Details");
        assert_eq!(percent_encoded("hr.Zoë+1"), "hr.Zo%C3%AB%2B1");
    }

    #[test]
    fn a_package_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.bacpac");
        let mut package = Package::create(&path, "Half", "<x />", 100).unwrap();
        package.rows(&ObjectName::new("dbo", "T"), &[1, 2, 3]).unwrap();
        drop(package);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
