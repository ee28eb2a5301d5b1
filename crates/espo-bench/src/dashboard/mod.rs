//! The live page of a run (`--dashboard`).
//!
//! The driver publishes a state about twice per second to the [`Hub`]. Each open page has a stream of server-sent
//! events with the data that the page does not have yet. A page that is opened late or reloaded receives the whole
//! history. When the run has ended, the page receives the report, so that its final figures match the report, and the
//! run does not wait for open pages.

mod hub;
mod server;
#[cfg(test)]
mod tests;
mod view;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::hub::{Hub, State, Step};
pub(crate) use self::view::{ErrorRow, Now, OperationRow, Times};
use crate::error::{Error, Result};
use crate::report::Report;

/// How long open pages have to receive the report.
const FAREWELL: Duration = Duration::from_secs(2);

/// Address of the page: `--dashboard [ADDR]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DashboardAddr {
    /// [`DEFAULT_ADDR`], or another port if that port is in use.
    Default,
    /// This address.
    At(SocketAddr),
}

/// The default address.
pub const DEFAULT_ADDR: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5656);

impl std::str::FromStr for DashboardAddr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Default);
        }
        if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
            return Ok(Self::At(SocketAddr::new(DEFAULT_ADDR.ip(), port)));
        }
        let local = text.replacen("localhost:", "127.0.0.1:", 1);
        local.parse().map(Self::At).map_err(|_| {
            format!(
                "invalid address '{text}': expected a port or an IP address with a port, such as 8080 or 127.0.0.1:8080 \
                 (pass the workload before --dashboard)"
            )
        })
    }
}

/// A page that is being served.
#[derive(Debug)]
pub(crate) struct Dashboard {
    hub: Arc<Hub>,
    thread: Option<std::thread::JoinHandle<()>>,
    url: String,
}

impl Dashboard {
    /// Starts serving on a separate thread.
    pub(crate) fn start(addr: DashboardAddr, title: &str) -> Result<Self> {
        let listener = listen(addr)?;
        let local = listener
            .local_addr()
            .map_err(|e| Error::usage(format!("cannot serve the dashboard: {e}")))?;
        let hub = Arc::new(Hub::new());
        let page = server::Page {
            hub: Arc::clone(&hub),
            title: title.to_owned(),
            loopback_only: local.ip().is_loopback(),
        };
        let thread = std::thread::Builder::new()
            .name("dashboard".into())
            .spawn(move || server::serve(listener, page, FAREWELL))
            .map_err(|e| Error::usage(format!("cannot start a thread for the dashboard: {e}")))?;
        Ok(Self {
            hub,
            thread: Some(thread),
            url: format!("http://{local}/"),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Sends the report to the open pages and stops serving.
    pub(crate) fn finish(self, report: &Report) {
        self.hub.end(crate::output::report_body(report));
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.hub.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the page must not fail the run.
            let _ = thread.join();
        }
    }
}

fn listen(addr: DashboardAddr) -> Result<TcpListener> {
    let (wanted, or_free) = match addr {
        DashboardAddr::Default => (DEFAULT_ADDR, true),
        DashboardAddr::At(addr) => (addr, false),
    };
    let listener = TcpListener::bind(wanted).or_else(|error| {
        if or_free && error.kind() == std::io::ErrorKind::AddrInUse {
            TcpListener::bind((wanted.ip(), 0))
        } else {
            Err(error)
        }
    });
    let listener = listener.map_err(|error| {
        Error::usage(format!(
            "cannot serve the dashboard on {wanted}: {error}; pass --dashboard another address"
        ))
    })?;
    listener
        .set_nonblocking(true)
        .map_err(|e| Error::usage(format!("cannot serve the dashboard: {e}")))?;
    Ok(listener)
}
