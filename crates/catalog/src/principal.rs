//! Users, roles and permissions: an inventory for the DBA, never created by us.

use serde::{Deserialize, Serialize};

/// A user, role or login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Principal {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PrincipalKind,
}

/// The kinds of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A database user.
    User,
    /// A database role.
    Role,
    /// An application role.
    ApplicationRole,
    /// A server login.
    Login,
}

/// A role's member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleMembership {
    /// The role.
    pub role: String,
    /// The member.
    pub member: String,
}

/// One `GRANT` or `DENY`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permission {
    /// `grant`, `grant-with-grant-option`, `deny` or `revoke`.
    pub state: String,
    /// The permission, for example `SELECT`, in the source's own word or code.
    pub permission: String,
    /// What it is on, for example `dbo.Orders`; none for the database.
    pub object: Option<String>,
    /// Who has it.
    pub grantee: String,
}
