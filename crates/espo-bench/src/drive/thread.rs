//! A sending thread: one runtime on one thread, with its own connections.
//!
//! Iterations of the closed model belong to a worker, those of the open model to a lane. Each has separate records, so
//! that its requests do not depend on the scheduling of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use espo_core::{Request, http::Method};
use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::actor::{Actor, Place, Shared};
use super::patience::Patience;
use super::send::no_answer;
use super::settle::Settled;
use super::usage;
use super::world::Own;
use crate::error::{Error, Result};
use crate::record::Recorder;
use crate::report::Model;
use crate::schedule::SendTimes;
use crate::schedule::pacer::Pacer;
use crate::seed;
use crate::target::{Dialer, refused};
use crate::workload::{MixItem, Workload};

/// Number of lanes of the open model over all shards, large enough that concurrent iterations rarely share records.
const LANES: u32 = 64;
/// First iteration number of the measurement, so that the length of the warm-up does not change the numbers.
const MEASURED: u64 = 1 << 32;
/// First coordinates of random numbers: closed workers, open iterations, arrival times.
const CLOSED: u64 = 1;
const OPEN: u64 = 2;
const ARRIVALS: u64 = 3;
/// First coordinate of the start times of people with think times; 4 is the setup's.
const BEGINNINGS: u64 = 5;
/// How many iterations are dropped one by one before it is checked whether the run is over.
const BULK: u64 = 65_536;

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
    /// Runs until the load has ended and the responses have arrived.
    pub(super) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime
            .map_err(|e| Error::usage(format!("cannot start a runtime for sending: {e}")))?;
        runtime.block_on(self.work())
    }

    async fn work(self) -> Result<()> {
        let users = self.dialer.credentials.len();
        let clients = (0..users)
            .map(|user| self.dialer.client(user, &self.recorder))
            .collect::<Result<Vec<_>>>()?;
        for client in &clients {
            // The first request of a client is sent alone, to verify its credentials or exchange a password for a
            // token. It is excluded from the figures.
            let known = client.send(Request::path(Method::GET, "App/user"));
            let known = tokio::time::timeout(self.dialer.timeout, known).await;
            let url = &self.dialer.url;
            let late = |_| Error::target(format!("{url}: {}", no_answer(self.dialer.timeout)));
            known.map_err(late)?.map_err(|error| refused(url, &error))?;
        }
        let measured_from = self.start + self.settled.profile.measured_from();
        let actor = |user: usize| Actor {
            shared: Arc::clone(&self.shared),
            client: clients[user % users].clone(),
            recorder: self.recorder.clone(),
            in_flight: Arc::clone(&self.gauges.in_flight),
            own: Own::default(),
            origin: self.start,
            measured_from,
        };
        let pacer = Pacer::new().map_err(timer)?;
        let heartbeat = tokio::spawn(heartbeat(
            pacer.clone(),
            self.recorder.clone(),
            Arc::clone(&self.gauges),
        ));
        let result = match self.settled.model {
            Model::Closed { concurrency } => {
                self.closed(concurrency, measured_from, &pacer, &actor)
                    .await
            }
            Model::Open { max_in_flight, .. } => {
                self.open(max_in_flight, measured_from, &pacer, &actor)
                    .await
            }
        };
        heartbeat.abort();
        result
    }

    async fn closed(
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

    async fn open(
        &self,
        max_in_flight: u32,
        measured_from: Instant,
        pacer: &Pacer,
        actor: &impl Fn(usize) -> Actor,
    ) -> Result<()> {
        let (shard, shards) = self.shard;
        let (thread, threads) = self.thread;
        let lanes: Vec<Actor> = (0..LANES).map(|lane| actor(lane as usize)).collect();
        let Model::Open { arrivals, .. } = self.settled.model else {
            return Ok(());
        };
        let rng = seed::rng(self.settled.seed, &[ARRIVALS]);
        let places = Arc::new(Semaphore::new(
            (max_in_flight / shards / threads).max(1) as usize
        ));
        let mut running = JoinSet::new();
        let mut measured = 0_u64;
        let end = self.start + self.settled.profile.total();
        let (mut gone, mut dropped) = (false, 0_u64);
        for (number, offset) in SendTimes::new(self.settled.profile.clone(), arrivals, rng) {
            let intended = self.start + offset;
            let counts = intended >= measured_from;
            if counts {
                measured += 1;
                if self.settled.requests.is_some_and(|limit| measured > limit) {
                    break;
                }
            }
            let lane = u32::try_from(number % u64::from(LANES)).unwrap_or(0);
            if lane % shards != shard || (lane / shards) % threads != thread {
                continue;
            }
            if counts {
                self.gauges.scheduled.fetch_add(1, Ordering::Relaxed);
            }
            if gone {
                self.gauges
                    .unsent
                    .fetch_add(u64::from(counts), Ordering::Relaxed);
                dropped += 1;
                if self.stopped() || dropped % BULK == 0 && self.drop_rest(number, measured) {
                    break;
                }
                continue;
            }
            self.wait(pacer, intended).await?;
            let (place, held_back) = match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => (Some(place), false),
                // Iterations that are still due at the end wait as long as the run drains.
                Err(_) => {
                    let limit = if counts {
                        end + self.drain
                    } else {
                        measured_from
                    };
                    let limit = tokio::time::Instant::from_std(limit);
                    let waited =
                        tokio::time::timeout_at(limit, Arc::clone(&places).acquire_owned()).await;
                    (waited.ok().and_then(|p| p.ok()), true)
                }
            };
            // Iterations that the warm-up could not start are dropped; starting them later would delay the measurement.
            if !counts && !self.stopped() && (place.is_none() || Instant::now() >= measured_from) {
                continue;
            }
            gone = self.stopped() || place.is_none();
            if gone {
                self.gauges
                    .unsent
                    .fetch_add(u64::from(counts), Ordering::Relaxed);
                if self.stopped() {
                    break;
                }
                continue;
            }
            let now = Instant::now();
            if counts {
                self.recorder.lateness(
                    u64::try_from((now - intended).as_micros()).unwrap_or(u64::MAX),
                    held_back,
                );
                self.gauges
                    .begun
                    .fetch_add(u64::from(now < end), Ordering::Relaxed);
            }
            let actor = lanes[lane as usize].clone();
            let mut rng = seed::rng(self.settled.seed, &[OPEN, number]);
            let item = choose(&self.workload.mix, &mut rng).clone();
            running.spawn(async move {
                let times = (intended, Instant::now());
                let mut patience = Patience::new(actor.shared.timeout);
                actor
                    .iterate(
                        &item,
                        times,
                        Place { lane, number },
                        &mut rng,
                        &mut patience,
                    )
                    .await;
                drop(place);
                Ok(())
            });
            // Finished tasks are collected continuously, because a long run must not accumulate them.
            while running.try_join_next().is_some() {}
        }
        self.join(running).await
    }

    /// Counts the rest of the iterations as dropped at once, if the run is over: at a rate far beyond the target's,
    /// counting them one by one would take longer than the run. The number is exact except for random arrivals.
    fn drop_rest(&self, number: u64, measured: u64) -> bool {
        let (profile, limit) = (&self.settled.profile, self.settled.requests);
        if Instant::now() < self.start + profile.total() {
            return false;
        }
        let due = profile.due_before(profile.total().as_secs_f64()) as u64;
        let rest = limit.map_or(u64::MAX, |limit| limit - measured.min(limit));
        let rest = due.saturating_sub(number + 1).min(rest);
        let mine = rest / u64::from(self.shard.1) / u64::from(self.thread.1);
        self.gauges.scheduled.fetch_add(mine, Ordering::Relaxed);
        self.gauges.unsent.fetch_add(mine, Ordering::Relaxed);
        true
    }

    /// Waits in several steps, so that a stop is noticed at low rates, too.
    async fn wait(&self, pacer: &Pacer, due: Instant) -> Result<()> {
        patient_wait(&self.shared, pacer, due).await
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Waits for running tasks: without limit until the end of the load, then as long as the run drains. Tasks that are
    /// dropped after that count themselves as unfinished.
    async fn join(&self, mut tasks: JoinSet<Result<()>>) -> Result<()> {
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

async fn patient_wait(shared: &Shared, pacer: &Pacer, due: Instant) -> Result<()> {
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

/// Selects the mix item for one iteration, by weight.
fn choose<'a>(mix: &'a [MixItem], rng: &mut Pcg64Mcg) -> &'a MixItem {
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

/// Measures how late the scheduler wakes a sleeping task, and reports the CPU time of the thread.
async fn heartbeat(pacer: Pacer, recorder: Recorder, gauges: Arc<Gauges>) {
    loop {
        if let Some(nanos) = usage::thread_cpu_nanos() {
            gauges.cpu_nanos.store(nanos, Ordering::Relaxed);
        }
        match pacer
            .wait_until(Instant::now() + Duration::from_millis(10))
            .await
        {
            Ok(late) => recorder.lag(u64::try_from(late.as_micros()).unwrap_or(u64::MAX)),
            Err(_) => return,
        }
    }
}

fn timer(error: std::io::Error) -> Error {
    Error::usage(format!("the timer for send times failed: {error}"))
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
