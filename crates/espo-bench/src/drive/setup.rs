//! The start of a run: creates required records, and removes operations that have nothing to read.

use std::sync::Arc;
use std::time::Instant;

use super::actor::{Actor, Place, Shared};
use super::prepared::Prepared;
use super::world::{Found, Own};
use crate::error::{Error, Result};
use crate::record::Recorder;
use crate::report::{NothingToRead, StopCause};
use crate::seed;
use crate::workload::Kind;

/// Concurrency of creates before the load: fast, but not a load test.
const SETUP_CONCURRENCY: u32 = 8;
/// First coordinate of the setup's random numbers and lanes.
const SETUP: u64 = 4;

/// Creates the records that the workload requires, and adds them to the readable records.
pub(super) fn set_up(prepared: &mut Prepared) -> Result<()> {
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
            return Err(Error::target("a setup request is still running"));
        };
        if !made.is_empty() {
            *prepared.records.entry(entity.clone()).or_default() += made.len() as u64;
        }
        let known = shared.world.known.entry(entity).or_default();
        known.extend(made.into_iter().map(|(_, (id, name))| Found {
            id,
            name: Some(name),
        }));
    }
    Ok(())
}

/// Removes operations that need a record if the target has none and the run creates none, because they could only fail.
/// A chain ends before its first such step.
pub(super) fn leave_out(prepared: &mut Prepared) -> Result<()> {
    let Shared { plan, world, .. } = &*prepared.shared;
    let has_nothing = |step: &usize| {
        let operation = &plan.operations[*step].operation;
        matches!(operation.kind, Kind::Read | Kind::Related | Kind::Stream)
            && !plan.makers.contains_key(&operation.entity)
            && world.known.get(&operation.entity).is_none_or(Vec::is_empty)
    };
    let mut failed = None;
    let mut out: Vec<NothingToRead> = Vec::new();
    let mix = &mut prepared.options.workload.mix;
    mix.retain_mut(|item| {
        let Some(first) = item.steps.iter().position(has_nothing) else {
            return true;
        };
        let operation = &plan.operations[item.steps[first]].operation;
        if let Some(reason) = world.unlisted.get(&operation.entity) {
            failed.get_or_insert_with(|| {
                Error::target(format!(
                    "{} needs records of {}, which could not be listed: {reason}",
                    operation.name, operation.entity
                ))
            });
        }
        out.push(NothingToRead {
            operation: operation.name.clone(),
            entity: operation.entity.clone(),
        });
        item.steps.truncate(first);
        first > 0
    });
    if let Some(error) = failed {
        return Err(error);
    }
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

/// Creates records with these numbers, and returns number, ID and marker.
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
    // Waits for all, even if one fails, because requests in flight may still create records.
    let (mut made, mut failed) = (Vec::new(), None);
    while let Some(done) = running.join_next().await {
        match done.map_err(|e| e.to_string()).and_then(|part| part) {
            Ok(part) => made.extend(part),
            Err(reason) => failed = Some(reason),
        }
    }
    match failed {
        None => Ok(made),
        Some(_) if prepared.interrupted() => Err(Error::Interrupted(
            "interrupted during the setup, before the measurement".into(),
        )),
        Some(reason) => {
            let stop = prepared.shared.halted.lock().clone();
            let by_ledger = stop.filter(|stop| stop.cause == StopCause::Ledger);
            let message =
                |reason: &str| format!("cannot create {entity} records for the setup: {reason}");
            Err(match by_ledger {
                Some(stop) => Error::usage(message(&stop.reason)),
                None => Error::target(message(&reason)),
            })
        }
    }
}
