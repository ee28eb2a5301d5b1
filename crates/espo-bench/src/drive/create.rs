//! Requests that create and delete records, with their lines in the ledger.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use espo_core::{Response, http::Method};
use rand_pcg::Pcg64Mcg;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::actor::{Actor, ChainRecords, Place, Turn};
use super::call::Call;
use super::patience::Patience;
use crate::data::{self, Template};
use crate::record::{Buffer, Outcome};
use crate::report::StopCause;
use crate::workload::resolve::Resolved;

/// A record that is about to be created, and how it can be identified.
struct Birth<'a> {
    index: usize,
    entity: &'a str,
    attribute: &'a str,
    text: &'a str,
}

impl Actor {
    /// Returns a string that no other record of the run has, for addresses.
    fn unique(&self, turn: &Turn<'_>) -> String {
        format!(
            "{}-{}-{}-{}",
            self.shared.run_id, turn.place.lane, turn.place.number, turn.number
        )
    }

    pub(super) fn render(
        &self,
        resolved: &Resolved,
        turn: &mut Turn<'_>,
    ) -> Option<Map<String, Value>> {
        // Required links were checked before the load, and the body of an update has no required links.
        let unique = self.unique(turn);
        resolved
            .template
            .as_ref()?
            .render(turn.rng, &unique, &self.shared.world)
            .ok()
    }

    /// Returns an existing record to read. In a chain, this is the chain's own newest record or the one that an
    /// earlier step has read; otherwise one found on the target, or one that the run itself created, which is created
    /// if necessary.
    pub(super) async fn some_record(&self, entity: &str, turn: &mut Turn<'_>) -> Option<String> {
        if let Some(id) = turn.newest(entity) {
            return Some(id);
        }
        let seen = turn.looked_at.iter().flatten().find(|(e, _)| e == entity);
        if let Some((_, id)) = seen {
            return Some(id.clone());
        }
        if let Some(found) = self.shared.world.pick(entity, turn.rng) {
            if let Some(seen) = &mut turn.looked_at {
                seen.push((entity.to_owned(), found.id.clone()));
            }
            return Some(found.id.clone());
        }
        self.own_record(entity, turn).await
    }

    /// Returns a record that the run itself created, and creates one if there is none.
    pub(super) async fn own_record(&self, entity: &str, turn: &mut Turn<'_>) -> Option<String> {
        if let Some(id) = turn
            .newest(entity)
            .or_else(|| self.own.pick(entity, turn.rng))
        {
            return Some(id);
        }
        let prepare = *self.shared.prepares.get(entity)?;
        // The record belongs to the worker, not to the chain.
        let before = turn.records.len();
        let outcome = self.create(prepare, entity, None, turn).await;
        let made = turn.records.split_off(before);
        let (_, id) = made.into_iter().next().filter(|_| outcome == Outcome::Ok)?;
        self.own.add(entity, id.clone());
        Some(id)
    }

    pub(super) async fn create(
        &self,
        index: usize,
        entity: &str,
        template: Option<&Template>,
        turn: &mut Turn<'_>,
    ) -> Outcome {
        let maker = &self.shared.plan.makers[entity];
        let template = template.unwrap_or(&maker.template);
        let unique = self.unique(turn);
        let mut body = match template.render(turn.rng, &unique, &self.shared.world) {
            Ok(body) => body,
            Err(need) => {
                self.cannot(index, turn, need);
                return Outcome::Client;
            }
        };
        let marker = format!("{} {}", self.shared.marker, turn.marker());
        let text = maker.marker.text(turn.rng, &marker);
        body.insert(maker.marker.attribute.clone(), text.as_str().into());
        let call = Call::new(Method::POST, &[entity]).body(&body);
        let birth = Birth {
            index,
            entity,
            attribute: &maker.marker.attribute,
            text: &text,
        };
        let outcome = self.bear(birth, call, turn).await;
        turn.text = text;
        outcome
    }

    pub(super) async fn upload(
        &self,
        index: usize,
        resolved: &Resolved,
        turn: &mut Turn<'_>,
    ) -> Outcome {
        let operation = &resolved.operation;
        let text = data::upload_text(turn.rng, operation.size);
        let name = format!("{} {}.txt", self.shared.marker, turn.marker());
        let mut body = json!({
            "name": name,
            "type": "text/plain",
            "role": "Attachment",
            "field": resolved.upload_field,
            "file": format!("data:text/plain;base64,{}", BASE64.encode(text)),
        });
        body[resolved.upload_owner] = operation.entity.as_str().into();
        let call = Call::new(Method::POST, &["Attachment"]).body(&body);
        let birth = Birth {
            index,
            entity: "Attachment",
            attribute: "name",
            text: &name,
        };
        self.bear(birth, call, turn).await
    }

    /// Sends a create between its two lines in the ledger.
    async fn bear(&self, birth: Birth<'_>, call: Call<'_>, turn: &mut Turn<'_>) -> Outcome {
        let Birth {
            index,
            entity,
            attribute,
            text,
        } = birth;
        // Makes the markers within an iteration unique.
        turn.number += 1_000;
        if self.shared.dry.is_some() {
            let done = self.send(index, call, turn).await;
            turn.records
                .extend(done.pretended.map(|id| (entity.to_owned(), id)));
            return done.outcome;
        }
        let Some(ledger) = &self.shared.ledger else {
            return Outcome::Client;
        };
        let intent = match ledger.intent(entity, attribute, text) {
            Ok(intent) => intent,
            Err(error) => {
                self.halt(&error);
                return Outcome::Client;
            }
        };
        let done = self.send(index, call, turn).await;
        let id = done.response.as_ref().and_then(id_of);
        let settled = match (&id, done.outcome) {
            (Some(id), _) => ledger.settle(intent, Some(id)),
            // With a 4xx the server rejected the create. Otherwise it may have been carried out, so the intent stays
            // open.
            (None, Outcome::Client) => ledger.settle(intent, None),
            (None, _) => Ok(()),
        };
        if let Err(error) = settled {
            self.halt(&error);
        }
        if let Some(id) = id {
            turn.records.push((entity.to_owned(), id));
        }
        done.outcome
    }

    pub(super) async fn delete(&self, index: usize, entity: &str, turn: &mut Turn<'_>) -> Outcome {
        let id = match turn
            .newest(entity)
            .or_else(|| self.own.take(entity, turn.rng))
        {
            Some(id) => id,
            None => match self.own_record(entity, turn).await {
                Some(id) => id,
                None => return Outcome::Client,
            },
        };
        turn.records.retain(|(_, known)| *known != id);
        self.own.forget(entity, &id);
        let done = self
            .send(index, Call::new(Method::DELETE, &[entity, &id]), turn)
            .await;
        let noted = match (&self.shared.ledger, done.outcome) {
            (Some(ledger), Outcome::Ok) => ledger.gone(entity, &id),
            _ => Ok(()),
        };
        if let Err(error) = noted {
            self.halt(&error);
        }
        done.outcome
    }

    /// Creates one record before the load. Returns its ID and its marker text, or the error.
    pub(crate) async fn set_up(
        &self,
        entity: &str,
        place: Place,
        rng: &mut Pcg64Mcg,
    ) -> Result<(String, String), String> {
        let Some(index) = self.shared.prepares.get(entity) else {
            return Err("cannot create the record".into());
        };
        let mut records = ChainRecords::new();
        let mut patience = Patience::new(self.shared.timeout);
        let mut turn = Turn::new(place, true, &mut records, rng, &mut patience);
        let template = &self.shared.plan.makers[entity].linked;
        let outcome = self.create(*index, entity, Some(template), &mut turn).await;
        match turn.newest(entity) {
            Some(id) => Ok((id, turn.text)),
            None => {
                let mut buffer = Buffer::default();
                self.recorder.drain(&mut buffer);
                let reason = buffer
                    .failures
                    .into_values()
                    .next()
                    .map(|(_, reason)| reason);
                Err(reason.unwrap_or_else(|| outcome.as_str().to_owned()))
            }
        }
    }

    fn halt(&self, error: &crate::error::Error) {
        self.shared.halt(StopCause::Ledger, error.to_string());
    }
}

fn id_of(response: &Response) -> Option<String> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: String,
    }
    serde_json::from_slice::<OnlyId>(response.body())
        .ok()
        .map(|r| r.id)
}
