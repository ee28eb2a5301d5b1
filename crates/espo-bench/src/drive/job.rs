//! The configuration of a sending thread, and shared parts of the load models.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::actor::Shared;
use super::settle::Settled;
use crate::error::{Error, Result};
use crate::record::Recorder;
use crate::schedule::pacer::Pacer;
use crate::target::Dialer;
use crate::workload::{MixItem, Workload};

/// The configuration of a sending thread.
pub(super) struct Job {
    pub(super) shared: Arc<Shared>,
    pub(super) workload: Workload,
    pub(super) settled: Settled,
    pub(super) dialer: Dialer,
    pub(super) recorder: Recorder,
    pub(super) gauges: Arc<Gauges>,
    /// Index of this thread and number of threads.
    pub(super) thread: (u32, u32),
    /// Index of this shard and number of shards.
    pub(super) shard: (u32, u32),
    pub(super) drain: Duration,
    /// Notified when the thread has logged in.
    pub(super) ready: mpsc::Sender<()>,
    /// Receives the start of the load.
    pub(super) begin: watch::Receiver<Option<Instant>>,
    /// Start of the load, once it is known.
    pub(super) start: Instant,
}

/// Counters that the main thread reads while a sending thread works.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) cpu_nanos: AtomicU64,
    pub(super) in_flight: Arc<AtomicU32>,
    /// Scheduled iterations of the measurement that were started, before its end and in total.
    pub(super) begun: AtomicU64,
    /// Scheduled iterations of the measurement.
    pub(super) scheduled: AtomicU64,
    pub(super) unsent: AtomicU64,
}

impl Job {
    pub(super) fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Waits for running tasks: without limit until the end of the load, then as long as the run drains. Tasks that are
    /// dropped after that count themselves as unfinished.
    pub(super) async fn join(&self, mut tasks: JoinSet<Result<()>>) -> Result<()> {
        let end = self.start + self.settled.profile.total();
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let mut give_up = end + self.drain;
        loop {
            tokio::select! {
                done = tasks.join_next() => match done {
                    None => return Ok(()),
                    Some(Ok(result)) => result?,
                    Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Some(Err(_)) => {}
                },
                _ = ticks.tick() => {
                    if self.stopped() {
                        give_up = give_up.min(Instant::now() + self.drain);
                    }
                    if Instant::now() >= give_up {
                        tasks.shutdown().await;
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Waits in several steps, so that it also reacts to a stop at low rates.
pub(super) async fn patient_wait(shared: &Shared, pacer: &Pacer, due: Instant) -> Result<()> {
    const PART: Duration = Duration::from_millis(200);
    loop {
        let now = Instant::now();
        if now + PART >= due || shared.stop.load(Ordering::Relaxed) {
            break;
        }
        pacer.wait_until(now + PART).await.map_err(timer)?;
    }
    if !shared.stop.load(Ordering::Relaxed) {
        pacer.wait_until(due).await.map_err(timer)?;
    }
    Ok(())
}

/// Selects the mix item for one iteration, by weight.
pub(super) fn choose<'a>(mix: &'a [MixItem], rng: &mut Pcg64Mcg) -> &'a MixItem {
    let total: u64 = mix.iter().map(|m| u64::from(m.weight)).sum();
    let mut ticket = rng.random_range(0..total.max(1));
    for item in mix {
        match ticket.checked_sub(item.weight.into()) {
            Some(rest) => ticket = rest,
            None => return item,
        }
    }
    &mix[0]
}

pub(super) fn timer(error: std::io::Error) -> Error {
    Error::usage(format!("the timer for send times failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;

    #[test]
    fn the_mix_matches_the_weights() {
        let item = |weight, step| MixItem {
            chain: None,
            weight,
            steps: vec![step],
        };
        let mix = [item(1, 0), item(0, 1), item(3, 2)];
        let mut rng = seed::rng(1, &[]);
        let mut counts = [0_u32; 3];
        for _ in 0..4_000 {
            counts[choose(&mix, &mut rng).steps[0]] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((900..1_100).contains(&counts[0]), "{counts:?}");
    }
}
