//! The open model: iterations that start at their times, whether or not earlier ones have finished.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::actor::{Actor, Place};
use super::job::{Job, choose, patient_wait};
use super::patience::Patience;
use crate::error::Result;
use crate::report::Model;
use crate::schedule::SendTimes;
use crate::schedule::pacer::Pacer;
use crate::seed;
use crate::time::micros;

/// Number of lanes of the open model over all shards, large enough that concurrent iterations rarely share records.
const LANES: u32 = 64;
/// First coordinates of random numbers: iterations and arrival times.
const OPEN: u64 = 2;
const ARRIVALS: u64 = 3;
/// How many iterations are dropped one by one before it is checked whether the run is over.
const BULK: u64 = 65_536;

/// The result of an iteration that is due.
enum Admission {
    /// It starts, and occupies a place until it ends.
    Start(OwnedSemaphorePermit),
    /// The warm-up could not start it. Starting it later would delay the measurement.
    Skip,
    /// It and all later ones are dropped: the load was stopped, or no place became free before the end.
    Over,
}

/// The iterations of this thread.
struct Iterations<'a> {
    job: &'a Job,
    lanes: Vec<Actor>,
    places: Arc<Semaphore>,
    measured_from: Instant,
    end: Instant,
    running: JoinSet<Result<()>>,
}

impl Job {
    /// Starts the iterations of this thread at their times and waits until they have ended.
    pub(super) async fn open(
        &self,
        max_in_flight: u32,
        measured_from: Instant,
        pacer: &Pacer,
        actor: &impl Fn(usize) -> Actor,
    ) -> Result<()> {
        let (shard, shards) = self.shard;
        let (thread, threads) = self.thread;
        let Model::Open { arrivals, .. } = self.settled.model else {
            return Ok(());
        };
        let places = (max_in_flight / shards / threads).max(1) as usize;
        let mut iterations = Iterations {
            job: self,
            lanes: (0..LANES).map(|lane| actor(lane as usize)).collect(),
            places: Arc::new(Semaphore::new(places)),
            measured_from,
            end: self.start + self.settled.profile.total(),
            running: JoinSet::new(),
        };
        let rng = seed::rng(self.settled.seed, &[ARRIVALS]);
        let mut measured = 0_u64;
        let (mut is_over, mut dropped) = (false, 0_u64);
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
            if !is_over {
                patient_wait(&self.shared, pacer, intended).await?;
                match iterations.admit(intended, counts).await {
                    Admission::Start(place) => {
                        let at = Place { lane, number };
                        iterations.start(at, intended, place);
                        continue;
                    }
                    Admission::Skip => continue,
                    Admission::Over => is_over = true,
                }
            }
            let unsent = &self.gauges.unsent;
            unsent.fetch_add(u64::from(counts), Ordering::Relaxed);
            dropped += 1;
            if self.stopped() || dropped % BULK == 0 && self.drop_rest(number, measured) {
                break;
            }
        }
        self.join(iterations.running).await
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
}

impl Iterations<'_> {
    /// Waits for a place, and records how late the iteration starts.
    async fn admit(&self, intended: Instant, counts: bool) -> Admission {
        let job = self.job;
        let (place, held_back) = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => (Some(place), false),
            // Iterations that are still due at the end wait as long as the run drains.
            Err(_) => {
                let limit = match counts {
                    true => self.end + job.drain,
                    false => self.measured_from,
                };
                let limit = tokio::time::Instant::from_std(limit);
                let place = Arc::clone(&self.places).acquire_owned();
                let waited = tokio::time::timeout_at(limit, place).await;
                (waited.ok().and_then(|place| place.ok()), true)
            }
        };
        let is_late = !counts && (place.is_none() || Instant::now() >= self.measured_from);
        let Some(place) = place.filter(|_| !job.stopped() && !is_late) else {
            return match is_late && !job.stopped() {
                true => Admission::Skip,
                false => Admission::Over,
            };
        };
        if counts {
            let now = Instant::now();
            let late = micros(now - intended);
            job.recorder.lateness(late, held_back);
            let begun = &job.gauges.begun;
            begun.fetch_add(u64::from(now < self.end), Ordering::Relaxed);
        }
        Admission::Start(place)
    }

    fn start(&mut self, at: Place, intended: Instant, place: OwnedSemaphorePermit) {
        let actor = self.lanes[at.lane as usize].clone();
        let mut rng = seed::rng(self.job.settled.seed, &[OPEN, at.number]);
        let item = choose(&self.job.workload.mix, &mut rng).clone();
        self.running.spawn(async move {
            let times = (intended, Instant::now());
            let mut patience = Patience::new(actor.shared.timeout);
            actor
                .iterate(&item, times, at, &mut rng, &mut patience)
                .await;
            drop(place);
            Ok(())
        });
        // Finished tasks are collected continuously, because a long run must not accumulate them.
        while self.running.try_join_next().is_some() {}
    }
}
