//! Helpers of the generator's tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ran};

use espo_codegen::Output;
use espo_schema::Schema;
use serde_json::Value;

/// Entity types over the stock field types.
pub(crate) fn schema(mut tree: Value) -> Schema {
    tree["fields"] = Schema::stock().raw["fields"].clone();
    Schema::from_value(tree, "export.json").expect("the tree has the shape of metadata")
}

/// The export with names that are difficult for the generator.
pub(crate) fn hostile() -> Value {
    serde_json::from_str(include_str!("fixtures/hostile.json")).expect("the fixture is JSON")
}

/// The generated Rust files.
pub(crate) fn modules(output: &Output) -> impl Iterator<Item = (&Path, &str)> {
    let files = output.files();
    files.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"))
}

/// The text of one generated file.
pub(crate) fn file(output: &Output, path: &str) -> String {
    let found = output.files().find(|(file, _)| *file == Path::new(path));
    found
        .map(|(_, text)| text.to_owned())
        .unwrap_or_else(|| panic!("no {path}"))
}

/// Writes a whole crate below the target directory, against the workspace's own `espo-core` and versions.
pub(crate) fn write_crate(name: &str, output: Output) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let core = format!("{{ path = {:?} }}", core().display().to_string());
    output
        .into_crate(name, &core)
        .write_to(&folder)
        .expect("the crate is written");
    // The crate is in the target directory of this workspace but is not one of its members. With the same profile,
    // dependencies are built already.
    let manifest = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("the manifest exists");
    std::fs::write(
        &manifest,
        text + "\n[profile.dev]\ndebug = false\n\n[workspace]\n",
    )
    .expect("the manifest is written");
    lock(&folder);
    folder
}

/// The workspace's `espo-core`.
pub(crate) fn core() -> PathBuf {
    workspace().join("crates/espo-core")
}

/// Copies the lock file of this workspace to another crate or workspace.
pub(crate) fn lock(folder: &Path) {
    std::fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock"))
        .expect("the versions are those of the workspace");
}

/// Runs Cargo offline in a directory, with the target directory of the workspace, so that dependencies are already
/// built.
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> Ran {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the directory is in the target directory");
    Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .env("RUSTDOCFLAGS", "-D warnings")
        .output()
        .expect("cargo runs")
}

/// Asserts that the compiler succeeded without warnings; otherwise fails with its output.
pub(crate) fn assert_clean(ran: &Ran) {
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && !said.contains("warning"), "{said}");
}

fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("the crate lies two folders below the workspace")
        .to_owned()
}
