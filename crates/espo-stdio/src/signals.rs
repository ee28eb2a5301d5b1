//! Ctrl-C and the termination signals of the operating system.

use std::io;

/// Listens for Ctrl-C; for SIGTERM, with which CI systems and Kubernetes end a job; and for SIGHUP, with which a terminal
/// ends its programs when it is closed.
///
/// Signals that were ignored when the process was started stay ignored: `nohup` requests this for SIGHUP, and a shell
/// without job control requests it for SIGINT of commands in the background. Only Linux reports ignored signals
/// without `unsafe`; on other Unix systems SIGHUP is left to the system.
///
/// After its creation the process no longer ends when it receives these signals, even after the value is dropped. On
/// Unix, a write beyond the limit on file sizes (SIGXFSZ) then returns an error, as on a full disk.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    _file_size: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Starts listening. Requires a Tokio runtime with its I/O driver.
    ///
    /// # Errors
    ///
    /// Returns the operating system's error if a handler cannot be installed.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored();
        let listen = |kind: SignalKind, is_ignored_by_default: bool| {
            let bit = 1_u64 << (kind.as_raw_value() - 1);
            let is_ignored = ignored.map_or(is_ignored_by_default, |mask| mask & bit != 0);
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        let file_size = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        Ok(Self {
            interrupt: listen(SignalKind::interrupt(), false)?,
            terminate: listen(SignalKind::terminate(), false)?,
            hang_up: listen(SignalKind::hangup(), true)?,
            _file_size: listen(file_size, false)?,
        })
    }

    /// Starts listening.
    ///
    /// # Errors
    ///
    /// Returns no error on this system.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal. Never completes if all signals are ignored.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        async fn of(signal: &mut Option<tokio::signal::unix::Signal>) {
            let received = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            if received.is_none() {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = of(&mut self.interrupt) => {},
            () = of(&mut self.terminate) => {},
            () = of(&mut self.hang_up) => {},
        }
    }

    /// Waits for the next Ctrl-C.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A mask of the signals that were ignored when the process was started, if the system reports it.
#[cfg(unix)]
fn ignored() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
