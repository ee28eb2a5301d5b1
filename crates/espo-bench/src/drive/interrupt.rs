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
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hang_up: Option<tokio::signal::unix::Signal>,
    /// A write beyond the limit on file sizes then fails, as on a full disk, instead of ending the process.
    _file_size: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored_signals();
        let listen = |kind: SignalKind, is_ignored_by_default: bool| {
            let bit = 1_u64 << (kind.as_raw_value() - 1);
            let is_ignored = ignored.map_or(is_ignored_by_default, |mask| mask & bit != 0);
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt(), false)?,
            terminate: listen(SignalKind::terminate(), false)?,
            hang_up: listen(SignalKind::hangup(), true)?,
            _file_size: listen(
                SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()),
                false,
            )?,
        })
    }

    async fn next(&mut self) -> Option<()> {
        async fn of(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
            match signal {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            signal = of(&mut self.interrupt) => signal,
            signal = of(&mut self.terminate) => signal,
            signal = of(&mut self.hang_up) => signal,
        }
    }
}

/// Returns the signals that must stay ignored, as `nohup` requests it of SIGHUP, and a shell of SIGINT for commands in
/// the background. Only Linux reports them without `unsafe`; on other systems SIGHUP ends the process, and
/// `espo-bench clean` deletes its records.
#[cfg(unix)]
fn ignored_signals() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
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
