//! What can go wrong while metadata is read.

use std::path::PathBuf;

/// Metadata could not be read. Every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file or folder could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no JSON.
    #[error("{file}: {message}\n  help: {hint}")]
    Syntax {
        /// The file.
        file: String,
        /// What stands there instead, with line and column where they help.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The JSON has another shape than metadata has.
    #[error("{file}: at `{path}`: expected {expected}, found {found}\n  help: {hint}")]
    Shape {
        /// The file.
        file: String,
        /// Dotted path in the JSON (`entityDefs.Account.fields.name.type`); `$` for the whole.
        path: String,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
        /// What to do.
        hint: String,
    },
    /// The folder holds no metadata.
    #[error("{}: no metadata found in this directory (expected entityDefs/*.json, scopes/*.json or fields/*.json)\n  help: pass a directory with entityDefs/X.json, scopes/X.json and fields/T.json, or a JSON file returned by `GET Metadata`", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// No path was given.
    #[error("no metadata path was given\n  help: give at least one file or folder")]
    NoSource,
}
