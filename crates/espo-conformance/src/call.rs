//! A request of a check, from its parameters to the response.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, differs};
use crate::test::Test;
use crate::users::Login;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A request under construction.
#[must_use = "`send` sends it"]
pub(crate) struct Call<'a> {
    pub(crate) test: &'a Test,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) login: Option<&'a Login>,
}

impl Call<'_> {
    /// Adds query parameters, percent-encoded.
    pub(crate) fn query(mut self, parameters: &[(&str, &str)]) -> Self {
        for (name, value) in parameters {
            let mark = if self.target.contains('?') { '&' } else { '?' };
            let (name, value) = (
                utf8_percent_encode(name, ESCAPED),
                utf8_percent_encode(value, ESCAPED),
            );
            // Writing to a String cannot fail.
            let _ = write!(self.target, "{mark}{name}={value}");
        }
        self
    }

    /// Sets a header. Values that are invalid in a header are left out; the suite has none.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Sets a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string(), Some("application/json"))
    }

    /// Sets an unmodified body.
    pub(crate) fn raw(mut self, body: impl Into<Bytes>, content_type: Option<&str>) -> Self {
        self.body = Some(body.into());
        match content_type {
            Some(kind) => self.header("content-type", kind),
            None => self,
        }
    }

    /// Sends no credentials except in headers set explicitly.
    pub(crate) fn anonymous(mut self) -> Self {
        self.login = None;
        self
    }

    /// Sends the request. A record that it creates is deleted at the end.
    pub(crate) async fn send(mut self) -> Outcome<Answer> {
        let path = self.target.split('?').next().unwrap_or_default();
        if let Some(login) = self.login {
            login.apply(&mut self.headers, &self.method, path);
        }
        let request = self.describe();
        let creates = self.method == Method::POST
            && !path.contains('/')
            && !matches!(path, "MassAction" | "Action");
        let entity = if path == "Export" { "Attachment" } else { path }.to_owned();
        let raw = match self
            .test
            .shared
            .wire
            .send(&self.method, &self.target, self.headers, self.body)
            .await
        {
            Ok(raw) => raw,
            Err(error) => return differs(&request, "response", json!("a response"), json!(error)),
        };
        if creates
            && raw.status.is_success()
            && let Ok(body) = serde_json::from_slice::<Value>(&raw.body)
            && let Some(id) = body["id"].as_str()
        {
            self.test
                .shared
                .ledger
                .add(&entity, id, self.login.unwrap_or(&self.test.login));
        }
        Ok(Answer {
            request,
            status: raw.status.as_u16(),
            headers: raw.headers,
            body: raw.body,
        })
    }

    /// The request for the report: without headers, and without a body that may contain a secret.
    fn describe(&self) -> String {
        let target = percent_encoding::percent_decode_str(&self.target)
            .decode_utf8_lossy()
            .into_owned();
        let mut text = format!("{} {target}", self.method);
        if let Some(body) = &self.body
            && !self.target.starts_with("App/")
        {
            text.push(' ');
            text.push_str(&String::from_utf8_lossy(body));
        }
        match text.char_indices().nth(400) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    }
}
