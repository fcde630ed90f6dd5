//! `Origin.xml` and `DacMetadata.xml`: who exported what, and the checksum of the model (formats.md §1.1).

use crate::{ErrorKind, SourceError};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use std::collections::BTreeSet;

/// What `Origin.xml` tells; everything may be absent.
#[derive(Debug, Default, PartialEq)]
pub(in crate::bacpac) struct Origin {
    /// The first line of the server's `@@version`.
    pub(in crate::bacpac) server_version: Option<String>,
    /// `ContainsExportedData`.
    pub(in crate::bacpac) contains_data: Option<bool>,
    /// `TableRowCountTotalTag`: an estimate taken before the export.
    pub(in crate::bacpac) claimed_rows: Option<u64>,
    /// SHA-256 of `model.xml` in hexadecimal.
    pub(in crate::bacpac) model_checksum: Option<String>,
}

/// Reads `Origin.xml`.
///
/// # Errors
/// `Damaged` when it is no XML.
pub(in crate::bacpac) fn read_origin(text: &str) -> Result<Origin, SourceError> {
    let mut origin = Origin::default();
    read_texts(text, "Origin.xml", |name, uri, value| match name {
        "ServerVersion" => {
            origin.server_version =
                value.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        }
        "ContainsExportedData" => origin.contains_data = value.trim().parse().ok(),
        "TableRowCountTotalTag" => origin.claimed_rows = value.trim().parse().ok(),
        "Checksum" if uri == Some("/model.xml") => origin.model_checksum = Some(value.trim().to_owned()),
        _ => {}
    })?;
    Ok(origin)
}

/// The database's name in `DacMetadata.xml`.
///
/// # Errors
/// `Damaged` when it is no XML.
pub(in crate::bacpac) fn read_metadata_name(text: &str) -> Result<Option<String>, SourceError> {
    let mut found = None;
    read_texts(text, "DacMetadata.xml", |name, _, value| {
        if name == "Name" && found.is_none() && !value.is_empty() {
            found = Some(value.to_owned());
        }
    })?;
    Ok(found)
}

/// The parts that `_rels/.rels` names, as entries of the archive: it lists each part of each table (seen in all
/// samples), so a part that went missing shows here.
///
/// # Errors
/// `Damaged` when it is no XML.
pub(in crate::bacpac) fn read_named_parts(text: &str) -> Result<BTreeSet<String>, SourceError> {
    let mut parts = BTreeSet::new();
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().map_err(|error| not_xml(RELATIONSHIPS, error.into()))? {
            Event::Start(start) | Event::Empty(start) => {
                let target = start
                    .try_get_attribute("Target")
                    .map_err(|error| not_xml(RELATIONSHIPS, error.into()))?;
                let Some(target) = target else { continue };
                let target = target
                    .normalized_value(XmlVersion::Explicit1_0)
                    .map_err(|error| not_xml(RELATIONSHIPS, error.into()))?;
                let target = target.trim_start_matches('/');
                if target.starts_with("Data/") {
                    parts.insert(target.to_owned());
                }
            }
            Event::Eof => return Ok(parts),
            _ => {}
        }
    }
}

/// The file that names the parts.
pub(in crate::bacpac) const RELATIONSHIPS: &str = "_rels/.rels";

fn not_xml(file: &str, error: Box<dyn std::error::Error + Send + Sync>) -> SourceError {
    SourceError::caused(ErrorKind::Damaged, format!("{file} is not well-formed XML"), error)
}

/// Calls `take` with each leaf's name, its `Uri`, and its text.
fn read_texts(
    text: &str,
    file: &str,
    mut take: impl FnMut(&str, Option<&str>, &str),
) -> Result<(), SourceError> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| not_xml(file, error);
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut uri: Option<String> = None;
    let mut value = String::new();
    loop {
        match reader.read_event().map_err(|error| unreadable(error.into()))? {
            Event::Start(start) => {
                let found = start.try_get_attribute("Uri").map_err(|error| unreadable(error.into()))?;
                uri = found
                    .map(|found| {
                        found.normalized_value(XmlVersion::Explicit1_0).map(|value| value.into_owned())
                    })
                    .transpose()
                    .map_err(|error| unreadable(error.into()))?;
                value.clear();
            }
            Event::Text(part) => value.push_str(&part.xml10_content()),
            Event::CData(part) => value.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref().map_err(|error| unreadable(error.into()))? {
                    Some(character) => value.push(character),
                    None => {
                        value.push_str(resolve_predefined_entity(&reference.into_inner()).unwrap_or_default())
                    }
                }
            }
            Event::End(end) => {
                take(end.local_name().into_inner(), uri.as_deref(), &value);
                value.clear();
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_tells_what_it_has() {
        let text = "<DacOrigin><PackageProperties><ContainsExportedData>true</ContainsExportedData></PackageProperties>
            <Server><ServerVersion>Microsoft SQL Server 2019 (RTM) &lt;X64&gt;
                Sep 24</ServerVersion></Server>
            <ExportStatistics><TableRowCountTotalTag>3308</TableRowCountTotalTag></ExportStatistics>
            <Checksums><Checksum Uri=\"/other\">00</Checksum><Checksum Uri=\"/model.xml\">AB</Checksum></Checksums></DacOrigin>";
        let expected = Origin {
            server_version: Some("Microsoft SQL Server 2019 (RTM) <X64>".to_owned()),
            contains_data: Some(true),
            claimed_rows: Some(3308),
            model_checksum: Some("AB".to_owned()),
        };
        assert_eq!(read_origin(text).unwrap(), expected);
        assert_eq!(read_origin("").unwrap(), Origin::default());
    }
}
