//! The requests of one iteration.

use std::time::Instant;

use espo_core::http::Method;
use rand_pcg::Pcg64Mcg;
use serde_json::json;

use super::actor::{Actor, ChainRecords, Place, Turn};
use super::call::Call;
use super::patience::Patience;
use super::send::{Clock, Weight};
use crate::record::Outcome;
use crate::workload::{Kind, MixItem};

impl Actor {
    /// Runs the steps of a mix item that was scheduled for `intended` and started at `begun`. A chain ends at its first
    /// failed step.
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
        // The step lacks a record; the failure of getting it has already been counted.
        const WITHOUT: Outcome = Outcome::Client;
        let resolved = &self.shared.plan.operations[index];
        let operation = &resolved.operation;
        let entity = operation.entity.as_str();
        let link = operation.link.as_deref().unwrap_or_default();
        let call = match operation.kind {
            Kind::Chain => return Outcome::Ok,
            Kind::Create => {
                return self
                    .create(index, entity, resolved.template.as_ref(), turn)
                    .await;
            }
            Kind::Delete => return self.delete(index, entity, turn).await,
            Kind::Upload => return self.upload(index, resolved, turn).await,
            Kind::List | Kind::Search => self.list_call(index, resolved, &[entity], turn),
            Kind::Read | Kind::Related | Kind::Stream => {
                let Some(id) = self.some_record(entity, turn).await else {
                    self.cannot(index, turn, format!("there is no {entity} record to read"));
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
                        "nothing has been uploaded yet; add an upload before the download".into(),
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
