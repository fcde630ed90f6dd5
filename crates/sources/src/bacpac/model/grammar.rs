//! The grammar of `model.xml`: elements with properties, relationships and annotations (formats.md §1.2).
//!
//! Invariant: one element of the model is in memory at a time, and its depth is bounded. What nobody reads is
//! skipped while parsing: the lists of dependencies are most of a model's bytes.

use crate::{ErrorKind, SourceError};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Real models nest elements four deep; each level takes three XML levels.
const DEPTH_LIMIT: u32 = 24;

/// An `Element` of the model.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// `Type`, for example `SqlTable`.
    pub(super) kind: String,
    /// `Name`, bracketed; server-named constraints have none.
    pub(super) name: Option<String>,
    properties: Vec<(String, String)>,
    relationships: Vec<(String, Vec<Target>)>,
    annotations: Vec<Annotation>,
}

/// What a relationship leads to.
#[derive(Debug)]
pub(super) enum Target {
    /// An element that stands inside its owner.
    Element(Element),
    /// Another element by name; a built-in one if `built_in`. Has no name when it means the database.
    Reference {
        /// The bracketed name.
        name: Option<String>,
        /// Whether it is part of SQL Server itself.
        built_in: bool,
    },
}

/// An `Annotation`.
#[derive(Debug)]
pub(super) struct Annotation {
    kind: String,
    name: Option<String>,
    properties: Vec<(String, String)>,
}

impl Element {
    /// The property's value; none when it has its default.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        find(&self.properties, name)
    }

    /// Whether a boolean property is `True`; the default is given by absence.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.property(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A boolean property whose default is `True`.
    pub(super) fn flag_unless_false(&self, name: &str) -> bool {
        !self.property(name).is_some_and(|value| value.eq_ignore_ascii_case("false"))
    }

    /// A number, if it is one.
    ///
    /// # Errors
    /// `Damaged` when the property is there and is no number of that range.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, SourceError> {
        self.property(name)
            .map(|text| text.trim().parse().map_err(|_| self.damaged(&format!("its {name} is not a number"))))
            .transpose()
    }

    /// The names of all properties and relationships.
    pub(super) fn member_names(&self) -> impl Iterator<Item = &str> {
        let properties = self.properties.iter().map(|(name, _)| name.as_str());
        properties.chain(self.relationships.iter().map(|(name, _)| name.as_str()))
    }

    /// Where a relationship leads to; empty when there is none of that name.
    pub(super) fn related(&self, name: &str) -> &[Target] {
        self.relationships.iter().find(|(found, _)| found == name).map_or(&[], |(_, targets)| targets)
    }

    /// The elements inside a relationship.
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.related(name).iter().filter_map(|target| match target {
            Target::Element(element) => Some(element),
            Target::Reference { .. } => None,
        })
    }

    /// The bracketed names that a relationship refers to.
    pub(super) fn references(&self, name: &str) -> impl Iterator<Item = &str> {
        self.related(name).iter().filter_map(|target| match target {
            Target::Reference { name, .. } => name.as_deref(),
            Target::Element(_) => None,
        })
    }

    /// The one bracketed name that a relationship refers to.
    pub(super) fn reference(&self, name: &str) -> Option<&str> {
        self.references(name).next()
    }

    /// Whether there is an annotation of that type.
    pub(super) fn annotated(&self, kind: &str) -> bool {
        self.annotations.iter().any(|annotation| annotation.kind == kind)
    }

    /// The name of the first annotation of that type that has one.
    pub(super) fn annotation_name(&self, kind: &str) -> Option<&str> {
        self.annotations
            .iter()
            .filter(|annotation| annotation.kind == kind)
            .find_map(|found| found.name.as_deref())
    }

    /// A property of an annotation of that type and, if asked for, of that name.
    pub(super) fn annotation(&self, kind: &str, name: Option<&str>, property: &str) -> Option<&str> {
        self.annotations
            .iter()
            .filter(|annotation| {
                annotation.kind == kind && (name.is_none() || annotation.name.as_deref() == name)
            })
            .find_map(|annotation| find(&annotation.properties, property))
    }

    /// The name for messages and inventories: its own, or its type.
    pub(super) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("without a name")
    }

    /// An error about this element.
    pub(super) fn damaged(&self, what: &str) -> SourceError {
        damaged(&format!("{} {}: {what}", self.kind, self.label()))
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// An error about the model.
pub(super) fn damaged(what: &str) -> SourceError {
    SourceError::new(ErrorKind::Damaged, format!("cannot understand model.xml: {what}"))
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SourceError {
    SourceError::caused(ErrorKind::Damaged, "model.xml is not well-formed XML", error)
}

/// Facts that stand at the model's root and header.
#[derive(Debug, Default)]
pub(super) struct Root {
    /// `DspName`: for which SQL Server the model was written.
    pub(super) provider: Option<String>,
    /// `CompatibilityMode` in the header, which only a built `.dacpac` has.
    pub(super) compatibility: Option<String>,
}

/// Hands every top-level element whose type is wanted to `take`, in order.
///
/// # Errors
/// `Damaged` when it is no XML, no model, or nested too deep; and whatever `take` returns.
pub(super) fn read_elements(
    text: &str,
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(Element) -> Result<(), SourceError>,
) -> Result<Root, SourceError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut root = None;
    let mut depth = 0u32;
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(start) => match start.local_name().into_inner() {
                "DataSchemaModel" if root.is_none() => {
                    let provider = attribute(&start, "DspName")?;
                    root = Some(Root { provider, compatibility: None });
                    depth += 1;
                }
                _ if root.is_none() => {
                    return Err(damaged("its root is not DataSchemaModel"));
                }
                "Element" => {
                    let kind = attribute(&start, "Type")?.unwrap_or_default();
                    if wanted(&kind) {
                        take(read_element(&mut reader, &start, 0)?)?;
                    } else {
                        reader.read_to_end(start.name()).map_err(unreadable)?;
                    }
                }
                "Metadata" => {
                    if attribute(&start, "Name")?.as_deref() == Some("CompatibilityMode")
                        && let Some(root) = &mut root
                    {
                        root.compatibility = attribute(&start, "Value")?;
                    }
                    depth += 1;
                }
                _ => depth += 1,
            },
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err(damaged("it ends in the middle")),
            Event::Eof => return root.ok_or_else(|| damaged("it is empty")),
            _ => {}
        }
    }
}

type Xml<'a> = Reader<&'a [u8]>;

fn read_element(reader: &mut Xml<'_>, start: &BytesStart<'_>, depth: u32) -> Result<Element, SourceError> {
    if depth > DEPTH_LIMIT {
        return Err(damaged("its elements are nested too deep"));
    }
    let mut element = Element {
        kind: attribute(start, "Type")?.unwrap_or_default(),
        name: attribute(start, "Name")?,
        ..Element::default()
    };
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(child) => match child.local_name().into_inner() {
                "Property" => element.properties.push(read_property(reader, &child)?),
                "Relationship" => {
                    let name = attribute(&child, "Name")?.unwrap_or_default();
                    // Bodies name hundreds of things that they use; nothing here asks for that.
                    if name.ends_with("Dependencies") || name == "DynamicObjects" {
                        reader.read_to_end(child.name()).map_err(unreadable)?;
                    } else {
                        let targets = read_relationship(reader, depth)?;
                        element.relationships.push((name, targets));
                    }
                }
                "Annotation" => element.annotations.push(read_annotation(reader, &child)?),
                _ => {
                    reader.read_to_end(child.name()).map_err(unreadable)?;
                }
            },
            Event::End(_) => return Ok(element),
            Event::Eof => return Err(damaged("it ends in the middle of an element")),
            _ => {}
        }
    }
}

/// `<Property Name Value/>`, or the value as text of a `<Value>` inside.
fn read_property(reader: &mut Xml<'_>, start: &BytesStart<'_>) -> Result<(String, String), SourceError> {
    let name = attribute(start, "Name")?.unwrap_or_default();
    let mut value = attribute(start, "Value")?.unwrap_or_default();
    let mut depth = 0u32;
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(_) => depth += 1,
            Event::End(_) if depth == 0 => return Ok((name, value)),
            Event::End(_) => depth -= 1,
            // Only text inside <Value> counts; what stands around it is indentation.
            Event::Text(text) if depth > 0 => value.push_str(&text.xml10_content()),
            Event::CData(text) if depth > 0 => value.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if depth > 0 => {
                match reference.resolve_char_ref().map_err(unreadable)? {
                    Some(character) => value.push(character),
                    None => value.push_str(
                        resolve_predefined_entity(&reference.into_inner())
                            .ok_or_else(|| damaged("it uses an entity that XML does not define"))?,
                    ),
                }
            }
            Event::Eof => return Err(damaged("it ends in the middle of a property")),
            _ => {}
        }
    }
}

fn read_relationship(reader: &mut Xml<'_>, depth: u32) -> Result<Vec<Target>, SourceError> {
    let mut targets = Vec::new();
    let mut inside_entry = 0u32;
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(start) => match start.local_name().into_inner() {
                "Entry" => inside_entry += 1,
                "Element" => targets.push(Target::Element(read_element(reader, &start, depth + 1)?)),
                "References" => {
                    let name = attribute(&start, "Name")?;
                    let built_in = attribute(&start, "ExternalSource")?.as_deref() == Some("BuiltIns");
                    reader.read_to_end(start.name()).map_err(unreadable)?;
                    targets.push(Target::Reference { name, built_in });
                }
                _ => {
                    reader.read_to_end(start.name()).map_err(unreadable)?;
                }
            },
            Event::End(_) if inside_entry == 0 => return Ok(targets),
            Event::End(_) => inside_entry -= 1,
            Event::Eof => return Err(damaged("it ends in the middle of a relationship")),
            _ => {}
        }
    }
}

fn read_annotation(reader: &mut Xml<'_>, start: &BytesStart<'_>) -> Result<Annotation, SourceError> {
    let kind = attribute(start, "Type")?.unwrap_or_default();
    let name = attribute(start, "Name")?;
    let mut properties = Vec::new();
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(child) if child.local_name().into_inner() == "Property" => {
                properties.push(read_property(reader, &child)?);
            }
            Event::Start(child) => {
                reader.read_to_end(child.name()).map_err(unreadable)?;
            }
            Event::End(_) => return Ok(Annotation { kind, name, properties }),
            Event::Eof => return Err(damaged("it ends in the middle of an annotation")),
            _ => {}
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, SourceError> {
    let found = start.try_get_attribute(name).map_err(unreadable)?;
    found
        .map(|found| found.normalized_value(XmlVersion::Explicit1_0).map(|value| value.into_owned()))
        .transpose()
        .map_err(unreadable)
}

/// The text with XML's line ends: header texts come as character references and keep their CR.
pub(super) fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The parts of a bracketed name: `[dbo].[Order]]s]` is `dbo` and `Order]s`.
pub(super) fn name_parts(bracketed: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut characters = bracketed.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '[' if !quoted && part.is_empty() => quoted = true,
            ']' if quoted && characters.peek() == Some(&']') => {
                characters.next();
                part.push(']');
            }
            ']' if quoted => quoted = false,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    parts
}

/// The last part of a bracketed name.
pub(super) fn last_part(bracketed: &str) -> String {
    name_parts(bracketed).pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracketed_name_comes_apart_at_its_dots_only() {
        let check = |name: &str, expected: &[&str]| assert_eq!(name_parts(name), expected, "{name}");
        check("[dbo].[Orders]", &["dbo", "Orders"]);
        check("[dbo].[Order.Details].[a b]", &["dbo", "Order.Details", "a b"]);
        check("[we]]ird].[x]", &["we]ird", "x"]);
        check("[a]]].[b]", &["a]", "b"]);
        check("[[x]", &["[x"]);
        check("plain.name", &["plain", "name"]);
        check("", &[""]);
    }

    #[test]
    fn a_property_is_read_from_its_attribute_or_its_value() {
        let text = r#"<DataSchemaModel DspName="x.Sql150DatabaseSchemaProvider"><Model>
            <Element Type="SqlView" Name="[dbo].[V&amp;1]">
              <Property Name="IsAnsiNullsOn" Value="True" />
              <Property Name="QueryScript"><Value QuotedIdentifiers="True"><![CDATA[
select 1 where a < b]]></Value></Property>
              <Property Name="Other">
                 <Value>a &lt; b &#x41;</Value>
              </Property>
              <Relationship Name="QueryDependencies"><Entry><References Name="[x]"/></Entry></Relationship>
              <Relationship Name="Schema"><Entry><References ExternalSource="BuiltIns" Name="[dbo]" /></Entry></Relationship>
              <Annotation Type="SysCommentsObjectAnnotation"><Property Name="HeaderContents" Value="create&#xD;&#xA;as" /></Annotation>
            </Element></Model></DataSchemaModel>"#;
        let mut seen = Vec::new();
        read_elements(
            text,
            |_| true,
            |element| {
                seen.push(element);
                Ok(())
            },
        )
        .unwrap();
        let [view] = &seen[..] else { panic!("one element") };
        assert_eq!(view.name.as_deref(), Some("[dbo].[V&1]"));
        assert!(view.flag("IsAnsiNullsOn"));
        assert_eq!(view.property("QueryScript"), Some("\nselect 1 where a < b"));
        assert_eq!(view.property("Other"), Some("a < b A"));
        assert_eq!(view.reference("Schema"), Some("[dbo]"));
        assert!(view.related("QueryDependencies").is_empty());
        assert_eq!(
            view.annotation("SysCommentsObjectAnnotation", None, "HeaderContents"),
            Some("create\r\nas")
        );
    }

    #[test]
    fn a_model_that_ends_early_or_is_something_else_is_damaged() {
        let check = |text: &str| {
            let error = read_elements(text, |_| true, |_| Ok(())).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Damaged, "{text}");
        };
        check("");
        check("<html></html>");
        check("<DataSchemaModel><Model>");
        check("<DataSchemaModel><Model><Element Type='SqlTable'>");
        check("<DataSchemaModel><Model><Element Type='SqlTable'><Property Name='a'><Value>&nope;</Value>");
        let deep = "<Element Type='a'><Relationship Name='b'><Entry>".repeat(2000);
        check(&format!("<DataSchemaModel><Model>{deep}"));
    }
}
