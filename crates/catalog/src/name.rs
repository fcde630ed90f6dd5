//! Two-part names of schema-scoped objects.

use serde::{Deserialize, Serialize};
use std::fmt;

/// `schema.name`, unquoted and in the source's spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct ObjectName {
    /// The schema, for example `dbo`.
    pub schema: String,
    /// The object, for example `Order Details`.
    pub name: String,
}

impl ObjectName {
    /// A name from its two parts.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

/// `dbo.Order Details`: for people, findings and configuration keys; not quoted for SQL.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}
