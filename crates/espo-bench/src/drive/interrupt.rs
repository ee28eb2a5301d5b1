//! Ctrl-C and the termination signals of the operating system.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};

use espo_stdio::Signals;

use crate::error::{Error, Result};

/// Shared by the whole process: a capacity search makes many runs, and a listener for each would remain.
static COUNT: OnceLock<Arc<AtomicU32>> = OnceLock::new();

/// Counts interrupts from its creation.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    count: Arc<AtomicU32>,
    before: u32,
}

impl Interrupts {
    /// Listens for interrupts. The first one ends the load; the second leaves the cleanup to `espo-bench clean`.
    /// Without `listen` none is counted, and signals end the process as usual.
    pub(super) fn listen(listen: bool) -> Result<Self> {
        let count = if listen { listener()? } else { Arc::default() };
        let before = count.load(Ordering::Relaxed);
        Ok(Self { count, before })
    }

    pub(super) fn since(&self) -> u32 {
        self.count.load(Ordering::Relaxed).wrapping_sub(self.before)
    }
}

fn listener() -> Result<Arc<AtomicU32>> {
    if let Some(count) = COUNT.get() {
        return Ok(Arc::clone(count));
    }
    let failed = |e: std::io::Error| Error::usage(format!("cannot listen for signals: {e}"));
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let (ready, listening) = mpsc::channel();
    let spawned = std::thread::Builder::new()
        .name("interrupts".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(error))),
            };
            runtime.block_on(async {
                let mut signals = match Signals::listen() {
                    Ok(signals) => signals,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                drop(ready.send(Ok(())));
                loop {
                    signals.next().await;
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        });
    spawned.map_err(failed)?;
    // A signal that arrives before the handlers are installed would end the process without a cleanup.
    let registered = listening.recv();
    registered
        .unwrap_or_else(|_| Err(std::io::Error::other("the thread ended")))
        .map_err(failed)?;
    Ok(Arc::clone(COUNT.get_or_init(|| count)))
}
