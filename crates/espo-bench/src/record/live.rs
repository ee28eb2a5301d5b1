//! The collector's current data, for the progress display and the dashboard.

use hdrhistogram::Histogram;

use super::{Collector, Outcome, Second, histogram};

/// Results of one operation so far.
pub(crate) struct LiveOperation<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_chain: bool,
    /// Number of requests or iterations, including failed ones.
    pub(crate) count: u64,
    pub(crate) failed: u64,
    /// Response times of successful requests.
    pub(crate) times: Option<&'a Histogram<u64>>,
}

/// Failures of one kind so far.
pub(crate) struct LiveFailure<'a> {
    pub(crate) operation: &'a str,
    pub(crate) outcome: Outcome,
    /// HTTP status; 0 without a response.
    pub(crate) status: u16,
    pub(crate) count: u64,
    /// The first reason.
    pub(crate) reason: &'a str,
}

impl Collector {
    /// Returns the closed steps of the time series, and their length in seconds.
    pub(crate) fn steps(&self) -> (&[Second], u64) {
        (&self.seconds, self.step_seconds)
    }

    /// Returns all operations in the order of the plan.
    pub(crate) fn operations(&self) -> impl Iterator<Item = LiveOperation<'_>> {
        self.operations.iter().map(|o| {
            let (mut count, mut failed) = (0, 0);
            for (outcome, data) in &o.outcomes {
                count += data.response.len();
                if *outcome != Outcome::Ok {
                    failed += data.response.len();
                }
            }
            LiveOperation {
                name: &o.tag,
                is_chain: o.is_chain,
                count,
                failed,
                times: o.outcomes.get(&Outcome::Ok).map(|data| &data.response),
            }
        })
    }

    /// Returns the totals of the chosen operations: requests, failed requests, and response times of the successful
    /// ones. `chosen` has an entry for each operation, in order.
    pub(crate) fn times(&self, chosen: &[bool]) -> (u64, u64, Histogram<u64>) {
        let (mut count, mut failed, mut times) = (0, 0, histogram());
        let operations = self.operations().zip(chosen);
        for operation in operations.filter_map(|(o, chosen)| chosen.then_some(o)) {
            count += operation.count;
            failed += operation.failed;
            if let Some(own) = operation.times {
                // `times` resizes itself, so adding cannot fail.
                let added = times.add(own);
                debug_assert!(added.is_ok());
            }
        }
        (count, failed, times)
    }

    /// Returns the failures by kind.
    pub(crate) fn failures(&self) -> impl Iterator<Item = LiveFailure<'_>> {
        self.failures
            .iter()
            .filter_map(|((operation, outcome, status), (count, reason))| {
                Some(LiveFailure {
                    operation: &self.operations.get(usize::from(*operation))?.tag,
                    outcome: *outcome,
                    status: *status,
                    count: *count,
                    reason,
                })
            })
    }
}
