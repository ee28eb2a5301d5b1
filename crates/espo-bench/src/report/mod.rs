//! The result of a run: what every output, comparison and merge is made from.
//!
//! [`Report`] is the JSON format, version [`FORMAT_VERSION`]; its JSON Schema is checked in as
//! `schema/report-1.json`. Histograms travel inside it, so that a report can be merged and compared
//! without loss.

mod build;
mod curve;
mod data;
mod distribution;
mod load;
mod target;
mod writes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use build::{Finished, build, recompute};
pub use curve::{CapacityLoad, CapacityResult, Probe};
pub(crate) use curve::{by_load, saturation};
pub use distribution::{Distribution, TimeUnit};
pub(crate) use distribution::{decode_histogram, encode_histogram};

pub use target::{ConnectionInfo, TargetInfo};
pub use writes::Writes;

pub use crate::record::{Outcome, Second};
use crate::schedule::{Arrivals, Phase};

/// Version of the JSON format. It grows when a reader of the old one would misread the new one.
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
    /// What was run.
    pub run: RunInfo,
    /// Against what.
    pub target: TargetInfo,
    /// Sums over all requests; chains are not counted, their steps are.
    pub totals: Totals,
    /// Response times of the successful requests of all operations.
    pub all: Distribution,
    /// By operation, in the order of the workload.
    pub operations: Vec<OperationReport>,
    /// Failures by operation and kind, most frequent first.
    pub errors: Vec<ErrorReport>,
    /// The load generator itself.
    pub generator: Generator,
    /// The connections that the load opened; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connections: Option<Connections>,
    /// What the run created and removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub writes: Option<Writes>,
    /// Operations that were left out because the target has no record that they could read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub nothing_to_read: Vec<NothingToRead>,
    /// Operations whose responses were decoded as JSON, because the typed SDK does not have their entity type.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub decoded_untyped: Vec<String>,
    /// Problems of the run itself, such as an interval log that could not be written; the figures are not affected.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub problems: Vec<String>,
    /// Limits that were asked for and whether they held.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub slos: Vec<SloResult>,
    /// Seconds between the entries of `series`.
    pub step_seconds: u64,
    /// The course of the run.
    pub series: Vec<Second>,
    /// Seconds in a block of `operations[].blocks`.
    pub block_seconds: u64,
    /// The tries of a capacity search, in the order of their load.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub capacity: Vec<Probe>,
    /// What the search found; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capacity_result: Option<CapacityResult>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Eight hexadecimal digits; part of the marker of every record that the run made.
    pub id: String,
    /// Start, RFC 3339.
    pub started: String,
    /// Length of the measurement in seconds, without warm-up.
    pub seconds: f64,
    /// Why it ended before its time, if it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<String>,
    /// The kind of that reason; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_by: Option<StopCause>,
    /// Fixes mix, data and order.
    pub seed: u64,
    /// The load model.
    pub model: Model,
    /// Think time between the iterations of a worker in seconds, shortest and longest (closed model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub think_seconds: Option<(f64, f64)>,
    /// Users that the load acted as; 0 in reports of older versions.
    #[serde(default)]
    pub users: u32,
    /// The course of the load.
    pub phases: Vec<Phase>,
    /// Name of the workload.
    pub workload: String,
    /// The workload file as it was read.
    pub workload_source: String,
    /// SHA-256 of the workload file in lower-case hex.
    pub workload_sha256: String,
    /// What was done with answers.
    pub decode: Decode,
    /// The command line, without anything secret.
    pub command: String,
    /// Label of the run, such as a release or a commit (`--label`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// Which share of a distributed run this is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shard: Option<ShardInfo>,
}

/// Why a run ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// More failed requests than `--max-error-share`.
    Errors,
    /// An SLO that could not be met any more.
    Slo,
    /// The server rejected the credentials.
    Credentials,
    /// The ledger was removed or could not be written.
    Ledger,
    /// A failure inside the load generator.
    Generator,
}

/// The load model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "model", rename_all = "lowercase")]
pub enum Model {
    /// Workers that send the next request when the last was answered.
    Closed {
        /// How many workers, at the peak.
        concurrency: u32,
    },
    /// Requests at set times, whether or not earlier ones were answered.
    Open {
        /// Iterations a second, at the peak.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
        /// How many may be in flight.
        max_in_flight: u32,
    },
}

/// What is done with a successful answer, after the clock has stopped.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Decode {
    /// Decoded into the typed SDK's records; see `decoded_untyped` for entity types that it does not have.
    #[default]
    Typed,
    /// Read whole and thrown away.
    Skip,
}

/// A share of a distributed run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardInfo {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// The common start, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start_at: Option<String>,
}

/// Sums.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Requests, failed ones included.
    pub requests: u64,
    /// Those that did not succeed.
    pub failed: u64,
    /// `requests` by second of the measurement.
    pub rate: f64,
    /// Iterations a second that the schedule asked for (open model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offered_rate: Option<f64>,
    /// Iterations a second that were begun (open model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub achieved_rate: Option<f64>,
    /// Scheduled iterations that were not begun before the run ended (open model).
    pub unsent: u64,
    /// Sends that had to wait for a free place in flight (open model).
    pub held_back: u64,
    /// Requests that failed inside the load generator; they are not in `requests` and `failed`.
    #[serde(default)]
    pub generator_errors: u64,
    /// Requests that were in flight when the measurement ended: waited for, and counted.
    pub in_flight_at_end: u64,
    /// Bytes of answers' bodies.
    pub bytes_in: u64,
    /// Bytes of requests' bodies.
    pub bytes_out: u64,
}

/// An operation that was left out because the target has no record that it could read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NothingToRead {
    /// The operation's name.
    pub operation: String,
    /// The entity type without records.
    pub entity: String,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationReport {
    /// `list:Account`, or the name that the workload gives.
    pub name: String,
    /// `list`, `read`, …; `chain` for the iterations of a chain as a whole; `preparation` for creates of records that
    /// other operations needed. The last two are not in the totals.
    pub kind: String,
    /// The entity type; empty for chains.
    pub entity: String,
    /// What happened, by outcome. Outcomes that did not occur are left out.
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
    /// How many.
    pub count: u64,
    /// By second of the measurement.
    pub rate: f64,
    /// From the send to the last byte, microseconds.
    pub service: Distribution,
    /// From the intended start to the last byte, microseconds. Equal to `service` in the closed model without pacing.
    pub response: Distribution,
    /// The client's own decoding, nanoseconds; it is in neither of the two above.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decode_nanos: Option<Distribution>,
    /// Bytes of answers' bodies.
    pub bytes_in: u64,
    /// Bytes of requests' bodies.
    pub bytes_out: u64,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorReport {
    /// The operation's name.
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// How often.
    pub count: u64,
    /// What the server or the system said the first time.
    pub sample: String,
}

/// The load generator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Threads that send.
    pub threads: u32,
    /// Share of one core that the busiest of them used, 0 to 1.
    pub busiest_thread: f64,
    /// CPU seconds of all of them during the measurement.
    pub cpu_seconds: f64,
    /// The same by 10,000 requests.
    pub cpu_per_10k: f64,
    /// How late sends of the open model were that had a free place in flight, microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub send_lateness: Option<Distribution>,
    /// How late a sleeping task was woken, microseconds, measured every 10 ms.
    pub scheduling_lag: Distribution,
    /// Largest resident memory in bytes seen once a second; the embedded server's included.
    pub peak_memory: u64,
    /// Resident memory in bytes once a minute: `[minute, bytes]`.
    pub memory_by_minute: Vec<(u32, u64)>,
    /// Whether the figures can be taken for the target's.
    pub verdict: Verdict,
    /// Why not, if not.
    pub reasons: Vec<String>,
}

/// The connections that the load opened, warm-up included. Opening one is part of the times of the request that needs
/// it: a server that closes after each answer shows here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// How many.
    pub opened: u64,
    /// How many of them during the measurement.
    pub during_measurement: u64,
    /// How many could not be opened during the measurement.
    pub failed: u64,
    /// Name look-up, TCP, a proxy's tunnel and the TLS handshake, microseconds.
    pub micros: Distribution,
}

/// Whether the percentiles are the target's or the generator's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The generator had room to spare.
    Trustworthy,
    /// The generator was the bottleneck: rates and percentiles are not the target's.
    GeneratorSaturated,
    /// The generator kept up, but the set rate could not be held with the places in flight that it had.
    RateNotHeld,
}

/// A limit and whether it held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SloResult {
    /// As it was written.
    pub expression: String,
    /// What was measured, with its unit; none when there was nothing to measure.
    pub measured: Option<String>,
    /// Whether it held. A limit on an operation that had no request did not hold.
    pub held: bool,
}

impl Report {
    /// The exit code of the process: 0 for success; 3 if the server rejected the credentials; 1 if an SLO was missed,
    /// the run was stopped by anything but the user, no request was measured, records remain that should have been
    /// deleted, or the run had problems.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.run.stopped_by == Some(StopCause::Credentials) {
            return 3;
        }
        let stopped = self.run.stopped.as_deref();
        u8::from(
            self.slos.iter().any(|s| !s.held)
                || stopped.is_some_and(|reason| reason != INTERRUPTED)
                || self.totals.requests == 0
                || self.writes.as_ref().is_some_and(Writes::is_incomplete)
                || !self.problems.is_empty(),
        )
    }

    /// The operation of that name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&OperationReport> {
        self.operations.iter().find(|o| o.name == name)
    }

    /// The results of a capacity search by load.
    #[must_use]
    pub fn capacity_loads(&self) -> Vec<CapacityLoad> {
        by_load(&self.capacity)
    }

    /// Requests per second of one worker; none in the open model.
    #[must_use]
    pub fn rate_per_worker(&self) -> Option<f64> {
        match self.run.model {
            Model::Closed { concurrency } => Some(self.totals.rate / f64::from(concurrency.max(1))),
            Model::Open { .. } => None,
        }
    }

    /// Why the figures may flatter a real instance: responses without content, few records, one user for all people.
    #[must_use]
    pub fn data_warnings(&self) -> Vec<String> {
        data::warnings(self)
    }

    /// The whole as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain data with text keys: this serialises.
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }
}

/// [`OperationReport::kind`] of creates of records that other operations needed.
pub(crate) const PREPARATION: &str = "preparation";

/// [`RunInfo::stopped`] after Ctrl-C: the user's own wish, no failure.
pub(crate) const INTERRUPTED: &str = "interrupted";

impl OperationReport {
    /// The requests that ended so, if there were any.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> Option<&OutcomeReport> {
        self.outcomes.iter().find(|o| o.outcome == outcome)
    }

    /// How many requests, failed ones included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.sent().map(|o| o.count).sum()
    }

    /// Outcomes of requests that left the load generator.
    fn sent(&self) -> impl Iterator<Item = &OutcomeReport> {
        let outcomes = self.outcomes.iter();
        outcomes.filter(|o| o.outcome != Outcome::Generator)
    }

    /// How many did not succeed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let failed = self.sent().filter(|o| o.outcome != Outcome::Ok);
        failed.map(|o| o.count).sum()
    }

    /// Requests a second, failed ones included.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.sent().fold(0.0, |sum, o| sum + o.rate)
    }

    pub(crate) fn is_chain(&self) -> bool {
        self.kind == "chain"
    }

    /// Creates of records that other operations needed: no part of the load.
    pub(crate) fn is_preparation(&self) -> bool {
        self.kind == PREPARATION
    }

    /// Whether the row is no request of the load: an iteration of a chain, or preparation.
    pub(crate) fn is_apart(&self) -> bool {
        self.is_chain() || self.is_preparation()
    }
}
