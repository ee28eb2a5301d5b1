//! Commands and their options.

mod load;
mod manifest;
mod write;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use espo_bench::{
    CapacityOptions, CompareOptions, Credentials, Error, Report, Result, Slo, output,
};

use self::load::{CapacityArgs, RunArgs};
use self::manifest::K8sArgs;
use self::write::OutputArgs;

const EXAMPLES: &str = "\
Examples:
  espo-bench run mixed --embedded                                  try it without an instance
  export ESPO_API_KEY=…                                            who the load is sent as
  espo-bench run browse --url https://crm.example.com --rate 20 --duration 2m --html report.html
  espo-bench run sync --url https://crm.example.com --slo 'list.p99 < 500ms' --slo 'errors < 0.1%'
  espo-bench capacity search --url https://crm.example.com --slo 'p95 < 1s'
  espo-bench compare before.json after.json
  espo-bench init --url https://crm.example.com > mine.toml        a workload for this very instance

browse, mixed, import and search write (search and browse only where records to look at are missing): against
anything but this machine that needs --allow-writes HOST. sync only reads.";

/// Load tester for EspoCRM.
///
/// Exit codes: 0 fine; 1 a limit did not hold, something got worse, or nothing could be measured; 2 wrong usage or bad
/// input; 3 the target could not be reached or refused the credentials.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a workload and prints its latencies.
    ///
    /// Credentials come from ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC) or ESPO_USERNAME and ESPO_PASSWORD, or from the
    /// variables that the workload names. Without --rate, --concurrency and --duration the workload's own load is sent.
    Run(Box<RunArgs>),
    /// Deletes what a run left behind, from its ledger; nothing else.
    Clean {
        /// The ledger file.
        ledger: PathBuf,
        /// The instance, if its address has changed since.
        #[arg(long)]
        url: Option<String>,
    },
    /// Finds the highest load at which the limits (--slo) hold.
    ///
    /// The load is raised by half each time until the limits break, then the gap is halved until it is as narrow as
    /// asked for. Each load is tried two or three times, so that noise does not pass for the edge.
    Capacity(Box<CapacityArgs>),
    /// Says what differs between two runs (JSON reports), and how sure that is. Exit code 1 when something got worse.
    ///
    /// Several runs on each side, best taken in turn, also show what differs from run to run by itself:
    /// `compare a1.json a2.json a3.json -- b1.json b2.json b3.json`.
    #[command(
        override_usage = "espo-bench compare [OPTIONS] BEFORE AFTER\n       espo-bench compare [OPTIONS] BEFORE... -- AFTER..."
    )]
    Compare {
        /// The run before and the run after; with `--`, the runs before.
        #[arg(required = true, value_name = "BEFORE")]
        before: Vec<PathBuf>,
        /// The runs after.
        #[arg(last = true, value_name = "AFTER")]
        after: Vec<PathBuf>,
        /// Smallest change that gets a verdict, in percent.
        #[arg(long, default_value_t = 5.0)]
        threshold: f64,
        /// Compare runs that are not comparable.
        #[arg(long)]
        force: bool,
        /// Write the comparison as JSON.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Write the comparison as Markdown.
        #[arg(long, value_name = "FILE")]
        markdown: Option<PathBuf>,
    },
    /// Puts the shards of one run together, without loss.
    Merge {
        /// The JSON reports of all shards.
        #[arg(required = true)]
        shards: Vec<PathBuf>,
        /// A limit on the whole.
        #[arg(long, value_name = "EXPR")]
        slo: Vec<Slo>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Writes a workload from an instance's metadata to standard output.
    Init {
        /// The instance. Its credentials come from the environment, as for `run`.
        #[arg(
            long,
            required_unless_present = "metadata",
            conflicts_with = "metadata"
        )]
        url: Option<String>,
        /// Metadata instead of an instance: a folder, or an export as `GET Metadata` answers it. Later ones are laid
        /// over earlier ones.
        #[arg(long, value_name = "PATH")]
        metadata: Vec<PathBuf>,
        /// Entity types; the usual ones and the instance's own if not given.
        #[arg(long)]
        entity: Vec<String>,
    },
    /// Prints the Kubernetes manifest of a distributed run.
    K8s(Box<K8sArgs>),
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
        Command::Run(args) => run_load(&args),
        Command::Clean { ledger, url } => {
            let cleaned = espo_bench::clean(&ledger, url.as_deref(), Credentials::from_env()?)?;
            println!(
                "removed {} records ({} of them never acknowledged), {} left",
                cleaned.removed, cleaned.found, cleaned.left
            );
            for reason in &cleaned.reasons {
                eprintln!("espo-bench: {reason}");
            }
            Ok(u8::from(cleaned.left > 0))
        }
        Command::Capacity(args) => find_capacity(&args),
        Command::Compare {
            mut before,
            mut after,
            threshold,
            force,
            json,
            markdown,
        } => {
            let options = CompareOptions {
                threshold: threshold / 100.0,
                force,
                ..CompareOptions::default()
            };
            if after.is_empty() {
                if before.len() != 2 {
                    return Err(usage(format!(
                        "compare takes two reports, or several before `--` and several behind it; {} given",
                        before.len()
                    )));
                }
                after.extend(before.pop());
            }
            let load = |files: &[PathBuf]| {
                let all = files.iter().map(|file| Report::load(file));
                all.collect::<Result<Vec<_>>>()
            };
            let (before, after) = (load(&before)?, load(&after)?);
            let (a, b): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
            let comparison = espo_bench::compare_sides(&a, &b, options).map_err(usage)?;
            print!("{}", output::comparison_table(&comparison));
            let text =
                serde_json::to_string_pretty(&comparison).map_err(|e| usage(e.to_string()))?;
            write::file(json.as_ref(), || text)?;
            write::file(markdown.as_ref(), || {
                output::comparison_markdown(&comparison)
            })?;
            Ok(comparison.exit_code())
        }
        Command::Merge {
            shards,
            slo,
            output,
        } => {
            let reports = shards
                .iter()
                .map(|p| Report::load(p))
                .collect::<Result<Vec<_>>>()?;
            let mut merged = espo_bench::merge(reports)?;
            merged.check(&slo);
            print!("{}", output::table(&merged));
            output.write(&merged)?;
            Ok(merged.exit_code())
        }
        Command::Init {
            url,
            metadata,
            entity,
        } => {
            let written = match url {
                Some(url) => espo_bench::init(&url, Credentials::from_env()?, &entity)?,
                None => espo_bench::init_from_metadata(&metadata, &entity)?,
            };
            print!("{written}");
            Ok(0)
        }
        Command::K8s(args) => {
            print!("{}", args.manifest()?);
            Ok(0)
        }
        Command::Report { report, output } => {
            let report = Report::load(&report)?;
            print!("{}", output::table(&report));
            output.write(&report)?;
            Ok(report.exit_code())
        }
    }
}

fn run_load(args: &RunArgs) -> Result<u8> {
    args.output.check(args.hdr.as_ref())?;
    let options = args.options()?;
    if let Some(iterations) = args.dry_run {
        for line in espo_bench::dry_run(options, iterations)? {
            println!("{line}");
        }
        return Ok(0);
    }
    let report = espo_bench::run(options)?;
    if !args.base.quiet {
        print!("{}", output::table(&report));
    }
    args.output.write(&report)?;
    Ok(report.exit_code())
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
    let capacity = espo_bench::capacity(options, |line| eprintln!("{line}"))?;
    match capacity.load {
        Some(load) if search.workers => println!("capacity: {load:.0} workers; {}", capacity.ended),
        Some(load) => println!("capacity: {load:.1} iterations/s; {}", capacity.ended),
        None => println!("capacity: none; {}", capacity.ended),
    }
    if !args.base.quiet {
        print!("{}", output::table(&capacity.report));
    }
    args.output.write(&capacity.report)?;
    Ok(u8::from(capacity.load.is_none()))
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
