//! Errors of starting a server.

/// An error of starting a server, or of its snapshots and declared records.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The metadata cannot be used.
    #[error(transparent)]
    Metadata(#[from] espo_schema::Error),
    /// The users file cannot be used.
    #[error("cannot read users from {path}: {what}")]
    Users {
        /// The file.
        path: String,
        /// The reason.
        what: String,
    },
    /// The declared roles, teams, users or records are inconsistent.
    #[error("{0}")]
    Declaration(String),
    /// A snapshot cannot be read or written.
    #[error("{path}: {what}")]
    Snapshot {
        /// The file.
        path: String,
        /// The reason.
        what: String,
    },
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// The cause.
        source: std::io::Error,
    },
}
