//! What answers: the database's own facts, and which columns the server's views have.

use super::super::cells::Answer;
use super::super::{failure, quote};
use crate::{ErrorKind, SourceError};
use mssql2pg_catalog::DatabaseInfo;

/// Azure SQL Database, and SQL database in Fabric (`SERVERPROPERTY('EngineEdition')`).
const AZURE_EDITIONS: &[i64] = &[5, 12];
/// Azure SQL Managed Instance.
const MANAGED_INSTANCE: i64 = 8;

/// A version of SQL Server, as far as it added something that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Release {
    V2012,
    V2014,
    V2016,
    V2017,
    V2022,
    V2025,
}

/// The server and the database.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// As the catalog has it.
    pub(super) database: DatabaseInfo,
    /// The database user of the login, for advice.
    pub(super) user: String,
    release: Release,
    azure: bool,
}

impl Server {
    /// From the answer to `database.sql`.
    ///
    /// # Errors
    /// `Permission` when the login has no `VIEW DEFINITION`, `Unsupported` when the server is too old.
    pub(super) fn of(answer: &Answer) -> Result<Self, SourceError> {
        let row = answer.first().ok_or_else(|| failure::answer("the database is not in sys.databases"))?;
        let level = row.int("compatibility_level")?.and_then(|level| u16::try_from(level).ok());
        let database = DatabaseInfo {
            name: row.name("database_name")?,
            collation: row.text("collation_name")?.map(str::to_owned),
            server_version: row
                .text("version")?
                .and_then(|text| text.lines().next())
                .map(|line| line.trim().to_owned()),
            compatibility_level: level,
            // An estimate is no claim: see the tables' own.
            claimed_rows: None,
        };
        let user = row.text("user_name")?.unwrap_or("the login").to_owned();
        let edition = row.int("engine_edition")?.unwrap_or(0);
        let release = release(edition, row.text("product_version")?.unwrap_or_default())?;
        if row.int("may_view_definition")? == Some(0) {
            return Err(SourceError::new(
                ErrorKind::Permission,
                format!(
                    "the login may not see the definitions in the database {}: grant view definition on database::{} to {}",
                    database.name,
                    quote(&database.name),
                    quote(&user)
                ),
            ));
        }
        Ok(Self { database, user, release, azure: AZURE_EDITIONS.contains(&edition) })
    }

    /// Whether its views have what came with that release.
    pub(super) fn has(&self, release: Release) -> bool {
        self.release >= release
    }

    /// Whether it has what only a whole instance has: Service Broker, assemblies, audits.
    pub(super) fn is_instance(&self) -> bool {
        !self.azure
    }
}

/// Azure's version number stands still at 12, whatever its views have.
fn release(edition: i64, version: &str) -> Result<Release, SourceError> {
    if AZURE_EDITIONS.contains(&edition) {
        return Ok(Release::V2025);
    }
    if edition == MANAGED_INSTANCE {
        // What its most conservative update policy has.
        return Ok(Release::V2022);
    }
    let major: Option<u32> = version.split('.').next().and_then(|major| major.trim().parse().ok());
    match major {
        Some(..=10) => Err(SourceError::new(
            ErrorKind::Unsupported,
            format!(
                "the server is version {version}; SQL Server 2012 (version 11) is the oldest that can be read"
            ),
        )),
        Some(11) => Ok(Release::V2012),
        Some(12) => Ok(Release::V2014),
        Some(13) => Ok(Release::V2016),
        Some(14 | 15) => Ok(Release::V2017),
        Some(16) => Ok(Release::V2022),
        Some(17..) => Ok(Release::V2025),
        None => Err(failure::answer("the server does not say which version it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_which_columns_there_are() {
        let check = |edition, version, expected| {
            assert_eq!(release(edition, version).unwrap(), expected, "{edition} {version}");
        };
        check(3, "11.0.7001.0", Release::V2012);
        check(3, "12.0.6024.0", Release::V2014);
        check(2, "13.0.5026.0", Release::V2016);
        check(4, "14.0.1000.169", Release::V2017);
        check(3, "15.0.2000.5", Release::V2017);
        check(3, "16.0.4135.4", Release::V2022);
        check(3, "17.0.700.9", Release::V2025);
        check(3, "18.0.0.0", Release::V2025);
        check(5, "12.0.2000.8", Release::V2025);
        check(8, "12.0.2000.8", Release::V2022);
        assert_eq!(release(3, "10.50.6000.34").unwrap_err().kind, ErrorKind::Unsupported);
        assert!(release(3, "").is_err());
    }
}
