//! The configuration file.

use std::path::Path;

/// `espo.toml`: it is either valid, or the error names the file.
pub(crate) fn config(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    if let Err(error) = espo_cli::check_config(text, Path::new("espo.toml")) {
        assert!(error.contains("espo.toml"), "{error}");
    }
}
