//! Reading reports back.

use std::path::Path;

use super::{FORMAT_VERSION, Report};
use crate::error::{Error, Result};

impl Report {
    /// Reads a report that a run wrote with `--json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read; [`Error::Usage`] when it is no report, or one of a newer
    /// format.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        Self::from_json(&text).map_err(|m| Error::usage(format!("{}: {m}", path.display())))
    }

    /// Reads a report from JSON text.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head =
            serde_json::from_str(text).map_err(|e| format!("not a report of espo-bench: {e}"))?;
        if head.format != "espo-bench-report" {
            return Err(format!("not a report of espo-bench but '{}'", head.format));
        }
        if head.version > FORMAT_VERSION {
            return Err(format!(
                "a report of format {}; this espo-bench reads up to {FORMAT_VERSION}",
                head.version
            ));
        }
        serde_json::from_str(text).map_err(|e| format!("a damaged report: {e}"))
    }
}
