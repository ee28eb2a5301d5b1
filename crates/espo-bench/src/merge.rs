//! Merges the shards of one run. Histograms are added, so every percentile covers all samples.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::record::{Second, histogram};
use crate::report::{
    Distribution, ErrorReport, OperationReport, OutcomeReport, Report, Writes, decode_histogram,
    encode_histogram, recompute,
};

/// Merges the reports of all shards of one run.
///
/// # Errors
///
/// Returns [`Error::Usage`] if a shard is missing or given twice, if the reports are not shards of one run (same
/// workload, seed, load and decoding), or if a shard stopped early, because a partial run is a different run.
pub fn merge(mut shards: Vec<Report>) -> Result<Report> {
    check(&shards)?;
    shards.sort_by_key(|r| r.run.shard.as_ref().map_or(0, |s| s.index));
    let mut shards = shards.into_iter();
    // `check` rejects an empty list.
    let Some(mut sum) = shards.next() else {
        return Err(Error::usage("no reports to merge"));
    };
    let same_steps = |r: &Report, sum: &Report| {
        r.step_seconds == sum.step_seconds && r.block_seconds == sum.block_seconds
    };
    for shard in shards {
        if !same_steps(&shard, &sum) {
            return Err(Error::usage(
                "the time series of the shards have different intervals",
            ));
        }
        add(&mut sum, shard).map_err(Error::Usage)?;
    }
    sum.run.shard = None;
    recompute(&mut sum);
    Ok(sum)
}

fn check(shards: &[Report]) -> Result<()> {
    let first = shards
        .first()
        .ok_or_else(|| Error::usage("no reports to merge"))?;
    let count = first.run.shard.as_ref().map(|s| s.count).ok_or_else(|| {
        Error::usage("the first report is not a shard: it was run without --shard")
    })?;
    let mut seen = BTreeMap::new();
    for report in shards {
        let shard = report
            .run
            .shard
            .as_ref()
            .ok_or_else(|| Error::usage(format!("report {} is not a shard", report.run.id)))?;
        let name = format!("shard {}/{}", shard.index, shard.count);
        let (a, b) = (&first.run, &report.run);
        let differs = [
            ("number of shards", shard.count != count),
            ("workload", a.workload_sha256 != b.workload_sha256),
            ("seed", a.seed != b.seed),
            ("load", a.model != b.model || a.phases != b.phases),
            ("decoding", a.decode != b.decode),
            ("target", first.target.url != report.target.url),
            (
                "version of the target",
                first.target.version != report.target.version,
            ),
            (
                "start",
                first.run.shard.as_ref().and_then(|s| s.start_at.as_ref())
                    != shard.start_at.as_ref(),
            ),
        ];
        if let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) {
            return Err(Error::usage(format!(
                "{name} belongs to a different run: its {what} differs"
            )));
        }
        if let Some(stopped) = &report.run.stopped {
            return Err(Error::usage(format!(
                "{name} stopped early ({stopped}), so the run is incomplete"
            )));
        }
        if seen.insert(shard.index, ()).is_some() {
            return Err(Error::usage(format!("{name} is given twice")));
        }
    }
    let missing: Vec<String> = (0..count)
        .filter(|i| !seen.contains_key(i))
        .map(|i| format!("{i}/{count}"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::usage(format!(
            "missing shards: {}",
            missing.join(", ")
        )))
    }
}

fn add(sum: &mut Report, shard: Report) -> Result<(), String> {
    for operation in shard.operations {
        match sum.operations.iter().position(|o| o.name == operation.name) {
            Some(index) => add_operation(&mut sum.operations[index], operation)?,
            None => sum.operations.push(operation),
        }
    }
    for error in shard.errors {
        let same = |e: &&mut ErrorReport| {
            e.operation == error.operation && e.outcome == error.outcome && e.status == error.status
        };
        match sum.errors.iter_mut().find(same) {
            Some(known) => known.count += error.count,
            None => sum.errors.push(error),
        }
    }
    sum.errors.sort_by_key(|e| std::cmp::Reverse(e.count));
    let (totals, other) = (&mut sum.totals, shard.totals);
    totals.offered_rate = plus(totals.offered_rate, other.offered_rate);
    totals.achieved_rate = plus(totals.achieved_rate, other.achieved_rate);
    totals.unsent += other.unsent;
    totals.held_back += other.held_back;
    totals.in_flight_at_end += other.in_flight_at_end;
    sum.run.seconds = sum.run.seconds.max(shard.run.seconds);
    for (entity, count) in shard.target.records {
        sum.target.records.entry(entity).or_insert(count);
    }
    sum.target
        .connect_micros
        .extend(shard.target.connect_micros);
    sum.target.tls_micros.extend(shard.target.tls_micros);
    let (generator, other) = (&mut sum.generator, shard.generator);
    generator.threads += other.threads;
    generator.cpu_seconds += other.cpu_seconds;
    // One saturated shard invalidates the whole result.
    generator.busiest_thread = generator.busiest_thread.max(other.busiest_thread);
    generator.peak_memory = generator.peak_memory.max(other.peak_memory);
    add_distribution(&mut generator.scheduling_lag, &other.scheduling_lag)?;
    if let (Some(lateness), Some(other)) = (&mut generator.send_lateness, &other.send_lateness) {
        add_distribution(lateness, other)?;
    }
    sum.connections = match (sum.connections.take(), shard.connections) {
        (Some(mut sum), Some(other)) => {
            sum.opened += other.opened;
            sum.during_measurement += other.during_measurement;
            sum.failed += other.failed;
            add_distribution(&mut sum.micros, &other.micros)?;
            Some(sum)
        }
        (sum, other) => sum.or(other),
    };
    if let Some(other) = shard.writes {
        let writes = sum.writes.get_or_insert_with(Writes::default);
        writes.created += other.created;
        writes.removed += other.removed;
        writes.missing += other.missing;
        writes.left += other.left;
        writes.unconfirmed += other.unconfirmed;
        writes.kept |= other.kept;
        writes.reasons.extend(other.reasons);
        writes.ledger = if writes.ledger.is_empty() {
            other.ledger
        } else {
            format!("{}\n{}", writes.ledger, other.ledger)
        };
    }
    for left_out in shard.nothing_to_read {
        if !sum.nothing_to_read.contains(&left_out) {
            sum.nothing_to_read.push(left_out);
        }
    }
    sum.problems.extend(shard.problems);
    add_series(&mut sum.series, shard.series);
    sum.slos.clear();
    Ok(())
}

fn plus(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? + b?)
}

fn add_operation(sum: &mut OperationReport, other: OperationReport) -> Result<(), String> {
    for outcome in other.outcomes {
        match sum
            .outcomes
            .iter()
            .position(|o| o.outcome == outcome.outcome)
        {
            Some(index) => add_outcome(&mut sum.outcomes[index], &outcome)?,
            None => sum.outcomes.push(outcome),
        }
    }
    sum.outcomes.sort_by_key(|o| o.outcome);
    for (index, block) in other.blocks.into_iter().enumerate() {
        match (sum.blocks.get_mut(index), block) {
            (Some(known), Some(block)) => {
                let mut both = known
                    .as_deref()
                    .map_or_else(|| Ok(histogram()), decode_histogram)?;
                both.add(decode_histogram(&block)?)
                    .map_err(|e| e.to_string())?;
                *known = Some(encode_histogram(&both));
            }
            (Some(_), None) => {}
            (None, block) => sum.blocks.push(block),
        }
    }
    Ok(())
}

fn add_outcome(sum: &mut OutcomeReport, other: &OutcomeReport) -> Result<(), String> {
    sum.count += other.count;
    sum.rate += other.rate;
    sum.bytes_in += other.bytes_in;
    sum.bytes_out += other.bytes_out;
    add_distribution(&mut sum.service, &other.service)?;
    add_distribution(&mut sum.response, &other.response)?;
    match (&mut sum.decode_nanos, &other.decode_nanos) {
        (Some(sum), Some(other)) => add_distribution(sum, other)?,
        (sum @ None, other) => sum.clone_from(other),
        (Some(_), None) => {}
    }
    Ok(())
}

fn add_distribution(sum: &mut Distribution, other: &Distribution) -> Result<(), String> {
    let mut both = sum.to_histogram()?;
    both.add(other.to_histogram()?).map_err(|e| e.to_string())?;
    *sum = Distribution {
        unit: sum.unit,
        ..Distribution::of(&both)
    };
    Ok(())
}

/// Adds the counts of each second. Its percentiles cannot be merged; the larger one is kept, which is an upper bound,
/// and exact for the maximum.
fn add_series(sum: &mut Vec<Second>, other: Vec<Second>) {
    for (index, second) in other.into_iter().enumerate() {
        match sum.get_mut(index) {
            None => sum.push(second),
            Some(known) => {
                known.ok += second.ok;
                known.failed += second.failed;
                known.p50 = known.p50.max(second.p50);
                known.p95 = known.p95.max(second.p95);
                known.p99 = known.p99.max(second.p99);
                known.max = known.max.max(second.max);
                known.target_rate = plus(known.target_rate, second.target_rate);
            }
        }
    }
}
