//! The embedded server: `espo-sim` in this process, on separate threads.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use espo_core::Auth;
use espo_schema::Schema;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::target::Credentials;
use crate::workload::Workload;

/// Number of initial records per entity type of the workload, enough for several pages of every list.
const RECORDS: usize = 200;

/// A server that stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(super) url: String,
    pub(super) credentials: Credentials,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts a server on a free port of 127.0.0.1, with records for the workload to read. Defaults to the stock
    /// metadata.
    pub(super) fn start(workload: &Workload, schema: Option<&Arc<Schema>>) -> Result<Self> {
        let mut builder = espo_sim::Sim::builder().request_log(0);
        if let Some(schema) = schema {
            builder = builder.schema(Arc::clone(schema));
        }
        let known: &Schema = match schema {
            Some(schema) => schema,
            None => Schema::stock(),
        };
        for entity in workload.entities() {
            // Unknown names are reported by the check against the metadata, with their location in the file.
            if known.entity_type(entity).is_some() {
                builder = builder.records(entity, RECORDS);
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("server".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads((cores - 1).max(1))
                    .enable_all()
                    .build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(ready.send(Err(error.to_string()))),
                };
                runtime.block_on(async {
                    match builder.start().await {
                        Err(error) => drop(ready.send(Err(error.to_string()))),
                        Ok(sim) => {
                            let key = sim.users().api_key_user().and_then(|u| u.api_key.clone());
                            let key =
                                key.ok_or_else(|| "the embedded server has no API user".to_owned());
                            drop(ready.send(key.map(|key| (sim.url(), key))));
                            // Ends when a stop is requested, or when the other side has been dropped.
                            let _ = stopped.await;
                        }
                    }
                });
            });
        let thread = thread.map_err(|e| {
            Error::target(format!(
                "cannot start a thread for the embedded server: {e}"
            ))
        })?;
        let answer = started
            .recv()
            .map_err(|_| Error::target("the embedded server ended before it was ready"))?;
        let (url, key) =
            answer.map_err(|e| Error::target(format!("cannot start the embedded server: {e}")))?;
        Ok(Self {
            url,
            credentials: Credentials::new(Auth::api_key(key)),
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed; the load counted failed requests.
            let _ = thread.join();
        }
    }
}
