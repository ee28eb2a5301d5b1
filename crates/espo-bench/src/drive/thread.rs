//! A sending thread: one runtime on one thread, with its own connections.
//!
//! Iterations of the closed model belong to a worker, those of the open model to a lane. Each has separate records, so
//! that its requests do not depend on the scheduling of others.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use espo_core::{Client, Request, http::Method};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::actor::Actor;
use super::job::{Gauges, Job, timer};
use super::send::no_answer;
use super::usage;
use super::world::Own;
use crate::error::{Error, Result};
use crate::record::Recorder;
use crate::report::Model;
use crate::schedule::pacer::Pacer;
use crate::target::{refused, runtime};
use crate::time::micros;

impl Job {
    /// Runs until the load has ended and the responses have arrived, and returns the time of the end.
    pub(super) fn run(self) -> Result<Instant> {
        runtime()?.block_on(async { self.work().await.map(|()| Instant::now()) })
    }

    async fn work(mut self) -> Result<()> {
        let users = self.dialer.credentials.len();
        let clients = (0..users)
            .map(|user| self.dialer.client(user, &self.recorder))
            .collect::<Result<Vec<_>>>()?;
        // The load begins when all threads have logged in.
        tokio::select! {
            result = self.log_in(&clients) => result?,
            () = self.until_stopped() => return Ok(()),
        }
        // The receiver is gone only if the run has been given up.
        let _ = self.ready.send(());
        let begin = self.begin.wait_for(Option::is_some).await;
        let Some(start) = begin.ok().and_then(|start| *start) else {
            return Ok(());
        };
        self.start = start;
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

    /// Sends the first request of each client alone, to verify its credentials or exchange a password for a token. It is
    /// excluded from the figures.
    async fn log_in(&self, clients: &[Client]) -> Result<()> {
        const CONCURRENCY: usize = 8;
        let url = &self.dialer.url;
        let log_in = |client: Client| async move {
            let known = client.send(Request::path(Method::GET, "App/user"));
            let known = tokio::time::timeout(self.dialer.timeout, known).await;
            let late = |_| Error::target(format!("{url}: {}", no_answer(self.dialer.timeout)));
            known.map_err(late)?.map_err(|error| refused(url, &error))?;
            Ok(())
        };
        stream::iter(clients.iter().cloned().map(log_in))
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn until_stopped(&self) {
        while !self.stopped() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
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
            Ok(late) => recorder.lag(micros(late)),
            Err(_) => return,
        }
    }
}
