//! Errors, grouped by exit code.

use std::path::{Path, PathBuf};

use espo_core::auth::Redactor;

/// An error that ended a command of the load tester.
///
/// Each variant has an exit code ([`Error::exit_code`]). A missed SLO is not an error but a result, see
/// [`crate::Report::exit_code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Invalid usage or input: an option, a workload or an unreadable report. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The target could not be reached or rejected the credentials. Exit code 3.
    #[error("{0}")]
    Target(String),
    /// A signal ended the command before it had a result. Exit code 1.
    #[error("{0}")]
    Interrupted(String),
    /// One or more outputs of a finished command could not be written. Exit code 2.
    #[error("{}", .0.join("\n"))]
    Output(Vec<String>),
    /// A file could not be read or written. Exit code 2.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The attempted operation, such as `read` or `write`.
        action: &'static str,
        /// Path of the file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns the exit code of the process: 1 for an interruption, 2 for invalid usage or input, 3 for a target that cannot be reached or
    /// rejects the credentials.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Output(_) | Self::Io { .. } => 2,
            Self::Target(_) => 3,
            Self::Interrupted(_) => 1,
        }
    }

    /// Hides secrets in the message, which can quote the server.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        let hide = |text: String| redactor.redact(&text).into_owned();
        match self {
            Self::Usage(message) => Self::Usage(hide(message)),
            Self::Target(message) => Self::Target(hide(message)),
            Self::Interrupted(message) => Self::Interrupted(hide(message)),
            Self::Output(messages) => Self::Output(messages.into_iter().map(hide).collect()),
            Self::Io { .. } => self,
        }
    }

    /// Appends further text to the message.
    pub(crate) fn and(self, more: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{message}\n{more}")),
            Self::Target(message) => Self::Target(format!("{message}\n{more}")),
            Self::Interrupted(message) => Self::Interrupted(format!("{message}\n{more}")),
            Self::Output(mut messages) => {
                messages.push(more.to_owned());
                Self::Output(messages)
            }
            Self::Io { .. } => Self::Usage(format!("{self}\n{more}")),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn target(message: impl Into<String>) -> Self {
        Self::Target(message.into())
    }

    /// Returns a closure for `map_err` on a call that reads a file.
    pub(crate) fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::of_file("read", path, source)
    }

    /// Returns a closure for `map_err` on a call that writes a file.
    pub(crate) fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::of_file("write", path, source)
    }

    pub(crate) fn of_file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
