//! The client: one pool of connections, one request path.

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
/// Cheap to clone; clones share connections, token, limits and everything else.
/// Dropping the future of a call cancels it: the connection is closed and
/// nothing is left running.
#[derive(Clone)]
pub struct Client {
    pub(crate) engine: Arc<Engine>,
}

impl Client {
    /// Starts a client for the site at `url`: with or without trailing slash,
    /// sub-folder, `/api/v1` or a browser's `#Account`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// Sends a request, given away or lent: signs it, keeps the limits, repeats it where that is
    /// safe, and turns every answer but success into an error.
    ///
    /// # Errors
    /// Whatever [`Error`] can be, decoding aside.
    pub async fn send(&self, request: impl Borrow<Request>) -> Result<Response, Error> {
        self.engine.send(request.borrow()).await
    }

    /// Writes a request's URL now instead of each time it is sent: for one that is sent again and again, as by a
    /// poller or a load test. Sent by a client of another site, or changed afterwards, it is written anew.
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
    /// What is wrong with the request itself: a part of the path that is not allowed, a URL too long.
    pub fn prepare(&self, request: Request) -> Result<Request, Error> {
        self.engine.prepare(request)
    }

    /// Any call of the API, typed or not: the same authentication, limits,
    /// retries and errors.
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

    /// The API's base URL, as requests use it.
    pub fn base_url(&self) -> &str {
        &self.engine.site.base
    }

    /// The proxy that the client's connections go through, if any: set by [`ClientBuilder::proxy`] or found in the
    /// environment.
    pub fn proxy(&self) -> Option<&ProxyInfo> {
        self.engine.proxy.as_ref()
    }

    /// Logs in now instead of with the first request; nothing to do for
    /// credentials that need no log-in or when a token is there.
    ///
    /// # Errors
    /// As any request, [`Error::is_second_factor_required`] among them.
    pub async fn log_in(&self) -> Result<(), Error> {
        self.engine.ensure_logged_in().await
    }

    /// Logs in with a second-factor code, also after a refusal.
    ///
    /// # Errors
    /// As any request; and when the credentials are not a password.
    pub async fn log_in_with_code(&self, code: impl Into<SecretString>) -> Result<(), Error> {
        if !self.engine.auth.set_code(code.into()) {
            return Err(Error::build("only a password log-in takes a second factor"));
        }
        self.engine.auth.drop_token();
        self.forget_refusal();
        self.log_in().await
    }

    /// The session of a client with a password or a token, once it has logged in: to be stored, and used again with
    /// [`Auth::reuse`](crate::Auth::reuse) or [`Auth::session`](crate::Auth::session). `None` for other schemes.
    pub fn session(&self) -> Option<Session> {
        self.engine.auth.session()
    }

    /// Ends the session: the token is destroyed on the server
    /// (`App/destroyAuthToken`). False when there was none. With a password the
    /// next request logs in anew.
    ///
    /// # Errors
    /// As any request; the client forgets the token nevertheless.
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

    /// Lets credentials be tried again that the server refused. Until then
    /// every call fails without being sent.
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
