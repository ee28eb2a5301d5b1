//! Options of the Slurm script.

use std::time::Duration;

use clap::{Args, Parser as _};
use espo_bench::{Result, SlurmOptions, Workload, parse_positive_duration};

use super::numbers::{between, integer};

#[derive(Debug, Args)]
pub(crate) struct SlurmArgs {
    /// Workload: a TOML file, or the name of a built-in workload (mixed, browse, sync, import, search).
    #[arg(default_value = "mixed")]
    workload: String,
    /// Name of the job.
    #[arg(long, default_value = "espo-bench")]
    name: String,
    /// Path of espo-bench on the nodes.
    #[arg(long, value_name = "PATH", default_value = "espo-bench")]
    program: String,
    /// URL of the instance, as reachable from the nodes.
    #[arg(long)]
    url: String,
    /// Number of shards, one array task each.
    #[arg(long, value_name = "N", value_parser = between::<u32, 1, 10_000>)]
    shards: u32,
    /// CPUs per task.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = integer::<u32, 1>)]
    cpus: u32,
    /// Time limit of the job.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "2h")]
    time_limit: Duration,
    /// Partition of the job. Defaults to the cluster's default partition.
    #[arg(long)]
    partition: Option<String>,
    /// How long the tasks wait for each other before the common start.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "30m")]
    wait: Duration,
    /// Further options of `run`, after `--`: the rate or concurrency of the whole run, its duration, and so on.
    #[arg(last = true)]
    args: Vec<String>,
}

impl SlurmArgs {
    /// Builds the script. The options of the tasks are parsed here as the tasks will parse them, so that errors are
    /// reported now.
    pub(crate) fn script(&self) -> Result<String> {
        let shard = format!("0/{}", self.shards);
        let line = [
            "espo-bench",
            "run",
            "workload",
            "--url",
            &self.url,
            "--shard",
            &shard,
            "--start-at",
            "2999-01-01T00:00:00Z",
        ];
        let whole = line
            .into_iter()
            .chain(self.args.iter().map(String::as_str))
            .chain(["--quiet", "--json", "report", "--ledger", "ledger"]);
        super::Cli::try_parse_from(whole)
            .map_err(|e| super::usage(format!("invalid options for the tasks: {}", e.render())))?;
        let options = SlurmOptions {
            name: self.name.clone(),
            program: self.program.clone(),
            url: self.url.clone(),
            shards: self.shards,
            cpus: self.cpus,
            time_limit: self.time_limit,
            partition: self.partition.clone(),
            wait: self.wait,
            args: self.args.clone(),
        };
        espo_bench::slurm(&Workload::load(&self.workload)?, &options)
    }
}
