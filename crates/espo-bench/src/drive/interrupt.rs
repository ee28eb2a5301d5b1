//! Ctrl-C and the termination signals of the operating system.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};

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
                let mut signals = match Signals::new() {
                    Ok(signals) => signals,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                drop(ready.send(Ok(())));
                while signals.next().await.is_some() {
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

/// Ctrl-C; SIGTERM, with which CI systems and Kubernetes end a job; and SIGHUP, with which a terminal ends its programs
/// when it is closed. All get the same cleanup.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = (!ignores_hang_up()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: hang_up.transpose()?,
        })
    }

    async fn next(&mut self) -> Option<()> {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = self.interrupt.recv() => signal,
            signal = self.terminate.recv() => signal,
            signal = hang_up => signal,
        }
    }
}

/// Returns whether SIGHUP must stay ignored, as `nohup` requests it. Only Linux reports this without `unsafe`; on other
/// systems the signal ends the process, and `espo-bench clean` deletes its records.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    const HANG_UP_BIT: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & HANG_UP_BIT != 0)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Option<()> {
        tokio::signal::ctrl_c().await.ok()
    }
}
