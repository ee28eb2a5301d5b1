//! What an iteration acts with, and where it is.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use espo_core::{Client, Request};
use rand_pcg::Pcg64Mcg;

use super::decode::Decoder;
use super::patience::Patience;
use super::world::{Own, World};
use crate::ledger::Ledger;
use crate::record::Recorder;
use crate::report::StopCause;
use crate::workload::resolve::Plan;

/// What all iterations of a run share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    /// Beginning of the search parameters of each operation, without the closing brace.
    pub(crate) searches: Vec<String>,
    /// The request of each operation that sends the same one every time, once it has been written.
    pub(crate) fixed: Vec<OnceLock<Request>>,
    /// Index of the operation that counts creates which others needed, by entity type.
    pub(crate) prepares: std::collections::BTreeMap<String, usize>,
    pub(crate) world: World,
    pub(crate) ledger: Option<Ledger>,
    /// Stands in every marker: prefix and run id.
    pub(crate) marker: String,
    pub(crate) run_id: String,
    pub(crate) decoder: Decoder,
    pub(crate) tag_requests: bool,
    /// Time limit of a request.
    pub(crate) timeout: Duration,
    /// Requests are written here instead of being sent.
    pub(crate) dry: Option<parking_lot::Mutex<Vec<String>>>,
    /// Nothing that is meant to start later begins; set at the end and by every stop.
    pub(crate) stop: AtomicBool,
    /// Why the load must stop before its time.
    pub(crate) halted: parking_lot::Mutex<Option<Stop>>,
}

/// Why a load stops before its time.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) cause: StopCause,
    pub(crate) reason: String,
}

impl Shared {
    /// Stops the load; the first reason counts.
    pub(crate) fn halt(&self, cause: StopCause, reason: impl Into<String>) {
        let reason = reason.into();
        self.halted.lock().get_or_insert(Stop { cause, reason });
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the server rejected the credentials: nothing more must be sent.
    pub(crate) fn is_refused(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
            && self.halted.lock().as_ref().map(|s| s.cause) == Some(StopCause::Credentials)
    }
}

/// What an iteration acts with.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) client: Client,
    pub(crate) recorder: Recorder,
    pub(crate) in_flight: Arc<AtomicU32>,
    pub(crate) own: Own,
    pub(crate) origin: Instant,
    /// Iterations meant to start before this are not counted.
    pub(crate) measured_from: Instant,
}

/// Coordinates of an iteration: they are in its markers and in the tag of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) lane: u32,
    pub(crate) number: u64,
}

/// The records that an iteration has made so far: entity type and id.
pub(super) type ChainRecords = Vec<(String, String)>;

/// Where an iteration stands.
pub(super) struct Turn<'a> {
    /// The intended start of the next request, when it is the iteration's first.
    pub(super) meant: Option<Instant>,
    /// How late the iteration began.
    pub(super) delay: Duration,
    pub(super) place: Place,
    /// Counts within the iteration, for markers.
    pub(super) number: usize,
    /// What the record carries that was created last.
    pub(super) text: String,
    /// Whether the iteration was meant to start in the measurement.
    pub(super) counted: bool,
    pub(super) records: &'a mut ChainRecords,
    /// In a chain: the records of others that its steps have looked at, one of an entity type.
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

    /// The iteration's own newest record of an entity type.
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
