//! Workloads: TOML files that say what to send.
//!
//! A file is read in two steps. Its shape and everything that can be known without a target is checked
//! here, with line and column; names of entity types, attributes and links are checked against the
//! target's metadata by [`resolve`], before any load.

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
pub(crate) use model::{CredentialNames, CsvColumns, Kind, MixItem, Operation, Skew, Stages};

use crate::error::{Error, Result};

pub(crate) const BUILTIN: [(&str, &str); 5] = [
    ("mixed", include_str!("builtin/mixed.toml")),
    ("browse", include_str!("builtin/browse.toml")),
    ("sync", include_str!("builtin/sync.toml")),
    ("import", include_str!("builtin/import.toml")),
    ("search", include_str!("builtin/search.toml")),
];

impl Workload {
    /// One of the ready-made workloads: `mixed`, `browse`, `sync`, `import`, `search`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with the known names, when there is none of that name.
    pub fn builtin(name: &str) -> Result<Self> {
        let Some((_, text)) = BUILTIN.iter().find(|(known, _)| *known == name) else {
            let near = near(name, BUILTIN.iter().map(|(n, _)| *n));
            return Err(Error::usage(format!(
                "no workload '{name}': it is neither a file nor one of mixed, browse, sync, import, search{near}"
            )));
        };
        Self::parse(name, text, Path::new("."))
    }

    /// Reads a TOML file, or takes the ready-made workload of that name when there is no such file.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with line and column when the file is not a valid workload; [`Error::Io`] when it
    /// cannot be read.
    pub fn load(name_or_path: &str) -> Result<Self> {
        let path = Path::new(name_or_path);
        if !path.exists() && !name_or_path.contains(['/', '.']) {
            return Self::builtin(name_or_path);
        }
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        Self::parse(name_or_path, &text, path.parent().unwrap_or(Path::new(".")))
    }

    /// Reads a workload from text. `origin` names it in messages; CSV files are looked for in `folder`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with `origin:line:column` when it is not a valid workload; [`Error::Io`] when a CSV
    /// file that it names cannot be read.
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

/// What the reader of the file says, without the names that types have in Rust.
fn in_words(message: &str) -> String {
    let words = [
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a table"),
    ];
    let said = words
        .into_iter()
        .fold(message.to_owned(), |text, (rust, words)| {
            text.replace(rust, words)
        });
    said.replace('`', "'")
}

/// An error that names the place in a workload file.
pub(crate) fn at(origin: &str, text: &str, span: Range<usize>, message: &str) -> Error {
    let before = &text[..span.start.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Error::usage(format!("{origin}:{line}:{column}: {message}"))
}

/// `; did you mean 'x'?` for the nearest of some names, empty when none is near.
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
            format!("; near names: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
