//! Options of a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use espo_schema::Schema;

use espo_core::auth::Redactor;

use crate::error::{Error, Result};
use crate::report::{Decode, Report};
use crate::schedule::Arrivals;
use crate::slo::Slo;
use crate::target::{Access, Credentials, redactor};
use crate::workload::Workload;

/// The target of a run.
#[derive(Debug, Clone)]
pub enum Target {
    /// An instance at a URL.
    Url {
        /// URL, in the form that [`espo_core::Client::builder`] accepts.
        url: String,
        /// One or several users; the workers alternate between them.
        credentials: Vec<Credentials>,
    },
    /// The embedded server with the stock metadata, started in this process on a free port.
    Embedded,
    /// The embedded server with this metadata.
    EmbeddedWith(Arc<Schema>),
}

impl Target {
    /// Returns the embedded server with metadata from files or directories; later ones are merged over earlier ones.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] if they cannot be read or are not metadata.
    pub fn embedded<P: AsRef<Path>>(metadata: &[P]) -> Result<Self> {
        let schema = Schema::load(metadata).map_err(|e| Error::usage(e.to_string()))?;
        Ok(Self::EmbeddedWith(Arc::new(schema)))
    }
}

/// The load model and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Workers, each starting its next iteration when the previous one has finished.
    Closed {
        /// Number of workers.
        concurrency: u32,
    },
    /// Iterations at scheduled times.
    Open {
        /// Iterations per second.
        rate: f64,
        /// How the starts of iterations are distributed.
        arrivals: Arrivals,
    },
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Ends after this duration of measurement.
    Duration(Duration),
    /// Ends after this number of iterations.
    Requests(u64),
}

/// One shard of a distributed run: `0/4` to `3/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Index from 0.
    pub index: u32,
    /// Number of shards.
    pub count: u32,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("invalid shard '{text}': expected a value such as 0/4 to 3/4");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self {
            index: index.parse().map_err(|_| wrong())?,
            count: count.parse().map_err(|_| wrong())?,
        };
        if shard.index < shard.count {
            Ok(shard)
        } else {
            Err(wrong())
        }
    }
}

/// Options of a run. [`RunOptions::new`] sets defaults.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The workload to send.
    pub workload: Workload,
    /// The target.
    pub target: Target,
    /// The load. Defaults to the workload's stages, rate or concurrency.
    pub load: Option<Load>,
    /// The end of the run. Defaults to the workload's, or 30 s.
    pub limit: Option<Limit>,
    /// Duration of the unmeasured load before the measurement. Defaults to the workload's, or 0.
    pub warmup: Option<Duration>,
    /// Distribution of arrivals if the load comes from the workload. Defaults to the workload's, or constant.
    pub arrivals: Option<Arrivals>,
    /// Seed for the mix, the data and the order. Defaults to the workload's, or 1.
    pub seed: Option<u64>,
    /// Minimum and maximum think time between the iterations of a worker. Defaults to the workload's.
    pub think: Option<(Duration, Duration)>,
    /// Maximum number of iterations in flight in the open model.
    pub max_in_flight: Option<u32>,
    /// How to process successful responses; not included in the response times.
    pub decode: Decode,
    /// Number of sending threads.
    pub threads: u32,
    /// Timeout of a request.
    pub timeout: Duration,
    /// How long to wait for in-flight requests when the run ends.
    pub drain: Duration,
    /// SLOs for the result.
    pub slos: Vec<Slo>,
    /// Stop as soon as an SLO can no longer be met.
    pub abort_when_hopeless: bool,
    /// Stop when more than this fraction of the requests has failed, 0 to 1.
    pub max_error_share: f64,
    /// Access to the target: proxy, headers, certificates, address.
    pub access: Access,
    /// Hosts other than loopback addresses to which the run may write.
    pub allow_writes: Vec<String>,
    /// Path of the ledger. Defaults to a name with the run's ID in the current directory.
    pub ledger: Option<PathBuf>,
    /// Keep the created records.
    pub keep: bool,
    /// How long the cleanup may continue without deleting a record.
    pub cleanup_timeout: Duration,
    /// Run ID: up to eight hexadecimal digits. Random by default.
    pub run_id: Option<String>,
    /// This process's share of a distributed run.
    pub shard: Option<Shard>,
    /// Wait until this time before sending load.
    pub start_at: Option<SystemTime>,
    /// Send the worker and the iteration in a header of each request (`X-Espo-Bench`), for logs.
    pub tag_requests: bool,
    /// Path of the interval log.
    pub hdr: Option<PathBuf>,
    /// Show the progress if stderr is a terminal.
    pub progress: bool,
    /// On Ctrl-C, end the run and write the report.
    pub handle_interrupt: bool,
    /// Called with notices for the user before the load.
    pub warn: fn(&str),
    /// Serve a live page during the run.
    pub dashboard: Option<crate::dashboard::DashboardAddr>,
    /// Label of the run in reports and trends, such as a release or a commit.
    pub label: Option<String>,
    /// The command line for the report.
    pub command: String,
}

impl RunOptions {
    /// Returns a redactor for the secrets that the server could repeat.
    pub(super) fn redactor(&self) -> Redactor {
        let users = match &self.target {
            Target::Url { credentials, .. } => credentials.as_slice(),
            _ => &[],
        };
        redactor(users, &self.access)
    }

    /// Creates options with the workload's load, typed decoding and one sending thread.
    #[must_use]
    pub fn new(workload: Workload, target: Target) -> Self {
        Self {
            workload,
            target,
            load: None,
            limit: None,
            warmup: None,
            arrivals: None,
            seed: None,
            think: None,
            max_in_flight: None,
            decode: Decode::Typed,
            threads: 1,
            timeout: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            slos: Vec::new(),
            abort_when_hopeless: false,
            max_error_share: 0.5,
            access: Access::default(),
            allow_writes: Vec::new(),
            ledger: None,
            keep: false,
            cleanup_timeout: crate::CleanOptions::default().patience,
            run_id: None,
            shard: None,
            start_at: None,
            tag_requests: false,
            hdr: None,
            progress: false,
            handle_interrupt: false,
            warn: |_| {},
            dashboard: None,
            label: None,
            command: String::new(),
        }
    }

    /// Runs the load test, see [`crate::run`].
    ///
    /// # Errors
    ///
    /// Same errors as [`crate::run`].
    pub fn run(self) -> Result<Report> {
        crate::run(self)
    }
}
