//! The state that the driver publishes and the pages read.

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;

use super::view::Now;

/// The values of one step of the time series.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    /// Start in seconds from the start of the measurement.
    pub(crate) at: f64,
    /// Responses per second.
    pub(crate) rate: f64,
    /// Failed requests per second.
    pub(crate) failed: f64,
    /// Target rate in iterations per second (open model).
    pub(crate) target: Option<f64>,
    /// Requests in flight at the end of the step.
    pub(crate) in_flight: u64,
    /// Microseconds; null without a successful request, as for the other percentiles.
    pub(crate) p50: Option<u64>,
    pub(crate) p95: Option<u64>,
    pub(crate) p99: Option<u64>,
}

/// The state of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The target is being examined and missing records are being created.
    #[default]
    Preparing,
    /// The load is being sent.
    Running,
    /// The records of the run are being deleted.
    CleaningUp,
    /// The report is complete.
    Ended,
    /// The run ended without a report.
    Failed,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    steps: Vec<Step>,
    now: Option<Now>,
    report: Option<String>,
}

/// The published state, with a signal for each change.
#[derive(Debug)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

/// A message for a page that already has some of the steps.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    state: State,
    /// Steps that the page does not have yet.
    steps: &'a [Step],
    now: Option<&'a Now>,
    /// The report as HTML, once the run has ended.
    report: Option<&'a str>,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock());
        self.changed.send_modify(|version| *version += 1);
    }

    /// Returns whether a page is open; without one, expensive figures are not computed.
    pub(crate) fn is_watched(&self) -> bool {
        // The server, which waits for the end, has two receivers.
        self.changed.receiver_count() > 2
    }

    pub(crate) fn state(&self, state: State) {
        self.change(|inner| inner.state = state);
    }

    pub(crate) fn publish(&self, steps: Vec<Step>, now: Option<Now>) {
        self.change(|inner| {
            inner.steps.extend(steps);
            inner.now = now.or(inner.now.take());
        });
    }

    /// Returns the number of published steps.
    pub(crate) fn step_count(&self) -> usize {
        self.inner.lock().steps.len()
    }

    pub(super) fn end(&self, report: String) {
        self.change(|inner| {
            inner.state = State::Ended;
            inner.report = Some(report);
        });
    }

    /// Ends the stream of every page.
    pub(super) fn close(&self) {
        self.change(|inner| {
            if inner.state != State::Ended {
                inner.state = State::Failed;
            }
        });
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.inner.lock().state, State::Ended | State::Failed)
    }

    /// Returns the message for a page that has the first `sent` steps, and the number of steps that it has afterwards.
    pub(super) fn message(&self, sent: usize) -> (String, usize) {
        let inner = self.inner.lock();
        let message = Message {
            state: inner.state,
            steps: &inner.steps[sent.min(inner.steps.len())..],
            now: inner.now.as_ref(),
            report: inner.report.as_deref(),
        };
        // Plain data with string keys always serialises.
        let text = serde_json::to_string(&message).unwrap_or_default();
        (text, inner.steps.len())
    }
}
