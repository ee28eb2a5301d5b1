//! Options of the Kubernetes manifest.

use std::time::Duration;

use clap::{Args, Parser as _};
use espo_bench::{K8sOptions, Result, Workload, parse_duration, parse_positive_duration};

#[derive(Debug, Args)]
pub(crate) struct K8sArgs {
    /// Workload: a TOML file, or the name of a built-in workload (mixed, browse, sync, import, search).
    #[arg(default_value = "mixed")]
    workload: String,
    /// Name of the Job.
    #[arg(long, default_value = "espo-bench")]
    name: String,
    /// Image that contains espo-bench, such as one built with deploy/Dockerfile.
    #[arg(long)]
    image: String,
    /// Path of espo-bench in the image, or its name if it is in the image's PATH.
    #[arg(long, value_name = "PATH", default_value = "espo-bench")]
    program: String,
    /// URL of the instance, as reachable from the pods.
    #[arg(long)]
    url: String,
    /// Number of shards, one pod each.
    #[arg(long, value_name = "N", value_parser = super::numbers::integer::<u32, 1>)]
    shards: u32,
    /// Secret with ESPO_API_KEY and the other credentials.
    #[arg(long, default_value = "espo-bench")]
    secret: String,
    /// Common start time (RFC 3339). Choose a time at which all pods will be running.
    #[arg(long, value_name = "TIME")]
    start_at: String,
    /// Namespace for the Job, the ConfigMap and the Secret.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// Fail the Job if it has not finished after this time.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "2h")]
    deadline: Duration,
    /// Delete the Job and its logs this long after it has finished.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1d")]
    ttl: Duration,
    /// Further options of `run`, after `--`: the rate or concurrency of the whole run, its duration, and so on.
    #[arg(last = true)]
    args: Vec<String>,
}

impl K8sArgs {
    /// Builds the manifest. The options of the pods are parsed here as the pods will parse them, so that errors are
    /// reported now.
    pub(crate) fn manifest(&self) -> Result<String> {
        let (url, start_at) = (&self.url, &self.start_at);
        let shard = format!("0/{}", self.shards.max(1));
        let line = [
            "espo-bench",
            "run",
            "workload",
            "--url",
            url,
            "--shard",
            &shard,
            "--start-at",
            start_at,
        ];
        let whole = line
            .into_iter()
            .chain(self.args.iter().map(String::as_str))
            .chain(["--quiet", "--json", "report", "--ledger", "ledger"]);
        super::Cli::try_parse_from(whole)
            .map_err(|e| super::usage(format!("invalid options for the pods: {}", e.render())))?;
        let options = K8sOptions {
            name: self.name.clone(),
            image: self.image.clone(),
            program: self.program.clone(),
            url: self.url.clone(),
            shards: self.shards,
            secret: self.secret.clone(),
            start_at: self.start_at.clone(),
            namespace: self.namespace.clone(),
            deadline: self.deadline,
            time_to_live: self.ttl,
            args: self.args.clone(),
        };
        espo_bench::k8s(&Workload::load(&self.workload)?, &options)
    }
}
