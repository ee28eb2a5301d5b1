//! Hooks that observe and modify every request, for metrics, tracing headers or audit logs.

use std::fmt;

use http::{HeaderMap, Method};

use crate::error::Error;
use crate::response::Response;

/// An attempt that is about to be sent. It does not contain credentials: they are added after the hooks.
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path after the API base, without query and without secrets.
    pub path: &'a str,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Headers; a hook may add some (`traceparent`).
    pub headers: &'a mut HeaderMap,
}

impl fmt::Debug for Outgoing<'_> {
    /// Prints only the names of the headers: a custom header may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", self.method)
            .field("path", &self.path)
            .field("attempt", &self.attempt)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// A hook that is called before every attempt and after every call. Both run on the request's own task, so they should
/// be quick and must not block.
pub trait Hook: Send + Sync {
    /// Runs before an attempt is sent.
    fn before(&self, request: &mut Outgoing<'_>) {
        let _ = request;
    }

    /// Runs after the call, with its result: after retries, before decoding.
    fn after(&self, result: Result<&Response, &Error>) {
        let _ = result;
    }
}
