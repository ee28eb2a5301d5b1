//! `cargo xtask fuzz`: runs the libFuzzer programs of `fuzz/` one after the other.
//!
//! The programs are built without a sanitizer: no crate of the workspace has unsafe code, and without a sanitizer a
//! stable compiler is sufficient. Inputs that libFuzzer keeps go to `fuzz/corpus`, which is not committed; an input
//! that fails is a file in `fuzz/artifacts`, which becomes a regression test as a file in `tests/fuzz/corpus`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Failure, print, root};

const INSTALL: &str = "install cargo-fuzz --version ^0.13 --locked";

pub(crate) fn run(mut parser: lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let mut minutes = 10.0_f64;
    let mut chosen: Vec<String> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("minutes") => minutes = parser.value()?.parse()?,
            Long("target") => chosen.push(parser.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if !(minutes > 0.0 && minutes <= 100_000.0) {
        return Err(Failure::Input(format!(
            "invalid --minutes {minutes}: expected a number above 0"
        )));
    }
    let known = targets()?;
    if let Some(unknown) = chosen.iter().find(|name| !known.contains(name)) {
        return Err(Failure::Input(format!(
            "unknown target `{unknown}`: expected one of {}",
            known.join(", ")
        )));
    }
    let targets = if chosen.is_empty() { known } else { chosen };
    install("fuzz", INSTALL)?;
    check(
        cargo("fuzz build --sanitizer none"),
        "the build of the fuzz targets",
    )?;

    let seconds = (minutes * 60.0 / targets.len() as f64).ceil().max(1.0);
    let mut failed = Vec::new();
    let mut total = 0_u64;
    for target in &targets {
        print(&format!("{target}: {seconds} s\n"))?;
        let (inputs, fault) = fuzz(target, seconds)?;
        total += inputs;
        match fault {
            None => print(&format!("{target}: {inputs} inputs, no failure\n"))?,
            Some(output) => {
                print(&format!(
                    "{target}: failed after {inputs} inputs\n{output}\n"
                ))?;
                failed.push(target.as_str());
            }
        }
    }
    print(&format!("{} targets, {total} inputs\n", targets.len()))?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(format!(
        "these targets failed: {}; the inputs are in fuzz/artifacts; fix the cause and add each input to tests/fuzz/corpus",
        failed.join(", ")
    )))
}

/// Runs one target. Returns the number of inputs that it tried, and the end of its output if it failed.
fn fuzz(target: &str, seconds: f64) -> Result<(u64, Option<String>), Failure> {
    let own = format!("fuzz/corpus/{target}");
    std::fs::create_dir_all(root().join(&own))
        .map_err(|error| Failure::Input(format!("cannot create {own}: {error}")))?;
    let line = format!(
        "fuzz run --sanitizer none {target} {own} tests/fuzz/corpus/{target} -- -max_total_time={seconds} \
         -max_len=8192 -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 -dict=fuzz/words.dict"
    );
    let output = cargo(&line)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Input(format!("cannot run cargo {line}: {error}")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0);
    if output.status.success() {
        return Ok((count, None));
    }
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(60)..].join("\n");
    Ok((count, Some(last)))
}

/// The names of the programs.
fn targets() -> Result<Vec<String>, Failure> {
    let folder = root().join("fuzz/fuzz_targets");
    let unreadable = |error: std::io::Error| {
        Failure::Input(format!("cannot read {}: {error}", folder.display()))
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Installs a subcommand of Cargo unless it is present.
pub(crate) fn install(name: &str, line: &str) -> Result<(), Failure> {
    let present = cargo(&format!("{name} --version"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if present.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    check(cargo(line), &format!("the installation of cargo-{name}"))
}

fn check(mut command: Command, what: &str) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|error| Failure::Input(format!("cannot start {what}: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Check(format!("{what} failed ({status})")))
}

/// Cargo in the directory of the workspace. Its subcommands choose their own manifest.
pub(crate) fn cargo(line: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .args(line.split_whitespace())
        .current_dir(Path::new(&root()));
    crate::without_credentials(&mut command);
    command
}
