//! Workloads: TOML files that define the requests to send.
//!
//! A file is read in two steps. This module checks its format and everything that does not require a target, and
//! reports line and column. [`resolve`] checks the names of entity types, attributes and links against the target's
//! metadata before the load starts.

mod check;
mod csv_columns;
mod file;
mod filters;
mod model;
mod operation;
pub(crate) mod resolve;
mod source;
mod stages;
mod values;

use std::ops::Range;
use std::path::Path;

pub use model::Workload;
pub(crate) use model::{
    CredentialNames, DEFAULT_PREFIX, Kind, MixItem, Operation, PREPARATION, Skew, Stages,
};

use crate::error::{Error, Result};

pub(crate) const BUILTIN: [(&str, &str); 5] = [
    ("mixed", include_str!("builtin/mixed.toml")),
    ("browse", include_str!("builtin/browse.toml")),
    ("sync", include_str!("builtin/sync.toml")),
    ("import", include_str!("builtin/import.toml")),
    ("search", include_str!("builtin/search.toml")),
];

impl Workload {
    /// Returns a built-in workload: `mixed`, `browse`, `sync`, `import` or `search`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] with the known names if there is no workload with this name.
    pub fn builtin(name: &str) -> Result<Self> {
        let Some((_, text)) = BUILTIN.iter().find(|(known, _)| *known == name) else {
            let near = near(name, BUILTIN.iter().map(|(n, _)| *n));
            return Err(Error::usage(format!(
                "unknown workload '{name}': expected a file or one of mixed, browse, sync, import, search{near}"
            )));
        };
        Self::parse(name, text, Path::new("."))
    }

    /// Reads a TOML file, or returns the built-in workload with this name if there is no such file.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] with line and column if the file is not a valid workload, and [`Error::Io`] if it
    /// cannot be read.
    pub fn load(name_or_path: &str) -> Result<Self> {
        let path = Path::new(name_or_path);
        if name_or_path.contains("://") && !path.exists() {
            // A URL may contain credentials, so it is not shown.
            return Err(Error::usage(
                "the workload is a URL: expected a file or one of mixed, browse, sync, import, search; pass the URL with --url",
            ));
        }
        if !path.exists() && !name_or_path.contains(['/', '.']) {
            return Self::builtin(name_or_path);
        }
        let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
        Self::parse(name_or_path, &text, path.parent().unwrap_or(Path::new(".")))
    }

    /// Parses a workload. `origin` is its name in messages; paths of CSV files are relative to `folder`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] with `origin:line:column` if it is not a valid workload, and [`Error::Io`] if one of
    /// its CSV files cannot be read.
    pub fn parse(origin: &str, text: &str, folder: &Path) -> Result<Self> {
        let file: file::WorkloadFile = toml::from_str(text).map_err(|e| {
            at(
                origin,
                text,
                e.span().unwrap_or(0..0),
                &in_words(e.message()),
            )
        })?;
        check::check(file, origin, text, folder)
    }
}

/// Replaces the names of Rust types in the parser's messages.
fn in_words(message: &str) -> String {
    let words = [
        ("expected u32", "expected an integer, 0 or more"),
        ("expected u64", "expected an integer, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected an array"),
        ("expected a map", "expected a table"),
    ];
    let said = words
        .into_iter()
        .fold(message.to_owned(), |text, (rust, words)| {
            text.replace(rust, words)
        });
    said.replace('`', "'")
}

/// Returns an error with a location in a workload file.
pub(crate) fn at(origin: &str, text: &str, span: Range<usize>, message: &str) -> Error {
    let before = &text[..span.start.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Error::usage(format!("{origin}:{line}:{column}: {message}"))
}

/// Returns `; did you mean 'x'?` for the most similar known name; empty if none is similar.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut candidates: Vec<(f64, &str)> = known
        .into_iter()
        .map(|k| {
            (
                strsim::jaro_winkler(&name.to_lowercase(), &k.to_lowercase()),
                k,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.78)
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    candidates.dedup_by(|a, b| a.1 == b.1);
    candidates.truncate(3);
    match candidates.as_slice() {
        [] => String::new(),
        [(_, one)] => format!("; did you mean '{one}'?"),
        several => {
            let names: Vec<String> = several.iter().map(|(_, n)| format!("'{n}'")).collect();
            format!("; similar names: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
