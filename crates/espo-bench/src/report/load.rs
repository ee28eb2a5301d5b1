//! Reads reports from files.

use std::path::Path;

use super::{FORMAT_VERSION, Report};
use crate::error::{Error, Result};

impl Report {
    /// Reads a report that a run wrote with `--json`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be read, and [`Error::Usage`] if it is not a report or has a newer
    /// format.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
        Self::from_json(&text).map_err(|m| Error::usage(format!("{}: {m}", path.display())))
    }

    /// Parses a report from JSON.
    ///
    /// # Errors
    ///
    /// Returns a message with the problem.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        if text.trim().is_empty() {
            return Err("not an espo-bench report: the file is empty".into());
        }
        let head: Head =
            serde_json::from_str(text).map_err(|e| format!("not an espo-bench report: {e}"))?;
        if head.format != "espo-bench-report" {
            return Err(format!("not an espo-bench report but '{}'", head.format));
        }
        if head.version > FORMAT_VERSION {
            return Err(format!(
                "unsupported report format {}: this version of espo-bench reads up to format {FORMAT_VERSION}",
                head.version
            ));
        }
        serde_json::from_str(text).map_err(|e| format!("damaged report: {e}"))
    }
}
