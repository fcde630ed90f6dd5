//! Tokens from outside: given, in a file, or printed by a command.

use super::{CredentialError, Kept, TokenProvider, checked, ends};
use secrecy::{ExposeSecret, SecretString};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a command may take.
const COMMAND_SECONDS: u64 = 60;
/// No token is longer.
const TOKEN_BYTES: u64 = 64 * 1024;

/// A token that is given.
pub(super) struct FixedToken(pub(super) SecretString);

impl TokenProvider for FixedToken {
    fn token(&self, _resource: &str, _sts_url: &str) -> Result<SecretString, CredentialError> {
        if ends(&self.0).is_some_and(|ends| ends <= super::now()) {
            return Err(CredentialError::new(
                "the token in MSSQL2PG_ACCESS_TOKEN has ended; a run longer than its life needs token_command= or token_file=",
            ));
        }
        checked(self.0.expose_secret(), "MSSQL2PG_ACCESS_TOKEN")
    }
}

/// A file, read anew for each connection.
pub(super) struct FileToken(pub(super) PathBuf);

impl TokenProvider for FileToken {
    fn token(&self, _resource: &str, _sts_url: &str) -> Result<SecretString, CredentialError> {
        let name = format!("the token file {}", self.0.display());
        let failed = |error| CredentialError(format!("cannot read {name}: {error}"));
        let mut text = String::new();
        let file = std::fs::File::open(&self.0).map_err(failed)?;
        file.take(TOKEN_BYTES).read_to_string(&mut text).map_err(failed)?;
        checked(&text, &name)
    }
}

/// A command that prints a token; what it says on stderr is shown to the user.
pub(super) struct CommandToken {
    command: SecretString,
    kept: Kept,
    limit: Duration,
}

impl CommandToken {
    pub(super) fn new(command: SecretString) -> Self {
        Self { command, kept: Kept::default(), limit: Duration::from_secs(COMMAND_SECONDS) }
    }

    #[cfg(test)]
    pub(super) fn within(command: &str, limit: Duration) -> Self {
        Self { limit, ..Self::new(SecretString::from(command)) }
    }

    fn run(&self) -> Result<SecretString, CredentialError> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut child = Command::new(shell)
            .arg(flag)
            .arg(self.command.expose_secret())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                CredentialError(format!("cannot start the command of token_command: {error}"))
            })?;
        let Some(out) = child.stdout.take() else {
            return Err(CredentialError::new("cannot read what the command of token_command prints"));
        };
        let (send, printed) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let outcome = out.take(TOKEN_BYTES).read_to_string(&mut text).map(|_| text);
            // Nobody waits any more when the time was up.
            let _ = send.send(outcome);
        });
        let until = Instant::now() + self.limit;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(CredentialError(format!(
                        "the command of token_command did not end within {} s",
                        self.limit.as_secs()
                    )));
                }
                Err(error) => {
                    return Err(CredentialError(format!(
                        "cannot wait for the command of token_command: {error}"
                    )));
                }
            }
        };
        if !status.success() {
            return Err(CredentialError(format!("the command of token_command failed ({status})")));
        }
        // What the command left running may hold its output open.
        match printed.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(text)) => checked(&text, "the command of token_command"),
            _ => Err(CredentialError::new("the command of token_command printed something else than text")),
        }
    }
}

impl TokenProvider for CommandToken {
    fn token(&self, _resource: &str, _sts_url: &str) -> Result<SecretString, CredentialError> {
        self.kept.or_new(|| {
            let token = self.run()?;
            let ends = ends(&token);
            Ok((token, ends))
        })
    }

    fn prepare(&self) -> Result<(), CredentialError> {
        self.token("", "").map(drop)
    }
}
