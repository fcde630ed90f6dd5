//! Columns.

use crate::{ObjectName, SqlType};
use serde::{Deserialize, Serialize};

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its base type; an alias type is resolved. For a computed column whose type the source does
    /// not tell: [`SqlType::Unknown`].
    pub sql_type: SqlType,
    /// The alias type it was declared with, `sysname` included.
    pub alias: Option<ObjectName>,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// The identity property.
    pub identity: Option<Identity>,
    /// The default.
    pub default: Option<DefaultValue>,
    /// The expression, if it is a computed column. A source delivers no values for these.
    pub computed: Option<Computed>,
    /// The collation, where it differs from the database's.
    pub collation: Option<String>,
    /// `ROWGUIDCOL`.
    pub rowguid: bool,
    /// `SPARSE`.
    pub sparse: bool,
    /// Always Encrypted: what a source delivers is ciphertext.
    pub encrypted: bool,
}

impl Column {
    /// A plain nullable column, to be completed with struct update syntax.
    pub fn new(name: impl Into<String>, sql_type: SqlType) -> Self {
        Self {
            name: name.into(),
            sql_type,
            alias: None,
            nullable: true,
            identity: None,
            default: None,
            computed: None,
            collation: None,
            rowguid: false,
            sparse: false,
            encrypted: false,
        }
    }
}

/// `IDENTITY(seed, increment)`. The numbers fit `decimal(38, 0)`, hence 128 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The first value.
    #[serde(with = "integer_text")]
    pub seed: i128,
    /// The step; may be negative, never 0.
    #[serde(with = "integer_text")]
    pub increment: i128,
    /// The last value given out, where the source knows it.
    #[serde(with = "optional_integer_text")]
    pub last_value: Option<i128>,
}

/// A default constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefaultValue {
    /// The constraint's name; none if the server made it up and the source does not tell.
    pub name: Option<String>,
    /// The T-SQL expression, parentheses as stored, for example `((0))` or `(getdate())`.
    pub text: String,
}

/// A computed column's expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Computed {
    /// The T-SQL expression.
    pub text: String,
    /// `PERSISTED`.
    pub persisted: bool,
}

/// 128-bit integers as decimal text: JSON numbers of that size are not portable.
pub(crate) mod integer_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &i128, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<i128, D::Error> {
        String::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}

/// The same for a value that may be absent.
pub(crate) mod optional_integer_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Option<i128>, out: S) -> Result<S::Ok, S::Error> {
        value.map(|value| value.to_string()).serialize(out)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i128>, D::Error> {
        let text = Option::<String>::deserialize(input)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
