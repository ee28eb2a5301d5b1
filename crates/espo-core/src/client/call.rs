use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::search::SearchParams;

/// A path: a string as in EspoCRM's documentation (`"Lead/action/convert"`), or segments (`["Account", id,
/// "contacts"]`).
pub trait IntoRequest {
    /// A request for this path.
    fn into_request(self, method: Method) -> Request;
}

impl IntoRequest for &str {
    fn into_request(self, method: Method) -> Request {
        Request::path(method, self)
    }
}

impl<S: AsRef<str>, const N: usize> IntoRequest for [S; N] {
    fn into_request(self, method: Method) -> Request {
        Request::new(method, &self)
    }
}

impl<S: AsRef<str>> IntoRequest for &[S] {
    fn into_request(self, method: Method) -> Request {
        Request::new(method, self)
    }
}

/// A builder for a request of a client; see [`Client::request`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Call<'c> {
    client: &'c Client,
    request: Request,
}

impl<'c> Call<'c> {
    pub(crate) fn new(client: &'c Client, request: Request) -> Self {
        Self { client, request }
    }

    fn map(self, change: impl FnOnce(Request) -> Request) -> Self {
        Self {
            request: change(self.request),
            ..self
        }
    }

    /// See [`Request::query`].
    pub fn query(self, name: &str, value: impl std::fmt::Display) -> Self {
        self.map(|request| request.query(name, value))
    }

    /// See [`Request::search`].
    pub fn search(self, params: &SearchParams) -> Self {
        self.map(|request| request.search(params))
    }

    /// See [`Request::json`].
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.map(|request| request.json(value))
    }

    /// See [`Request::body`].
    pub fn body<C: TryInto<HeaderValue>>(self, bytes: impl Into<Bytes>, content_type: C) -> Self {
        self.map(|request| request.body(bytes, content_type))
    }

    /// See [`Request::header`].
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.map(|request| request.header(name, value))
    }

    /// See [`Request::idempotent`].
    pub fn idempotent(self, yes: bool) -> Self {
        self.map(|request| request.idempotent(yes))
    }

    /// See [`Request::timeout`].
    pub fn timeout(self, limit: Duration) -> Self {
        self.map(|request| request.timeout(limit))
    }

    /// Sends the request.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn send(self) -> Result<Response, Error> {
        self.client.send(self.request).await
    }

    /// Sends the request and decodes the response.
    ///
    /// # Errors
    /// See [`Client::send`] and [`Response::json`].
    pub async fn send_json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send().await?.json()
    }
}
