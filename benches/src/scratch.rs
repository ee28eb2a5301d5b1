//! Crates that are written to be compiled and timed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use espo_codegen::Output;

/// A folder of such crates below the target folder, with one target folder for all of them.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    workspace: PathBuf,
}

impl Scratch {
    /// A folder of that name; what lies there already is written over, so that dependencies stay built.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the crate lies in the workspace")?;
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

    /// Where the crates are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes generated code as a crate.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn generated(&self, name: &str, output: Output) -> Result<PathBuf> {
        let core = self.workspace.join("crates/espo-core");
        let folder = self.folder.join(name);
        output
            .into_crate(
                name,
                &format!("{{ path = {:?} }}", core.display().to_string()),
            )
            .write_to(&folder)?;
        // It lies in the target folder of this workspace, whose member it is not.
        let manifest = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)?;
        std::fs::write(&manifest, text + "\n[workspace]\n")?;
        self.lock(&folder)?;
        Ok(folder)
    }

    /// Writes a crate from its files and the end of its manifest.
    ///
    /// # Errors
    /// If it cannot be written.
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

    /// The versions are those of the workspace.
    fn lock(&self, folder: &Path) -> Result<()> {
        let (from, to) = (self.workspace.join("Cargo.lock"), folder.join("Cargo.lock"));
        if !to.exists() {
            std::fs::copy(from, to)?;
        }
        Ok(())
    }

    /// Runs cargo in a folder, without incremental compilation.
    ///
    /// # Errors
    /// If cargo does not run, or fails.
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

/// The one in the middle. Sorts them.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
