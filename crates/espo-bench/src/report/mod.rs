//! The result of a run, from which all outputs, comparisons and merges are generated.
//!
//! [`Report`] is the JSON format, version [`FORMAT_VERSION`]; its JSON Schema is `schema/report-1.json`. The report
//! contains histograms, so that reports can be merged and compared without loss.

mod build;
mod curve;
mod data;
mod distribution;
mod failures;
mod judged;
mod load;
mod target;
mod writes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use build::{Finished, build, recompute};
pub(crate) use curve::{ALL_MET, MISSED_AT_ONCE, NEXT_MISSED, by_load, saturation};
pub use curve::{CapacityLoad, CapacityResult, Probe};
pub use distribution::{Distribution, TimeUnit};
pub(crate) use distribution::{decode_histogram, encode_histogram};
pub use judged::SloResult;

pub use target::{ConnectionInfo, TargetInfo};
pub use writes::Writes;

pub use crate::record::{Outcome, Second};
use crate::schedule::{Arrivals, Phase};
use crate::workload::PREPARATION;

/// Version of the JSON format. It increases if readers of the old format would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `espo-bench-report`.
    pub format: String,
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// Version of the load tester.
    pub tool: String,
    /// Workload, load and time of the run.
    pub run: RunInfo,
    /// The target.
    pub target: TargetInfo,
    /// Totals over all requests. Chains are not counted, but their steps are.
    pub totals: Totals,
    /// Response times of the successful requests of all operations.
    pub all: Distribution,
    /// Results by operation, in the order of the workload.
    pub operations: Vec<OperationReport>,
    /// Failures by operation and kind, most frequent first.
    pub errors: Vec<ErrorReport>,
    /// The load generator itself.
    pub generator: Generator,
    /// The connections that the load opened; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connections: Option<Connections>,
    /// Records that the run created and deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub writes: Option<Writes>,
    /// Operations that were left out because the target has no records to read for them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub nothing_to_read: Vec<NothingToRead>,
    /// Operations whose responses were decoded as JSON, because the typed SDK lacks their entity type.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub decoded_untyped: Vec<String>,
    /// Problems of the run itself, such as an interval log that could not be written; the figures are not affected.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub problems: Vec<String>,
    /// SLOs and whether they were met.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub slos: Vec<SloResult>,
    /// Seconds between the entries of `series`.
    pub step_seconds: u64,
    /// The course of the run, by interval.
    pub series: Vec<Second>,
    /// Seconds per block of `operations[].blocks`.
    pub block_seconds: u64,
    /// The probes of a capacity search, ordered by load.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub capacity: Vec<Probe>,
    /// Result of the search; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capacity_result: Option<CapacityResult>,
}

/// Workload, load and time of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Run ID: eight hexadecimal digits, part of the marker of every record that the run created.
    pub id: String,
    /// Start, RFC 3339.
    pub started: String,
    /// Duration of the measurement in seconds, without warm-up.
    pub seconds: f64,
    /// Why the run ended early, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<String>,
    /// Category of this reason; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_by: Option<StopCause>,
    /// Seed for the mix, the data and the order.
    pub seed: u64,
    /// The load model.
    pub model: Model,
    /// Minimum and maximum think time between the iterations of a worker in seconds (closed model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub think_seconds: Option<(f64, f64)>,
    /// Number of users that the load acted as; 0 in reports of older versions.
    #[serde(default)]
    pub users: u32,
    /// The course of the load.
    pub phases: Vec<Phase>,
    /// Name of the workload.
    pub workload: String,
    /// Content of the workload file.
    pub workload_source: String,
    /// SHA-256 of the workload file in lower-case hex.
    pub workload_sha256: String,
    /// How responses were processed.
    pub decode: Decode,
    /// The command line, without secrets.
    pub command: String,
    /// Label of the run, such as a release or a commit (`--label`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// The shard of a distributed run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shard: Option<ShardInfo>,
}

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// More failed requests than `--max-error-share`.
    Errors,
    /// An SLO that could no longer be met.
    Slo,
    /// The server rejected the credentials.
    Credentials,
    /// The ledger was removed or could not be written.
    Ledger,
    /// A failure in the load generator.
    Generator,
}

/// The load model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "model", rename_all = "lowercase")]
pub enum Model {
    /// Workers that start their next iteration when the previous one has finished.
    Closed {
        /// Number of workers, at the peak.
        concurrency: u32,
    },
    /// Iterations at scheduled times, whether or not earlier ones have finished.
    Open {
        /// Iterations per second, at the peak.
        #[schemars(extend("unit" = "1/s"))]
        rate: f64,
        /// How the starts of iterations are distributed.
        arrivals: Arrivals,
        /// Maximum number of iterations in flight.
        max_in_flight: u32,
    },
}

/// How to process successful responses, after their time has been measured.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Decode {
    /// Decode into the typed SDK's records; see `decoded_untyped` for entity types that it lacks.
    #[default]
    Typed,
    /// Read and discard the body.
    Skip,
}

/// A shard of a distributed run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardInfo {
    /// Index from 0.
    pub index: u32,
    /// Number of shards.
    pub count: u32,
    /// The common start, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start_at: Option<String>,
}

/// Totals of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Number of requests, including failed ones.
    pub requests: u64,
    /// Number of failed requests.
    pub failed: u64,
    /// `requests` per second of the measurement.
    #[schemars(extend("unit" = "1/s"))]
    pub rate: f64,
    /// Target rate in iterations per second (open model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("unit" = "1/s"))]
    pub offered_rate: Option<f64>,
    /// Achieved rate in iterations per second (open model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("unit" = "1/s"))]
    pub achieved_rate: Option<f64>,
    /// Dropped iterations: scheduled, but not started before the run ended (open model).
    pub unsent: u64,
    /// Delayed sends, which had to wait for a free slot in flight (open model).
    pub held_back: u64,
    /// Requests that failed in the load generator; they are not included in `requests` and `failed`.
    #[serde(default)]
    pub generator_errors: u64,
    /// Requests in flight at the end of the measurement, which were completed and counted.
    pub in_flight_at_end: u64,
    /// Bytes of response bodies.
    pub bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
}

/// Minimum fraction of the target rate at which it counts as sustained.
const SUSTAINED: f64 = 0.99;

impl Totals {
    /// Returns whether the target rate was sustained; `None` in the closed model.
    #[must_use]
    pub fn is_rate_sustained(&self) -> Option<bool> {
        Some(self.achieved_rate? >= self.offered_rate? * SUSTAINED)
    }
}

/// An operation that was left out because the target has no records to read for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NothingToRead {
    /// The operation's name.
    pub operation: String,
    /// The entity type without records.
    pub entity: String,
}

/// Results of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationReport {
    /// Name of the operation: `list:Account`, or the name in the workload.
    pub name: String,
    /// `list`, `read` and so on; `chain` for the iterations of a whole chain; `preparation` for creates of records that
    /// other operations needed. The last two are not in the totals.
    pub kind: String,
    /// The entity type; empty for chains.
    pub entity: String,
    /// Results by outcome. Outcomes that did not occur are omitted.
    pub outcomes: Vec<OutcomeReport>,
    /// Response times of successful requests in consecutive blocks of `block_seconds`: base64 of
    /// HdrHistogram V2 with deflate; null for a block without requests.
    pub blocks: Vec<Option<String>>,
}

/// One outcome of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeReport {
    /// How these requests ended.
    pub outcome: Outcome,
    /// Number of requests.
    pub count: u64,
    /// Requests per second of the measurement.
    #[schemars(extend("unit" = "1/s"))]
    pub rate: f64,
    /// Service times: from the actual send to the last byte, microseconds.
    pub service: Distribution,
    /// Response times: from the intended start to the last byte, microseconds. Equal to `service` in the closed model
    /// without pacing.
    pub response: Distribution,
    /// Decoding time in the client, nanoseconds; not included in service and response times.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decode_nanos: Option<Distribution>,
    /// Bytes of response bodies.
    pub bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorReport {
    /// The operation's name.
    pub operation: String,
    /// How the requests ended.
    pub outcome: Outcome,
    /// HTTP status, if there was a response.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// Number of failures.
    pub count: u64,
    /// First reason reported by the server or the operating system.
    pub sample: String,
}

/// Resource usage of the load generator, and whether it was saturated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Number of sending threads.
    pub threads: u32,
    /// Fraction of one core used by the busiest sending thread, 0 to 1.
    pub busiest_thread: f64,
    /// CPU seconds of all sending threads during the measurement.
    pub cpu_seconds: f64,
    /// CPU seconds per 10,000 requests.
    #[schemars(extend("unit" = "s"))]
    pub cpu_per_10k: f64,
    /// Send delay in the open model for sends with a free slot in flight, microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub send_lateness: Option<Distribution>,
    /// Delay of the wake-up of a sleeping task, microseconds, measured every 10 ms.
    pub scheduling_lag: Distribution,
    /// Maximum resident memory in bytes, sampled once per second; includes the embedded server.
    #[schemars(extend("unit" = "B"))]
    pub peak_memory: u64,
    /// Resident memory in bytes, once per minute: `[minute, bytes]`.
    pub memory_by_minute: Vec<(u32, u64)>,
    /// Whether the figures reflect the target.
    pub verdict: Verdict,
    /// Reasons, if they do not.
    pub reasons: Vec<String>,
}

/// The connections that the load opened, including the warm-up. The time to open one is part of the times of the
/// request that needs it, so a server that closes connections after each response affects them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// Number of opened connections.
    pub opened: u64,
    /// Number of connections opened during the measurement.
    pub during_measurement: u64,
    /// Number of connections that could not be opened during the measurement.
    pub failed: u64,
    /// Time of name lookup, TCP connect, proxy tunnel and TLS handshake, microseconds.
    pub micros: Distribution,
}

/// Whether the percentiles reflect the target or the load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The load generator was not saturated.
    Trustworthy,
    /// The load generator was saturated, so rates and percentiles do not reflect the target.
    GeneratorSaturated,
    /// The load generator was not saturated, but the target rate could not be sustained with the allowed iterations in
    /// flight.
    RateNotHeld,
}

impl Report {
    /// Returns the exit code of the process: 0 for success; 3 if the server rejected the credentials; 1 if an SLO was
    /// missed or, because the run was interrupted, not checked to the end; the run was stopped by anything but the user;
    /// no request succeeded; records remain that should have been deleted; or the run had problems.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.run.stopped_by == Some(StopCause::Credentials) {
            return 3;
        }
        let stopped = self.run.stopped.as_deref();
        u8::from(
            self.slos.iter().any(|s| !s.held)
                || stopped.is_some_and(|reason| reason != INTERRUPTED || !self.slos.is_empty())
                || self.totals.requests <= self.totals.failed
                || self.writes.as_ref().is_some_and(Writes::is_incomplete)
                || !self.problems.is_empty(),
        )
    }

    /// Returns the operation with this name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&OperationReport> {
        self.operations.iter().find(|o| o.name == name)
    }

    /// Returns the results of a capacity search by load.
    #[must_use]
    pub fn capacity_loads(&self) -> Vec<CapacityLoad> {
        by_load(&self.capacity)
    }

    /// Returns the requests per second of one worker; `None` in the open model.
    #[must_use]
    pub fn rate_per_worker(&self) -> Option<f64> {
        match self.run.model {
            Model::Closed { concurrency } => Some(self.totals.rate / f64::from(concurrency.max(1))),
            Model::Open { .. } => None,
        }
    }

    /// Returns why a real instance may be slower: responses without content, or few records.
    #[must_use]
    pub fn data_warnings(&self) -> Vec<String> {
        data::warnings(self)
    }

    pub(crate) fn one_user_warning(&self) -> Option<String> {
        data::one_user(self)
    }

    /// Returns the report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain data with string keys always serialises.
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }
}

/// [`RunInfo::stopped`] after Ctrl-C, which is not a failure.
pub(crate) const INTERRUPTED: &str = "interrupted";

impl OperationReport {
    /// Returns the requests with this outcome, if there were any.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> Option<&OutcomeReport> {
        self.outcomes.iter().find(|o| o.outcome == outcome)
    }

    /// Returns the number of requests, including failed ones.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sent().map(|o| o.count).sum()
    }

    /// Returns the outcomes of requests that left the load generator.
    fn sent(&self) -> impl Iterator<Item = &OutcomeReport> {
        let outcomes = self.outcomes.iter();
        outcomes.filter(|o| o.outcome != Outcome::Generator)
    }

    /// Returns the number of failed requests.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let failed = self.sent().filter(|o| o.outcome != Outcome::Ok);
        failed.map(|o| o.count).sum()
    }

    /// Returns the requests per second, including failed ones.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.sent().fold(0.0, |sum, o| sum + o.rate)
    }

    pub(crate) fn is_chain(&self) -> bool {
        self.kind == "chain"
    }

    /// Returns whether these are creates of records that other operations needed, which are not part of the load.
    pub(crate) fn is_preparation(&self) -> bool {
        self.kind == PREPARATION
    }

    /// Returns whether the row is not a request of the load, but an iteration of a chain or preparation.
    pub(crate) fn is_apart(&self) -> bool {
        self.is_chain() || self.is_preparation()
    }
}
