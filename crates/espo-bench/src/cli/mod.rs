//! Commands and their options.

mod access;
mod load;
mod manifest;
mod reports;
mod slurm;
mod trend;
mod write;

use clap::{Parser, Subcommand};
use espo_bench::{CapacityOptions, Error, Result, output};

use self::load::{CapacityArgs, RunArgs};
use self::manifest::K8sArgs;
use self::reports::{CleanArgs, CompareArgs, InitArgs, MergeArgs, ReportArgs, WorkloadArgs};
use self::slurm::SlurmArgs;
use self::trend::TrendArgs;
use self::write::finish;

const EXAMPLES: &str = "\
Examples:
  espo-bench run mixed --embedded                                  try it without an instance
  export ESPO_API_KEY=…                                            credentials of the run
  espo-bench run browse --url https://crm.example.com --rate 20 --duration 2m --html report.html
  espo-bench run sync --url https://crm.example.com --slo 'list.p99 < 500ms' --slo 'errors < 0.1%'
  espo-bench capacity search --url https://crm.example.com --slo 'p95 < 1s'
  espo-bench compare before.json after.json
  espo-bench init --url https://crm.example.com > mine.toml        a workload for this instance
  espo-bench run browse --url https://crm.example.com --people 30 --users users.csv --slo 'p95 < 2s'
  espo-bench workload browse > mine.toml                           a built-in workload to edit

browse, mixed, import and search write (search and browse only if there are too few records to read); targets
other than loopback addresses need --allow-writes HOST. sync only reads.";

/// Load tester for EspoCRM.
///
/// Exit codes: 0 success; 1 a check failed (SLO missed, regression, too many errors, nothing measured, incomplete
/// `clean`); 2 invalid usage or input; 3 the target could not be reached or rejected the credentials; 4 undecided
/// (`compare` had too little data).
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a workload and print its response times.
    ///
    /// Credentials come from ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC) or ESPO_USERNAME and ESPO_PASSWORD, or from the
    /// variables that the workload names. --rate, --concurrency and --duration default to the workload's load.
    Run(Box<RunArgs>),
    /// Delete the records that a run left behind, as listed in its ledger.
    Clean(CleanArgs),
    /// Find the highest load that meets the SLOs (--slo), and the load at which throughput stops growing.
    ///
    /// Raises the load by 50 % per step until an SLO is missed, then bisects down to --precision. Each load is tried
    /// two or three times and the majority decides, so that noise does not affect the result. Exit code 1: no load met
    /// the SLOs.
    Capacity(Box<CapacityArgs>),
    /// Compare runs before and after a change (JSON reports) and report significant differences.
    ///
    /// Pass several runs per side, in alternating order: `compare a1.json a2.json a3.json -- b1.json b2.json b3.json`.
    /// The runs of a side are pooled. One run per side is never enough for a verdict, because identical runs differ as
    /// well. Exit code 1: regression; 4: undecided, with the number of requests and runs needed for a verdict.
    #[command(
        override_usage = "espo-bench compare [OPTIONS] BEFORE AFTER\n       espo-bench compare [OPTIONS] BEFORE... -- AFTER..."
    )]
    Compare(CompareArgs),
    /// Merge the reports of all shards of one run.
    Merge(MergeArgs),
    /// Write a workload for an instance, from its metadata, to standard output.
    Init(InitArgs),
    /// Print a built-in workload as TOML, as a starting point for a custom one.
    Workload(WorkloadArgs),
    /// Print the Kubernetes manifest of a distributed run.
    K8s(Box<K8sArgs>),
    /// Print the batch script of a distributed run for Slurm: an array job whose tasks start together.
    Slurm(Box<SlurmArgs>),
    /// Print a report (JSON, from `run --json`) as a table, or convert it to other formats.
    Report(ReportArgs),
    /// Show the results of many runs over time (JSON reports) and mark lasting changes.
    ///
    /// Runs of the same workload, load and target form a group. A change is marked if it is significant, exceeds
    /// --threshold and lasts for at least five runs.
    Trend(TrendArgs),
}

pub(crate) fn run(cli: Cli) -> Result<u8> {
    match cli.command {
        Command::Run(args) => run_load(&args),
        Command::Clean(args) => args.run(),
        Command::Capacity(args) => find_capacity(&args),
        Command::Compare(args) => args.run(),
        Command::Merge(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::Workload(args) => args.run(),
        Command::K8s(args) => finish(Vec::new(), &args.manifest()?, 0),
        Command::Slurm(args) => finish(Vec::new(), &args.script()?, 0),
        Command::Report(args) => args.run(),
        Command::Trend(args) => args.run(),
    }
}

fn run_load(args: &RunArgs) -> Result<u8> {
    args.output.check(&args.hdr)?;
    let options = args.options()?;
    if let Some(iterations) = args.dry_run {
        let lines = espo_bench::dry_run(options, iterations)?;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        return finish(Vec::new(), &text, 0);
    }
    let report = espo_bench::run(options)?;
    let text = match args.base.quiet || args.output.takes_stdout() {
        true => String::new(),
        false => output::table(&report),
    };
    finish(args.output.write(&report), &text, report.exit_code())
}

fn find_capacity(args: &CapacityArgs) -> Result<u8> {
    args.output.check(None)?;
    let mut run = args.base.options()?;
    run.progress = false;
    let search = &args.search;
    let options = CapacityOptions {
        run,
        workers: search.workers,
        from: search.from,
        to: search.to,
        precision: search.precision / 100.0,
        probe: search.probe,
    };
    let capacity = espo_bench::capacity(options, |line| espo_stdio::note!("{line}"))?;
    let mut text = output::capacity_line(&capacity.result, search.workers);
    if !args.base.quiet {
        text.push_str(&output::table(&capacity.report));
    }
    if args.output.takes_stdout() {
        text.clear();
    }
    let code = capacity.exit_code();
    finish(args.output.write(&capacity.report), &text, code)
}

/// The command line for the report. Credentials cannot be passed as arguments, but a URL may contain one.
fn command_line() -> String {
    let shown = std::env::args().map(|arg| match arg.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => {
            let host = rest.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://…@{host}")
        }
        _ => arg,
    });
    let quoted = shown.map(|arg| {
        if arg.contains([' ', '<', '>']) {
            format!("'{arg}'")
        } else {
            arg
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn usage(message: String) -> Error {
    Error::Usage(message)
}
