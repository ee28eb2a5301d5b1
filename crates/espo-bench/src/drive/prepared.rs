//! A run that is ready to start.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::Shared;
use super::embedded::Embedded;
use super::interrupt::Interrupts;
use super::options::RunOptions;
use super::settle::Settled;
use crate::digest::sha256_hex;
use crate::report::{ConnectionInfo, NothingToRead};
use crate::target::{Connects, Dialer};

/// A run that is ready to start.
pub(crate) struct Prepared {
    pub(crate) options: RunOptions,
    pub(crate) settled: Settled,
    pub(crate) dialer: Dialer,
    pub(crate) shared: Arc<Shared>,
    pub(crate) version: Option<String>,
    pub(crate) records: BTreeMap<String, u64>,
    pub(crate) connects: Connects,
    pub(crate) connection: ConnectionInfo,
    pub(crate) embedded: Option<Embedded>,
    pub(crate) nothing_to_read: Vec<NothingToRead>,
    pub(super) interrupts: Interrupts,
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) ledger_is_ours: bool,
}

impl Prepared {
    pub(super) fn interrupted(&self) -> bool {
        self.interrupts.since() > 0
    }

    pub(super) fn workload_hash(&self) -> String {
        sha256_hex(&self.options.workload.source)
    }

    /// Returns the comment in the interval log that identifies the run and the shard for a merge.
    pub(super) fn about(&self) -> String {
        let shard = self
            .options
            .shard
            .map_or("0/1".to_owned(), |s| format!("{}/{}", s.index, s.count));
        format!(
            "run {} shard {shard} seed {} workload {}",
            self.shared.run_id,
            self.settled.seed,
            self.workload_hash()
        )
    }
}
