//! A look at, and a word in, every request: metrics, tracing headers, audit.

use std::fmt;

use http::{HeaderMap, Method};

use crate::error::Error;
use crate::response::Response;

/// An attempt about to be sent. Credentials are not in it: they are added
/// after the hooks.
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path after the API base, without query and without secrets.
    pub path: &'a str,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Headers; a hook may add some (`traceparent`).
    pub headers: &'a mut HeaderMap,
}

impl fmt::Debug for Outgoing<'_> {
    /// The headers' names alone: a header set by hand may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", self.method)
            .field("path", &self.path)
            .field("attempt", &self.attempt)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Called before every attempt and after every call. Both run on the request's
/// own task, so they should be quick and must not block.
pub trait Hook: Send + Sync {
    /// Before an attempt is sent.
    fn before(&self, request: &mut Outgoing<'_>) {
        let _ = request;
    }

    /// After the call, with its result: retries included, decoding not.
    fn after(&self, result: Result<&Response, &Error>) {
        let _ = result;
    }
}
