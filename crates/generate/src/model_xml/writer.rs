//! Writing XML as DacFx lays it out: one tag a line, indented by tabs, lines ending in CR LF.
//!
//! Invariant: names that are passed in are escaped already, values are not; what is opened is closed.

use std::fmt::Write as _;

/// `[dbo].[Order Details]`, not escaped.
pub(super) fn bracketed(parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("[{}]", part.replace(']', "]]"))).collect();
    parts.join(".")
}

/// Text for an attribute in double quotes or between tags.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\n' => escaped.push_str("&#xA;"),
            '\t' => escaped.push_str("&#x9;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Indented XML. Names that are passed in are escaped already; values of properties are not.
pub(super) struct Xml {
    text: String,
    depth: usize,
    last_disambiguator: u64,
}

impl Xml {
    /// Nothing yet but a byte order mark. Number 1 is the database's own.
    pub(super) fn new() -> Self {
        Self { text: String::from('\u{FEFF}'), depth: 0, last_disambiguator: 1 }
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.extend(std::iter::repeat_n('\t', self.depth));
        self.text.push_str(line);
        self.text.push_str("\r\n");
    }

    pub(super) fn open(&mut self, tag: &str) {
        self.line(&format!("<{tag}>"));
        self.depth += 1;
    }

    pub(super) fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    pub(super) fn element(&mut self, attributes: &str, body: impl FnOnce(&mut Self)) {
        self.open(&format!("Element {attributes}"));
        body(self);
        self.close("Element");
    }

    pub(super) fn annotation(&mut self, attributes: &str, body: impl FnOnce(&mut Self)) {
        self.open(&format!("Annotation {attributes}"));
        body(self);
        self.close("Annotation");
    }

    pub(super) fn relationship(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.open(&format!("Relationship Name=\"{name}\""));
        body(self);
        self.close("Relationship");
    }

    pub(super) fn entry(&mut self, body: impl FnOnce(&mut Self)) {
        self.open("Entry");
        body(self);
        self.close("Entry");
    }

    pub(super) fn reference(&mut self, name: &str) {
        self.line(&format!("<References Name=\"{name}\" />"));
    }

    pub(super) fn built_in(&mut self, name: &str) {
        self.line(&format!("<References ExternalSource=\"BuiltIns\" Name=\"{name}\" />"));
    }

    pub(super) fn references(&mut self, relationship: &str, names: impl IntoIterator<Item = String>) {
        self.relationship(relationship, |xml| {
            for name in names {
                xml.entry(|xml| xml.reference(&name));
            }
        });
    }

    pub(super) fn property(&mut self, name: &str, value: &str) {
        self.line(&format!("<Property Name=\"{name}\" Value=\"{}\" />", escape(value)));
    }

    pub(super) fn online_property(&mut self, name: &str, value: i128) {
        self.annotation(&format!("Type=\"OnlinePropertyAnnotation\" Name=\"[{name}]\""), |xml| {
            xml.property("Value", &value.to_string());
        });
    }

    /// A property whose value is T-SQL. A CDATA section cannot hold its own end, so that is split.
    pub(super) fn script(&mut self, name: &str, attributes: &str, script: &str) {
        let script = script.replace('\n', "\r\n").replace("]]>", "]]]]><![CDATA[>");
        self.open(&format!("Property Name=\"{name}\""));
        self.line(&format!("<Value{attributes}><![CDATA[{script}]]></Value>"));
        self.close("Property");
    }

    /// A constraint. One that the server named gets its name by annotation, and its number is given
    /// back, as DacFx does.
    pub(super) fn constraint(
        &mut self,
        element: &str,
        schema: &str,
        name: &str,
        body: impl FnOnce(&mut Self),
    ) -> Option<u64> {
        let full_name = escape(&bracketed(&[schema, name]));
        if !is_server_named(name) {
            self.element(&format!("Type=\"{element}\" Name=\"{full_name}\""), body);
            return None;
        }
        self.last_disambiguator += 1;
        let number = self.last_disambiguator;
        self.element(&format!("Type=\"{element}\""), |xml| {
            body(xml);
            let mut annotation = String::from("<Annotation Type=\"SqlInlineConstraintAnnotation\"");
            // Writing to a String cannot fail.
            let _ = write!(annotation, " Name=\"{full_name}\" Disambiguator=\"{number}\" />");
            xml.line(&annotation);
        });
        Some(number)
    }
}

/// `DF__Customers__Since__4AB81AF0`, `PK__BuildVer__35E58ECA4A30FB0E`: two capitals, words between
/// double underscores, 8 or 16 hex digits.
fn is_server_named(name: &str) -> bool {
    let digits = name.rsplit("__").next().unwrap_or_default();
    name.get(2..4) == Some("__")
        && matches!(digits.len(), 8 | 16)
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
