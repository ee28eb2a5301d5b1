//! The context of an iteration and its state.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use espo_core::auth::Redactor;
use espo_core::{Client, Request};
use rand_pcg::Pcg64Mcg;

use super::decode::Decoder;
use super::patience::Patience;
use super::world::{Own, World};
use crate::ledger::Ledger;
use crate::record::Recorder;
use crate::report::StopCause;
use crate::workload::resolve::Plan;

/// Data shared by all iterations of a run.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    /// Start of the search parameters of each operation, without the closing brace.
    pub(crate) searches: Vec<String>,
    /// The request of each operation that always sends the same one, after it was built.
    pub(crate) fixed: Vec<OnceLock<Request>>,
    /// Index of the operation that counts the creates of records that other operations need, by entity type.
    pub(crate) prepares: std::collections::BTreeMap<String, usize>,
    pub(crate) world: World,
    pub(crate) ledger: Option<Ledger>,
    /// Part of every marker: prefix and run ID.
    pub(crate) marker: String,
    pub(crate) run_id: String,
    pub(crate) decoder: Decoder,
    pub(crate) redactor: Redactor,
    pub(crate) tag_requests: bool,
    /// Timeout of a request.
    pub(crate) timeout: Duration,
    /// Collects the requests of a dry run instead of sending them.
    pub(crate) dry: Option<parking_lot::Mutex<Vec<String>>>,
    /// Set at the end and by every stop; no scheduled iteration starts after that.
    pub(crate) stop: AtomicBool,
    /// Why the load must stop early.
    pub(crate) halted: parking_lot::Mutex<Option<Stop>>,
}

/// Why a load stops early.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) cause: StopCause,
    pub(crate) reason: String,
}

impl Shared {
    /// Stops the load; only the first reason is kept.
    pub(crate) fn halt(&self, cause: StopCause, reason: impl Into<String>) {
        let reason = reason.into();
        let reason = self.redactor.redact(&reason).into_owned();
        self.halted.lock().get_or_insert(Stop { cause, reason });
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether the server rejected the credentials; no further request may be sent then.
    pub(crate) fn is_refused(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
            && self.halted.lock().as_ref().map(|s| s.cause) == Some(StopCause::Credentials)
    }
}

/// The context of an iteration.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) client: Client,
    pub(crate) recorder: Recorder,
    pub(crate) in_flight: Arc<AtomicU32>,
    pub(crate) own: Own,
    pub(crate) origin: Instant,
    /// Iterations with an intended start before this time are not counted.
    pub(crate) measured_from: Instant,
}

/// Coordinates of an iteration, used in its markers and in the tag of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) lane: u32,
    pub(crate) number: u64,
}

/// The records that an iteration has created so far: entity type and ID.
pub(super) type ChainRecords = Vec<(String, String)>;

/// State of an iteration.
pub(super) struct Turn<'a> {
    /// Intended start of the next request, if it is the iteration's first.
    pub(super) meant: Option<Instant>,
    /// Delay of the iteration's start.
    pub(super) delay: Duration,
    pub(super) place: Place,
    /// Counter within the iteration, for markers.
    pub(super) number: usize,
    /// Marker text of the most recently created record.
    pub(super) text: String,
    /// Whether the iteration's intended start is within the measurement.
    pub(super) counted: bool,
    pub(super) records: &'a mut ChainRecords,
    /// In a chain: other records that its steps have read, one per entity type.
    pub(super) looked_at: Option<ChainRecords>,
    pub(super) rng: &'a mut Pcg64Mcg,
    pub(super) patience: &'a mut Patience,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        place: Place,
        counted: bool,
        records: &'a mut ChainRecords,
        rng: &'a mut Pcg64Mcg,
        patience: &'a mut Patience,
    ) -> Self {
        Self {
            meant: None,
            delay: Duration::ZERO,
            place,
            number: 0,
            text: String::new(),
            counted,
            records,
            looked_at: None,
            rng,
            patience,
        }
    }

    /// Returns the iteration's newest record of an entity type.
    pub(super) fn newest(&self, entity: &str) -> Option<String> {
        self.records
            .iter()
            .rev()
            .find(|(e, _)| e == entity)
            .map(|(_, id)| id.clone())
    }

    pub(super) fn marker(&self) -> String {
        format!("{}-{}-{}", self.place.lane, self.place.number, self.number)
    }
}
