//! Files that a report is written to.

use std::path::{Path, PathBuf};

use clap::Args;
use espo_bench::{Error, Report, Result, output};

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a line an operation and outcome as CSV.
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

    /// A long run must not end with a file that cannot be written: the folders are looked at before.
    pub(crate) fn check(&self, another: Option<&PathBuf>) -> Result<()> {
        for file in self.files().chain(another) {
            let folder = file
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            if !folder.is_dir() {
                return Err(super::usage(format!(
                    "{}: the folder does not exist",
                    file.display()
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, report: &Report) -> Result<()> {
        type Form = fn(&Report) -> String;
        let forms: [(&Option<PathBuf>, Form); 5] = [
            (&self.json, Report::to_json),
            (&self.csv, output::csv),
            (&self.html, output::html),
            (&self.markdown, output::markdown),
            (&self.prometheus, output::prometheus),
        ];
        for (file, form) in forms {
            if let Some(path) = file {
                write(path, &form(report))?;
            }
        }
        Ok(())
    }
}

/// Writes a file if one was asked for.
pub(crate) fn file(path: Option<&PathBuf>, text: impl FnOnce() -> String) -> Result<()> {
    path.map_or(Ok(()), |path| write(path, &text()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}
