//! Provisional: the address helper's file replaces it.
use secrecy::SecretString;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) instance: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) login: Login,
    pub(crate) encrypt: Encrypt,
    pub(crate) trust_server_certificate: bool,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) server_certificate: Option<PathBuf>,
    pub(crate) host_name_in_certificate: Option<String>,
    pub(crate) application_intent_read_only: bool,
    pub(crate) multi_subnet_failover: bool,
    pub(crate) packet_size: Option<u16>,
    pub(crate) login_timeout_seconds: u32,
    pub(crate) query_timeout_seconds: u32,
    pub(crate) application_name: String,
}
#[derive(Debug, Clone)]
pub(crate) enum Login {
    Sql { user: String, password: SecretString },
    Entra(EntraSource),
    Integrated { spn: Option<String> },
}
#[derive(Debug, Clone)]
pub(crate) enum EntraSource {
    Provisional,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encrypt {
    Strict,
    On,
    LoginOnly,
    Off,
}
impl Address {
    /// The server as people write it: `host:port` or `host\instance`.
    pub(crate) fn server(&self) -> String {
        match (&self.instance, self.port) {
            (_, Some(port)) => format!("{}:{port}", self.host),
            (Some(instance), None) => format!("{}\\{instance}", self.host),
            (None, None) => format!("{}:1433", self.host),
        }
    }
}
