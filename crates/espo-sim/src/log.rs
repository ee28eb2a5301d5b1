//! The log of requests that a server received.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde_json::Value as Json;

/// A request that the server received, and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedRequest {
    /// HTTP method.
    pub method: String,
    /// Path below `/api/v1/`, as sent on the wire.
    pub path: String,
    /// Query parameters, parsed as PHP does.
    pub query: Json,
    /// Body, if it was JSON.
    pub body: Option<Json>,
    /// Status of the response; 0 if a fault reset the connection.
    pub status: u16,
    /// `X-Status-Reason` of the response.
    pub reason: Option<String>,
}

/// Keeps the last requests, up to a limit.
#[derive(Debug)]
pub(crate) struct RequestLog {
    limit: usize,
    entries: Mutex<VecDeque<LoggedRequest>>,
}

impl RequestLog {
    pub(crate) fn new(limit: usize) -> RequestLog {
        RequestLog {
            limit,
            entries: Mutex::default(),
        }
    }

    pub(crate) fn push(&self, entry: LoggedRequest) {
        if self.limit == 0 {
            return;
        }
        let mut entries = self.entries.lock();
        if entries.len() >= self.limit {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.entries.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().clear();
    }
}
