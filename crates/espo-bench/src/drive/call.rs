//! Requests before they are sent.

use std::borrow::Cow;

use espo_core::{Request, http::Method};
use rand::RngExt as _;
use serde_json::Value;

use super::actor::{Actor, Turn};
use crate::workload::Kind;
use crate::workload::resolve::Resolved;

/// A request before it is sent, as shown by a dry run.
pub(super) struct Call<'a> {
    method: Method,
    segments: Vec<&'a str>,
    search: Option<String>,
    pub(super) body: Option<Vec<u8>>,
    /// Whether the operation always sends this request.
    pub(super) fixed: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, segments: &[&'a str]) -> Self {
        Self {
            method,
            segments: segments.to_vec(),
            search: None,
            body: None,
            fixed: false,
        }
    }

    pub(super) fn body(mut self, body: &impl serde::Serialize) -> Self {
        // Maps with string keys always serialise.
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }

    fn request(self) -> Request {
        let mut request = Request::new(self.method, &self.segments);
        if let Some(search) = self.search {
            request = request.search_json(search);
        }
        match self.body {
            Some(body) => request.body(body, "application/json"),
            None => request,
        }
    }
}

impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.segments.join("/"))?;
        if let Some(search) = &self.search {
            write!(f, "?searchParams={search}")?;
        }
        match &self.body {
            Some(body) => write!(f, " {}", String::from_utf8_lossy(body)),
            None => Ok(()),
        }
    }
}

impl Actor {
    /// Returns the request of a call; a request that never changes is built only once.
    pub(super) fn request(&self, index: usize, call: Call<'_>) -> Cow<'_, Request> {
        if !call.fixed {
            return Cow::Owned(call.request());
        }
        let place = &self.shared.fixed[index];
        if let Some(ready) = place.get() {
            return Cow::Borrowed(ready);
        }
        let request = call.request();
        match self.client.prepare(request.clone()) {
            Ok(ready) => Cow::Borrowed(place.get_or_init(|| ready)),
            // Sending it reports the error where failures are counted.
            Err(_) => Cow::Owned(request),
        }
    }

    /// Returns a list request with the operation's search parameters, and a random page and search text.
    pub(super) fn list_call<'a>(
        &self,
        index: usize,
        resolved: &Resolved,
        segments: &[&'a str],
        turn: &mut Turn<'_>,
    ) -> Call<'a> {
        let operation = &resolved.operation;
        let fixed = operation.kind == Kind::List && operation.pages <= 1;
        if fixed && self.shared.fixed[index].get().is_some() {
            return Call {
                fixed,
                ..Call::new(Method::GET, segments)
            };
        }
        let start = &self.shared.searches[index];
        let mut search = String::with_capacity(start.len() + 64);
        search.push_str(start);
        if operation.pages > 1 {
            let page = turn.rng.random_range(0..operation.pages);
            let offset = u64::from(page) * u64::from(operation.max_size);
            search.push_str(&format!(",\"offset\":{offset}"));
        }
        if operation.kind == Kind::Search {
            let text = match operation.text.len() {
                0 => self.search_text(&operation.entity, turn),
                n => operation.text[turn.rng.random_range(0..n)].clone(),
            };
            search.push_str(&format!(",\"textFilter\":{}", Value::from(text)));
        }
        search.push('}');
        Call {
            search: Some(search),
            fixed,
            ..Call::new(Method::GET, segments)
        }
    }

    /// Returns a word of a random record's name: the first word, or another one after a wildcard, as users search.
    fn search_text(&self, entity: &str, turn: &mut Turn<'_>) -> String {
        let name = self
            .shared
            .world
            .pick(entity, turn.rng)
            .and_then(|f| f.name.as_deref())
            .unwrap_or("a");
        let plain = |w: &&str| w.len() > 2 && w.chars().all(char::is_alphanumeric);
        match name.split_whitespace().rfind(plain) {
            Some(last) if name.starts_with(last) => last.to_owned(),
            Some(last) => format!("*{last}"),
            None => "a".to_owned(),
        }
    }
}
