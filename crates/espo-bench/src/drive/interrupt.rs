//! Ctrl-C and the termination signals of the operating system.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use espo_stdio::Signals;

use crate::error::{Error, Result};

/// Shared by the whole process: a capacity search makes many runs, and a listener for each would remain.
static COUNT: OnceLock<Arc<AtomicU32>> = OnceLock::new();
/// Number of runs that react to interrupts.
static ACTIVE: AtomicU32 = AtomicU32::new(0);
/// Number of interrupts that earlier runs have reacted to.
static SEEN: AtomicU32 = AtomicU32::new(0);
/// How long the process may continue after an interrupt outside a run, for example to write its outputs.
const GRACE: Duration = Duration::from_secs(3);

/// Counts interrupts since the end of the previous run, so that none between two runs is lost.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    count: Arc<AtomicU32>,
    before: u32,
    _active: Option<Arc<Active>>,
}

/// A run that reacts to interrupts.
#[derive(Debug)]
struct Active(Arc<AtomicU32>);

impl Active {
    fn new(count: &Arc<AtomicU32>) -> Self {
        ACTIVE.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        SEEN.store(self.0.load(Ordering::SeqCst), Ordering::SeqCst);
        ACTIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Interrupts {
    /// Listens for interrupts. The first one ends the load; the second leaves the cleanup to `espo-bench clean`.
    /// Without `listen` none is counted, and signals end the process as usual. After the run, an interrupt ends the
    /// process, but only after a moment in which it can write its outputs.
    pub(super) fn listen(listen: bool) -> Result<Self> {
        if !listen {
            return Ok(Self {
                count: Arc::default(),
                before: 0,
                _active: None,
            });
        }
        let count = listener()?;
        let active = Active::new(&count);
        Ok(Self {
            before: SEEN.load(Ordering::SeqCst),
            _active: Some(Arc::new(active)),
            count,
        })
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
                    counted.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(end_unless_active());
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

/// Ends the process if no run reacts to the signal: a program that reads the outputs may have stopped reading.
async fn end_unless_active() {
    /// As a shell reports a program that was ended by Ctrl-C.
    const INTERRUPTED: i32 = 130;
    if ACTIVE.load(Ordering::SeqCst) > 0 {
        return;
    }
    tokio::time::sleep(GRACE).await;
    if ACTIVE.load(Ordering::SeqCst) == 0 {
        std::process::exit(INTERRUPTED);
    }
}
