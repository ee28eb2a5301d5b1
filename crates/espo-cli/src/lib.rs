//! The command-line tool `espo`: exports the metadata of an EspoCRM instance, generates a typed Rust SDK from it,
//! reports breaking schema changes, and runs the conformance suite against a server.
//!
//! The crate is a program; its library exists so that documentation and packaging tools can read the
//! [command definition](command). To generate code from a `build.rs`, use `espo-codegen`.
//!
//! # Exit codes
//!
//! 0: success. 1: a check failed, such as `codegen --check`, or a breaking change in `diff`. 2: invalid usage or input.
//! 3: the instance could not be reached or rejected the credentials.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(feature = "network")]
mod access;
mod arguments;
mod codegen;
mod compare;
mod completions;
mod config;
#[cfg(feature = "conformance")]
mod conformance;
#[cfg(any(feature = "network", feature = "conformance"))]
mod credentials;
mod diff;
#[cfg(feature = "conformance")]
mod differential;
#[cfg(feature = "network")]
mod drift;
mod failure;
mod files;
mod git;
mod init;
#[cfg(feature = "network")]
mod instance;
#[cfg(feature = "conformance")]
mod interrupt;
#[cfg(feature = "network")]
mod pull;
#[cfg(feature = "network")]
mod split;
#[cfg(feature = "network")]
mod update;
mod workspace;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Its `Command` is in a public signature.
pub use clap;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use config::Config;
use failure::Failure;

/// Generate and maintain a typed Rust SDK for an EspoCRM instance.
#[derive(Parser)]
#[command(
    name = "espo",
    version,
    after_help = "Exit codes: 0 success; 1 a check failed; 2 invalid usage or input; 3 the instance could not be reached \
                  or rejected the credentials."
)]
struct Cli {
    /// Path of the configuration file. Defaults to espo.toml in the current directory or the nearest parent directory.
    #[arg(long, value_name = "FILE", env = "ESPO_CONFIG", global = true)]
    config: Option<OsString>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Init(init::Args),
    #[cfg(feature = "network")]
    Pull(pull::Args),
    Codegen(codegen::Args),
    #[cfg(feature = "network")]
    Update(update::Args),
    Diff(diff::Args),
    #[cfg(feature = "network")]
    Drift(drift::Args),
    #[cfg(feature = "conformance")]
    Conformance(conformance::Args),
    #[cfg(feature = "conformance")]
    Differential(differential::Args),
    Completions(completions::Args),
    Man(completions::ManArgs),
}

/// Returns the definition of the commands, from which completions and man pages are generated.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Checks the text of an `espo.toml`; the error is the message that a command would print. For the fuzz tests.
///
/// # Errors
///
/// Returns the message if the file is invalid.
#[doc(hidden)]
pub fn check_config(text: &str, path: &std::path::Path) -> Result<(), String> {
    Config::parse(text, path)
        .map(drop)
        .map_err(|failure| failure.to_string())
}

/// Runs the command that the arguments of this process describe.
pub fn main() -> ExitCode {
    let mut command = command();
    if let Some(name) = failure::program_override() {
        command = command.bin_name(name);
    }
    let matches = command.try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            espo_stdio::note!("error: {}", short_lines(&failure.to_string()));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Shortens overlong lines of a message: errors quote lines of their input, and JSON may consist of a single line.
fn short_lines(message: &str) -> String {
    const LONGEST: usize = 4_000;
    let lines = message
        .lines()
        .map(|line| match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints help, the version or a usage error. clap's own `exit` ignores errors of the output.
fn explain(error: &clap::Error) -> ExitCode {
    match error.print().and_then(|()| std::io::stdout().flush()) {
        Err(failed) if !error.use_stderr() && failed.kind() != ErrorKind::BrokenPipe => {
            espo_stdio::note!("error: cannot write to standard output: {failed}");
            ExitCode::from(2)
        }
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    // CI systems set variables without a value.
    let file = cli
        .config
        .as_deref()
        .filter(|path| !path.is_empty())
        .map(Path::new);
    // These commands work without a configuration, even next to an invalid one.
    match &cli.task {
        Task::Init(args) => return init::run(args, file),
        Task::Completions(args) => return completions::completions(args),
        Task::Man(args) => return completions::man(args),
        _ => {}
    }
    let config = Config::find(file)?;
    match &cli.task {
        Task::Init(_) | Task::Completions(_) | Task::Man(_) => Ok(()),
        #[cfg(feature = "network")]
        Task::Pull(args) => pull::run(args, &config),
        Task::Codegen(args) => codegen::run(args, &config),
        #[cfg(feature = "network")]
        Task::Update(args) => update::run(args, &config),
        Task::Diff(args) => diff::run(args, &config),
        #[cfg(feature = "network")]
        Task::Drift(args) => drift::run(args, &config),
        #[cfg(feature = "conformance")]
        Task::Conformance(args) => conformance::run(args, &config),
        #[cfg(feature = "conformance")]
        Task::Differential(args) => differential::run(args, &config),
    }
}
