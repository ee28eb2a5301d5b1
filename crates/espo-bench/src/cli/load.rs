//! Options that describe a load.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use espo_bench::{
    Arrivals, Credentials, DashboardAddr, Decode, Limit, Load, Result, RunOptions, Shard, Slo,
    Target, Workload, parse_duration, parse_positive_duration, parse_time,
};

use super::access::{AccessArgs, instance_url};
use super::numbers::{between, integer, percent, rate};
use super::write::OutputArgs;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    shard: ShardArgs,
    #[command(flatten)]
    records: RecordArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Write an HdrHistogram interval log (V2) with one histogram per second and operation.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) hdr: Option<PathBuf>,
    /// Print the requests of the first N iterations instead of sending them; only metadata and lists are read.
    #[arg(long, value_name = "N", value_parser = integer::<u64, 1>, num_args = 0..=1, default_missing_value = "20", help_heading = "Safety")]
    pub(crate) dry_run: Option<u64>,
    /// Serve a live page during the run, by default on a loopback address [default: 127.0.0.1:5656].
    ///
    /// ADDR is a port or an IP address with a port. When the run ends, the page shows the report. It has no access
    /// control: anyone who can reach ADDR can read it.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "", help_heading = "Output")]
    dashboard: Option<DashboardAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct CapacityArgs {
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) search: SearchArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Search")]
pub(crate) struct SearchArgs {
    /// Search over workers of the closed model instead of rates of the open model.
    #[arg(long)]
    pub(crate) workers: bool,
    /// Lowest load to try, in iterations per second or workers.
    #[arg(long, value_name = "LOAD", value_parser = rate, default_value_t = 10.0)]
    pub(crate) from: f64,
    /// Highest load to try.
    #[arg(long, value_name = "LOAD", value_parser = rate, default_value_t = 10_000.0)]
    pub(crate) to: f64,
    /// Stop when the capacity is known to within this percentage.
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value_t = 5.0)]
    pub(crate) precision: f64,
    /// Duration of one probe.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "10s")]
    pub(crate) probe: Duration,
    /// Stop after this number of probes, with the precision that was reached.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = integer::<u32, 2>)]
    pub(crate) max_probes: u32,
}

/// Options shared by `run` and `capacity`.
#[derive(Debug, Args)]
pub(crate) struct BaseArgs {
    /// Workload: a TOML file, or the name of a built-in workload (mixed, browse, sync, import, search).
    #[arg(default_value = "mixed")]
    pub(crate) workload: String,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    send: SendArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// How long the cleanup may continue without deleting a record.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "10s", help_heading = "Safety")]
    cleanup_timeout: Duration,
    /// Label of the run in reports and trends, such as a release or a commit.
    #[arg(long, value_name = "TEXT", value_parser = label, help_heading = "Output")]
    label: Option<String>,
    /// Print only warnings and failures, without progress and result table.
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
struct TargetArgs {
    /// URL of the instance. Defaults to the environment variable ESPO_URL. Credentials are read from the environment,
    /// see above.
    #[arg(long)]
    url: Option<String>,
    /// Users to send requests as, in alternation: a CSV file with the columns api_key (and secret_key), or username and
    /// password. Defaults to the users of the workload, or to the user in the environment.
    #[arg(long, value_name = "FILE", conflicts_with = "embedded")]
    users: Option<PathBuf>,
    /// Start the embedded server and test it; no instance is needed.
    #[arg(long, conflicts_with_all = ["url", "connect_to", "proxy", "no_proxy", "ca_certificate", "client_certificate", "gateway_auth_env"])]
    embedded: bool,
    /// Metadata for the embedded server: a directory in EspoCRM's layout, or a JSON file returned by `GET Metadata`.
    /// Repeatable; later ones are merged over earlier ones.
    #[arg(
        long,
        value_name = "PATH",
        requires = "embedded",
        conflicts_with = "url"
    )]
    metadata: Vec<PathBuf>,
    /// Allow writes to HOST. By default, runs write only to loopback addresses.
    #[arg(long, value_name = "HOST")]
    allow_writes: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
struct ShapeArgs {
    /// Closed model: run N workers; each starts its next iteration when the previous one has finished.
    #[arg(long, value_name = "N", conflicts_with = "rate", value_parser = integer::<u32, 1>)]
    concurrency: Option<u32>,
    /// Closed model: N people with a think time between page views. Defaults to the workload's think time or pacing,
    /// or 5s..30s; see --think.
    #[arg(long, value_name = "N", conflicts_with_all = ["rate", "concurrency"], value_parser = integer::<u32, 1>)]
    people: Option<u32>,
    /// Closed model: think time between the iterations of a worker, such as 10s, or 5s..30s for a random one. Defaults
    /// to the workload's think time.
    #[arg(long, value_name = "DURATION[..DURATION]", value_parser = think, conflicts_with = "rate")]
    think: Option<(Duration, Duration)>,
    /// Open model: start R iterations per second, whether or not earlier ones have finished. Response times are
    /// measured from the intended start.
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,
    /// Duration of the measurement.
    #[arg(long, value_parser = parse_positive_duration, conflicts_with = "requests")]
    duration: Option<Duration>,
    /// Number of iterations, instead of a duration; a chain counts as one.
    #[arg(long, value_name = "N", value_parser = integer::<u64, 1>)]
    requests: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
struct SendArgs {
    /// Duration of the warm-up before the measurement.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    warmup: Option<Duration>,
    /// How the starts of iterations are distributed in the open model.
    #[arg(long, value_enum)]
    arrivals: Option<Arrivals>,
    /// Open model: maximum number of iterations in flight [default: 1000].
    #[arg(long, value_name = "N", value_parser = integer::<u32, 1>)]
    max_in_flight: Option<u32>,
    /// Seed for the mix, the data and the order of requests [default: 1].
    #[arg(long, value_parser = integer::<u64, 0>)]
    seed: Option<u64>,
    /// How to process successful responses; not included in the response times.
    #[arg(long, value_enum, default_value_t)]
    decode: Decode,
    /// Number of sending threads. One thread can send about 20,000 typed list requests per second.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = between::<u32, 1, 1_024>)]
    threads: u32,
    /// How long to wait for in-flight requests when the run ends.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    drain: Duration,
    /// Send the worker and the iteration in a header (X-Espo-Bench), for the server's logs.
    #[arg(long)]
    tag_requests: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// SLO: [OPERATION.]METRIC, '<' or '>', and a value, such as 'list.p99 < 250ms', 'errors < 0.1%' or 'read.rate >
    /// 100'. OPERATION is a name or a kind; METRIC is p50, p99.9 (any percentile), mean, max, rate or errors. Exit code
    /// 1 if it is missed. Repeatable.
    #[arg(long, value_name = "LIMIT")]
    pub(crate) slo: Vec<Slo>,
    /// Stop as soon as an SLO can no longer be met.
    #[arg(long, requires = "slo")]
    abort_when_hopeless: bool,
    /// Stop when more than this fraction of the requests has failed, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    max_error_share: f64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Safety")]
struct RecordArgs {
    /// Path of the ledger of created records; this file is kept. Defaults to espo-bench-RUN.ledger, which is deleted
    /// when no records remain.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Keep the created records; `clean` can delete them later.
    #[arg(long)]
    keep: bool,
    /// Up to eight hexadecimal digits that mark the run's records. Defaults to a random value.
    #[arg(long, value_name = "HEX")]
    run_id: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Several machines")]
struct ShardArgs {
    /// Run one shard of a distributed run: 0/4 to 3/4 for four shards. Pass the load and the seed of the whole run to
    /// each.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Wait until this time (RFC 3339, such as 2026-01-31T08:15:00Z) before sending load.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start_at: Option<SystemTime>,
}

/// Default think times of people, for workloads that set none.
const THINK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

fn think(text: &str) -> std::result::Result<(Duration, Duration), String> {
    let (min, max) = match text.split_once("..") {
        Some((min, max)) => (parse_duration(min)?, parse_duration(max)?),
        None => (parse_duration(text)?, parse_duration(text)?),
    };
    if min <= max {
        Ok((min, max))
    } else {
        Err(format!(
            "invalid think time '{text}': the first duration is longer than the second"
        ))
    }
}

fn share(text: &str) -> std::result::Result<f64, String> {
    let share = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => text.trim().parse(),
    };
    let share = share.ok().filter(|s| (0.0..=1.0).contains(s));
    share.ok_or_else(|| {
        format!("invalid fraction '{text}': expected a number from 0 to 1, or a percentage")
    })
}

impl TargetArgs {
    fn resolve(&self, workload: &Workload, access: &AccessArgs) -> Result<Target> {
        if self.embedded {
            return match self.metadata.is_empty() {
                true => Ok(Target::Embedded),
                false => Target::embedded(&self.metadata),
            };
        }
        let url = instance_url(self.url.as_ref()).ok_or_else(|| {
            super::usage(
                "no target given: pass --url URL, set ESPO_URL, or pass --embedded to try the workload without an \
                 instance"
                    .into(),
            )
        })?;
        access.note_unused(&url);
        let mut credentials = match &self.users {
            Some(path) => Credentials::from_csv(path)?,
            None => workload.credentials()?,
        };
        if credentials.is_empty() {
            credentials.push(Credentials::from_env()?);
        }
        Ok(Target::Url { url, credentials })
    }
}

impl BaseArgs {
    /// Returns the files that the run reads.
    pub(crate) fn inputs(&self) -> Vec<PathBuf> {
        let workload = PathBuf::from(&self.workload);
        let mut files: Vec<PathBuf> = self.target.metadata.clone();
        files.extend(self.target.users.clone());
        files.extend(workload.is_file().then_some(workload));
        files.extend(self.access.files().cloned());
        files
    }

    pub(crate) fn options(&self) -> Result<RunOptions> {
        let workload = Workload::load(&self.workload)?;
        let target = self.target.resolve(&workload, &self.access)?;
        let mut options = RunOptions::new(workload, target);
        let (send, limits) = (&self.send, &self.limits);
        options.warmup = send.warmup;
        options.arrivals = send.arrivals;
        options.seed = send.seed;
        options.max_in_flight = send.max_in_flight;
        options.decode = send.decode;
        options.threads = send.threads;
        options.timeout = self.access.timeout;
        options.drain = send.drain;
        options.tag_requests = send.tag_requests;
        options.slos.clone_from(&limits.slo);
        options.abort_when_hopeless = limits.abort_when_hopeless;
        options.max_error_share = limits.max_error_share;
        options.access = self.access.access()?;
        options.allow_writes.clone_from(&self.target.allow_writes);
        options.cleanup_timeout = self.cleanup_timeout;
        options.progress = !self.quiet && std::io::stderr().is_terminal();
        options.handle_interrupt = true;
        options.warn = |text| espo_stdio::note!("warning: {text}");
        options.command = super::command_line();
        options.label.clone_from(&self.label);
        Ok(options)
    }
}

impl RunArgs {
    /// Returns the given options that have an effect only if the load is sent.
    pub(crate) fn needs_load(&self) -> impl Iterator<Item = &'static str> {
        let more = [
            ("--hdr", self.hdr.is_some()),
            ("--dashboard", self.dashboard.is_some()),
        ];
        let more = more.into_iter().filter(|(_, is_given)| *is_given);
        let outputs = self.output.given().map(|(option, _)| option);
        outputs.chain(more.map(|(option, _)| option))
    }

    pub(crate) fn ledger(&self) -> Option<&PathBuf> {
        self.records.ledger.as_ref()
    }

    pub(crate) fn options(&self) -> Result<RunOptions> {
        let mut options = self.base.options()?;
        options.dashboard = self.dashboard;
        options.think = self.shape.think;
        let workload = &options.workload;
        let has_own_pace = workload.think().is_some() || workload.pacing().is_some();
        if self.shape.people.is_some() && !has_own_pace {
            options.think = options.think.or(Some(THINK));
        }
        let workers = self.shape.people.or(self.shape.concurrency);
        options.load = match (workers, self.shape.rate) {
            (Some(concurrency), _) => Some(Load::Closed { concurrency }),
            (None, Some(rate)) => Some(Load::Open {
                rate,
                arrivals: options
                    .arrivals
                    .unwrap_or_else(|| options.workload.arrivals()),
            }),
            (None, None) => None,
        };
        options.limit = match (self.shape.duration, self.shape.requests) {
            (Some(duration), _) => Some(Limit::Duration(duration)),
            (None, Some(requests)) => Some(Limit::Requests(requests)),
            (None, None) => None,
        };
        options.ledger.clone_from(&self.records.ledger);
        options.keep = self.records.keep;
        options.run_id.clone_from(&self.records.run_id);
        options.shard = self.shard.shard;
        options.start_at = self.shard.start_at;
        options.hdr.clone_from(&self.hdr);
        Ok(options)
    }
}

/// Checks a label, which is shown in tables, pages and lists.
fn label(text: &str) -> Result<String, String> {
    const LONGEST: usize = 200;
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err("it contains a line break or another control character".to_owned());
    }
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        1..=LONGEST => Ok(text.to_owned()),
        _ => Err(format!("it is longer than {LONGEST} characters")),
    }
}
