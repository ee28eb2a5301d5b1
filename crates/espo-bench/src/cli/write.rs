//! Output files of a report.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use espo_bench::{Error, Report, Result, output};

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write the report as JSON. For all outputs, `-` means standard output and replaces the table.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write CSV with one row per operation and outcome.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write one self-contained HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write Markdown for a pull request.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write metrics in the Prometheus text format.
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
}

impl OutputArgs {
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [
            &self.json,
            &self.csv,
            &self.html,
            &self.markdown,
            &self.prometheus,
        ]
        .into_iter()
        .flatten()
    }

    /// Returns whether an output goes to standard output, which must then contain nothing else.
    pub(crate) fn takes_stdout(&self) -> bool {
        self.files().any(|path| is_stdout(path))
    }

    /// Checks before the load that all files can be written, so that a long run does not end without a report.
    pub(crate) fn check<'a>(&'a self, others: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
        check(self.files().chain(others))
    }

    /// Writes all files, even if one of them fails, and returns the failures.
    pub(crate) fn write(&self, report: &Report) -> Vec<String> {
        type Form = fn(&Report) -> String;
        let forms: [(&Option<PathBuf>, Form); 5] = [
            (&self.json, Report::to_json),
            (&self.csv, output::csv),
            (&self.html, output::html),
            (&self.markdown, output::markdown),
            (&self.prometheus, output::prometheus),
        ];
        let mut failures = Vec::new();
        for (path, form) in forms {
            file(path.as_ref(), || form(report), &mut failures);
        }
        failures
    }
}

/// Checks that the files can be written and that no two outputs use the same file.
pub(crate) fn check<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let is_special = std::fs::metadata(file).is_ok_and(|m| !m.is_file());
        if seen.contains(&whole) && !is_special {
            problems.push(format!(
                "cannot write two outputs to {}: use a different file for each",
                file.display()
            ));
        }
        seen.push(whole);
        if !is_stdout(file)
            && let Err(error) = try_open(file)
        {
            problems.push(cannot_write(file, &error));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Output(problems))
    }
}

/// Opens a file for writing without changing it.
fn try_open(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(known) if known.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(known) if known.is_file() => OpenOptions::new().append(true).open(path).map(drop),
        // Opening a named pipe would block until it has a reader.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().write(true).create_new(true).open(path)?;
            std::fs::remove_file(path)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file if it was requested, and records a failure.
pub(crate) fn file(
    path: Option<&PathBuf>,
    text: impl FnOnce() -> String,
    failures: &mut Vec<String>,
) {
    let Some(path) = path else { return };
    let written = if is_stdout(path) {
        espo_stdio::out!("{}", text())
    } else {
        std::fs::write(path, text())
    };
    if let Err(error) = written {
        failures.push(cannot_write(path, &error));
    }
}

/// Returns whether the path is `-`, which means standard output.
fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Prints text after all files are written, and returns `code` if nothing failed.
pub(crate) fn finish(mut failures: Vec<String>, text: &str, code: u8) -> Result<u8> {
    if let Err(error) = espo_stdio::out!("{text}") {
        failures.push(error.to_string());
    }
    if failures.is_empty() {
        Ok(code)
    } else {
        Err(Error::Output(failures))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
