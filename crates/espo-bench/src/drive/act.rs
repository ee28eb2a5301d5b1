//! One iteration: which requests it makes.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use espo_core::{Client, Request, http::Method};
use rand_pcg::Pcg64Mcg;
use serde_json::json;

use super::call::Call;
use super::decode::Decoder;
use super::patience::Patience;
use super::send::{Clock, Weight};
use super::world::{Own, World};
use crate::ledger::Ledger;
use crate::record::{Outcome, Recorder};
use crate::report::StopCause;
use crate::workload::resolve::Plan;
use crate::workload::{Kind, MixItem};

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

impl Actor {
    /// Carries out the steps of a mix item, meant to start at `intended` and begun now, at `begun`. A chain
    /// ends with its first step that fails.
    pub(crate) async fn iterate(
        &self,
        item: &MixItem,
        (intended, begun): (Instant, Instant),
        place: Place,
        rng: &mut Pcg64Mcg,
        patience: &mut Patience,
    ) {
        let counted = intended >= self.measured_from;
        let mut records = ChainRecords::new();
        let mut turn = Turn::new(place, counted, &mut records, rng, patience);
        turn.looked_at = item.chain.map(|_| ChainRecords::new());
        turn.meant = Some(intended);
        turn.delay = begun.saturating_duration_since(intended);
        let mut outcome = Outcome::Ok;
        for step in &item.steps {
            turn.number += 1;
            outcome = self.step(*step, &mut turn).await;
            if outcome != Outcome::Ok || self.shared.is_refused() {
                break;
            }
        }
        if let Some(chain) = item.chain.filter(|_| counted) {
            self.record(
                chain,
                outcome,
                Clock {
                    intended,
                    sent: begun,
                    ended: Instant::now(),
                },
                Weight::NONE,
            );
        }
        for (entity, id) in records {
            self.own.add(&entity, id);
        }
    }

    async fn step(&self, index: usize, turn: &mut Turn<'_>) -> Outcome {
        // What a step needs could not be had: the failure of getting it has been counted.
        const WITHOUT: Outcome = Outcome::Client;
        let resolved = &self.shared.plan.operations[index];
        let operation = &resolved.operation;
        let entity = operation.entity.as_str();
        let link = operation.link.as_deref().unwrap_or_default();
        let call = match operation.kind {
            Kind::Chain => return Outcome::Ok,
            Kind::Create => return self.create(index, entity, Some(resolved), turn).await,
            Kind::Delete => return self.delete(index, entity, turn).await,
            Kind::Upload => return self.upload(index, resolved, turn).await,
            Kind::List | Kind::Search => self.list_call(index, resolved, &[entity], turn),
            Kind::Read | Kind::Related | Kind::Stream => {
                let Some(id) = self.some_record(entity, turn).await else {
                    self.cannot(
                        index,
                        turn,
                        format!("there is no record of {entity} to read"),
                    );
                    return WITHOUT;
                };
                let call = match operation.kind {
                    Kind::Read => Call::new(Method::GET, &[entity, &id]),
                    Kind::Stream => self.list_call(index, resolved, &[entity, &id, "stream"], turn),
                    _ => self.list_call(index, resolved, &[entity, &id, link], turn),
                };
                return self.send(index, call, turn).await.outcome;
            }
            Kind::Update => {
                let Some(id) = self.own_record(entity, turn).await else {
                    return WITHOUT;
                };
                let Some(body) = self.render(resolved, turn) else {
                    return WITHOUT;
                };
                let call = Call::new(Method::PUT, &[entity, &id]).body(&body);
                return self.send(index, call, turn).await.outcome;
            }
            Kind::Link | Kind::Unlink => {
                let foreign = resolved.foreign.as_deref().unwrap_or_default();
                let Some(id) = self.own_record(entity, turn).await else {
                    return WITHOUT;
                };
                let Some(other) = self.own_record(foreign, turn).await else {
                    return WITHOUT;
                };
                let method = if operation.kind == Kind::Link {
                    Method::POST
                } else {
                    Method::DELETE
                };
                let call = Call::new(method, &[entity, &id, link]).body(&json!({ "id": other }));
                return self.send(index, call, turn).await.outcome;
            }
            Kind::MassUpdate => {
                let mut ids = Vec::new();
                for _ in 0..operation.batch {
                    let Some(id) = self.own_record(entity, turn).await else {
                        return WITHOUT;
                    };
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
                let Some(values) = self.render(resolved, turn) else {
                    return WITHOUT;
                };
                let params = json!({ "ids": ids });
                let body = json!({ "entityType": entity, "action": "update", "params": params, "data": { "values": values } });
                Call::new(Method::POST, &["MassAction"]).body(&body)
            }
            Kind::Download => {
                let Some(id) = turn
                    .newest("Attachment")
                    .or_else(|| self.own.pick("Attachment", turn.rng))
                else {
                    self.cannot(
                        index,
                        turn,
                        "nothing was uploaded yet: put an upload before the download".into(),
                    );
                    return WITHOUT;
                };
                let call = Call::new(Method::GET, &["Attachment", "file", &id]);
                return self.send(index, call, turn).await.outcome;
            }
        };
        self.send(index, call, turn).await.outcome
    }
}
