//! Everything between the options and the first request, and the clean-up after the last.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use rand::RngExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::act::{Actor, Place, Shared};
use super::connect::Connects;
use super::decode::Decoder;
use super::descriptors;
use super::embedded::Embedded;
use super::interrupt::Interrupts;
use super::options::{RunOptions, Target};
use super::settle::{Settled, settle};
use super::target::{self, Dialer};
use super::world::{Found, Own, World};
use crate::clean;
use crate::error::{Error, Result};
use crate::ledger::{Head, Ledger, Leftover};
use crate::record::Recorder;
use crate::report::{ConnectionInfo, Model, NothingToRead, Writes};
use crate::seed;
use crate::workload::resolve::{Plan, Resolved, resolve};
use crate::workload::{Kind, Operation, Workload};

/// Creates before the load are sent by so many at a time: quick, and no load test of its own.
const SETUP_CONCURRENCY: u32 = 8;
/// First coordinate of the set-up's random numbers and lanes.
const SETUP: u64 = 4;

/// A run that is ready to start.
pub(crate) struct Prepared {
    pub(crate) options: RunOptions,
    pub(crate) settled: Settled,
    pub(crate) dialer: Dialer,
    pub(crate) shared: Arc<Shared>,
    pub(crate) version: Option<String>,
    pub(crate) records: BTreeMap<String, u64>,
    pub(crate) connects: Connects,
    pub(crate) connection: ConnectionInfo,
    pub(crate) embedded: Option<Embedded>,
    pub(crate) nothing_to_read: Vec<NothingToRead>,
    interrupts: Interrupts,
    runtime: tokio::runtime::Runtime,
    ledger_is_ours: bool,
}

pub(super) fn prepare(options: RunOptions) -> Result<Prepared> {
    ready(options, false)
}

fn ready(mut options: RunOptions, dry: bool) -> Result<Prepared> {
    let mut settled = settle(&options)?;
    check_options(&options, &settled)?;
    if !dry {
        let shards = options.shard.map_or(1, |s| s.count);
        let embedded = !matches!(options.target, Target::Url { .. });
        let notice = descriptors::reserve(&mut settled, options.threads, shards, embedded)?;
        notice.iter().for_each(|notice| (options.warn)(notice));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::usage(format!("no runtime: {e}")))?;
    let interrupts = Interrupts::listen(options.handle_interrupt)?;
    let (embedded, url, credentials) = match &options.target {
        Target::Url { url, credentials } => (None, url.clone(), credentials.clone()),
        embedded => {
            let schema = match embedded {
                Target::EmbeddedWith(schema) => Some(schema),
                _ => None,
            };
            let server = Embedded::start(&options.workload, schema)?;
            let (url, credentials) = (server.url.clone(), vec![server.credentials.clone()]);
            (Some(server), url, credentials)
        }
    };
    if !dry {
        target::check_writes(&options, &url)?;
    }
    let dialer = Dialer {
        url,
        credentials,
        timeout: options.timeout,
        access: options.access.clone(),
    };
    let probe = runtime.block_on(target::probe(&dialer))?;
    let mut plan = resolve(&options.workload, &probe.schema)?;
    let prepares = add_prepares(&mut plan);
    let run_id = options
        .run_id
        .take()
        .unwrap_or_else(|| format!("{:08x}", rand::rng().random::<u32>()));
    let (ledger, ledger_is_ours) = open_ledger(&options, &run_id, &dialer.url, dry)?;
    let mut world = World {
        user_id: probe.user_id,
        skew: options.workload.skew,
        ..World::default()
    };
    let wanted = entities_to_look_up(&options.workload, &plan);
    let client = dialer.patient_client(0)?;
    let mut records = runtime.block_on(target::snapshot(
        &client,
        &probe.schema,
        &wanted,
        &mut world,
    ));
    records.retain(|entity, _| options.workload.entities().contains(&entity.as_str()));
    let searches: Vec<_> = plan.operations.iter().map(search_start).collect();
    let fixed = searches.iter().map(|_| OnceLock::new()).collect();
    let shared = Shared {
        plan,
        searches,
        fixed,
        prepares,
        world,
        ledger,
        marker: format!("{} {run_id}", options.workload.prefix),
        run_id,
        decoder: Decoder::new(options.decode),
        tag_requests: options.tag_requests,
        timeout: options.timeout,
        dry: dry.then(Default::default),
        stop: AtomicBool::new(false),
        halted: parking_lot::Mutex::new(None),
    };
    let mut prepared = Prepared {
        options,
        settled,
        dialer,
        shared: Arc::new(shared),
        version: probe.version,
        records,
        connects: probe.connects,
        connection: probe.connection,
        embedded,
        nothing_to_read: Vec::new(),
        interrupts,
        runtime,
        ledger_is_ours,
    };
    if !dry && let Err(error) = set_up(&mut prepared).and_then(|()| leave_out(&mut prepared)) {
        // What was made so far must not be left behind.
        let writes = prepared.clean_up().0;
        return Err(match writes.filter(Writes::is_incomplete) {
            None => error,
            Some(writes) => Error::target(format!("{error}\n{}", writes.sentence())),
        });
    }
    Ok(prepared)
}

fn check_options(options: &RunOptions, settled: &Settled) -> Result<()> {
    for slo in &options.slos {
        slo.check_against(&options.workload).map_err(Error::Usage)?;
    }
    if let (Some(shard), Model::Closed { concurrency }) = (options.shard, &settled.model)
        && *concurrency < shard.count
    {
        return Err(Error::usage(format!(
            "{concurrency} workers cannot be split over {} shards",
            shard.count
        )));
    }
    if let Some(id) = &options.run_id
        && (id.is_empty() || id.len() > 8 || !id.chars().all(|c| c.is_ascii_hexdigit()))
    {
        return Err(Error::usage(format!(
            "'{id}' is no run id: it has up to 8 hexadecimal digits"
        )));
    }
    Ok(())
}

/// An operation for each entity type of which requests may need a record of the run's own.
fn add_prepares(plan: &mut Plan) -> BTreeMap<String, usize> {
    let mut prepares = BTreeMap::new();
    for entity in plan.makers.keys() {
        prepares.insert(entity.clone(), plan.operations.len());
        plan.operations.push(Resolved {
            operation: Operation::plain(Kind::Create, entity, format!("prepare:{entity}")),
            template: None,
            foreign: None,
            upload_owner: "parentType",
            upload_field: String::new(),
        });
    }
    prepares
}

fn open_ledger(
    options: &RunOptions,
    run_id: &str,
    url: &str,
    dry: bool,
) -> Result<(Option<Ledger>, bool)> {
    if dry || !options.workload.writes() {
        return Ok((None, false));
    }
    let ours = options.ledger.is_none();
    let path = options
        .ledger
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("espo-bench-{run_id}.ledger")));
    let started = crate::time::rfc3339(SystemTime::now());
    let head = Head {
        ledger: 1,
        run: run_id.to_owned(),
        url: url.to_owned(),
        started,
    };
    Ok((Some(Ledger::create(&path, &head)?), ours))
}

/// Entity types whose records are read, and those that made-up records refer to.
fn entities_to_look_up(workload: &Workload, plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> = workload.entities().into_iter().map(str::to_owned).collect();
    let templates = plan.operations.iter().filter_map(|o| o.template.as_ref());
    for template in templates.chain(plan.makers.values().map(|m| &m.template)) {
        all.extend(
            template
                .targets()
                .filter(|t| *t != "User")
                .map(str::to_owned),
        );
    }
    all.sort();
    all.dedup();
    all
}

/// The part of an operation's search parameters that is the same each time, without the closing brace.
fn search_start(resolved: &Resolved) -> String {
    let operation = &resolved.operation;
    let mut select = operation.select.clone();
    if select.is_empty() && operation.kind == Kind::Related {
        // A related list without `select` can be bare ids.
        select.push("name".into());
    }
    let mut params = serde_json::Map::new();
    if !select.is_empty() {
        params.insert("select".into(), json!(select));
    }
    if !operation.filter.is_empty() {
        params.insert("where".into(), json!(operation.filter));
    }
    if let Some(field) = &operation.order_by {
        params.insert("orderBy".into(), json!(field));
        params.insert(
            "order".into(),
            json!(if operation.descending { "desc" } else { "asc" }),
        );
    }
    params.insert("maxSize".into(), json!(operation.max_size));
    let mut text = serde_json::Value::Object(params).to_string();
    text.pop();
    text
}

/// Creates the records that the workload wants to be there, and adds them to what can be read.
fn set_up(prepared: &mut Prepared) -> Result<()> {
    let (shard, shards) = prepared
        .options
        .shard
        .map_or((0, 1), |s| (s.index, s.count));
    for (entity, wanted) in prepared.options.workload.setup.clone() {
        let there = prepared.shared.world.known.get(&entity).map_or(0, Vec::len);
        let missing = (wanted as usize).saturating_sub(there);
        let mine: Vec<u64> = (0..missing as u64)
            .filter(|n| n % u64::from(shards) == u64::from(shard))
            .collect();
        let mut made = prepared
            .runtime
            .block_on(create(prepared, &entity, &mine))?;
        made.sort();
        let Some(shared) = Arc::get_mut(&mut prepared.shared) else {
            return Err(Error::target("a set-up request is still running"));
        };
        let known = shared.world.known.entry(entity).or_default();
        known.extend(made.into_iter().map(|(_, (id, name))| Found {
            id,
            name: Some(name),
        }));
    }
    Ok(())
}

/// Takes operations out of the mix that need a record of which the target has none and the run creates none: they could
/// only fail. A chain ends before its first such step.
fn leave_out(prepared: &mut Prepared) -> Result<()> {
    let Shared { plan, world, .. } = &*prepared.shared;
    let has_nothing = |step: &usize| {
        let operation = &plan.operations[*step].operation;
        matches!(operation.kind, Kind::Read | Kind::Related | Kind::Stream)
            && !plan.makers.contains_key(&operation.entity)
            && world.known.get(&operation.entity).is_none_or(Vec::is_empty)
    };
    let mut out: Vec<NothingToRead> = Vec::new();
    let mix = &mut prepared.options.workload.mix;
    mix.retain_mut(|item| {
        let Some(first) = item.steps.iter().position(has_nothing) else {
            return true;
        };
        let operation = &plan.operations[item.steps[first]].operation;
        out.push(NothingToRead {
            operation: operation.name.clone(),
            entity: operation.entity.clone(),
        });
        item.steps.truncate(first);
        first > 0
    });
    let mut entities: Vec<&str> = out.iter().map(|o| o.entity.as_str()).collect();
    entities.sort_unstable();
    entities.dedup();
    if mix.is_empty() {
        return Err(Error::usage(format!(
            "nothing to read: the target has no records of {}; create some, or let the workload create them with [setup] records = {{ {} = 50 }}",
            entities.join(", "),
            entities.first().unwrap_or(&"Account")
        )));
    }
    for entity in entities {
        let of_it = out.iter().filter(|o| o.entity == entity);
        let names: Vec<&str> = of_it.map(|o| o.operation.as_str()).collect();
        (prepared.options.warn)(&format!(
            "the target has no records of {entity}, so {} has nothing to read and is left out; create some, or add [setup] records = {{ {entity} = 50 }} to the workload",
            names.join(", ")
        ));
    }
    prepared.nothing_to_read = out;
    Ok(())
}

/// The records of these numbers: number, id and marker.
async fn create(
    prepared: &Prepared,
    entity: &str,
    numbers: &[u64],
) -> Result<Vec<(u64, (String, String))>> {
    let mut running = tokio::task::JoinSet::new();
    for part in 0..SETUP_CONCURRENCY {
        let now = Instant::now();
        let actor = Actor {
            shared: Arc::clone(&prepared.shared),
            client: prepared.dialer.client(0, &Recorder::default())?,
            recorder: Recorder::default(),
            in_flight: Arc::default(),
            own: Own::default(),
            origin: now,
            measured_from: now,
        };
        let numbers: Vec<u64> = numbers
            .iter()
            .copied()
            .filter(|n| n % u64::from(SETUP_CONCURRENCY) == u64::from(part))
            .collect();
        let (entity, seed) = (entity.to_owned(), prepared.settled.seed);
        let interrupts = prepared.interrupts.clone();
        running.spawn(async move {
            let mut made = Vec::new();
            for number in numbers {
                if interrupts.since() > 0 {
                    return Err("interrupted".to_owned());
                }
                let mut rng = seed::rng(seed, &[SETUP, number]);
                let place = Place {
                    lane: u32::MAX,
                    number,
                };
                match actor.set_up(&entity, place, &mut rng).await {
                    Ok(id) => made.push((number, id)),
                    Err(reason) => return Err(reason),
                }
            }
            Ok(made)
        });
    }
    // All are waited for, whatever happens to one: what is under way may yet create.
    let (mut made, mut failed) = (Vec::new(), None);
    while let Some(done) = running.join_next().await {
        match done.map_err(|e| e.to_string()).and_then(|part| part) {
            Ok(part) => made.extend(part),
            Err(reason) => failed = Some(reason),
        }
    }
    match failed {
        None => Ok(made),
        Some(reason) => Err(Error::target(format!(
            "setting up records of {entity}: {reason}"
        ))),
    }
}

impl Prepared {
    pub(super) fn interrupted(&self) -> bool {
        self.interrupts.since() > 0
    }

    pub(super) fn workload_hash(&self) -> String {
        hash(&self.options.workload.source)
    }

    /// The comment in the interval log that a merge goes by.
    pub(super) fn about(&self) -> String {
        let shard = self
            .options
            .shard
            .map_or("0/1".to_owned(), |s| format!("{}/{}", s.index, s.count));
        format!(
            "run {} shard {shard} seed {} workload {}",
            self.shared.run_id,
            self.settled.seed,
            self.workload_hash()
        )
    }

    /// Deletes what the run created, and reports problems with the ledger; no [`Writes`] if the run did not write.
    pub(super) fn clean_up(&self) -> (Option<Writes>, Vec<String>) {
        let Some(ledger) = &self.shared.ledger else {
            return (None, Vec::new());
        };
        let (created, removed) = ledger.counts();
        let mut writes = Writes {
            ledger: ledger.path().display().to_string(),
            created,
            removed,
            left: created.saturating_sub(removed),
            kept: self.options.keep,
            ..Writes::default()
        };
        let mut problems = Vec::new();
        match ledger.leftovers() {
            Err(error) => problems.push(format!("the ledger cannot be read: {error}")),
            Ok(leftovers) if self.options.keep || self.shared.is_refused() => {
                let open = leftovers.iter().filter(|l| l.id.is_none()).count();
                writes.unconfirmed = open as u64;
            }
            Ok(leftovers) => self.delete(ledger, leftovers, &mut writes),
        }
        if writes.left + writes.unconfirmed == 0 {
            if self.ledger_is_ours {
                // Nothing is left to delete: the file has served. Failing to delete it harms nothing.
                let _ = std::fs::remove_file(ledger.path());
            }
            return (Some(writes), problems);
        }
        match ledger.save() {
            Ok(path) => writes.ledger = path.display().to_string(),
            Err(error) => problems.push(format!(
                "the ledger cannot be saved ({error}): the remaining records have '{}' in their text",
                self.shared.marker
            )),
        }
        (Some(writes), problems)
    }

    fn delete(&self, ledger: &Ledger, leftovers: Vec<Leftover>, writes: &mut Writes) {
        let client = match self.dialer.patient_client(0) {
            Ok(client) => client,
            Err(error) => return writes.reasons.push(error.to_string()),
        };
        // The Ctrl-C that ended the load does not end the cleanup; another one does.
        let already = self.interrupts.since();
        let cleanup = clean::Cleanup {
            client: &client,
            gone: &|entity, id| ledger.gone(entity, id),
            stop: &|| self.interrupts.since() > already.max(1),
            patience: self.options.cleanup_timeout,
            same_server: true,
        };
        let cleaned = self.runtime.block_on(cleanup.remove(leftovers));
        writes.created += cleaned.found;
        writes.removed += cleaned.removed;
        writes.missing = cleaned.missing;
        writes.left = cleaned.left;
        writes.unconfirmed = cleaned.unconfirmed;
        writes.reasons = cleaned.reasons.into_iter().collect();
    }
}

pub(crate) fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

pub(super) fn dry_run(options: RunOptions, iterations: u64) -> Result<Vec<String>> {
    let prepared = ready(options, true)?;
    let now = Instant::now();
    let actor = Actor {
        shared: Arc::clone(&prepared.shared),
        client: prepared.dialer.patient_client(0)?,
        recorder: Recorder::default(),
        in_flight: Arc::default(),
        own: Own::default(),
        origin: now,
        measured_from: now,
    };
    let (workload, seed) = (&prepared.options.workload, prepared.settled.seed);
    prepared.runtime.block_on(async {
        for number in 0..iterations {
            super::thread::dry_iteration(&actor, workload, seed, number).await;
        }
    });
    let lines = prepared
        .shared
        .dry
        .as_ref()
        .map(|d| std::mem::take(&mut *d.lock()));
    Ok(lines.unwrap_or_default())
}
