//! The one door: every task of the workspace is a subcommand.
//!
//! Exit codes: 0 fine; 1 a check did not hold; 2 wrong usage or bad input; 3 the target could not be reached or refused
//! the credentials.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod codegen;
mod conformance;
mod diff;
mod generators;
mod instance;
mod pull;
mod steps;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about, version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The main job on the embedded server: generate, build, load, report.
    Demo(steps::DemoArgs),
    /// Everything that CI runs.
    Test,
    /// Generates the typed SDK from metadata.
    Codegen(codegen::Args),
    /// Fetches the metadata of an instance.
    Pull(pull::Args),
    /// The difference of two exports: what breaks callers, what only adds.
    Diff(diff::DiffArgs),
    /// The difference of the checked-in metadata and a live instance.
    Drift(diff::DriftArgs),
    /// Holds a server against the behaviours of EspoCRM's REST API.
    Conformance(conformance::Args),
    /// The load tester's own speed and CPU beside other generators, on a prepared server.
    CompareGenerators(generators::Args),
}

/// How a task failed.
enum Failure {
    /// A check did not hold.
    Check(String),
    /// Wrong usage or bad input.
    Input(String),
    /// The target could not be reached or refused the credentials.
    Unreachable(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Input(error.to_string())
    }
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Demo(args) => steps::demo(&args),
        Task::Test => steps::test(),
        Task::Codegen(args) => codegen::run(&args),
        Task::Pull(args) => pull::run(&args),
        Task::Diff(args) => diff::diff(&args),
        Task::Drift(args) => diff::drift(&args),
        Task::Conformance(args) => conformance::run(&args),
        Task::CompareGenerators(args) => generators::run(&args),
    };
    let (message, code) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Check(message)) => (message, 1),
        Err(Failure::Input(message)) => (message, 2),
        Err(Failure::Unreachable(message)) => (message, 3),
    };
    espo_stdio::note!("error: {message}");
    ExitCode::from(code)
}
