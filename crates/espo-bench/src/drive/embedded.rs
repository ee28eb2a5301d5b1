//! The embedded server: `espo-sim` in this process, on a thread of its own.

use super::options::Credentials;
use crate::error::{Error, Result};

/// A server that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(super) url: String,
    pub(super) credentials: Credentials,
}

impl Embedded {
    /// Starts a server with the stock metadata on a free port of 127.0.0.1.
    pub(super) fn start(_workload: &crate::workload::Workload) -> Result<Self> {
        Err(Error::target("no embedded server"))
    }
}
