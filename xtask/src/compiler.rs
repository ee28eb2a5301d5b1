//! Lints and documentation in the build of the tests.
//!
//! `cargo clippy` and `cargo doc` read dependencies from metadata, which Cargo compiles separately from the libraries
//! that the tests link. Clippy's driver is a whole compiler, though, and rustdoc reads libraries as well. So one build
//! is enough: Clippy compiles the crates of the workspace, and the run of the documentation tests documents them too.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::Failure;

/// The variable with the path of rustdoc; if it is set, this program is called in its place.
const RUSTDOC: &str = "ESPO_XTASK_RUSTDOC";

/// The variable with the packages that are not documented, separated by spaces.
const UNDOCUMENTED: &str = "ESPO_XTASK_UNDOCUMENTED";

/// Makes Cargo compile the crates of the workspace with Clippy; warnings are errors.
pub(crate) fn lint(command: &mut Command) {
    command
        .env("RUSTC_WORKSPACE_WRAPPER", tool("clippy-driver"))
        // How `cargo clippy` passes the arguments after `--`.
        .env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings");
}

/// Makes `cargo test --doc` also document the crates, except some packages.
pub(crate) fn document(command: &mut Command, except: &[&str]) -> std::io::Result<()> {
    let program = std::env::args_os().next().unwrap_or_default();
    command
        // Not the running file, which the build of the tests has replaced.
        .env("RUSTDOC", std::path::absolute(program)?)
        .env(RUSTDOC, tool("rustdoc"))
        .env(UNDOCUMENTED, except.join(" "));
    Ok(())
}

/// Returns the program of the toolchain whose Cargo runs this program.
fn tool(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").map(PathBuf::from);
    let beside = cargo.map(|cargo| cargo.with_file_name(name));
    beside
        .filter(|path| path.exists())
        .unwrap_or_else(|| name.into())
}

/// Runs rustdoc if this program was called in its place: for a run of tests, first to document the same crate.
pub(crate) fn as_rustdoc() -> Option<Result<(), Failure>> {
    let rustdoc = std::env::var_os(RUSTDOC)?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let except = std::env::var(UNDOCUMENTED).unwrap_or_default();
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let run = |arguments: &[OsString]| {
        let status = Command::new(&rustdoc).args(arguments).status();
        let status = status.map_err(|error| {
            Failure::Input(format!("cannot run {}: {error}", rustdoc.display()))
        })?;
        crate::finish(status)
    };
    let documented = match documentation(&arguments) {
        Some(arguments) if except.split(' ').all(|name| name != package) => run(&arguments),
        _ => Ok(()),
    };
    Some(documented.and_then(|()| run(&arguments)))
}

/// Returns the arguments that document what the arguments of a test run test.
fn documentation(test: &[OsString]) -> Option<Vec<OsString>> {
    if !test.iter().any(|argument| argument == "--test") {
        return None;
    }
    let mut arguments = Vec::new();
    let mut test = test.iter();
    while let Some(argument) = test.next() {
        if argument == "--test-run-directory" || argument == "--test-args" {
            test.next();
        } else if argument != "--test" && argument != "--nocapture" {
            arguments.push(argument.clone());
        }
    }
    let out = crate::root().join("target/doc");
    arguments.extend(["-D", "warnings", "--out-dir"].map(OsString::from));
    arguments.push(out.into());
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_tests_are_documented_without_the_tests() {
        let words =
            |line: &str| -> Vec<OsString> { line.split(' ').map(|word| word.into()).collect() };
        let found = documentation(&words(
            "--crate-name a --test src/lib.rs --test-run-directory crates/a --test-args x --extern b=b.rlib",
        ));
        let found = found.expect("a run of tests");
        let documents = words("--crate-name a src/lib.rs --extern b=b.rlib -D warnings --out-dir");
        assert_eq!(found[..found.len() - 1], documents);
        assert_eq!(documentation(&words("-vV")), None);
    }
}
