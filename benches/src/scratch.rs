//! Crates that are generated to measure their compile time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use espo_codegen::Output;

/// A directory of crates below the target directory, with one shared target directory.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    workspace: PathBuf,
}

impl Scratch {
    /// Creates a directory with this name. Existing files are overwritten, so that dependencies stay built.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be created.
    pub fn new(name: &str) -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the crate is in the workspace")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => workspace.join(folder),
            None => workspace.join("target"),
        };
        let folder = target.join(name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self {
            folder,
            workspace: workspace.to_owned(),
        })
    }

    /// Returns the directory of the crates.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes generated code as a crate.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub fn generated(&self, name: &str, output: Output) -> Result<PathBuf> {
        let core = self.workspace.join("crates/espo-core");
        let folder = self.folder.join(name);
        output
            .into_crate(
                name,
                &format!("{{ path = {:?} }}", core.display().to_string()),
            )
            .write_to(&folder)?;
        // The crate is in the target directory of this workspace, but not a member of it.
        let manifest = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)?;
        std::fs::write(&manifest, text + "\n[workspace]\n")?;
        self.lock(&folder)?;
        Ok(folder)
    }

    /// Writes a crate from its files and the dependencies of its manifest.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub fn write(
        &self,
        name: &str,
        dependencies: &str,
        files: &BTreeMap<PathBuf, String>,
    ) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n{dependencies}"
        );
        let own = [(Path::new("Cargo.toml"), manifest.as_str())];
        let files = files
            .iter()
            .map(|(path, text)| (path.as_path(), text.as_str()));
        for (path, text) in own.into_iter().chain(files) {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        self.lock(&folder)?;
        Ok(folder)
    }

    /// Copies the workspace's lock file, so that the versions are the same.
    fn lock(&self, folder: &Path) -> Result<()> {
        let (from, to) = (self.workspace.join("Cargo.lock"), folder.join("Cargo.lock"));
        if !to.exists() {
            std::fs::copy(from, to)?;
        }
        Ok(())
    }

    /// Runs Cargo in a directory, without incremental compilation.
    ///
    /// # Errors
    /// Returns an error if Cargo cannot be run, or fails.
    pub fn cargo(&self, folder: &Path, arguments: &[&str]) -> Result<()> {
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .status()?;
        ensure!(
            status.success(),
            "cargo {} in {} ended with {status}",
            arguments.join(" "),
            folder.display()
        );
        Ok(())
    }
}

/// Returns the median. Sorts the values.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
