//! Maintainers' tasks. They start other programs of the workspace with Cargo, so that this one builds within seconds.
//!
//! Exit codes: 0 success; 1 a check failed; 2 invalid usage or input; 3 the target could not be reached or rejected the
//! credentials.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod compiler;
mod fuzz;
mod slurm;
mod steps;
mod suite;

use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

const HELP: &str = "\
Maintainers' tasks of the workspace.

Usage: cargo xtask <TASK> [OPTIONS]

Tasks:
  demo                Generate the SDK, start the embedded server and run a mixed load through the SDK
      --duration TIME     Duration of the load [default: 10s]
      --concurrency N     Number of workers [default: 16]
      --html FILE         Path of the report [default: target/espo-demo.html]
  test                Run everything that CI runs
      --step NAME         Run only this step: formatting, lints, features, tests or docs. Repeatable
  release-check       Check dependencies, packages, features and the minimum Rust version before a release; installs
                      cargo-deny if it is missing
      --dependencies      Check only the dependencies: licences, sources, duplicates and advisories
      --offline           Use the advisory database of an earlier run
  fuzz                Run all fuzz targets; installs cargo-fuzz if it is missing
      --minutes N         Total duration in minutes [default: 10]
      --target NAME       Run only this target. Repeatable
  api                 Compare the public API of the hand-written crates with the snapshots in tests/api
      --bless             Update the snapshots
  slurm-test          Run a load test on a local Slurm cluster of four nodes and compare it with a single run
      --install           Install Slurm from Debian's packages if it is missing
  compare-generators  Compare the load tester's speed and CPU use with those of other load generators
  stock-metadata      Write metadata/ from exports of stock instances, after a new version of EspoCRM was released

Commands of `espo`, with the espo.toml of the workspace; see `cargo xtask <COMMAND> --help`:
  codegen, pull, update, diff, drift, conformance, differential

Exit codes: 0 success; 1 a check failed; 2 invalid usage or input; 3 the instance could not be reached or rejected the
credentials.
";

/// The configuration of the workspace.
const CONFIG: &str = "espo.toml";

/// Why a task failed.
enum Failure {
    /// A check failed.
    Check(String),
    /// Invalid usage or input.
    Input(String),
    /// A program that has reported its failure already, with its exit code.
    Reported(u8),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Input(format!("{error}; see `cargo xtask --help`"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(message) | Self::Input(message) => f.write_str(message),
            Self::Reported(code) => write!(f, "exit code {code}"),
        }
    }
}

fn main() -> ExitCode {
    let (failure, code) = match run() {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Reported(code)) => return ExitCode::from(code),
        Err(failure @ Failure::Check(_)) => (failure, 1),
        Err(failure @ Failure::Input(_)) => (failure, 2),
    };
    let _ = writeln!(std::io::stderr(), "error: {failure}");
    ExitCode::from(code)
}

fn run() -> Result<(), Failure> {
    use lexopt::prelude::*;
    if let Some(result) = compiler::as_rustdoc() {
        return result;
    }
    let mut parser = lexopt::Parser::from_env();
    let task = match parser.next()? {
        Some(Value(task)) => task.string()?,
        Some(Short('h') | Long("help")) => {
            return print(HELP);
        }
        Some(argument) => return Err(argument.unexpected().into()),
        None => return Err(Failure::Input(format!("no task given\n\n{HELP}"))),
    };
    const OWN: [&str; 6] = ["demo", "test", "release-check", "fuzz", "api", "slurm-test"];
    let asks_for_help = |argument: OsString| argument == "-h" || argument == "--help";
    if OWN.contains(&task.as_str()) && std::env::args_os().skip(2).any(asks_for_help) {
        return print(HELP);
    }
    match task.as_str() {
        "demo" => steps::demo(parser),
        "test" => steps::test(parser),
        "release-check" => steps::release_check(parser),
        "fuzz" => fuzz::run(parser),
        "api" => api(parser),
        "slurm-test" => slurm::test(parser),
        "help" => print(HELP),
        "compare-generators" => {
            let build = "run --release --locked -p espo-benches --bin compare_generators --";
            let arguments = parser.raw_args()?.collect();
            forward(build, CONFIG, None, arguments, Instance::No)
        }
        "stock-metadata" => {
            let build = "run -p espo-benches --bin stock_metadata --";
            let arguments = parser.raw_args()?.collect();
            forward(build, CONFIG, None, arguments, Instance::No)
        }
        // Only the features that the command needs are enabled, because it builds faster without the network and the
        // simulator.
        "codegen" => codegen(parser),
        "diff" => espo("--no-default-features", &task, parser, Instance::No),
        "pull" | "update" | "drift" => {
            let features = "--no-default-features --features network";
            espo(features, &task, parser, Instance::Yes)
        }
        "conformance" | "differential" => espo("", &task, parser, Instance::Yes),
        _ => Err(Failure::Input(format!(
            "unknown task `{task}`; see `cargo xtask --help`"
        ))),
    }
}

/// Generates code. Without a different source or target, this includes the generated crate of the example application.
fn codegen(mut parser: lexopt::Parser) -> Result<(), Failure> {
    let arguments: Vec<OsString> = parser.raw_args()?.collect();
    let all = arguments.iter().all(|argument| argument == "--check");
    let mut result = Ok(());
    for config in ["espo.toml", "examples/crm-sync/espo.toml"] {
        let one = forward(
            &build_of_espo("--no-default-features"),
            config,
            Some("codegen"),
            arguments.clone(),
            Instance::No,
        );
        result = result.and(one);
        if !all {
            break;
        }
    }
    result
}

/// Compares the public API with its snapshots, or updates them.
fn api(mut parser: lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let mut bless = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bless") => bless = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut cargo = cargo("test --quiet -p espo-api-snapshots --test snapshots");
    if bless {
        cargo.env("ESPO_API_BLESS", "1");
    }
    let status = cargo
        .status()
        .map_err(|error| Failure::Input(format!("cannot run cargo test: {error}")))?;
    finish(status)
}

fn build_of_espo(features: &str) -> String {
    let profile = if cfg!(debug_assertions) {
        ""
    } else {
        "--release"
    };
    format!("run {profile} -p espo-cli {features} --bin espo --")
}

/// Whether a command connects to an instance and so needs credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Instance {
    Yes,
    No,
}

/// Runs a command of `espo` in the profile of this program.
fn espo(
    features: &str,
    command: &str,
    mut parser: lexopt::Parser,
    instance: Instance,
) -> Result<(), Failure> {
    let arguments = parser.raw_args()?.collect();
    let run = build_of_espo(features);
    if instance == Instance::Yes {
        // Separately, because build scripts of dependencies must not see the credentials.
        let build = run.trim_end_matches(" --").replacen("run", "build", 1);
        let status = cargo(&build).status();
        let status =
            status.map_err(|error| Failure::Input(format!("cannot run cargo {build}: {error}")))?;
        finish(status)?;
    }
    forward(&run, CONFIG, Some(command), arguments, instance)
}

/// Runs Cargo in the current directory with these arguments, so that relative paths among them stay valid.
fn forward(
    build: &str,
    config: &str,
    command: Option<&str>,
    arguments: Vec<OsString>,
    instance: Instance,
) -> Result<(), Failure> {
    let mut cargo = cargo(build);
    if instance == Instance::Yes {
        cargo.envs(CREDENTIALS.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name, value))
        }));
    }
    let words: Vec<&str> = build.split_whitespace().collect();
    cargo.args(command).args(arguments);
    cargo
        .env("ESPO_PROGRAM", "cargo xtask")
        .env("ESPO_CONFIG", root().join(config));
    let status = cargo.status().map_err(|error| {
        Failure::Input(format!("cannot run cargo {}: {error}", words.join(" ")))
    })?;
    finish(status)
}

/// Returns a Cargo command with arguments given as one line. It uses the Cargo that runs this program, so that a
/// single toolchain is used, and it builds this workspace from any current directory.
fn cargo(line: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    let mut words = line.split_whitespace();
    command.args(words.next());
    command
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"))
        .args(words);
    without_credentials(&mut command);
    // CI builds a fresh clone once: incremental data would be half of the target directory and is never used.
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("CI") && !is_set("CARGO_INCREMENTAL") {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// The variables with credentials of an instance.
const CREDENTIALS: [&str; 5] = [
    "ESPO_API_KEY",
    "ESPO_SECRET_KEY",
    "ESPO_USERNAME",
    "ESPO_PASSWORD",
    "ESPO_CREDENTIALS",
];

/// Removes credentials from the environment of a program that does not connect to an instance.
fn without_credentials(command: &mut Command) {
    for name in CREDENTIALS {
        command.env_remove(name);
    }
}

/// The exit code of a program becomes that of this one.
fn finish(status: ExitStatus) -> Result<(), Failure> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Reported(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::Reported(1)),
    }
}

/// The directory of the workspace.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Writes to standard output. A closed pipe is not an error, because its reader needs no more output.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Input(
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}
