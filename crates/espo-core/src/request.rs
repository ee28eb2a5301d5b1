use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use url::Url;

use crate::response::Context;
use crate::search::{ESCAPED, SearchParams};

/// One call, sent by [`Client::send`](crate::Client::send).
///
/// An invalid part (an empty path segment, a value that cannot be serialised) is stored and reported when the request
/// is sent, so that calls can be chained.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    /// Percent-encoded, starting with `/`, after the API base. HMAC signs exactly this.
    pub(crate) path: String,
    /// Number of bytes of `path` that may be shown; the rest is a secret.
    pub(crate) shown: usize,
    pub(crate) query: String,
    pub(crate) search: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) idempotent: bool,
    pub(crate) anonymous: bool,
    pub(crate) status_suffices: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) fault: Option<String>,
    /// The URL built by `Client::prepare`, if it was called.
    pub(crate) prepared: Option<Arc<Prepared>>,
}

/// A request's URL, for clients of one site.
pub(crate) struct Prepared {
    pub(crate) base: String,
    pub(crate) url: Url,
    pub(crate) context: Context,
}

impl Request {
    /// Creates a request for the path made of `segments`, each percent-encoded once.
    ///
    /// Segments that would change the route are rejected when the request is sent: an empty one (`["Account", ""]`
    /// would list instead of read), `.`,
    /// `..`, and one with a slash (the server decodes it before routing).
    pub fn new<S: AsRef<str>>(method: Method, segments: &[S]) -> Self {
        let mut request = Self {
            idempotent: matches!(method, Method::GET | Method::HEAD | Method::OPTIONS),
            // `DELETE E/{id}` returns `true` and nothing else.
            status_suffices: method == Method::DELETE && segments.len() == 2,
            method,
            path: String::with_capacity(48),
            shown: usize::MAX,
            query: String::new(),
            search: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            anonymous: false,
            timeout: None,
            fault: None,
            prepared: None,
        };
        for segment in segments {
            request.push_segment(segment.as_ref());
        }
        if segments.is_empty() {
            request.path.push('/');
        }
        request
    }

    /// Creates a request for a path as in the API's documentation, such as `Lead/action/convert`; it is split at
    /// slashes and each part is percent-encoded.
    pub fn path(method: Method, path: &str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Self::new::<&str>(method, &[]);
        }
        Self::new(method, &path.split('/').collect::<Vec<_>>())
    }

    fn push_segment(&mut self, segment: &str) {
        let wrong = match segment {
            "" => Some("is empty"),
            "." | ".." => Some("is a relative path"),
            s if s.contains(['/', '\\']) => Some("contains a slash"),
            _ => None,
        };
        if let Some(what) = wrong {
            self.fail(format!("invalid path: segment `{segment}` {what}"));
            return;
        }
        self.path.push('/');
        self.path.extend(utf8_percent_encode(segment, ESCAPED));
    }

    pub(crate) fn fail(&mut self, message: String) {
        self.fault.get_or_insert(message);
    }

    /// Adds a query parameter, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.prepared = None;
        crate::search::push_parameter(&mut self.query, name, &value.to_string());
        self
    }

    /// Sends search parameters in the client's encoding.
    #[must_use]
    pub fn search(mut self, params: &SearchParams) -> Self {
        self.prepared = None;
        self.search = Some(params.to_json());
        self
    }

    /// Sends search parameters that are already encoded as one JSON object, in the client's encoding. Only the server
    /// checks them.
    #[must_use]
    pub fn search_json(mut self, json: impl Into<String>) -> Self {
        self.prepared = None;
        self.search = Some(json.into());
        self
    }

    /// Sends `value` as a JSON body.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body(
                bytes,
                // Without a charset: `POST User` rejects one.
                HeaderValue::from_static("application/json"),
            ),
            Err(error) => {
                self.fail(format!("cannot serialise the body as JSON: {error}"));
                self
            }
        }
    }

    /// Sends `bytes` as the body.
    #[must_use]
    pub fn body<C>(mut self, bytes: impl Into<Bytes>, content_type: C) -> Self
    where
        C: TryInto<HeaderValue>,
    {
        self.body = bytes.into();
        match content_type.try_into() {
            Ok(value) => {
                self.headers.insert(header::CONTENT_TYPE, value);
            }
            Err(_) => self.fail("invalid content type: not a valid header value".to_owned()),
        }
        self
    }

    /// Sets a header. The client sets authentication headers afterwards, which replaces these.
    #[must_use]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Ok(name), Err(_)) => self.fail(format!("invalid value of header `{name}`")),
            (Err(_), _) => self.fail("invalid header name".to_owned()),
        }
        self
    }

    /// Sets whether the request may be sent again if a failure leaves open whether the server acted. Defaults to true
    /// for GET and false for other methods.
    #[must_use]
    pub fn idempotent(mut self, yes: bool) -> Self {
        self.idempotent = yes;
        self
    }

    /// Sends no credentials, for the few calls that need none.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Treats a successful status as sufficient: if the body is lost after it, the call has succeeded anyway and the
    /// response's body reads `true`. This is the default for deleting a record (`DELETE E/{id}`). It does not apply to
    /// linking and unlinking, which can return `false`.
    #[must_use]
    pub fn confirmed_by_status(mut self) -> Self {
        self.status_suffices = true;
        self
    }

    /// Sets the timeout of each attempt of this request, instead of the client's.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Hides the path from segment `index` on in errors and traces, for calls with a secret in their path.
    #[must_use]
    pub fn hide_path_from(mut self, index: usize) -> Self {
        self.prepared = None;
        self.shown = self
            .path
            .match_indices('/')
            .nth(index)
            .map_or(usize::MAX, |(at, _)| at);
        self
    }

    /// The path as shown in errors and traces.
    pub(crate) fn shown_path(&self) -> String {
        match self.path.get(..self.shown) {
            Some(start) => format!("{start}/…"),
            None => self.path.clone(),
        }
    }

    pub(crate) fn context(&self) -> Context {
        match &self.prepared {
            Some(ready) => ready.context.clone(),
            None => Context {
                method: self.method.clone(),
                path: self.shown_path().into(),
                secrets: None,
            },
        }
    }
}

impl std::fmt::Debug for Request {
    /// Leaves out headers, query and body: any of them may contain secrets that must not appear in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.shown_path())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Appends the `searchParams` parameter.
///
/// JSON contains many characters to escape, and an iterator over runs of
/// unescaped text is slow at that. Colon and comma are legal in a query; without escaping them, 20 % more IDs fit into
/// the server's 8 KB of request line.
pub(crate) fn write_search(query: &mut String, json: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if !query.is_empty() {
        query.push('&');
    }
    query.reserve(json.len() * 2);
    query.push_str("searchParams=");
    for byte in json.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:,".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push('%');
            query.push(char::from(HEX[usize::from(byte >> 4)]));
            query.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_escaped_once() {
        let request = Request::new(Method::GET, &["Account", "a b%2é"]);
        assert_eq!(request.path, "/Account/a%20b%252%C3%A9");
        assert_eq!(
            Request::path(Method::GET, "/Lead/action/convert").path,
            "/Lead/action/convert"
        );
        assert_eq!(Request::path(Method::GET, "/").path, "/");
    }

    #[test]
    fn segments_that_change_the_route_are_rejected() {
        for bad in ["", ".", "..", "a/b", "a\\b"] {
            let request = Request::new(Method::DELETE, &["Account", bad]);
            assert!(request.fault.is_some(), "{bad:?}");
        }
        assert!(Request::path(Method::GET, "Account/").fault.is_some());
    }

    #[test]
    fn hidden_parts_of_the_path_are_not_shown() {
        let request = Request::new(Method::POST, &["LeadCapture", "s3cret"]).hide_path_from(1);
        assert_eq!(request.shown_path(), "/LeadCapture/…");
        assert!(!format!("{request:?}").contains("s3cret"));
    }
}
