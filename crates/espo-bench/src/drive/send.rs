//! Sends one request, measures its times and records the result.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use espo_core::{Response, Stage};

use super::actor::{Actor, Turn};
use super::call::Call;
use super::fault::own_fault;
use crate::record::{Outcome, Sample};
use crate::report::StopCause;
use crate::target::from_gateway;
use crate::time::micros;

/// The result of a request.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) response: Option<Response>,
    /// The ID that a dry run assigns to a create.
    pub(super) pretended: Option<String>,
}

/// The times of a request.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) intended: Instant,
    pub(super) sent: Instant,
    pub(super) ended: Instant,
}

/// Transferred bytes of a request, and its decoding time.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    pub(super) bytes_in: usize,
    pub(super) bytes_out: usize,
    pub(super) decode_nanos: u32,
}

impl Weight {
    pub(super) const NONE: Self = Self {
        bytes_in: 0,
        bytes_out: 0,
        decode_nanos: Sample::NOT_DECODED,
    };
}

/// A request that was sent.
#[derive(Clone, Copy)]
struct Flight {
    /// Index of the operation.
    index: usize,
    intended: Instant,
    sent: Instant,
    bytes_out: usize,
    /// Whether the request is part of the measurement.
    counted: bool,
}

/// Counts a request as unfinished if its future is dropped before the response.
struct Guard<'a> {
    actor: &'a Actor,
    flight: Flight,
    done: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.actor.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.done && self.flight.counted {
            let (flight, outcome) = (self.flight, Outcome::Unfinished);
            self.actor
                .settle(flight, outcome, Instant::now(), Weight::NONE);
            self.actor.fail(flight.index, outcome, 0, || {
                "still in flight when the run ended".into()
            });
        }
    }
}

impl Done {
    fn without(outcome: Outcome) -> Self {
        Self {
            outcome,
            response: None,
            pretended: None,
        }
    }
}

impl Actor {
    pub(super) async fn send(&self, index: usize, call: Call<'_>, turn: &mut Turn<'_>) -> Done {
        if let Some(dry) = &self.shared.dry {
            let mut lines = dry.lock();
            let pretended = Some(format!("id{}", lines.len()));
            lines.push(format!(
                "{:24} {call}",
                self.shared.plan.operations[index].operation.name
            ));
            return Done {
                outcome: Outcome::Ok,
                response: None,
                pretended,
            };
        }
        let bytes_out = call.body.as_ref().map_or(0, Vec::len);
        let mut request = self.request(index, call);
        if self.shared.tag_requests {
            request = Cow::Owned(request.into_owned().header(
                "X-Espo-Bench",
                format!("{}/{}", turn.place.lane, turn.place.number),
            ));
        }
        let sent = Instant::now();
        // If the iteration started late, its later requests would have been sent earlier by the same amount.
        let intended = turn
            .meant
            .take()
            .unwrap_or_else(|| sent.checked_sub(turn.delay).unwrap_or(sent));
        let flight = Flight {
            index,
            intended,
            sent,
            bytes_out,
            counted: turn.counted,
        };
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut guard = Guard {
            actor: self,
            flight,
            done: false,
        };
        let result = turn
            .patience
            .wait(sent, pin!(self.client.send(request)))
            .await;
        guard.done = true;
        drop(guard);
        match result {
            Some(Ok(response)) => self.responded(flight, response),
            Some(Err(error)) => self.failed(flight, &error),
            None => {
                let limit = turn.patience.limit();
                self.settle(flight, Outcome::Timeout, Instant::now(), Weight::NONE);
                if flight.counted {
                    self.fail(index, Outcome::Timeout, 0, || no_answer(limit));
                }
                Done::without(Outcome::Timeout)
            }
        }
    }

    fn responded(&self, flight: Flight, response: Response) -> Done {
        let resolved = &self.shared.plan.operations[flight.index];
        let decoder = &self.shared.decoder;
        let (decoded, decode_nanos) = decoder.decode(flight.index, resolved, &response);
        let outcome = match decoded {
            Ok(()) => Outcome::Ok,
            Err(_) => Outcome::Decode,
        };
        let weight = Weight {
            bytes_in: response.body().len(),
            decode_nanos,
            ..Weight::NONE
        };
        self.settle(flight, outcome, response.timing().received, weight);
        if let Some(reason) = decoded.err().filter(|_| flight.counted) {
            let status = response.status().as_u16();
            self.fail(flight.index, outcome, status, || reason);
        }
        Done {
            outcome,
            response: Some(response),
            pretended: None,
        }
    }

    fn failed(&self, flight: Flight, error: &espo_core::Error) -> Done {
        let (outcome, status) = classify(error);
        let ended = error.timing().map_or_else(Instant::now, |t| t.received);
        let weight = Weight {
            bytes_in: error.body().map_or(0, |b| b.len()),
            ..Weight::NONE
        };
        self.settle(flight, outcome, ended, weight);
        if flight.counted {
            self.fail(flight.index, outcome, status, || reason(error));
        }
        if error.is_unauthorized() || error.is_locked_out() {
            let who = if from_gateway(error) {
                "a gateway in front of the server rejected the requests"
            } else {
                "the server rejected the credentials"
            };
            self.shared.halt(
                StopCause::Credentials,
                format!("{who} during the load: {error}"),
            );
        }
        Done::without(outcome)
    }

    /// Records a completed request, if it counts.
    fn settle(&self, flight: Flight, outcome: Outcome, ended: Instant, weight: Weight) {
        if flight.counted {
            let clock = Clock {
                intended: flight.intended,
                sent: flight.sent,
                ended,
            };
            let weight = Weight {
                bytes_out: flight.bytes_out,
                ..weight
            };
            self.record(flight.index, outcome, clock, weight);
        }
    }

    pub(super) fn record(&self, operation: usize, outcome: Outcome, clock: Clock, weight: Weight) {
        let Clock {
            intended,
            sent,
            ended,
        } = clock;
        self.recorder.sample(Sample {
            operation: u16::try_from(operation).unwrap_or(u16::MAX),
            outcome,
            ended: micros(ended.saturating_duration_since(self.origin)),
            service: micros(ended.saturating_duration_since(sent)),
            response: micros(ended.saturating_duration_since(intended)),
            decode_nanos: weight.decode_nanos,
            bytes_in: u32::try_from(weight.bytes_in).unwrap_or(u32::MAX),
            bytes_out: u32::try_from(weight.bytes_out).unwrap_or(u32::MAX),
        });
    }

    fn fail(
        &self,
        operation: usize,
        outcome: Outcome,
        status: u16,
        reason: impl FnOnce() -> String,
    ) {
        self.recorder.failure(
            (
                u16::try_from(operation).unwrap_or(u16::MAX),
                outcome,
                status,
            ),
            || {
                let reason = reason();
                let reason = self.shared.redactor.redact(&reason);
                // Control characters could change a terminal, direction marks a page.
                espo_stdio::one_line(&reason).chars().take(200).collect()
            },
        );
    }

    /// Counts an operation that could not even be built as failed.
    pub(super) fn cannot(&self, index: usize, turn: &Turn<'_>, reason: String) {
        if let Some(dry) = &self.shared.dry {
            let name = &self.shared.plan.operations[index].operation.name;
            dry.lock()
                .push(format!("{name:24} cannot be sent: {reason}"));
            return;
        }
        if turn.counted {
            let now = Instant::now();
            let clock = Clock {
                intended: turn.meant.unwrap_or(now),
                sent: now,
                ended: now,
            };
            self.record(index, Outcome::Client, clock, Weight::NONE);
            self.fail(index, Outcome::Client, 0, || reason);
        }
    }
}

pub(super) fn no_answer(limit: Duration) -> String {
    format!("no response within {limit:?}")
}

fn classify(error: &espo_core::Error) -> (Outcome, u16) {
    let status = error.status().map_or(0, |s| s.as_u16());
    let outcome = match error.stage() {
        _ if error.is_timeout() => Outcome::Timeout,
        Stage::Connect if own_fault(error).is_some() => Outcome::Generator,
        Stage::Status if status >= 500 => Outcome::Server,
        Stage::Status => Outcome::Client,
        Stage::Decode => Outcome::Decode,
        Stage::Build => Outcome::Client,
        _ => Outcome::Transport,
    };
    (outcome, status)
}

/// Returns the server's own reason, if there is one.
fn reason(error: &espo_core::Error) -> String {
    match error.reason() {
        Some(reason) => reason.into_owned(),
        None => error.report().to_string(),
    }
}
