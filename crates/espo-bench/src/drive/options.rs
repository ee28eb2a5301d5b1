//! What a run is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use espo_schema::Schema;

use crate::error::{Error, Result};
use crate::report::{Decode, Report};
use crate::schedule::Arrivals;
use crate::slo::Slo;
use crate::target::{Access, Credentials};
use crate::workload::Workload;

/// The target of a run.
#[derive(Debug, Clone)]
pub enum Target {
    /// An instance at a URL.
    Url {
        /// As [`espo_core::Client::builder`] takes it.
        url: String,
        /// One or several users; workers take them in turn.
        credentials: Vec<Credentials>,
    },
    /// The embedded server with the stock metadata, started in this process on a port of its own.
    Embedded,
    /// The embedded server with this metadata.
    EmbeddedWith(Arc<Schema>),
}

impl Target {
    /// The embedded server with the metadata of these files or folders, later ones laid over earlier ones.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] when they cannot be read or are no metadata.
    pub fn embedded<P: AsRef<Path>>(metadata: &[P]) -> Result<Self> {
        let schema = Schema::load(metadata).map_err(|e| Error::usage(e.to_string()))?;
        Ok(Self::EmbeddedWith(Arc::new(schema)))
    }
}

/// The load model and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Workers, each sending the next request when the last was answered.
    Closed {
        /// How many.
        concurrency: u32,
    },
    /// Iterations at set times.
    Open {
        /// Iterations a second.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
    },
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// After this time of measurement.
    Duration(Duration),
    /// After this many iterations.
    Requests(u64),
}

/// One share of a distributed run: `0/4` to `3/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no shard: write it as 0/4 to 3/4");
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

/// Everything that a run is told. [`RunOptions::new`] gives defaults that the fields can then change.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What to send.
    pub workload: Workload,
    /// To whom.
    pub target: Target,
    /// The load; none takes the workload's own stages, rate or concurrency.
    pub load: Option<Load>,
    /// When to end; none takes the workload's, or 30 s.
    pub limit: Option<Limit>,
    /// Time of unmeasured load before; none takes the workload's, or 0.
    pub warmup: Option<Duration>,
    /// How arrivals are spread where the load comes from the workload; none takes the workload's, or constant.
    pub arrivals: Option<Arrivals>,
    /// Fixes mix, data and order; none takes the workload's, or 1.
    pub seed: Option<u64>,
    /// Think time between the iterations of a worker, shortest and longest; none takes the workload's.
    pub think: Option<(Duration, Duration)>,
    /// Most iterations in flight in the open model.
    pub max_in_flight: Option<u32>,
    /// What is done with answers after the clock has stopped.
    pub decode: Decode,
    /// Threads that send.
    pub threads: u32,
    /// Time limit of a request.
    pub timeout: Duration,
    /// How long requests in flight at the end are waited for.
    pub drain: Duration,
    /// Limits that the result is checked against.
    pub slos: Vec<Slo>,
    /// Stop as soon as a limit on an error share or a maximum can no longer hold.
    pub abort_when_hopeless: bool,
    /// Stop when more than this share of the requests failed, 0 to 1.
    pub max_error_share: f64,
    /// The way to the target: proxy, headers, certificates, address.
    pub access: Access,
    /// Hosts besides loopback to which the run may write.
    pub allow_writes: Vec<String>,
    /// The ledger file; none gives it a name from the run's id in the current folder.
    pub ledger: Option<PathBuf>,
    /// Leave what was created.
    pub keep: bool,
    /// How long the cleanup may go on without deleting a record.
    pub cleanup_timeout: Duration,
    /// Eight hexadecimal digits; none draws them.
    pub run_id: Option<String>,
    /// This process's share of a distributed run.
    pub shard: Option<Shard>,
    /// Wait for this moment before the load.
    pub start_at: Option<SystemTime>,
    /// Put worker and iteration into a header of each request (`X-Espo-Bench`), for logs.
    pub tag_requests: bool,
    /// Write the interval log here.
    pub hdr: Option<PathBuf>,
    /// Show the progress on a terminal's error output.
    pub progress: bool,
    /// End the run and report on Ctrl-C.
    pub handle_interrupt: bool,
    /// Called with notices for the user before the load.
    pub warn: fn(&str),
    /// Serves a live page while the run lasts.
    pub dashboard: Option<crate::dashboard::DashboardAddr>,
    /// Label of the run in reports and trends, such as a release or a commit.
    pub label: Option<String>,
    /// The command line as it goes into the report.
    pub command: String,
}

impl RunOptions {
    /// The defaults: the workload's own load, typed decoding, one sending thread.
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

    /// Runs: see [`crate::run`].
    ///
    /// # Errors
    ///
    /// As [`crate::run`].
    pub fn run(self) -> Result<Report> {
        crate::run(self)
    }
}
