use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use url::Url;

use super::remedy::{Attempted, rejects_certificate, remedy};
use super::wire::chain;
use super::{Engine, ProxyInfo, Target, is_json};
use crate::error::{Answer, Error, Outcome, Stage, causes_of, without_os_code};
use crate::request::Request;
use crate::response::{Context, Response};
use crate::timing::Timing;

/// A response whose headers have arrived and whose body has not been read yet.
pub(crate) struct Opened {
    answer: reqwest::Response,
    context: Context,
    timing: Timing,
    deadline: Deadline,
    /// Timeout between two chunks of a streamed body, which has no deadline as a whole.
    idle: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Engine {
    /// Sends once and waits for the response's headers.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        context: &Context,
        target: &Target<'_>,
        headers: HeaderMap,
        permit: Option<OwnedSemaphorePermit>,
        timing: &mut Timing,
    ) -> Result<Opened, Error> {
        let url = match target.url {
            Some(url) => url.clone(),
            None => self.url(&target.path, &target.query, context)?,
        };
        let mut outgoing = reqwest::Request::new(request.method.clone(), url);
        *outgoing.headers_mut() = headers;
        if !request.body.is_empty() {
            *outgoing.body_mut() = Some(request.body.clone().into());
        }

        let limit = request.timeout.unwrap_or(self.timeout);
        timing.attempts += 1;
        timing.sent = Instant::now();
        timing.first_byte = None;
        let mut deadline = Deadline::new(timing.sent, limit);
        // Pinned here: the future is large, and passing it on would move it.
        let sent = deadline.wait(pin!(self.http.execute(outgoing))).await;
        let now = Instant::now();
        timing.received = now;
        let answer = match sent {
            None => return Err(timed_out(context, limit, Stage::Send)),
            Some(Err(error)) => return Err(self.transport_error(context, error)),
            Some(Ok(answer)) => answer,
        };
        timing.first_byte = Some(now);
        Ok(Opened {
            answer,
            context: context.clone(),
            timing: *timing,
            deadline,
            idle: limit,
            _permit: permit,
        })
    }
}

impl Opened {
    pub(crate) fn status(&self) -> StatusCode {
        self.answer.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn is_json(&self) -> bool {
        is_json(self.headers())
    }

    /// The target of a redirect, resolved against the request's own URL.
    pub(super) fn location(&self) -> Option<Url> {
        let text = self.headers().get(header::LOCATION)?.to_str().ok()?;
        self.answer.url().join(text).ok()
    }

    /// Reads the body of a successful response.
    pub(super) async fn collect_into(
        &mut self,
        limit: usize,
        timing: &mut Timing,
    ) -> Result<Response, Error> {
        let body = self.read(limit).await;
        timing.received = Instant::now();
        self.timing = *timing;
        match body {
            Ok(body) => Ok(Response {
                status: self.status(),
                version: self.answer.version(),
                headers: std::mem::take(self.answer.headers_mut()),
                body,
                timing: self.timing,
                // The exchange is over, so its context is no longer needed.
                context: std::mem::replace(&mut self.context, Context::empty()),
            }),
            Err(lost) => Err(self.lost(lost, limit)),
        }
    }

    /// The response of a call that was confirmed by its status, in place of a lost body.
    pub(super) fn confirmed(&mut self, timing: Timing) -> Response {
        Response {
            status: self.status(),
            version: self.answer.version(),
            headers: std::mem::take(self.answer.headers_mut()),
            body: Bytes::from_static(b"true"),
            timing,
            context: self.context.clone(),
        }
    }

    pub(crate) async fn collect(mut self, limit: usize) -> Result<Response, Error> {
        let mut timing = self.timing;
        self.collect_into(limit, &mut timing).await
    }

    /// Reads the body of an unsuccessful response as far as it arrives: the status is what matters.
    pub(super) async fn into_answer(mut self, limit: usize, timing: &mut Timing) -> Answer {
        let body = match self.read(limit).await {
            Ok(body) => body,
            Err(lost) => lost.partial.freeze(),
        };
        timing.received = Instant::now();
        Answer {
            status: self.status(),
            headers: std::mem::take(self.answer.headers_mut()),
            body,
        }
    }

    async fn read(&mut self, limit: usize) -> Result<Bytes, Lost> {
        let announced = self.answer.content_length();
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(Lost {
                partial: BytesMut::new(),
                why: Why::TooLarge,
            });
        }
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        loop {
            let why = match self.deadline.wait(pin!(self.answer.chunk())).await {
                None => Why::TimedOut,
                Some(Err(error)) => Why::of(error),
                Some(Ok(None)) => break,
                Some(Ok(Some(chunk))) => {
                    if first.len() + all.len() + chunk.len() > limit {
                        Why::TooLarge
                    } else if first.is_empty() && all.is_empty() {
                        // Most responses consist of one chunk, which is then not copied.
                        first = chunk;
                        continue;
                    } else {
                        if all.is_empty() {
                            let expected = announced.unwrap_or(0) as usize;
                            all.reserve(expected.max(first.len() + chunk.len()));
                            all.extend_from_slice(&std::mem::take(&mut first));
                        }
                        all.extend_from_slice(&chunk);
                        continue;
                    }
                }
            };
            all.extend_from_slice(&first);
            return Err(Lost { partial: all, why });
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    /// The next chunk of a streamed body; `None` at its end.
    pub(crate) async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let mut deadline = Deadline::new(Instant::now(), self.idle);
        let why = match deadline.wait(pin!(self.answer.chunk())).await {
            Some(Ok(chunk)) => return Ok(chunk),
            Some(Err(error)) => Why::of(error),
            None => Why::TimedOut,
        };
        Err(self.lost(
            Lost {
                partial: BytesMut::new(),
                why,
            },
            0,
        ))
    }

    fn lost(&self, mut lost: Lost, limit: usize) -> Error {
        let message = match &lost.why {
            Why::Broken(_) => "the connection broke before the response was complete".to_owned(),
            Why::Garbled(_) => {
                "the response cannot be decompressed: its content does not match its Content-Encoding; check the \
                 proxies in front of EspoCRM"
                    .to_owned()
            }
            Why::TimedOut => "the response was not complete within the timeout".to_owned(),
            Why::TooLarge => format!(
                "the response exceeds the client's limit of {limit} bytes; request fewer records or attributes, \
                 raise the limit, or download it as a stream"
            ),
        };
        // JSON with a 2xx status comes from the server and means that it acted; other content may come from a gateway.
        let outcome = if self.is_json() {
            Outcome::Done
        } else {
            Outcome::Unknown
        };
        let mut error = Error::new(Stage::Receive, outcome, Some(self.context.clone()), message);
        let inner = error.inner_mut();
        inner.timeout = matches!(lost.why, Why::TimedOut);
        inner.too_large = matches!(lost.why, Why::TooLarge);
        if let Why::Broken(cause) | Why::Garbled(cause) = &mut lost.why {
            inner.cause = cause.take();
        }
        inner.timing = Some(self.timing);
        inner.answer = Some(Answer {
            status: self.status(),
            headers: self.headers().clone(),
            body: lost.partial.freeze(),
        });
        error
    }
}

struct Lost {
    partial: BytesMut,
    why: Why,
}

enum Why {
    Broken(Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The body is complete but does not match its encoding.
    Garbled(Option<Box<dyn std::error::Error + Send + Sync>>),
    TimedOut,
    TooLarge,
}

impl Why {
    fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let is_garbled = chain(&error).to_ascii_lowercase().contains("gzip");
        let causes = causes_of(&error);
        if is_garbled {
            Self::Garbled(causes)
        } else {
            Self::Broken(causes)
        }
    }
}

/// The timeout of one attempt, for headers and body together. Both share one timer: setting up a new one for every
/// chunk costs more than reading the chunks.
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Without end if `limit` exceeds the range of the clock.
    fn new(from: Instant, limit: Duration) -> Self {
        let at = from.checked_add(limit);
        Self(at.map(|at| Box::pin(tokio::time::sleep_until(at.into()))))
    }

    /// Returns `None` if the deadline was reached first.
    async fn wait<F: Future>(&mut self, mut future: Pin<&mut F>) -> Option<F::Output> {
        let Some(sleep) = &mut self.0 else {
            return Some(future.await);
        };
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}

/// The text of the innermost cause.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut level = error;
    while let Some(below) = level.source() {
        level = below;
    }
    level.to_string()
}

fn timed_out(context: &Context, limit: Duration, stage: Stage) -> Error {
    let mut error = Error::new(
        stage,
        Outcome::Unknown,
        Some(context.clone()),
        format!("no response within {limit:?}"),
    );
    error.inner_mut().timeout = true;
    error
}

impl Engine {
    fn transport_error(&self, context: &Context, error: reqwest::Error) -> Error {
        let timeout = error.is_timeout();
        let (connect, builder) = (error.is_connect(), error.is_builder());
        let error = error.without_url();
        let words = chain(&error);
        let cause = causes_of(&error);
        let via = match &self.proxy {
            Some(proxy) => format!(" through the proxy {proxy}"),
            None => String::new(),
        };
        let (stage, outcome, what) = if connect || rejects_certificate(&words) {
            let deepest = cause.as_deref().map(|cause| deepest(cause));
            let why =
                deepest.map_or_else(String::new, |why| format!(": {}", without_os_code(&why)));
            let to = self.site.base.trim_end_matches("/api/v1");
            let what = Cow::Owned(format!("cannot connect to {to}{via}{why}"));
            (Stage::Connect, Outcome::NotSent, what)
        } else if builder {
            (
                Stage::Build,
                Outcome::NotSent,
                Cow::Borrowed("cannot build the request"),
            )
        } else {
            (
                Stage::Send,
                Outcome::Unknown,
                Cow::Borrowed("the connection broke before a response arrived"),
            )
        };
        let mut error = Error::new(stage, outcome, Some(context.clone()), what);
        let inner = error.inner_mut();
        inner.timeout = timeout;
        inner.remedy = remedy(&Attempted {
            https: self.site.https,
            through_proxy: self.proxy.is_some(),
            proxy_has_credentials: self.proxy.as_ref().is_some_and(ProxyInfo::has_credentials),
            proxy_uses_tls: self
                .proxy
                .as_ref()
                .is_some_and(|proxy| proxy.url().starts_with("https://")),
            causes: &words,
        })
        .map(Cow::Borrowed);
        inner.cause = cause;
        error
    }
}
