//! Why a server does not start.

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The metadata cannot be used.
    #[error(transparent)]
    Metadata(#[from] espo_schema::Error),
    /// The users' file cannot be used.
    #[error("{path}: {what}")]
    Users {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// What was declared does not fit together.
    #[error("{0}")]
    Declaration(String),
    /// A snapshot cannot be read or written.
    #[error("{path}: {what}")]
    Snapshot {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}
