//! Preparation from the options to the first request, and the cleanup after the last one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use rand::RngExt as _;
use serde_json::json;

use super::actor::{Actor, Shared};
use super::decode::Decoder;
use super::descriptors;
use super::embedded::Embedded;
use super::interrupt::Interrupts;
use super::lookup;
use super::options::{RunOptions, Target};
use super::prepared::Prepared;
use super::settle::{Settled, settle};
use super::setup::{leave_out, set_up};
use super::unused;
use super::world::{Own, World};
use crate::error::{Error, Result};
use crate::ledger::{Head, Ledger};
use crate::record::Recorder;
use crate::report::{Model, Writes};
use crate::target::{Credentials, Dialer, probe, runtime};
use crate::units::{counted, show_micros, show_people, show_range};
use crate::workload::resolve::{Plan, Resolved, resolve};
use crate::workload::{Kind, Operation, Workload};

pub(super) fn prepare(options: RunOptions) -> Result<Prepared> {
    ready(options, false)
}

/// Returns a warning if think times leave too few iterations for percentiles.
fn too_short(options: &RunOptions, settled: &Settled) -> Option<String> {
    const ENOUGH: f64 = 100.0;
    let Model::Closed { concurrency } = settled.model else {
        return None;
    };
    let (min, max) = options.workload.think?;
    let seconds = settled.measured_seconds()?;
    let mean = (min + max).as_secs_f64() / 2.0;
    let expected = f64::from(concurrency) * seconds / mean.max(1e-6);
    (expected < ENOUGH).then(|| {
        format!(
            "{} with think times of {} start about {} in {}, too few for percentiles; use a longer \
             --duration or more --people",
            show_people(concurrency),
            show_range((min.as_secs_f64(), max.as_secs_f64())),
            counted(expected.round().max(1.0) as u64, "iteration"),
            show_micros(seconds * 1e6)
        )
    })
}

fn ready(mut options: RunOptions, dry: bool) -> Result<Prepared> {
    let mut settled = settle(&options)?;
    check_options(&options, &settled)?;
    if options.think.is_some() {
        options.workload.think = options.think;
        options.workload.pacing = None;
    }
    let unused = unused::notices(&options, &settled.model);
    unused.iter().for_each(|notice| (options.warn)(notice));
    if !dry {
        let shards = options.shard.map_or(1, |s| s.count);
        let embedded = !matches!(options.target, Target::Url { .. });
        let notice = descriptors::reserve(&mut settled, options.threads, shards, embedded)?;
        notice.iter().for_each(|notice| (options.warn)(notice));
    }
    if let Some(warning) = too_short(&options, &settled).filter(|_| !dry) {
        (options.warn)(&warning);
    }
    let runtime = runtime()?;
    let interrupts = Interrupts::listen(options.handle_interrupt)?;
    let (embedded, url, credentials) = target(&options)?;
    if !dry {
        lookup::check_writes(&options, &url)?;
    }
    let dialer = Dialer {
        url,
        credentials,
        timeout: options.timeout,
        access: options.access.clone(),
    };
    let probe = runtime.block_on(probe(&dialer))?;
    let mut plan = resolve(&options.workload, &probe.schema)?;
    plan.warnings.iter().for_each(|text| (options.warn)(text));
    let prepares = add_prepares(&mut plan);
    let run_id = options
        .run_id
        .take()
        .unwrap_or_else(|| format!("{:08x}", rand::rng().random::<u32>()));
    let (ledger, ledger_is_ours) = open_ledger(&options, &run_id, &dialer.url, dry)?;
    let mut world = World {
        user_id: Some(probe.user_id),
        skew: options.workload.skew,
        ..World::default()
    };
    let wanted = entities_to_look_up(&options.workload, &plan);
    let client = dialer.patient_client(0)?;
    let mut records = runtime.block_on(lookup::snapshot(
        &client,
        &probe.schema,
        &wanted,
        &mut world,
    ));
    records.retain(|entity, _| options.workload.entities().contains(&entity.as_str()));
    let searches: Vec<_> = plan.operations.iter().map(search_start).collect();
    let decoder = Decoder::new(options.decode, &plan.operations);
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
        decoder,
        redactor: dialer.redactor(),
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
        // The records created so far must be deleted.
        let writes = prepared.clean_up().0;
        return Err(match writes.filter(Writes::is_incomplete) {
            None => error,
            Some(writes) => error.and(&writes.sentence()),
        });
    }
    Ok(prepared)
}

/// Returns the URL and the users of the target, which is started if it is the embedded server.
fn target(options: &RunOptions) -> Result<(Option<Embedded>, String, Vec<Credentials>)> {
    let schema = match &options.target {
        Target::Url { url, credentials } => return Ok((None, url.clone(), credentials.clone())),
        Target::EmbeddedWith(schema) => Some(schema),
        Target::Embedded => None,
    };
    let server = Embedded::start(&options.workload, schema)?;
    let (url, credentials) = (server.url.clone(), vec![server.credentials.clone()]);
    Ok((Some(server), url, credentials))
}

fn check_options(options: &RunOptions, settled: &Settled) -> Result<()> {
    unused::check(options, &settled.model)?;
    for slo in &options.slos {
        slo.check_against(&options.workload).map_err(Error::Usage)?;
        if slo.is_rate() && options.shard.is_some_and(|s| s.count > 1) {
            return Err(Error::usage(format!(
                "a shard has only a part of the rate; check the SLO '{slo}' on the merged result: espo-bench merge --slo"
            )));
        }
    }
    if let (Some(shard), Model::Closed { concurrency }) = (options.shard, &settled.model)
        && *concurrency < shard.count
    {
        return Err(Error::usage(format!(
            "{} cannot be split over {} shards",
            counted(u64::from(*concurrency), "worker"),
            shard.count
        )));
    }
    if let Some(id) = &options.run_id
        && (id.is_empty() || id.len() > 8 || !id.chars().all(|c| c.is_ascii_hexdigit()))
    {
        return Err(Error::usage(format!(
            "invalid run ID '{id}': expected up to 8 hexadecimal digits"
        )));
    }
    Ok(())
}

/// Adds an operation for each entity type whose records the run may have to create for other requests.
fn add_prepares(plan: &mut Plan) -> BTreeMap<String, usize> {
    let mut prepares = BTreeMap::new();
    for entity in plan.makers.keys() {
        prepares.insert(entity.clone(), plan.operations.len());
        plan.operations.push(Resolved {
            operation: Operation::preparation(entity),
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
    if path.as_os_str() == "-" {
        return Err(Error::usage(
            "invalid --ledger '-': the ledger is read again, so it cannot be standard output",
        ));
    }
    let started = crate::time::rfc3339(SystemTime::now());
    let head = Head {
        ledger: 1,
        run: run_id.to_owned(),
        url: url.to_owned(),
        started,
    };
    Ok((Some(Ledger::create(&path, &head)?), ours))
}

/// Returns the entity types whose records are read, and those that generated records refer to.
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

/// Returns the constant part of an operation's search parameters, without the closing brace.
fn search_start(resolved: &Resolved) -> String {
    let operation = &resolved.operation;
    let mut select = operation.select.clone();
    if select.is_empty() && operation.kind == Kind::Related {
        // A related list without `select` can consist of bare IDs.
        select.push("name".into());
    }
    let mut params = serde_json::Map::new();
    if !select.is_empty() {
        params.insert("select".into(), json!(select));
    }
    if !operation.filter.is_empty() {
        params.insert("where".into(), json!(operation.filter));
    }
    let mut order = operation.order;
    if let Some(field) = &operation.order_by {
        params.insert("orderBy".into(), json!(field));
        order = order.or(Some("asc"));
    }
    // Alone, it is the direction of the entity type's default order.
    if let Some(order) = order {
        params.insert("order".into(), json!(order));
    }
    params.insert("maxSize".into(), json!(operation.max_size));
    let mut text = serde_json::Value::Object(params).to_string();
    text.pop();
    text
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
            super::worker::dry_iteration(&actor, workload, seed, number).await;
        }
    });
    let lines = prepared
        .shared
        .dry
        .as_ref()
        .map(|d| std::mem::take(&mut *d.lock()));
    Ok(lines.unwrap_or_default())
}
