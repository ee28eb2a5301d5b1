//! Failures of commands, with their exit codes.

use std::fmt;
use std::path::Path;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A check failed.
    Check(String),
    /// Invalid usage or input.
    Input(String),
    /// The instance could not be reached or rejected the credentials.
    #[cfg_attr(not(feature = "network"), allow(dead_code))]
    Unreachable(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Input(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }

    /// A failed operation on a file: `cannot VERB PATH: REASON`.
    pub(crate) fn file(verb: &str, path: &Path, error: impl fmt::Display) -> Self {
        Self::Input(format!("cannot {verb} {}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(message) | Self::Input(message) | Self::Unreachable(message) => {
                f.write_str(message)
            }
        }
    }
}

impl From<espo_schema::Error> for Failure {
    fn from(error: espo_schema::Error) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<espo_codegen::Error> for Failure {
    fn from(error: espo_codegen::Error) -> Self {
        Self::Input(error.to_string())
    }
}

/// Only standard output: every other operation names its file with [`Failure::file`].
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Input(format!("cannot write JSON: {error}"))
    }
}

/// The name by which a wrapper such as `cargo xtask` starts this program, for help and messages.
pub(crate) fn program_override() -> Option<String> {
    std::env::var("ESPO_PROGRAM")
        .ok()
        .filter(|name| !name.is_empty())
}

/// The name of this program in messages: `espo`, or that of the wrapper.
pub(crate) fn program() -> String {
    program_override().unwrap_or_else(|| "espo".to_owned())
}

/// The command that was run, without `--check`: it regenerates the files that the check found.
pub(crate) fn repairing_command() -> String {
    let arguments = std::env::args().skip(1).filter(|a| a != "--check");
    std::iter::once(program())
        .chain(arguments.map(|argument| quoted(&argument)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An argument quoted for a POSIX shell.
pub(crate) fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn arguments_are_quoted_for_the_shell() {
        for (argument, expected) in [
            ("--out", "--out"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(argument), expected);
        }
    }
}
