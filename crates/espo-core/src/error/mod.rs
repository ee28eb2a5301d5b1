//! The error type: the stage at which a call failed, the server's reason, and whether a write may have taken effect.
//!
//! The result of each fault, as verified by the tests; "retried" refers to the default
//! [`RetryPolicy`](crate::RetryPolicy):
//!
//! | fault | stage | a write's [`Outcome`] | retried automatically |
//! | --- | --- | --- | --- |
//! | cannot be built, URL too long, credentials rejected before | Build, Status | NotSent | no |
//! | connection refused, TLS, connect timeout | Connect | NotSent | yes, every method |
//! | reset or timeout before the headers | Send | Unknown | reads |
//! | reset, truncation or timeout in the body of a success | Receive | Done; a record's delete succeeds | reads |
//! | response above the size limit | Receive | Done | no |
//! | 400, 401, 403, 404, 409 | Status | Refused | no; once with a new token after a 401 |
//! | 429, 503 | Status | Refused | reads, after `Retry-After` |
//! | 502, 504 | Status | Unknown | reads |
//! | 500 | Status | Unknown | no |
//! | redirect inside the API | | | a GET follows it |
//! | any other redirect | Status | Refused | no |
//! | success that is not JSON (a proxy's page) | Decode | Unknown | no |
//! | success that cannot be decoded | Decode | Done | no |

mod body;
mod cause;
mod gateway;
mod predicates;
mod visible;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

pub use body::{ValidationFailure, VersionConflict};
pub use cause::{Report, report};
pub(crate) use cause::{causes_of, plain, without_os_code};
pub(crate) use gateway::is_foreign;

use crate::response::{Context, Response};
use crate::timing::Timing;
use visible::Visible;

/// The stage at which a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The request could not be built; nothing was sent.
    Build,
    /// No connection was established; nothing was sent.
    Connect,
    /// The request was being sent or had been sent, and no response headers arrived.
    Send,
    /// The response headers arrived, but the body did not (or was too large).
    Receive,
    /// The server responded with an error status.
    Status,
    /// The response is complete but cannot be decoded.
    Decode,
}

/// Whether a write may have taken effect although the call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The server never received it. Retrying is safe.
    NotSent,
    /// The server rejected it. Retrying is safe, but rarely useful.
    Refused,
    /// It is unknown whether the server acted: the response was lost, or came from a gateway. Check before you retry.
    Unknown,
    /// The server acted (it responded with success); only the response's content was lost or could not be decoded. Do
    /// not retry.
    Done,
}

/// The error of a call; the size of one pointer.
///
/// Its `Display` shows the request (without query or secrets), the failure and the remedy; the causes are in
/// [`source`](std::error::Error::source), and [`Error::report`] shows both in one line. Neither shows credentials. The
/// only bodies shown are those of conflicts that EspoCRM itself does not define. Control characters of the server's text
/// are escaped, so that a message is safe for logs and terminals; [`Error::reason`] returns them as sent. Credentials of the
/// client that the server echoes are replaced by `[redacted]`.
pub struct Error(Box<Inner>);

pub(crate) struct Inner {
    pub(crate) stage: Stage,
    pub(crate) outcome: Outcome,
    pub(crate) context: Option<Context>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) timeout: bool,
    pub(crate) too_large: bool,
    pub(crate) lost_safe: bool,
    pub(crate) answer: Option<Answer>,
    pub(crate) fault: Option<DecodeFault>,
    pub(crate) timing: Option<Timing>,
    pub(crate) retry_after: Option<Duration>,
    /// Advice, if the transport knows more than the status tells.
    pub(crate) remedy: Option<Cow<'static, str>>,
    /// The causes, without the types of libraries.
    pub(crate) cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The server's response, as far as it was received.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The part of a response that cannot be decoded; see [`Error::decode_fault`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DecodeFault {
    /// The description of the problem.
    pub message: String,
    /// The path in the JSON: `list[3].amount`. Empty for the root.
    pub path: String,
    /// The entity type of the record, if the fault concerns one.
    pub entity: Option<Cow<'static, str>>,
    /// The record's ID, if it could be read.
    pub id: Option<String>,
    /// The record's attribute.
    pub attribute: Option<Cow<'static, str>>,
}

impl DecodeFault {
    /// Creates a fault with only a message.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            ..Self::default()
        }
    }

    /// Sets the path in the JSON.
    #[must_use]
    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the record, by entity type and ID.
    #[must_use]
    pub(crate) fn of(mut self, entity: impl Into<Cow<'static, str>>, id: Option<String>) -> Self {
        self.entity = Some(entity.into());
        self.id = id;
        self
    }

    /// Sets the attribute.
    #[must_use]
    pub(crate) fn attribute(mut self, attribute: impl Into<Cow<'static, str>>) -> Self {
        self.attribute = Some(attribute.into());
        self
    }
}

impl Error {
    fn from_inner(inner: Inner) -> Self {
        Self(Box::new(inner))
    }

    pub(crate) fn new(
        stage: Stage,
        outcome: Outcome,
        context: Option<Context>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::from_inner(Inner {
            stage,
            outcome,
            context,
            message: message.into(),
            timeout: false,
            too_large: false,
            lost_safe: false,
            answer: None,
            fault: None,
            timing: None,
            retry_after: None,
            remedy: None,
            cause: None,
        })
    }

    /// Creates the error of a request or client that cannot be built.
    pub fn build(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Stage::Build, Outcome::NotSent, None, message)
    }

    /// Creates the error of a successful response that cannot be decoded.
    #[cold]
    pub(crate) fn decode(response: &Response, mut fault: DecodeFault) -> Self {
        // JSON with a 2xx status comes from the server and means that it acted; another body with a 2xx may come from
        // any gateway.
        let outcome = if response.is_json() {
            let flaw = response.flaw().filter(|flaw| *flaw != fault.message);
            if let Some(flaw) = flaw {
                fault.message = format!("{} ({flaw})", fault.message);
            }
            Outcome::Done
        } else {
            let described = response.describe();
            if !fault.message.contains(&described) {
                fault.message = format!("{} ({described})", fault.message);
            }
            Outcome::Unknown
        };
        fault.message = plain(&fault.message).into_owned();
        for text in [&mut fault.message, &mut fault.path]
            .into_iter()
            .chain(&mut fault.id)
        {
            if let Cow::Owned(redacted) = response.context.redact(text) {
                *text = redacted;
            }
        }
        let mut error = Self::new(Stage::Decode, outcome, Some(response.context.clone()), "");
        error.0.answer = Some(Answer {
            status: response.status,
            headers: response.headers.clone(),
            body: response.body.clone(),
        });
        error.0.timing = Some(response.timing);
        error.0.fault = Some(fault);
        error
    }

    /// Creates the error of a successful response that reports that nothing was done: the bare `false` of a link or
    /// unlink without a usable ID.
    #[cold]
    pub(crate) fn not_done(response: &Response) -> Self {
        let mut error = Self::new(
            Stage::Status,
            Outcome::Refused,
            Some(response.context.clone()),
            "with success, but it did nothing",
        );
        error.0.answer = Some(Answer {
            status: response.status,
            headers: response.headers.clone(),
            body: response.body.clone(),
        });
        error.0.timing = Some(response.timing);
        error
    }

    pub(crate) fn status_error(context: Context, answer: Answer) -> Self {
        // A 5xx from nginx or PHP may be sent after the work was done.
        let outcome = match answer.status.as_u16() {
            503 | 501 | 505 => Outcome::Refused,
            500.. => Outcome::Unknown,
            _ => Outcome::Refused,
        };
        let mut error = Self::new(Stage::Status, outcome, Some(context), "");
        error.0.answer = Some(answer);
        error
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    /// Returns the stage at which the call failed.
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// Returns whether a write may have taken effect.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Returns the request's method, if there was a request.
    pub fn method(&self) -> Option<&Method> {
        self.0.context.as_ref().map(|context| &context.method)
    }

    /// Returns the request's path after the API base, without query and secrets.
    pub fn path(&self) -> Option<&str> {
        self.0.context.as_ref().map(|context| &*context.path)
    }

    /// Returns the status, if the server responded. An error of stage [`Stage::Receive`] or [`Stage::Decode`] has a
    /// successful status.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.answer.as_ref().map(|answer| answer.status)
    }

    /// Returns the response's headers, if the server responded.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.answer.as_ref().map(|answer| &answer.headers)
    }

    /// Returns the server's reason (`X-Status-Reason`) as text; invalid UTF-8 is shown as `U+FFFD`. `None` if it is
    /// absent **or empty**, as in most responses with status 401 or 500 and during a lockout. The client's own
    /// credentials in it are replaced by `[redacted]`.
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        let bytes = self.reason_bytes().filter(|bytes| !bytes.is_empty())?;
        Some(match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => self.redact(text),
            Cow::Owned(text) => Cow::Owned(self.redact(&text).into_owned()),
        })
    }

    /// Returns text from the server without the client's credentials.
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.0.context {
            Some(context) => context.redact(text),
            None => Cow::Borrowed(text),
        }
    }

    /// Returns the bytes of `X-Status-Reason` as sent: the server puts raw UTF-8 into it. `Some` and empty if the
    /// header is present without content.
    pub fn reason_bytes(&self) -> Option<&[u8]> {
        let value = self.headers()?.get("x-status-reason")?;
        Some(value.as_bytes())
    }

    /// Returns the response's body as far as it was read; often empty.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.answer.as_ref().map(|answer| &answer.body)
    }

    /// Returns the timing of the call, if it got that far.
    pub fn timing(&self) -> Option<Timing> {
        self.0.timing
    }

    /// Returns the part of the response that cannot be decoded, for [`Stage::Decode`].
    pub fn decode_fault(&self) -> Option<&DecodeFault> {
        self.0.fault.as_ref()
    }

    /// Shows the error and all of its causes on one line, for messages of tools.
    pub fn report(&self) -> Report<'_> {
        report(self)
    }

    /// Returns how long the server requested to wait (`Retry-After`, seconds or a date).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&mut Visible(f))
    }
}

impl Error {
    fn write(&self, f: &mut impl fmt::Write) -> fmt::Result {
        if let Some(context) = &self.0.context {
            write!(f, "{} {}: ", context.method, context.path)?;
        }
        match (self.0.stage, &self.0.fault, &self.0.answer) {
            (Stage::Decode, Some(fault), _) => write_fault(f, fault)?,
            (Stage::Status, _, Some(answer)) => {
                let who = if self.is_gateway() {
                    "a gateway"
                } else {
                    "the server"
                };
                write!(f, "{who} returned {}", answer.status.as_u16())?;
                if let Some(name) = answer.status.canonical_reason() {
                    write!(f, " {name}")?;
                }
                if let Some(reason) = self.reason() {
                    write!(f, ": {reason}")?;
                }
                if let Some(body) = self.unknown_conflict() {
                    write!(f, " (body: {body})")?;
                }
                if !self.0.message.is_empty() {
                    write!(f, " ({})", self.0.message)?;
                }
            }
            _ => f.write_str(&self.0.message)?,
        }
        match self.advice() {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

fn write_fault(f: &mut impl fmt::Write, fault: &DecodeFault) -> fmt::Result {
    // Empty if the entity type is known only at run time.
    if let Some(entity) = fault.entity.as_deref().filter(|name| !name.is_empty()) {
        f.write_str(entity)?;
        if let Some(id) = &fault.id {
            write!(f, " {id}")?;
        }
        f.write_str(": ")?;
    }
    if let Some(attribute) = &fault.attribute {
        write!(f, "attribute `{attribute}`: ")?;
    }
    f.write_str(&fault.message)?;
    if !fault.path.is_empty() && fault.path != "." {
        write!(f, ", at `{}` in the response", fault.path)?;
    }
    Ok(())
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("stage", &self.0.stage)
            .field("outcome", &self.0.outcome)
            .field("status", &self.status())
            .field(
                "attempts",
                &self.0.timing.map_or(0, |timing| timing.attempts),
            )
            .field("message", &self.report().to_string())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
