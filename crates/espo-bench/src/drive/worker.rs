//! The closed model: workers that wait for each response.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use tokio::task::JoinSet;

use super::actor::{Actor, Place};
use super::job::{Job, choose, patient_wait, timer};
use super::patience::Patience;
use super::settle::Settled;
use crate::error::Result;
use crate::schedule::pacer::Pacer;
use crate::seed;
use crate::workload::Workload;

/// First iteration number of the measurement, so that the length of the warm-up does not change the numbers.
const MEASURED: u64 = 1 << 32;
/// First coordinate of the random numbers of iterations.
const CLOSED: u64 = 1;
/// First coordinate of the start times of people with think times; 4 is the setup's.
const BEGINNINGS: u64 = 5;

impl Job {
    /// Runs the workers of this thread until they have ended.
    pub(super) async fn closed(
        &self,
        concurrency: u32,
        measured_from: Instant,
        pacer: &Pacer,
        actor: &impl Fn(usize) -> Actor,
    ) -> Result<()> {
        let (shard, shards) = self.shard;
        let (thread, threads) = self.thread;
        let mut workers = JoinSet::new();
        let mine =
            (0..concurrency).filter(|w| w % shards == shard && (w / shards) % threads == thread);
        for worker in mine {
            let quota = self
                .settled
                .requests
                .map(|all| share(all, worker, concurrency));
            let worker = Worker {
                actor: actor(worker as usize),
                pacer: pacer.clone(),
                workload: self.workload.clone(),
                settled: self.settled.clone(),
                index: worker,
                quota,
                start: self.start,
                measured_from,
            };
            workers.spawn(worker.run());
        }
        self.join(workers).await
    }
}

/// A worker of the closed model.
struct Worker {
    actor: Actor,
    pacer: Pacer,
    workload: Workload,
    settled: Settled,
    /// Index over all shards.
    index: u32,
    quota: Option<u64>,
    start: Instant,
    measured_from: Instant,
}

impl Worker {
    async fn run(self) -> Result<()> {
        let pacer = &self.pacer;
        let mut patience = Patience::new(self.actor.shared.timeout);
        pacer.wait_until(self.start).await.map_err(timer)?;
        let end = self.start + self.settled.profile.total();
        let (mut warm, mut measured) = (0_u64, 0_u64);
        let mut earliest = self.start;
        if let Some((_, longest)) = self.workload.think {
            // People start at random times, because real users do not act simultaneously.
            let mut rng = seed::rng(self.settled.seed, &[BEGINNINGS, u64::from(self.index)]);
            earliest += rng.random_range(Duration::ZERO..=longest);
        }
        loop {
            let now = Instant::now();
            if now >= end || self.actor.shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if self
                .settled
                .profile
                .load_at((now - self.start).as_secs_f64())
                <= f64::from(self.index)
            {
                // The worker is not active in the current stage.
                pacer
                    .wait_until(now + Duration::from_millis(10))
                    .await
                    .map_err(timer)?;
                continue;
            }
            if now < earliest {
                patient_wait(&self.actor.shared, pacer, earliest.min(end)).await?;
                continue;
            }
            let number = if now < self.measured_from {
                warm += 1;
                warm - 1
            } else {
                if self.quota.is_some_and(|quota| measured >= quota) {
                    return Ok(());
                }
                measured += 1;
                MEASURED + measured - 1
            };
            let mut rng = seed::rng(self.settled.seed, &[CLOSED, u64::from(self.index), number]);
            let item = choose(&self.workload.mix, &mut rng);
            let place = Place {
                lane: self.index,
                number,
            };
            self.actor
                .iterate(item, (now, now), place, &mut rng, &mut patience)
                .await;
            if let Some(pacing) = self.workload.pacing {
                earliest = now + pacing;
            }
            if let Some((min, max)) = self.workload.think {
                let think = if max > min {
                    rng.random_range(min..=max)
                } else {
                    min
                };
                earliest = earliest.max(Instant::now() + think);
            }
        }
    }
}

/// Runs an iteration of the first worker, for a dry run.
pub(super) async fn dry_iteration(actor: &Actor, workload: &Workload, seed: u64, number: u64) {
    let number = MEASURED + number;
    let mut rng = seed::rng(seed, &[CLOSED, 0, number]);
    let item = choose(&workload.mix, &mut rng);
    let now = Instant::now();
    let mut patience = Patience::new(actor.shared.timeout);
    actor
        .iterate(
            item,
            (now, now),
            Place { lane: 0, number },
            &mut rng,
            &mut patience,
        )
        .await;
}

/// Splits `all` over `parts` as evenly as possible.
fn share(all: u64, part: u32, parts: u32) -> u64 {
    all / u64::from(parts) + u64::from(u64::from(part) < all % u64::from(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_split_without_loss() {
        for (all, parts) in [(10, 3), (3, 16), (1_000, 7)] {
            let shares: Vec<u64> = (0..parts).map(|p| share(all, p, parts)).collect();
            assert_eq!(shares.iter().sum::<u64>(), all);
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }
}
