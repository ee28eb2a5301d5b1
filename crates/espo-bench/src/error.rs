//! What can go wrong, sorted by the exit code that it means.

use std::path::{Path, PathBuf};

/// Why a command of the load tester ended without a result.
///
/// Each variant has its exit code ([`Error::exit_code`]); a limit that did not hold is no error but a
/// result, see [`crate::Report::exit_code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Wrong usage or bad input: an option, a workload, a report that cannot be read. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The target could not be reached or refused the credentials. Exit code 3.
    #[error("{0}")]
    Target(String),
    /// One or several outputs of a finished command could not be written. Exit code 2.
    #[error("{}", .0.join("\n"))]
    Output(Vec<String>),
    /// A file could not be read or written. Exit code 2.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code of the process: 2 for wrong usage or bad input, 3 for a target that is not there
    /// or refuses the credentials.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Output(_) | Self::Io { .. } => 2,
            Self::Target(_) => 3,
        }
    }

    /// The same error with more to say.
    pub(crate) fn and(self, more: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{message}\n{more}")),
            Self::Target(message) => Self::Target(format!("{message}\n{more}")),
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

    /// For `map_err` on an I/O call that concerns one file.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
