//! The client, with one connection pool and one request path.

mod builder;
mod call;

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use http::Method;
use secrecy::SecretString;
use serde_json::json;

pub use builder::ClientBuilder;
pub use call::{Call, IntoRequest};

use crate::auth::Session;
use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::transport::{Engine, ProxyInfo};

/// A connection to one EspoCRM instance as one user.
///
/// Clones are cheap and share the connections, the token, the limits and all other state. Dropping the future of a call
/// cancels it: its connection is closed, and no task keeps running.
#[derive(Clone)]
pub struct Client {
    pub(crate) engine: Arc<Engine>,
}

impl Client {
    /// Returns a builder for a client of the site at `url`, which may have a trailing slash, a subdirectory, `/api/v1`
    /// or a browser's `#Account`.
    #[doc(alias = "new")]
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// Sends an owned or borrowed request: signs it, applies the limits, retries it if that is safe, and returns an
    /// error for every unsuccessful response.
    ///
    /// # Errors
    /// Returns any [`Error`] except decode errors.
    pub async fn send(&self, request: impl Borrow<Request>) -> Result<Response, Error> {
        self.engine.send(request.borrow()).await
    }

    /// Builds a request's URL once, for requests that are sent repeatedly, as by a poller or a load test. If the
    /// request is sent by a client of another site or changed afterwards, its URL is built again.
    ///
    /// ```no_run
    /// # async fn f(crm: espo_core::Client) -> Result<(), espo_core::Error> {
    /// use espo_core::{Request, http::Method};
    /// let count = crm.prepare(Request::path(Method::GET, "Account").search_json(r#"{"maxSize":0}"#))?;
    /// for _ in 0..3 {
    ///     crm.send(&count).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Fails if the request is invalid: a path segment that is not allowed, or a URL that is too long.
    #[doc(hidden)]
    pub fn prepare(&self, request: Request) -> Result<Request, Error> {
        self.engine.prepare(request)
    }

    /// Returns a builder for any call of the API, with the same authentication, limits, retries and errors as typed
    /// calls.
    ///
    /// ```no_run
    /// # async fn f(crm: espo_core::Client) -> Result<(), espo_core::Error> {
    /// use espo_core::http::Method;
    /// let jobs: serde_json::Value = crm.request(Method::GET, "Admin/jobs").send_json().await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: Method, path: impl IntoRequest) -> Call<'_> {
        Call::new(self, path.into_request(method))
    }

    /// Returns the API's base URL, which all requests use.
    pub fn base_url(&self) -> &str {
        &self.engine.site.base
    }

    /// Returns the proxy that the client's connections go through, if any: set by [`ClientBuilder::proxy`] or found
    /// in the environment.
    pub fn proxy(&self) -> Option<&ProxyInfo> {
        self.engine.proxy.as_ref()
    }

    /// Logs in now instead of with the first request. Does nothing if the credentials need no login or a token is
    /// available.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`], including [`Error::is_second_factor_required`].
    pub async fn log_in(&self) -> Result<(), Error> {
        self.engine.ensure_logged_in().await
    }

    /// Logs in with a second-factor code, even after a rejected login.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the credentials are not a password.
    pub async fn log_in_with_code(&self, code: impl Into<SecretString>) -> Result<(), Error> {
        if !self.engine.auth.set_code(code.into()) {
            return Err(Error::build(
                "only a login with a password supports a second factor",
            ));
        }
        self.engine.auth.drop_token();
        self.forget_refusal();
        self.log_in().await
    }

    /// Returns the session of a client with a password or a token, once it has logged in: to be stored, and used
    /// again with [`Auth::reuse`](crate::Auth::reuse) or [`Auth::session`](crate::Auth::session). `None` for other
    /// schemes.
    pub fn session(&self) -> Option<Session> {
        self.engine.auth.session()
    }

    /// Ends the session by destroying the token on the server (`App/destroyAuthToken`). Returns false if there was
    /// none. With a password, the next request logs in again.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]; the client discards the token in any case.
    pub async fn log_out(&self) -> Result<bool, Error> {
        let Some(session) = self.engine.auth.session() else {
            return Ok(false);
        };
        let request = Request::new(Method::POST, &["App", "destroyAuthToken"])
            .json(&json!({"token": session.expose().token}));
        let result = self.send(request).await;
        self.engine.auth.drop_token();
        result?.json()
    }

    /// Allows credentials that the server rejected to be used again. Until then, every call fails without sending a
    /// request.
    pub fn forget_refusal(&self) {
        self.engine.auth.forget_refusal();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}
