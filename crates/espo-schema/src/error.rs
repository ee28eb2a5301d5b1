//! Errors of reading metadata.

use std::path::PathBuf;

/// Metadata could not be read. Every message contains the file or directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file or directory could not be read.
    # [error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The file is not valid JSON.
    #[error("{file}: {message}\n  help: {hint}")]
    Syntax {
        /// The file.
        file: String,
        /// A description of the content, with line and column where they help.
        message: String,
        /// The remedy.
        hint: String,
    },
    /// The JSON does not have the structure of metadata.
    #[error("{file}: at `{path}`: expected {expected}, found {found}\n  help: {hint}")]
    Shape {
        /// The file.
        file: String,
        /// Dotted path in the JSON (`entityDefs.Account.fields.name.type`); `$` for the root.
        path: String,
        /// The expected value.
        expected: String,
        /// The value that was found.
        found: String,
        /// The remedy.
        hint: String,
    },
    /// The directory contains no metadata.
    #[error("{}: no metadata found in this directory (expected entityDefs/*.json, scopes/*.json or fields/*.json)\n  help: pass a directory with entityDefs/X.json, scopes/X.json and fields/T.json, or a JSON file returned by `GET Metadata`", path.display())]
    EmptyFolder {
        /// The directory.
        path: PathBuf,
    },
    /// No path was given.
    #[error("no metadata path was given\n  help: pass at least one file or directory")]
    NoSource,
}
