use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version, header};
use serde::de::DeserializeOwned;

use crate::auth::Secrets;
use crate::error::{DecodeFault, Error};
use crate::timing::Timing;

/// The request that a response or error belongs to, without secrets.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) method: Method,
    /// Shared: every response and every error contains it.
    pub(crate) path: Arc<str>,
    /// The client's credentials, which messages must not show.
    pub(crate) secrets: Option<Arc<Secrets>>,
}

impl Context {
    /// Returns text from the server without the client's credentials.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.secrets {
            Some(secrets) => secrets.redact(text),
            None => Cow::Borrowed(text),
        }
    }

    /// A placeholder after a context was taken.
    pub(crate) fn empty() -> Self {
        Self {
            method: Method::GET,
            path: Arc::default(),
            secrets: None,
        }
    }
}

/// A complete successful response, before it is decoded.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) timing: Timing,
    pub(crate) context: Context,
}

impl Response {
    /// Returns the status: 200, or 201 for a created webhook.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the HTTP version of the response.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the response's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the response's body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the timing of the call.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Returns the request's method.
    pub fn method(&self) -> &Method {
        &self.context.method
    }

    /// Returns the request's path after the API base, without the query.
    pub fn path(&self) -> &str {
        &self.context.path
    }

    /// Returns `X-App-Timestamp`, which changes when the instance is rebuilt or its cache is cleared. Use it as a cache
    /// key for data derived from metadata.
    pub fn app_timestamp(&self) -> Option<u64> {
        let value = self.headers.get("x-app-timestamp")?;
        value.to_str().ok()?.trim().parse().ok()
    }

    /// Returns the body as text. Its UTF-8 is checked once, here; decoding from text is about 20 % faster than from
    /// bytes.
    ///
    /// # Errors
    /// Fails if the body is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        self.decoded_text().map_err(|error| {
            let what = self.compressed();
            let what = what.unwrap_or_else(|| format!("the response is not UTF-8: {error}"));
            Error::decode(self, DecodeFault::new(what))
        })
    }

    fn decoded_text(&self) -> Result<&str, std::str::Utf8Error> {
        // A PHP file of the instance that was saved with a byte order mark puts it in front of every response.
        let mut body = &self.body[..];
        while let Some(rest) = body.strip_prefix(b"\xEF\xBB\xBF") {
            body = rest;
        }
        std::str::from_utf8(body)
    }

    /// Describes a body that was not decompressed.
    fn compressed(&self) -> Option<String> {
        let declared = self.headers.get(header::CONTENT_ENCODING);
        let declared = declared.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let encoding = match declared.filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))
        {
            Some(encoding) => encoding.into_owned(),
            None if self.body.starts_with(b"\x1f\x8b") => "gzip".to_owned(),
            None => return None,
        };
        Some(format!(
            "the response is compressed ({encoding}), which the request did not accept; check the proxies in front of EspoCRM"
        ))
    }

    /// Decodes the body as JSON.
    ///
    /// # Errors
    /// Fails if the body is not JSON or does not match `T`; the error then contains the path inside the JSON, found by
    /// a second parse.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|error| self.explain::<T>(text, &error))
    }

    #[cold]
    fn explain<T: DeserializeOwned>(&self, text: &str, error: &serde_json::Error) -> Error {
        if !error.is_data() {
            return Error::decode(self, DecodeFault::new(self.not_json(text, error)));
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(located) => {
                let path = located.path().to_string();
                Error::decode(self, DecodeFault::new(located.into_inner()).at(path))
            }
            // Decoding that does not depend only on its input; the first error is reported.
            Ok(_) => Error::decode(self, DecodeFault::new(error)),
        }
    }

    /// Describes why a body that was declared as JSON is not valid JSON; `None` if it is valid.
    pub(crate) fn flaw(&self) -> Option<String> {
        let text = self.decoded_text().ok()?;
        let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err()?;
        Some(self.not_json(text, &error))
    }

    fn not_json(&self, text: &str, error: &serde_json::Error) -> String {
        if text.is_empty() {
            return "the response is empty; expected JSON".to_owned();
        }
        if let Some(compressed) = self.compressed() {
            return compressed;
        }
        let text = self.context.redact(text.trim());
        let start = |count: usize| -> String { text.chars().take(count).collect() };
        let end = |count: usize| -> String {
            let from = text.char_indices().rev().nth(count.saturating_sub(1));
            text[from.map_or(0, |(at, _)| at)..].to_owned()
        };
        if let Some(at) = [start(160), end(160)]
            .iter()
            .find_map(|part| php_message(part))
        {
            return format!(
                "PHP printed a message instead of JSON, before or after it: {at:?}; set display_errors=Off on the server, or \
                 correct the file mentioned in the message"
            );
        }
        if error.is_eof() {
            return format!("the response is truncated: {error}");
        }
        let is_json = text.starts_with(['{', '[']);
        match is_json {
            true => format!(
                "the response is not JSON: {error}; it ends with {:?}",
                end(60)
            ),
            false => format!(
                "the response is not JSON: {error}; it starts with {:?}",
                start(60)
            ),
        }
    }

    /// Describes a body that is not JSON: its content type and its start.
    pub(crate) fn describe(&self) -> String {
        if self.body.is_empty() {
            return "the response is empty".to_owned();
        }
        let kind = self.content_type().unwrap_or("without a content type");
        let text = String::from_utf8_lossy(self.body.get(..1024).unwrap_or(&self.body));
        let text = self.context.redact(&text);
        let start: String = text.trim_start().chars().take(60).collect();
        format!("the response is {kind} and starts with {start:?}")
    }

    fn content_type(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE)?.to_str().ok()
    }

    /// Returns whether the server declared the body as JSON; proxies' pages and portals' login pages usually do not.
    pub fn is_json(&self) -> bool {
        self.content_type()
            .is_some_and(|kind| kind.trim_start().starts_with("application/json"))
    }
}

/// The message of PHP in a string, as HTML or plain text: `Warning: … in /var/www/x.php on line 3`.
fn php_message(text: &str) -> Option<String> {
    const KINDS: [&str; 5] = [
        "Deprecated",
        "Notice",
        "Warning",
        "Fatal error",
        "Parse error",
    ];
    KINDS.iter().find_map(|kind| {
        let html = text.find(&format!("<b>{kind}</b>"));
        let plain = || {
            text.find(&format!("{kind}: "))
                .filter(|_| text.contains(" on line "))
        };
        Some(text[html.or_else(plain)?..].to_owned())
    })
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("method", &self.context.method)
            .field("path", &self.context.path)
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
