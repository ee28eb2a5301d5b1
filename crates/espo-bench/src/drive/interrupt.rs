//! Ctrl-C and the termination signals of the operating system.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

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
    /// Without
    /// `listen` none is counted, and signals end the process as usual.
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
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let spawned = std::thread::Builder::new()
        .name("interrupts".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    while interrupt().await.is_ok() {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    spawned.map_err(|e| Error::usage(format!("cannot start a thread for signals: {e}")))?;
    Ok(Arc::clone(COUNT.get_or_init(|| count)))
}

/// Waits for Ctrl-C, or for SIGTERM, with which CI systems and Kubernetes end a job. Both get the same cleanup.
#[cfg(unix)]
async fn interrupt() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupt() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
