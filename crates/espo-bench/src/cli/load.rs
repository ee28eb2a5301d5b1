//! Options that describe a load.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use espo_bench::{
    Arrivals, Credentials, Decode, K8sOptions, Limit, Load, Result, RunOptions, Shard, Slo, Target,
    Workload, parse_duration, parse_time,
};

use super::write::OutputArgs;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Print the first N iterations' requests instead of sending them.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    pub(crate) dry_run: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct CapacityArgs {
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Search over workers of the closed model instead of rates of the open one.
    #[arg(long)]
    pub(crate) workers: bool,
    /// Where to begin.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) from: f64,
    /// Where to stop raising.
    #[arg(long, default_value_t = 10_000.0)]
    pub(crate) to: f64,
    /// How close to the edge, in percent.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) precision: f64,
    /// Length of a probe.
    #[arg(long, value_parser = parse_duration, default_value = "10s")]
    pub(crate) probe: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct K8sArgs {
    /// A workload file (TOML), or one of the ready-made ones.
    #[arg(default_value = "mixed")]
    pub(crate) workload: String,
    /// Name of the Job.
    #[arg(long, default_value = "espo-bench")]
    name: String,
    /// Image whose entry point is espo-bench.
    #[arg(long)]
    image: String,
    /// The instance.
    #[arg(long)]
    url: String,
    /// Number of shards.
    #[arg(long)]
    shards: u32,
    /// Secret that holds ESPO_API_KEY and the like.
    #[arg(long, default_value = "espo-bench")]
    secret: String,
    /// Common start (RFC 3339), late enough for all pods to be there.
    #[arg(long, value_name = "TIME")]
    start_at: String,
    /// Further options of `run`, behind `--`.
    #[arg(last = true)]
    args: Vec<String>,
}

impl K8sArgs {
    pub(crate) fn options(&self) -> K8sOptions {
        K8sOptions {
            name: self.name.clone(),
            image: self.image.clone(),
            url: self.url.clone(),
            shards: self.shards,
            secret: self.secret.clone(),
            start_at: self.start_at.clone(),
            args: self.args.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// A workload file (TOML), or one of mixed, browse, sync, import, search.
    #[arg(default_value = "mixed")]
    pub(crate) workload: String,
    /// The instance.
    #[arg(
        long,
        required_unless_present = "embedded",
        conflicts_with = "embedded"
    )]
    pub(crate) url: Option<String>,
    /// Start the embedded server and test that.
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Closed model: so many workers, each sending when the last answer came.
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    pub(crate) concurrency: Option<u32>,
    /// Open model: so many iterations a second, whether or not earlier ones were answered.
    #[arg(long, value_name = "R")]
    pub(crate) rate: Option<f64>,
    /// How arrivals of the open model are spread.
    #[arg(long, value_enum)]
    pub(crate) arrivals: Option<Arrivals>,
    /// Open model: at most so many iterations in flight.
    #[arg(long, value_name = "N")]
    pub(crate) max_in_flight: Option<u32>,
    /// Time of measurement.
    #[arg(long, value_parser = parse_duration, conflicts_with = "requests")]
    pub(crate) duration: Option<Duration>,
    /// Number of iterations; a chain is one.
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u64>,
    /// Unmeasured load before the measurement.
    #[arg(long, value_parser = parse_duration)]
    pub(crate) warmup: Option<Duration>,
    /// Fixes mix, data and order.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What is done with answers after the clock has stopped.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) decode: Decode,
    /// Threads that send. One is enough for some 20,000 typed lists a second.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) threads: u32,
    /// Time limit of a request.
    #[arg(long, value_parser = parse_duration, default_value = "60s")]
    pub(crate) timeout: Duration,
    /// How long requests in flight at the end are waited for.
    #[arg(long, value_parser = parse_duration, default_value = "10s")]
    pub(crate) drain: Duration,
    /// A limit, such as 'list.p99 < 250ms', 'errors < 0.1%' or 'read.rate > 100'. Exit code 1 when it does not hold.
    #[arg(long, value_name = "EXPR")]
    pub(crate) slo: Vec<Slo>,
    /// Stop as soon as a limit can no longer hold.
    #[arg(long)]
    pub(crate) abort_when_hopeless: bool,
    /// Stop when more than this share of the requests failed, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub(crate) max_error_share: f64,
    /// Allow writes to this host, besides loopback.
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_writes: Vec<String>,
    /// The ledger of created records; by default espo-bench-RUN.ledger, removed when nothing is left.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Leave the created records, for `clean` to remove later.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Up to eight hexadecimal digits that mark the run's records; drawn if not given.
    #[arg(long, value_name = "HEX")]
    pub(crate) run_id: Option<String>,
    /// This process's share of a distributed run: 0/4 to 3/4.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Wait for this moment (RFC 3339) before the load.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) start_at: Option<SystemTime>,
    /// Send worker and iteration in a header (X-Espo-Bench), for the server's logs.
    #[arg(long)]
    pub(crate) tag_requests: bool,
    /// Neither progress nor table.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl LoadArgs {
    pub(crate) fn options(&self) -> Result<RunOptions> {
        let workload = Workload::load(&self.workload)?;
        let target = match &self.url {
            None => Target::Embedded,
            Some(url) => {
                let several = workload.credentials()?;
                let credentials = if several.is_empty() {
                    vec![Credentials::from_env()?]
                } else {
                    several
                };
                Target::Url {
                    url: url.clone(),
                    credentials,
                }
            }
        };
        let mut options = RunOptions::new(workload, target);
        options.load = match (self.concurrency, self.rate) {
            (Some(concurrency), _) => Some(Load::Closed { concurrency }),
            (None, Some(rate)) => Some(Load::Open {
                rate,
                arrivals: self.arrivals.unwrap_or_default(),
            }),
            (None, None) => None,
        };
        options.limit = match (self.duration, self.requests) {
            (Some(duration), _) => Some(Limit::Duration(duration)),
            (None, Some(requests)) => Some(Limit::Requests(requests)),
            (None, None) => None,
        };
        options.warmup = self.warmup;
        options.seed = self.seed;
        options.max_in_flight = self.max_in_flight;
        options.decode = self.decode;
        options.threads = self.threads;
        options.timeout = self.timeout;
        options.drain = self.drain;
        options.slos.clone_from(&self.slo);
        options.abort_when_hopeless = self.abort_when_hopeless;
        options.max_error_share = self.max_error_share;
        options.allow_writes.clone_from(&self.allow_writes);
        options.ledger.clone_from(&self.ledger);
        options.keep = self.keep;
        options.run_id.clone_from(&self.run_id);
        options.shard = self.shard;
        options.start_at = self.start_at;
        options.tag_requests = self.tag_requests;
        options.progress = !self.quiet && std::io::stderr().is_terminal();
        options.handle_interrupt = true;
        options.command = super::command_line();
        Ok(options)
    }
}
