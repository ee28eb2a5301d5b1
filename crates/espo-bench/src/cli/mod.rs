//! Commands and their options.

mod access;
mod hints;
mod load;
mod manifest;
mod numbers;
mod reports;
mod slurm;
mod trend;
mod write;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use espo_bench::{CapacityOptions, Error, Report, Result, output};

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
  espo-bench run sync --url https://crm.example.com --rate 20 --duration 2m --html report.html
  espo-bench run sync --url https://crm.example.com --slo 'list.p99 < 500ms' --slo 'errors < 0.1%'
  espo-bench capacity sync --url https://crm.example.com --slo 'p95 < 1s'
  espo-bench compare before.json after.json
  espo-bench init --url https://crm.example.com > mine.toml        a workload for this instance
  espo-bench run browse --url https://crm.example.com --allow-writes crm.example.com --people 30 --users users.csv
  espo-bench workload browse > mine.toml                           a built-in workload to edit

browse, mixed, import and search write (search only if there are too few records to read), so targets other than
loopback addresses need --allow-writes HOST. sync only reads.";

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
    /// Credentials come from ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC) or ESPO_USERNAME and ESPO_PASSWORD, or from
    /// the variables set in the workload. --rate, --concurrency and --duration default to the values in the workload.
    Run(Box<RunArgs>),
    /// Delete the records that a run left behind, as listed in its ledger.
    Clean(CleanArgs),
    /// Find the highest load that meets the SLOs (--slo), and the load at which throughput stops growing.
    ///
    /// Raises the load by 50 % per step until an SLO is missed, then bisects down to --precision. Each load is probed
    /// two or three times and the majority decides, so that noise does not affect the result. Exit code 1: no load met
    /// the SLOs.
    Capacity(Box<CapacityArgs>),
    /// Compare runs before and after a change (JSON reports) and report significant differences.
    ///
    /// Pass several runs per side, measured in alternation:
    /// `compare a1.json a2.json a3.json -- b1.json b2.json b3.json`. The runs of a side are pooled. One run per side is
    /// never enough for a verdict, because even identical runs differ. Exit code 1: regression; 4: undecided, with the
    /// number of requests and runs needed for a verdict.
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

/// Prints the help or a usage error. clap's own function ignores errors when it writes to standard output.
pub(crate) fn explain(mut error: clap::Error) -> ExitCode {
    hints::add(&mut error);
    if error.use_stderr() {
        // There is nowhere left to report that standard error cannot be written.
        let _ = error.print();
        return ExitCode::from(2);
    }
    let text = error.render();
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let shown = if std::io::stdout().is_terminal() && !no_colour {
        espo_stdio::out!("{}", text.ansi())
    } else {
        espo_stdio::out!("{text}")
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            espo_stdio::note!("espo-bench: {error}");
            ExitCode::from(2)
        }
    }
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
    let inputs = args.base.inputs();
    args.output
        .check(&args.hdr, inputs.iter().chain(args.ledger()))?;
    let options = args.options()?;
    if let Some(iterations) = args.dry_run {
        for option in args.needs_load() {
            espo_stdio::note!(
                "warning: {option} has no effect with --dry-run, which sends no load"
            );
        }
        let lines = espo_bench::dry_run(options, iterations)?;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        return finish(Vec::new(), &text, 0);
    }
    let report = espo_bench::run(options)?;
    let is_silent = args.base.quiet || args.output.takes_stdout();
    let text = match is_silent {
        true => String::new(),
        false => output::table(&report),
    };
    // The table lists the failures, except that nothing was measured.
    if is_silent {
        note_result(&report);
    } else if report.totals.requests == 0 {
        note_failures(report.failures());
    }
    finish(args.output.write(&report), &text, report.exit_code())
}

/// Reports on standard error why the exit code is not 0, and what restricts the figures. Used if there is no table.
pub(crate) fn note_result(report: &Report) {
    note_failures(report.failures());
    for warning in output::warnings(report) {
        espo_stdio::note!("warning: {warning}");
    }
}

pub(crate) fn note_failures(reasons: impl IntoIterator<Item = String>) {
    for reason in reasons {
        espo_stdio::note!("espo-bench: {reason}");
    }
}

fn find_capacity(args: &CapacityArgs) -> Result<u8> {
    args.output.check(None, &args.base.inputs())?;
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
        max_probes: search.max_probes,
    };
    let capacity = espo_bench::capacity(options, |line| espo_stdio::note!("{line}"))?;
    let line = output::capacity_line(&capacity.result, search.workers);
    let text = match (args.output.takes_stdout(), args.base.quiet) {
        (true, _) => {
            line.lines().for_each(|line| espo_stdio::note!("{line}"));
            String::new()
        }
        (false, true) => line,
        (false, false) => output::table(&capacity.report),
    };
    let code = capacity.exit_code();
    finish(args.output.write(&capacity.report), &text, code)
}

/// Returns the command line for the report. Credentials cannot be passed as arguments, but a URL may contain some: its
/// user and its query are left out.
fn command_line() -> String {
    // Arguments such as paths need not be UTF-8.
    let args = std::env::args_os().map(|arg| without_secrets(&arg.to_string_lossy()));
    let quoted = args.map(|arg| {
        let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=[]".contains(c);
        if !arg.is_empty() && arg.chars().all(is_plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn without_secrets(arg: &str) -> String {
    let Some((scheme, rest)) = arg.split_once("://") else {
        return arg.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => authority.to_owned(),
    };
    let path = match path.split_once(['?', '#']) {
        Some((path, _)) => format!("{path}?…"),
        None => path.to_owned(),
    };
    format!("{scheme}://{host}{path}")
}

/// Checks a threshold in percent and returns it as a fraction.
fn threshold(percent: f64) -> Result<f64> {
    if percent > 0.0 && percent.is_finite() {
        Ok(percent / 100.0)
    } else {
        Err(usage(format!(
            "invalid --threshold '{percent}': expected a percentage above 0"
        )))
    }
}

fn usage(message: String) -> Error {
    Error::Usage(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_in_the_command_line_lose_their_secrets() {
        for (given, expected) in [
            (
                "https://crm.example.com/espo",
                "https://crm.example.com/espo",
            ),
            (
                "https://me:pass@crm.example.com",
                "https://…@crm.example.com",
            ),
            (
                "--proxy=http://a:b@c@proxy:3128/",
                "--proxy=http://…@proxy:3128/",
            ),
            ("https://crm/?token=abc#x", "https://crm/?…"),
            ("list.p99 < 250ms", "list.p99 < 250ms"),
        ] {
            assert_eq!(without_secrets(given), expected);
        }
    }
}
