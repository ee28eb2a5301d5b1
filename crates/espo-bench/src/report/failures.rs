//! The reasons for an exit code other than 0.

use super::{INTERRUPTED, Report, Writes};

impl Report {
    /// Returns why a run without SLOs fails: it ended early, or no request succeeded.
    pub(crate) fn incomplete(&self) -> Option<String> {
        let stopped = self.run.stopped.as_deref();
        match (stopped, self.totals.requests, self.totals.failed) {
            (Some(INTERRUPTED), ..) if self.slos.is_empty() => None,
            (Some(reason), ..) => Some(format!("stopped early: {reason}")),
            (None, 0, _) => Some("no request was measured".to_owned()),
            (None, all, failed) if all <= failed => Some("no request succeeded".to_owned()),
            (None, ..) => None,
        }
    }

    /// Returns the reasons for an exit code other than 0, one per line of output.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let missed = self
            .slos
            .iter()
            .filter(|slo| !slo.held)
            .map(|slo| format!("SLO missed: {} ({})", slo.expression, slo.sentence()));
        let records = self.writes.as_ref().filter(|w| w.is_incomplete());
        self.incomplete()
            .into_iter()
            .chain(missed)
            .chain(records.map(Writes::sentence))
            .chain(self.problems.iter().cloned())
            .collect()
    }
}
