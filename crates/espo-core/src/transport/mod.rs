//! The request path shared by all calls: build → sign → send → retry → classify.

mod connecting;
mod exchange;
mod limit;
mod login;
mod proxy;
mod remedy;
mod retry_after;
mod site;
mod target;
mod tls;
mod wire;

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, header};
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use tracing::field::Empty;
use url::Url;

use crate::auth::{Authenticator, Secrets, Verdict, is_refusal};
use crate::error::{Answer, Error, Outcome, Stage};
use crate::hooks::{Hook, Outgoing};
use crate::request::Request;
use crate::response::{Context, Response};
use crate::retry::{Attempt, Failure, RetryPolicy, decide};
use crate::search::SearchEncoding;
use crate::timing::Timing;

pub use connecting::Connecting;
pub(crate) use connecting::Observer;
pub(crate) use exchange::Opened;
pub(crate) use limit::RateLimit;
pub(crate) use proxy::ProxyChoice;
pub use proxy::{ProxyInfo, ProxySource};
pub(crate) use site::Site;
pub(crate) use tls::Identity;
pub use tls::TlsBackend;
pub(crate) use wire::{Wire, WireConfig, build as build_wire};

/// A server that redirects its own API more often than this has a redirect loop.
const MAX_HOPS: u32 = 5;

pub(crate) struct Engine {
    pub(crate) http: reqwest::Client,
    pub(crate) proxy: Option<ProxyInfo>,
    pub(crate) site: Site,
    pub(crate) auth: Authenticator,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeout: Duration,
    pub(crate) max_body: usize,
    pub(crate) max_url: usize,
    pub(crate) encoding: SearchEncoding,
    pub(crate) in_flight: Option<Arc<Semaphore>>,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) hooks: Vec<Arc<dyn Hook>>,
}

/// Whether the body is read before the call returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Whole,
    Stream,
}

#[expect(
    clippy::large_enum_variant,
    reason = "the common one is not worth an allocation"
)]
enum Reply {
    Whole(Response),
    /// Larger still, and rare.
    Open(Box<Opened>),
}

/// The URL of the next attempt.
struct Target<'r> {
    path: Cow<'r, str>,
    query: Cow<'r, str>,
    /// Both relative to the base, if they are built already.
    url: Option<&'r Url>,
}

/// Why an attempt did not return a response.
enum Unfinished {
    Failed(Error),
    /// Try again at another URL of the same API.
    Redirect(Target<'static>),
    /// Try again with a new token.
    TokenRanOut,
}

impl From<Error> for Unfinished {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Engine {
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, Error> {
        match self.traced(request, Want::Whole).await? {
            Reply::Whole(response) => Ok(response),
            Reply::Open(opened) => opened.collect(self.max_body).await,
        }
    }

    pub(crate) async fn open(&self, request: &Request) -> Result<Opened, Error> {
        match self.traced(request, Want::Stream).await? {
            Reply::Open(opened) => Ok(*opened),
            Reply::Whole(_) => Err(Error::build(
                "internal error: the response was read instead of opened as a stream",
            )),
        }
    }

    async fn traced(&self, request: &Request, want: Want) -> Result<Reply, Error> {
        let mut context = request.context();
        context.secrets = Some(self.secrets(request));
        // OpenTelemetry's HTTP client names. The query is left out: it may contain personal data.
        let span = tracing::debug_span!(
            "http.client.request",
            otel.kind = "client",
            otel.name = %context.method,
            http.request.method = %context.method,
            server.address = %self.site.host,
            server.port = self.site.port,
            url.scheme = if self.site.https { "https" } else { "http" },
            url.path = %context.path,
            http.response.status_code = Empty,
            http.request.resend_count = Empty,
            error.r#type = Empty,
        );
        let mut timing = Timing::start();
        let result = {
            // Pinned here: it is several kilobytes large, and `instrument` would move it.
            let mut attempts = pin!(self.attempts(request, &context, want, &mut timing));
            if span.is_disabled() {
                attempts.as_mut().await
            } else {
                attempts.as_mut().instrument(span.clone()).await
            }
        };
        if timing.attempts > 1 {
            span.record("http.request.resend_count", timing.attempts - 1);
        }
        match result {
            Ok(reply) => {
                let status = match &reply {
                    Reply::Whole(response) => response.status,
                    Reply::Open(opened) => opened.status(),
                };
                span.record("http.response.status_code", status.as_u16());
                if let Reply::Whole(response) = &reply {
                    for hook in &self.hooks {
                        hook.after(Ok(response));
                    }
                }
                Ok(reply)
            }
            Err(mut error) => {
                if timing.received < timing.sent {
                    timing.received = Instant::now();
                }
                let inner = error.inner_mut();
                inner.timing = Some(timing);
                inner.lost_safe = request.idempotent;
                if let Some(status) = error.status() {
                    span.record("http.response.status_code", status.as_u16());
                }
                span.record("error.type", error_type(&error).as_ref());
                for hook in &self.hooks {
                    hook.after(Err(&error));
                }
                Err(error)
            }
        }
    }

    /// The secrets that a response to the request can echo.
    fn secrets(&self, request: &Request) -> Arc<Secrets> {
        if request.headers.is_empty() {
            return self.auth.secrets();
        }
        self.auth.secrets().with_headers(&request.headers)
    }

    async fn attempts(
        &self,
        request: &Request,
        context: &Context,
        want: Want,
        timing: &mut Timing,
    ) -> Result<Reply, Error> {
        let mut target = self.target(request, context)?;
        let mut hops = 0;
        let mut log_ins = 0;
        let mut tries = 0;
        loop {
            tries += 1;
            let last_log_in = log_ins > 0;
            let step = self
                .attempt(request, context, &target, want, timing, tries, last_log_in)
                .await;
            let error = match step {
                Ok(reply) => return Ok(reply),
                Err(Unfinished::TokenRanOut) => {
                    log_ins += 1;
                    continue;
                }
                Err(Unfinished::Redirect(next)) if hops < MAX_HOPS => {
                    hops += 1;
                    target = next;
                    continue;
                }
                Err(Unfinished::Redirect(_)) => {
                    return Err(Error::new(
                        Stage::Status,
                        Outcome::Refused,
                        Some(context.clone()),
                        "the server has a redirect loop",
                    ));
                }
                Err(Unfinished::Failed(error)) => error,
            };
            let attempt = Attempt {
                number: tries,
                elapsed: timing.started.elapsed(),
                // A login that failed before a write had no effect on the server.
                idempotent: request.idempotent || error.outcome() == Outcome::NotSent,
                failure: failure(&error),
                retry_after: error.retry_after(),
            };
            let Some(delay) = decide(&self.retry, &attempt, rand::random()) else {
                return Err(error);
            };
            tracing::debug!(delay_ms = delay.as_millis() as u64, error = %error.report(), "trying again");
            tokio::time::sleep(delay).await;
        }
    }

    /// One attempt, after a login if there is no token.
    #[expect(
        clippy::too_many_arguments,
        reason = "one caller; a struct would only rename them"
    )]
    async fn attempt(
        &self,
        request: &Request,
        context: &Context,
        target: &Target<'_>,
        want: Want,
        timing: &mut Timing,
        tries: u32,
        last_log_in: bool,
    ) -> Result<Reply, Unfinished> {
        let mut pass = if request.anonymous {
            None
        } else {
            let limit = request.timeout.unwrap_or(self.timeout);
            Some(self.pass(context, limit).await?)
        };
        let mut headers = request.headers.clone();
        for hook in &self.hooks {
            hook.before(&mut Outgoing {
                method: &request.method,
                path: &context.path,
                attempt: tries,
                headers: &mut headers,
            });
        }
        if let Some(pass) = &pass {
            self.auth
                .apply(pass, &request.method, &target.path, &mut headers);
        }
        let permit = match &self.in_flight {
            // The semaphore is never closed.
            Some(semaphore) => Arc::clone(semaphore).acquire_owned().await.ok(),
            None => None,
        };
        if let Some(rate) = &self.rate {
            let wait = rate.take(Instant::now());
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
        let mut opened = self
            .exchange(request, context, target, headers, permit, timing)
            .await?;

        let status = opened.status();
        if let Some(pass) = &mut pass {
            if status.is_success() || (status.is_client_error() && opened.is_json()) {
                self.auth.accepted();
            }
            if !is_refusal(status) {
                pass.release();
            }
        }
        if status.is_success() {
            return match want {
                Want::Stream => Ok(Reply::Open(Box::new(opened))),
                Want::Whole => {
                    let response = match opened.collect_into(self.max_body, timing).await {
                        // The success status is enough: no other information is expected.
                        Err(error)
                            if request.status_suffices && error.outcome() == Outcome::Done =>
                        {
                            opened.confirmed(*timing)
                        }
                        other => other?,
                    };
                    Ok(Reply::Whole(response))
                }
            };
        }
        if status.is_redirection()
            && let Some(next) = self.redirect(request, &opened)?
        {
            return Err(Unfinished::Redirect(next));
        }
        let answer = opened.into_answer(self.max_body, timing).await;
        if let (Some(pass), true) = (&pass, is_refusal(status)) {
            match self.auth.refused(pass, &answer) {
                Verdict::Again if !last_log_in => return Err(Unfinished::TokenRanOut),
                // Rejected with a new token too, so the token is not the reason.
                Verdict::Again => self.auth.latch(answer.clone()),
                Verdict::Refused => {}
            }
        }
        Err(self.status_error(context, answer).into())
    }

    fn status_error(&self, context: &Context, answer: Answer) -> Error {
        let retry_after = retry_after::parse(&answer.headers);
        let mut error = Error::status_error(context.clone(), answer);
        error.inner_mut().retry_after = retry_after;
        // Through a tunnel, the proxy does not see the request and cannot respond to it.
        if let Some(proxy) = self.proxy.as_ref().filter(|_| !self.site.https)
            && let Some(advice) = error.advice().filter(|_| error.is_gateway())
        {
            let remedy = format!("{advice} (the request went through the proxy {proxy})");
            error.inner_mut().remedy = Some(Cow::Owned(remedy));
        }
        error
    }
}

fn failure(error: &Error) -> Failure {
    match error.stage() {
        Stage::Connect => Failure::NotSent,
        Stage::Send => Failure::Lost,
        Stage::Receive if !error.is_too_large() => Failure::Lost,
        Stage::Status => error
            .status()
            .map_or(Failure::Final, |status| Failure::Status(status.as_u16())),
        _ => Failure::Final,
    }
}

/// OpenTelemetry's `error.type`: the status, or a short identifier.
fn error_type(error: &Error) -> Cow<'static, str> {
    if error.is_timeout() {
        return Cow::Borrowed("timeout");
    }
    match (error.stage(), error.status()) {
        (Stage::Status, Some(status)) => Cow::Owned(status.as_u16().to_string()),
        (Stage::Build, _) => Cow::Borrowed("build"),
        (Stage::Connect, _) => Cow::Borrowed("connect"),
        (Stage::Receive, _) => Cow::Borrowed("receive"),
        (Stage::Decode, _) => Cow::Borrowed("decode"),
        _ => Cow::Borrowed("send"),
    }
}

/// Whether a response declares its body as JSON.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
