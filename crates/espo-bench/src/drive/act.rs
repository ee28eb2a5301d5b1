//! One iteration: what is sent, when the clock starts and stops, what is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use espo_core::{Client, Request, Response, Stage, http::Method};
use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::decode::Decoder;
use super::world::{Own, World};
use crate::data;
use crate::ledger::Ledger;
use crate::record::{Outcome, Recorder, Sample};
use crate::workload::Kind;
use crate::workload::resolve::{Plan, Resolved};

/// What all iterations of a run share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    /// Beginning of the search parameters of each operation, without the closing brace.
    pub(crate) searches: Vec<String>,
    /// Index of the operation that counts creates which others needed, by entity type.
    pub(crate) prepares: std::collections::BTreeMap<String, usize>,
    pub(crate) world: World,
    pub(crate) ledger: Option<Ledger>,
    /// Stands in every marker: prefix and run id.
    pub(crate) marker: String,
    pub(crate) run_id: String,
    pub(crate) decoder: Decoder,
    pub(crate) tag_requests: bool,
    /// Requests are written here instead of being sent.
    pub(crate) dry: Option<parking_lot::Mutex<Vec<String>>>,
    /// Nothing that is meant to start later begins; set at the end and by every stop.
    pub(crate) stop: AtomicBool,
    /// The server refused the credentials: nothing more must be sent.
    pub(crate) refused: AtomicBool,
    /// The ledger cannot be written: nothing more must be created.
    pub(crate) broken: parking_lot::Mutex<Option<crate::error::Error>>,
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

/// A request before it is sent: what a dry run shows.
struct Call<'a> {
    method: Method,
    segments: Vec<&'a str>,
    search: Option<String>,
    body: Option<Vec<u8>>,
}

impl<'a> Call<'a> {
    fn new(method: Method, segments: &[&'a str]) -> Self {
        Self {
            method,
            segments: segments.to_vec(),
            search: None,
            body: None,
        }
    }

    fn body(mut self, body: &impl serde::Serialize) -> Self {
        // Maps with text keys: this serialises.
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }

    fn request(self) -> Request {
        let mut request = Request::new(self.method, &self.segments);
        if let Some(search) = self.search {
            request = request.query("searchParams", search);
        }
        match self.body {
            Some(body) => request.body(body, "application/json"),
            None => request,
        }
    }
}

impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.segments.join("/"))?;
        if let Some(search) = &self.search {
            write!(f, "?searchParams={search}")?;
        }
        match &self.body {
            Some(body) => write!(f, " {}", String::from_utf8_lossy(body)),
            None => Ok(()),
        }
    }
}

/// How an iteration's request went.
struct Done {
    outcome: Outcome,
    response: Option<Response>,
    /// The id that a dry run pretends a create gave.
    pretended: Option<String>,
}

/// Counts a request as unfinished when its future is dropped before the answer.
struct Guard<'a> {
    actor: &'a Actor,
    operation: usize,
    sent: Instant,
    intended: Instant,
    bytes_out: u32,
    counted: bool,
    done: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.actor.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.done && self.counted {
            let now = Instant::now();
            self.actor.record(
                self.operation,
                Outcome::Unfinished,
                self.intended,
                self.sent,
                now,
                Sample::NOT_DECODED,
                0,
                self.bytes_out,
            );
            self.actor.fail(self.operation, Outcome::Unfinished, 0, || {
                "still in flight when the run ended".into()
            });
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The records that the steps of a chain have made.
type ChainRecords = Vec<(String, String)>;

impl Actor {
    /// Carries out the mix item `item`, meant to start at `intended`.
    pub(crate) async fn iterate(
        &self,
        steps: &[usize],
        chain: Option<usize>,
        intended: Instant,
        place: Place,
        rng: &mut Pcg64Mcg,
    ) {
        let begun = Instant::now();
        let delay = begun.saturating_duration_since(intended);
        let counted = intended >= self.measured_from;
        let mut records = ChainRecords::new();
        let mut outcome = Outcome::Ok;
        for (number, step) in steps.iter().enumerate() {
            // A later step would have started as much earlier as the iteration did start late.
            let meant = if number == 0 { Some(intended) } else { None };
            outcome = self
                .step(
                    *step,
                    meant,
                    delay,
                    place,
                    number,
                    counted,
                    &mut records,
                    rng,
                )
                .await;
            if outcome != Outcome::Ok || self.shared.refused.load(Ordering::Relaxed) {
                break;
            }
        }
        if let Some(chain) = chain.filter(|_| counted) {
            let now = Instant::now();
            self.record(
                chain,
                outcome,
                intended,
                begun,
                now,
                Sample::NOT_DECODED,
                0,
                0,
            );
        }
        for (entity, id) in records {
            self.own.add(&entity, id);
        }
    }

    async fn step(
        &self,
        index: usize,
        meant: Option<Instant>,
        delay: Duration,
        place: Place,
        number: usize,
        counted: bool,
        records: &mut ChainRecords,
        rng: &mut Pcg64Mcg,
    ) -> Outcome {
        let resolved = &self.shared.plan.operations[index];
        let operation = &resolved.operation;
        let entity = operation.entity.as_str();
        let mut turn = Turn {
            meant,
            delay,
            place,
            number,
            text: String::new(),
            counted,
        };
        match operation.kind {
            Kind::Create => {
                self.create(index, entity, Some(resolved), &mut turn, records, rng)
                    .await
            }
            Kind::List | Kind::Search => {
                let request = self.list_request(index, resolved, &[entity], rng);
                self.plain(index, request, &mut turn).await
            }
            Kind::Read | Kind::Related | Kind::Stream => {
                let Some(id) = self.some_record(entity, &mut turn, records, rng).await else {
                    return Outcome::Client;
                };
                let request = match operation.kind {
                    Kind::Read => Call::new(Method::GET, &[entity, &id]),
                    Kind::Stream => {
                        self.list_request(index, resolved, &[entity, &id, "stream"], rng)
                    }
                    _ => self.list_request(
                        index,
                        resolved,
                        &[entity, &id, operation.link.as_deref().unwrap_or_default()],
                        rng,
                    ),
                };
                self.plain(index, request, &mut turn).await
            }
            Kind::Update => {
                let Some(id) = self.own_record(entity, &mut turn, records, rng).await else {
                    return Outcome::Client;
                };
                let Some(body) = self.render(resolved, &turn, rng) else {
                    return Outcome::Client;
                };
                let request = Call::new(Method::PUT, &[entity, &id]).body(&body);
                self.send(index, request, &mut turn).await.outcome
            }
            Kind::Delete => self.delete(index, entity, &mut turn, records, rng).await,
            Kind::Link | Kind::Unlink => {
                let Some(id) = self.own_record(entity, &mut turn, records, rng).await else {
                    return Outcome::Client;
                };
                let foreign = resolved.foreign.as_deref().unwrap_or_default();
                let Some(other) = self.own_record(foreign, &mut turn, records, rng).await else {
                    return Outcome::Client;
                };
                let method = if operation.kind == Kind::Link {
                    Method::POST
                } else {
                    Method::DELETE
                };
                let request = Call::new(
                    method,
                    &[entity, &id, operation.link.as_deref().unwrap_or_default()],
                );
                self.send(index, request.body(&json!({ "id": other })), &mut turn)
                    .await
                    .outcome
            }
            Kind::MassUpdate => {
                let mut ids = Vec::new();
                for _ in 0..operation.batch {
                    match self.own_record(entity, &mut turn, records, rng).await {
                        Some(id) if !ids.contains(&id) => ids.push(id),
                        Some(_) => {}
                        None => return Outcome::Client,
                    }
                }
                let Some(values) = self.render(resolved, &turn, rng) else {
                    return Outcome::Client;
                };
                let body = json!({ "entityType": entity, "action": "massUpdate", "params": { "ids": ids }, "data": values });
                let request = Call::new(Method::POST, &["MassAction"]).body(&body);
                self.send(index, request, &mut turn).await.outcome
            }
            Kind::Upload => self.upload(index, resolved, &mut turn, records, rng).await,
            Kind::Download => {
                let Some(id) = self
                    .own
                    .pick("Attachment", rng)
                    .or_else(|| newest(records, "Attachment"))
                else {
                    self.cannot(
                        index,
                        &turn,
                        "nothing was uploaded yet: put an upload before the download".into(),
                    );
                    return Outcome::Client;
                };
                let request = Call::new(Method::GET, &["Attachment", "file", &id]);
                self.plain(index, request, &mut turn).await
            }
            Kind::Chain => Outcome::Ok,
        }
    }

    async fn plain(&self, index: usize, request: Call<'_>, turn: &mut Turn) -> Outcome {
        self.send(index, request, turn).await.outcome
    }

    fn list_request<'a>(
        &self,
        index: usize,
        resolved: &Resolved,
        segments: &[&'a str],
        rng: &mut Pcg64Mcg,
    ) -> Call<'a> {
        let operation = &resolved.operation;
        let mut search = self.shared.searches[index].clone();
        if operation.pages > 1 {
            let offset = rng.random_range(0..operation.pages) * operation.max_size;
            search.push_str(&format!(",\"offset\":{offset}"));
        }
        if operation.kind == Kind::Search {
            let text = match operation.text.len() {
                0 => self.search_text(&operation.entity, rng),
                n => operation.text[rng.random_range(0..n)].clone(),
            };
            search.push_str(&format!(",\"textFilter\":{}", Value::from(text)));
        }
        search.push('}');
        Call {
            search: Some(search),
            ..Call::new(Method::GET, segments)
        }
    }

    /// A word of some record's name: the first, or behind a wildcard any other, as people search.
    fn search_text(&self, entity: &str, rng: &mut Pcg64Mcg) -> String {
        let name = self
            .shared
            .world
            .pick(entity, rng)
            .and_then(|f| f.name.as_deref())
            .unwrap_or("a");
        let words: Vec<&str> = name
            .split_whitespace()
            .filter(|w| w.len() > 2 && w.chars().all(char::is_alphanumeric))
            .collect();
        match words.last() {
            Some(last) if name.starts_with(last) => (*last).to_owned(),
            Some(last) => format!("*{last}"),
            None => "a".to_owned(),
        }
    }

    fn unique(&self, turn: &Turn) -> String {
        format!(
            "{}-{}-{}-{}",
            self.shared.run_id, turn.place.lane, turn.place.number, turn.number
        )
    }

    fn render(
        &self,
        resolved: &Resolved,
        turn: &Turn,
        rng: &mut Pcg64Mcg,
    ) -> Option<Map<String, Value>> {
        // Required links were checked before the load; a body of an update has none that must be there.
        resolved
            .template
            .as_ref()?
            .render(rng, &self.unique(turn), &self.shared.world)
            .ok()
    }

    /// An existing record to read: in a chain the chain's own newest, else one found at the target, else one
    /// of the run's own, made if need be.
    async fn some_record(
        &self,
        entity: &str,
        turn: &mut Turn,
        records: &mut ChainRecords,
        rng: &mut Pcg64Mcg,
    ) -> Option<String> {
        if let Some(id) = newest(records, entity) {
            return Some(id);
        }
        if let Some(found) = self.shared.world.pick(entity, rng) {
            return Some(found.id.clone());
        }
        if !self.shared.prepares.contains_key(entity) {
            return None;
        }
        self.own_record(entity, turn, records, rng).await
    }

    /// A record that the run itself made, made now if there is none.
    async fn own_record(
        &self,
        entity: &str,
        turn: &mut Turn,
        records: &mut ChainRecords,
        rng: &mut Pcg64Mcg,
    ) -> Option<String> {
        if let Some(id) = newest(records, entity).or_else(|| self.own.pick(entity, rng)) {
            return Some(id);
        }
        let prepare = *self.shared.prepares.get(entity)?;
        let mut made = ChainRecords::new();
        let outcome = self
            .create(prepare, entity, None, turn, &mut made, rng)
            .await;
        if outcome != Outcome::Ok {
            return None;
        }
        let id = newest(&made, entity)?;
        self.own.add(entity, id.clone());
        Some(id)
    }

    async fn create(
        &self,
        index: usize,
        entity: &str,
        resolved: Option<&Resolved>,
        turn: &mut Turn,
        records: &mut ChainRecords,
        rng: &mut Pcg64Mcg,
    ) -> Outcome {
        let maker = &self.shared.plan.makers[entity];
        let template = resolved
            .and_then(|r| r.template.as_ref())
            .unwrap_or(&maker.template);
        let unique = self.unique(turn);
        let mut body = match template.render(rng, &unique, &self.shared.world) {
            Ok(body) => body,
            Err(need) => {
                self.cannot(index, turn, need);
                return Outcome::Client;
            }
        };
        let marker = format!(
            "{} {}-{}-{}",
            self.shared.marker, turn.place.lane, turn.place.number, turn.number
        );
        let text = maker.marker.text(rng, &marker);
        body.insert(maker.marker.attribute.clone(), text.as_str().into());
        turn.text.clone_from(&text);
        let request = Call::new(Method::POST, &[entity]).body(&body);
        turn.number += 1_000;
        self.create_with_ledger(
            index,
            entity,
            &maker.marker.attribute,
            &text,
            request,
            turn,
            records,
        )
        .await
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site each for records and uploads"
    )]
    async fn create_with_ledger(
        &self,
        index: usize,
        entity: &str,
        attribute: &str,
        text: &str,
        request: Call<'_>,
        turn: &mut Turn,
        records: &mut ChainRecords,
    ) -> Outcome {
        if self.shared.dry.is_some() {
            let done = self.send(index, request, turn).await;
            records.extend(done.pretended.map(|id| (entity.to_owned(), id)));
            return done.outcome;
        }
        let Some(ledger) = &self.shared.ledger else {
            return Outcome::Client;
        };
        let intent = match ledger.intent(entity, attribute, text) {
            Ok(intent) => intent,
            Err(error) => {
                self.halt(error);
                return Outcome::Client;
            }
        };
        let done = self.send(index, request, turn).await;
        let id = done.response.as_ref().and_then(id_of);
        let settled = match (&id, done.outcome) {
            (Some(id), _) => ledger.settle(intent, Some(id)),
            // 4xx: the server refused it. Everything else may have been carried out: the intent stays open.
            (None, Outcome::Client) => ledger.settle(intent, None),
            (None, _) => Ok(()),
        };
        if let Err(error) = settled {
            self.halt(error);
        }
        if let Some(id) = id {
            records.push((entity.to_owned(), id));
        }
        done.outcome
    }

    async fn delete(
        &self,
        index: usize,
        entity: &str,
        turn: &mut Turn,
        records: &mut ChainRecords,
        rng: &mut Pcg64Mcg,
    ) -> Outcome {
        let id = match newest(records, entity).or_else(|| self.own.take(entity, rng)) {
            Some(id) => id,
            None => match self.own_record(entity, turn, records, rng).await {
                Some(id) => id,
                None => return Outcome::Client,
            },
        };
        records.retain(|(_, known)| *known != id);
        self.own.forget(entity, &id);
        let request = Call::new(Method::DELETE, &[entity, &id]);
        let done = self.send(index, request, turn).await;
        if done.outcome == Outcome::Ok {
            if let Some(Err(error)) = self.shared.ledger.as_ref().map(|l| l.gone(entity, &id)) {
                self.halt(error);
            }
        }
        done.outcome
    }

    async fn upload(
        &self,
        index: usize,
        resolved: &Resolved,
        turn: &mut Turn,
        records: &mut ChainRecords,
        rng: &mut Pcg64Mcg,
    ) -> Outcome {
        use base64::Engine as _;
        let operation = &resolved.operation;
        let text = data::upload_text(rng, operation.size);
        let name = format!(
            "{} {}-{}-{}.txt",
            self.shared.marker, turn.place.lane, turn.place.number, turn.number
        );
        let field = operation.field.as_deref().unwrap_or("attachments");
        let mut body = json!({
            "name": name,
            "type": "text/plain",
            "role": "Attachment",
            "field": field,
            "file": format!("data:text/plain;base64,{}", base64::engine::general_purpose::STANDARD.encode(text)),
        });
        body[resolved.upload_owner] = operation.entity.as_str().into();
        let request = Call::new(Method::POST, &["Attachment"]).body(&body);
        turn.number += 1_000;
        self.create_with_ledger(index, "Attachment", "name", &name, request, turn, records)
            .await
    }

    /// Sends one request: starts the clock, stops it at the last byte, decodes, records.
    async fn send(&self, index: usize, call: Call<'_>, turn: &mut Turn) -> Done {
        if let Some(dry) = &self.shared.dry {
            let mut lines = dry.lock();
            let pretended = Some(format!("id{}", lines.len()));
            lines.push(format!(
                "{:24} {call}",
                self.shared.plan.operations[index].operation.name
            ));
            return Done {
                outcome: Outcome::Ok,
                response: None,
                pretended,
            };
        }
        let bytes_out = call
            .body
            .as_ref()
            .map_or(0, |b| u32::try_from(b.len()).unwrap_or(u32::MAX));
        let request = call.request();
        let request = if self.shared.tag_requests {
            request.header(
                "X-Espo-Bench",
                format!("{}/{}", turn.place.lane, turn.place.number),
            )
        } else {
            request
        };
        let sent = Instant::now();
        let intended = turn
            .meant
            .take()
            .unwrap_or_else(|| sent.checked_sub(turn.delay).unwrap_or(sent));
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut guard = Guard {
            actor: self,
            operation: index,
            sent,
            intended,
            bytes_out,
            counted: turn.counted,
            done: false,
        };
        let result = self.client.send(request).await;
        guard.done = true;
        drop(guard);
        match result {
            Ok(response) => {
                let received = response.timing().received;
                let bytes_in = u32::try_from(response.body().len()).unwrap_or(u32::MAX);
                let (decoded, nanos) = self
                    .shared
                    .decoder
                    .decode(&self.shared.plan.operations[index], &response);
                let outcome = if decoded.is_ok() {
                    Outcome::Ok
                } else {
                    Outcome::Decode
                };
                if turn.counted {
                    self.record(
                        index, outcome, intended, sent, received, nanos, bytes_in, bytes_out,
                    );
                    if let Err(reason) = decoded {
                        self.fail(index, Outcome::Decode, response.status().as_u16(), || {
                            reason
                        });
                    }
                }
                Done {
                    outcome,
                    response: Some(response),
                    pretended: None,
                }
            }
            Err(error) => {
                let received = error.timing().map_or_else(Instant::now, |t| t.received);
                let (outcome, status) = classify(&error);
                let bytes_in = error
                    .body()
                    .map_or(0, |b| u32::try_from(b.len()).unwrap_or(u32::MAX));
                if turn.counted {
                    self.record(
                        index,
                        outcome,
                        intended,
                        sent,
                        received,
                        Sample::NOT_DECODED,
                        bytes_in,
                        bytes_out,
                    );
                    self.fail(index, outcome, status, || reason(&error));
                }
                if error.is_unauthorized() || error.is_locked_out() {
                    self.shared.refused.store(true, Ordering::Relaxed);
                    self.shared.stop.store(true, Ordering::Relaxed);
                }
                Done {
                    outcome,
                    response: None,
                    pretended: None,
                }
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of a sample, in its order"
    )]
    fn record(
        &self,
        operation: usize,
        outcome: Outcome,
        intended: Instant,
        sent: Instant,
        ended: Instant,
        decode_nanos: u32,
        bytes_in: u32,
        bytes_out: u32,
    ) {
        self.recorder.sample(Sample {
            operation: u16::try_from(operation).unwrap_or(u16::MAX),
            outcome,
            ended: micros(ended.saturating_duration_since(self.origin)),
            service: micros(ended.saturating_duration_since(sent)),
            response: micros(ended.saturating_duration_since(intended)),
            decode_nanos,
            bytes_in,
            bytes_out,
        });
    }

    fn fail(
        &self,
        operation: usize,
        outcome: Outcome,
        status: u16,
        reason: impl FnOnce() -> String,
    ) {
        self.recorder.failure(
            (
                u16::try_from(operation).unwrap_or(u16::MAX),
                outcome,
                status,
            ),
            reason,
        );
    }

    /// An operation that could not even be formed counts as failed, at once.
    fn cannot(&self, index: usize, turn: &Turn, reason: String) {
        if turn.counted {
            let now = Instant::now();
            self.record(
                index,
                Outcome::Client,
                turn.meant.unwrap_or(now),
                now,
                now,
                Sample::NOT_DECODED,
                0,
                0,
            );
            self.fail(index, Outcome::Client, 0, || reason);
        }
    }

    fn halt(&self, error: crate::error::Error) {
        self.shared.broken.lock().get_or_insert(error);
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// Where an iteration stands.
struct Turn {
    /// The intended start of the next request, when it is the iteration's first.
    meant: Option<Instant>,
    delay: Duration,
    place: Place,
    /// Makes markers of one iteration differ.
    number: usize,
    /// What the record carries that was created last.
    text: String,
    /// Whether the iteration was meant to start in the measurement.
    counted: bool,
}

fn newest(records: &ChainRecords, entity: &str) -> Option<String> {
    records
        .iter()
        .rev()
        .find(|(e, _)| e == entity)
        .map(|(_, id)| id.clone())
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

fn classify(error: &espo_core::Error) -> (Outcome, u16) {
    let status = error.status().map_or(0, |s| s.as_u16());
    let outcome = match error.stage() {
        _ if error.is_timeout() => Outcome::Timeout,
        Stage::Status if status >= 500 => Outcome::Server,
        Stage::Status => Outcome::Client,
        Stage::Decode => Outcome::Decode,
        Stage::Build => Outcome::Client,
        _ => Outcome::Transport,
    };
    (outcome, status)
}

/// The server's own word where there is one: it holds neither ids nor secrets of ours.
fn reason(error: &espo_core::Error) -> String {
    match error.reason() {
        Some(reason) => reason
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect(),
        None => error.to_string().chars().take(200).collect(),
    }
}

impl Actor {
    /// Creates one record before the load: its id and the text of its marker, or what went wrong.
    pub(crate) async fn set_up(
        &self,
        entity: &str,
        place: Place,
        rng: &mut Pcg64Mcg,
    ) -> Result<(String, String), String> {
        let Some(index) = self.shared.prepares.get(entity) else {
            return Err("cannot be created".into());
        };
        let mut turn = Turn {
            meant: None,
            delay: Duration::ZERO,
            place,
            number: 0,
            text: String::new(),
            counted: true,
        };
        let mut records = ChainRecords::new();
        let outcome = self
            .create(*index, entity, None, &mut turn, &mut records, rng)
            .await;
        match newest(&records, entity) {
            Some(id) => Ok((id, turn.text)),
            None => {
                let mut buffer = crate::record::Buffer::default();
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
}
