//! Commands and their options.

mod load;
mod write;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use espo_bench::{Credentials, Error, Report, Result, output};

use self::load::{LoadArgs, RunArgs};
use self::write::OutputArgs;

/// Load tester for EspoCRM.
///
/// Exit codes: 0 fine; 1 a limit did not hold, or a regression; 2 wrong usage or bad input; 3 the target
/// could not be reached or refused the credentials.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a workload and prints its latencies.
    ///
    /// Credentials come from ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC) or ESPO_USERNAME and ESPO_PASSWORD.
    Run(Box<RunArgs>),
    /// Deletes what a run left behind, from its ledger.
    Clean {
        /// The ledger file.
        ledger: PathBuf,
        /// The instance, if its address has changed since.
        #[arg(long)]
        url: Option<String>,
    },
    /// Shows a report (JSON, from `run --json`) as a table, or writes it in other forms.
    Report {
        /// The report.
        report: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
}

pub(crate) fn run(cli: Cli) -> Result<u8> {
    match cli.command {
        Command::Run(args) => run_load(*args),
        Command::Clean { ledger, url } => {
            let cleaned = espo_bench::clean(&ledger, url.as_deref(), Credentials::from_env()?)?;
            println!("removed {} records ({} of them never acknowledged), {} left", cleaned.removed, cleaned.found, cleaned.left);
            for reason in &cleaned.reasons {
                eprintln!("espo-bench: {reason}");
            }
            Ok(u8::from(cleaned.left > 0))
        }
        Command::Report { report, output } => {
            let report = Report::load(&report)?;
            print!("{}", output::table(&report));
            output.write(&report)?;
            Ok(report.exit_code())
        }
    }
}

fn run_load(args: RunArgs) -> Result<u8> {
    let RunArgs { load, output, dry_run } = args;
    output.check()?;
    let options = options(&load, &output)?;
    if let Some(iterations) = dry_run {
        for line in espo_bench::dry_run(options, iterations)? {
            println!("{line}");
        }
        return Ok(0);
    }
    let report = espo_bench::run(options)?;
    if !load.quiet {
        print!("{}", output::table(&report));
    }
    output.write(&report)?;
    Ok(report.exit_code())
}

fn options(load: &LoadArgs, output: &OutputArgs) -> Result<espo_bench::RunOptions> {
    let mut options = load.options()?;
    options.hdr = output.hdr.clone();
    Ok(options)
}

/// The command line as it goes into the report: no credential can be given as an argument, but a URL may hold one.
fn command_line() -> String {
    let shown = std::env::args().map(|arg| match arg.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => {
            let host = rest.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://…@{host}")
        }
        _ => arg,
    });
    let quoted = shown.map(|arg| if arg.contains([' ', '<', '>']) { format!("'{arg}'") } else { arg });
    quoted.collect::<Vec<_>>().join(" ")
}

fn usage(message: String) -> Error {
    Error::Usage(message)
}
