//! File descriptors: each connection needs one, and the limit of the process may be too low.

use super::settle::Settled;
use crate::error::{Error, Result};
use crate::report::Model;

/// Descriptors in addition to the connections of the load: standard streams, ledger, interval log, runtimes and timers
/// of the threads, connections of setup and cleanup.
const BASE: u64 = 64;
const PER_THREAD: u64 = 8;

/// Returns the maximum number of descriptors for a load. The embedded server has the other end of each connection.
fn needed(connections: u64, threads: u32, embedded: bool) -> u64 {
    let ends = if embedded { 2 } else { 1 };
    BASE + PER_THREAD * u64::from(threads) + connections * ends
}

/// Returns the number of connections for which these descriptors suffice.
fn enough_for(descriptors: u64, threads: u32, embedded: bool) -> u64 {
    let ends = if embedded { 2 } else { 1 };
    descriptors.saturating_sub(needed(0, threads, embedded)) / ends
}

/// Returns this process's part of the load's connections.
fn connections(model: &Model, shards: u32) -> u64 {
    let all = match *model {
        Model::Closed { concurrency } => concurrency,
        Model::Open { max_in_flight, .. } => max_in_flight,
    };
    u64::from(all.div_ceil(shards.max(1)))
}

/// Raises the soft limit to the number that the load needs. If the hard limit is too low, lowers a default
/// `max_in_flight` and returns a notice; fails if the user set it.
///
/// # Errors
///
/// Returns [`Error::Usage`] with the number of descriptors that the load needs.
pub(super) fn reserve(
    settled: &mut Settled,
    threads: u32,
    shards: u32,
    embedded: bool,
) -> Result<Option<String>> {
    let wanted = connections(&settled.model, shards);
    let need = needed(wanted, threads, embedded);
    let Some(limit) = raise(need) else {
        return Ok(None);
    };
    if limit >= need {
        return Ok(None);
    }
    let possible = enough_for(limit, threads, embedded);
    let too_few =
        format!("{wanted} connections need {need} file descriptors, and the hard limit is {limit}");
    match &mut settled.model {
        Model::Open { max_in_flight, .. } if !settled.in_flight_is_set && possible > 0 => {
            *max_in_flight = u32::try_from(possible * u64::from(shards)).unwrap_or(u32::MAX);
            Ok(Some(format!(
                "{too_few} (1,000 is the default of --max-in-flight): lowered --max-in-flight to {max_in_flight}; raise the limit with `ulimit -Hn {need}`"
            )))
        }
        model => {
            let option = match model {
                Model::Closed { .. } => "--concurrency",
                Model::Open { .. } => "--max-in-flight",
            };
            let smaller = match possible * u64::from(shards) {
                0 => String::new(),
                possible => format!(", use {option} {possible}"),
            };
            Err(Error::usage(format!(
                "{too_few}; raise it with `ulimit -Hn {need}`{smaller}, or split the run with --shard"
            )))
        }
    }
}

/// Raises the soft limit to at least `need` if the hard limit allows it, and returns the soft limit; `None` if there is
/// no limit.
#[cfg(unix)]
fn raise(need: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let current = now.current?;
    if current >= need {
        return Some(current);
    }
    let reachable = now.maximum.map_or(need, |hard| need.min(hard));
    let raised = Rlimit {
        current: Some(reachable),
        maximum: now.maximum,
    };
    // macOS has an additional limit that only the call itself reveals.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => Some(reachable),
        Err(_) => Some(current),
    }
}

#[cfg(not(unix))]
fn raise(_: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_connections_fit_the_limit() {
        for (limit, threads, embedded) in [(1_024, 1, false), (256, 4, true), (100, 1, false)] {
            let possible = enough_for(limit, threads, embedded);
            assert!(needed(possible, threads, embedded) <= limit);
            assert!(needed(possible + 1, threads, embedded) > limit);
        }
        assert_eq!(enough_for(10, 1, false), 0);
    }

    #[test]
    fn shards_need_descriptors_only_for_their_part() {
        let model = Model::Closed { concurrency: 1_000 };
        assert_eq!(
            (connections(&model, 1), connections(&model, 3)),
            (1_000, 334)
        );
    }
}
