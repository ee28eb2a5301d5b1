//! The one error type: at which stage a call failed, what the server said, and
//! what the caller may safely conclude.
//!
//! What comes of each fault, as the tests hold it; "again" is the default
//! [`RetryPolicy`](crate::RetryPolicy):
//!
//! | fault | stage | a write's [`Outcome`] | sent again by itself |
//! | --- | --- | --- | --- |
//! | cannot be built, URL too long, credentials refused before | Build, Status | NotSent | no |
//! | connection refused, TLS, connect time-out | Connect | NotSent | yes, every method |
//! | reset or time-out before the headers | Send | Unknown | reads |
//! | reset, cut or time-out in the body of a success | Receive | Done; a record's delete succeeds | reads |
//! | answer above the size limit | Receive | Done | no |
//! | 400, 401, 403, 404, 409 | Status | Refused | no; once with a new token after a 401 |
//! | 429, 503 | Status | Refused | reads, after `Retry-After` |
//! | 502, 504 | Status | Unknown | reads |
//! | 500 | Status | Unknown | no |
//! | redirect inside the API | | | a GET follows it |
//! | any other redirect | Status | Refused | no |
//! | success that is not JSON (a proxy's page) | Decode | Unknown | no |
//! | success that does not fit | Decode | Done | no |

mod body;
mod cause;
mod gateway;
mod predicates;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

pub use body::{ValidationFailure, VersionConflict};
pub(crate) use cause::causes_of;
pub use cause::{Report, report};
pub(crate) use gateway::is_foreign;

use crate::response::{Context, Response};
use crate::timing::Timing;

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The request could not be built; nothing was sent.
    Build,
    /// No connection came about; nothing was sent.
    Connect,
    /// The request was on its way and no answer's headers came.
    Send,
    /// The answer's headers came, its body did not (or was too large).
    Receive,
    /// The server answered with another status than success.
    Status,
    /// The answer came whole and does not fit.
    Decode,
}

/// What a failed call tells about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The server never saw it. Repeating is safe.
    NotSent,
    /// The server refused it. Repeating is safe, if hardly useful.
    Refused,
    /// The server may have acted or not: the answer was lost, or came from
    /// something between. Look before repeating.
    Unknown,
    /// The server acted (it answered with success); only the answer's content
    /// was lost or does not fit. Do not repeat.
    Done,
}

/// Everything that can go wrong with a call. One pointer wide.
///
/// Its `Display` names the request (without query or secrets), what happened and what to do; the causes are in
/// [`source`](std::error::Error::source), and [`Error::report`] shows both in one line. Neither shows a credential, or a
/// body other than that of a conflict that is none of EspoCRM's own.
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
    /// What to do, where the transport knows more than the status.
    pub(crate) remedy: Option<Cow<'static, str>>,
    /// The causes, without the types of libraries.
    pub(crate) cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What the server answered, as far as it came.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What of an answer does not fit, for [`Error::decode`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DecodeFault {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the JSON: `list[3].amount`. Empty at the top.
    pub path: String,
    /// The entity type of the record, when it is about one.
    pub entity: Option<Cow<'static, str>>,
    /// The record's id, when it could be read.
    pub id: Option<String>,
    /// The record's attribute.
    pub attribute: Option<Cow<'static, str>>,
}

impl DecodeFault {
    /// A fault with nothing but words.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            ..Self::default()
        }
    }

    /// Says where in the JSON.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Says which record, by entity type and id.
    #[must_use]
    pub fn of(mut self, entity: impl Into<Cow<'static, str>>, id: Option<String>) -> Self {
        self.entity = Some(entity.into());
        self.id = id;
        self
    }

    /// Says which attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: impl Into<Cow<'static, str>>) -> Self {
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

    /// A request or client that cannot be built.
    pub fn build(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Stage::Build, Outcome::NotSent, None, message)
    }

    /// An answer of success that does not fit what it was decoded into.
    #[cold]
    pub fn decode(response: &Response, mut fault: DecodeFault) -> Self {
        // JSON with a 2xx is the server's own word that it acted; a page with
        // a 2xx may come from anything between.
        let outcome = if response.is_json() {
            Outcome::Done
        } else {
            fault.message = format!("{} ({})", fault.message, response.describe());
            Outcome::Unknown
        };
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

    /// A successful response that reports that nothing was done: the bare `false` of a link or unlink without a usable
    /// ID, or an empty list of the records concerned.
    #[cold]
    pub fn not_done(response: &Response) -> Self {
        let mut error = Self::new(
            Stage::Status,
            Outcome::Refused,
            Some(response.context.clone()),
            "with success, but did nothing",
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
        // A 5xx of nginx or PHP may come after the work was done.
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

    /// How far the call came.
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// What may be concluded about a write.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The request's method, when there was a request.
    pub fn method(&self) -> Option<&Method> {
        self.0.context.as_ref().map(|context| &context.method)
    }

    /// The request's path after the API base, without query and without secrets.
    pub fn path(&self) -> Option<&str> {
        self.0.context.as_ref().map(|context| &*context.path)
    }

    /// The status, when the server answered. An error of stage
    /// [`Stage::Receive`] or [`Stage::Decode`] carries a status of success.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.answer.as_ref().map(|answer| answer.status)
    }

    /// The answer's headers, when the server answered.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.answer.as_ref().map(|answer| &answer.headers)
    }

    /// The server's reason (`X-Status-Reason`) as text; bytes that are no UTF-8
    /// show as `U+FFFD`. `None` when it is absent **or empty**; most 401, 500
    /// and lock-out answers have none.
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        self.reason_bytes()
            .filter(|bytes| !bytes.is_empty())
            .map(String::from_utf8_lossy)
    }

    /// The bytes of `X-Status-Reason` as sent: the server puts raw UTF-8 into
    /// it. `Some` and empty when the header is there without content.
    pub fn reason_bytes(&self) -> Option<&[u8]> {
        let value = self.headers()?.get("x-status-reason")?;
        Some(value.as_bytes())
    }

    /// The answer's body as far as it was read; often empty.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.answer.as_ref().map(|answer| &answer.body)
    }

    /// When things happened, when the call came that far.
    pub fn timing(&self) -> Option<Timing> {
        self.0.timing
    }

    /// What of the answer does not fit, for [`Stage::Decode`].
    pub fn decode_fault(&self) -> Option<&DecodeFault> {
        self.0.fault.as_ref()
    }

    /// Shows the error and all of its causes in one line, for the messages of tools.
    pub fn report(&self) -> Report<'_> {
        report(self)
    }

    /// How long the server asked to wait (`Retry-After`, seconds or a date).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
                write!(f, "{who} answered {}", answer.status)?;
                if let Some(reason) = self.reason() {
                    write!(f, ": {reason}")?;
                }
                if let Some(body) = self.unknown_conflict() {
                    write!(f, ", with the body {body}")?;
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

fn write_fault(f: &mut fmt::Formatter<'_>, fault: &DecodeFault) -> fmt::Result {
    // Empty where the entity type is known only at run time.
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
        write!(f, ", at `{}` in the answer", fault.path)?;
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
            .field("message", &format_args!("{}", self.report()))
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
