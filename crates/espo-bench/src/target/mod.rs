//! The target: its address, its users and its properties.

mod access;
mod connect;
mod credentials;

use std::time::Duration;

use espo_core::auth::Redactor;
use espo_core::{Client, ClientBuilder, Request, RetryPolicy, Stage, http::Method};
use espo_schema::Schema;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

pub use access::Access;
pub(crate) use connect::Connects;
use connect::connects;
pub use credentials::Credentials;

use crate::error::{Error, Result};
use crate::record::Recorder;
use crate::report::ConnectionInfo;

/// Starts a runtime for requests on the calling thread.
pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Error::usage(format!("cannot start a runtime: {e}")))
}

/// Creates clients for one target. Each sending thread has its own client with separate connections.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    pub(crate) url: String,
    pub(crate) credentials: Vec<Credentials>,
    pub(crate) timeout: Duration,
    pub(crate) access: Access,
}

impl Dialer {
    /// Creates a client that sends each request exactly once and immediately: no retries, no concurrency limit, no
    /// redirects.
    ///
    /// `recorder` is notified of every connection that the client opens.
    pub(crate) fn client(&self, user: usize, recorder: &Recorder) -> Result<Client> {
        let recorder = recorder.clone();
        self.builder(user)
            .retry(RetryPolicy::none())
            .max_in_flight(None)
            // The sender applies the timeout, see `Patience`.
            .timeout(Duration::MAX)
            // A think time would otherwise cause a new connection for each request.
            .idle_timeout(Duration::from_secs(30))
            .gzip(true)
            .on_connect(move |c| recorder.connection(c.opened, c.took))
            .build()
            .map_err(|e| Error::usage(e.to_string()))
    }

    /// Creates a client for requests outside the load, with the usual retries.
    pub(crate) fn patient_client(&self, user: usize) -> Result<Client> {
        self.builder(user)
            .timeout(self.timeout)
            .build()
            .map_err(|e| Error::usage(e.to_string()))
    }

    fn builder(&self, user: usize) -> ClientBuilder {
        let credentials = &self.credentials[user % self.credentials.len()];
        self.access
            .apply(Client::builder(&self.url))
            .auth(credentials.auth.clone())
            .user_agent(concat!("espo-bench/", env!("CARGO_PKG_VERSION")))
    }

    /// Returns a redactor for the secrets that the server could repeat.
    pub(crate) fn redactor(&self) -> Redactor {
        redactor(&self.credentials, &self.access)
    }
}

/// Returns a redactor for the secrets of users and of the way to the target.
pub(crate) fn redactor(users: &[Credentials], access: &Access) -> Redactor {
    access.add_secrets(Redactor::new(users.iter().map(|user| &user.auth)))
}

/// Properties of the target.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) version: Option<String>,
    pub(crate) user_id: String,
    pub(crate) schema: Schema,
    pub(crate) connects: Connects,
    pub(crate) connection: ConnectionInfo,
}

/// Checks that the target is reachable and accepts the credentials, and reads its metadata.
///
/// # Errors
///
/// Returns [`Error::Target`] if it cannot be reached, rejects the credentials, or is not an EspoCRM instance.
pub(crate) async fn probe(dialer: &Dialer) -> Result<Probe> {
    let holds_credentials = url::Url::parse(&dialer.url)
        .is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
    if holds_credentials {
        return Err(Error::usage(
            "the URL contains credentials, which would appear in logs; pass them in environment variables",
        ));
    }
    let client = dialer.patient_client(0)?;
    let proxy = client.proxy().map(ToString::to_string);
    let connects = match proxy {
        None => connects(&dialer.url, &dialer.access).await,
        Some(_) => Connects::default(),
    };
    let first = client.send(Request::path(Method::GET, "App/user")).await;
    let first = first.map_err(|e| refused(&dialer.url, &e))?;
    let connection = ConnectionInfo {
        address: connects.address.map(|a| a.to_string()),
        http_version: format!("{:?}", first.version()),
        tls: connects.tls_version.clone(),
        proxy,
        headers: dialer.access.header_names(),
    };
    let user: Value = first.json().map_err(|e| refused(&dialer.url, &e))?;
    // A login page or a captive portal responds to every request with 200.
    let user_id = user.pointer("/user/id").and_then(Value::as_str);
    let user_id = user_id.map(str::to_owned).ok_or_else(|| {
        Error::target(format!(
            "{} does not respond like an EspoCRM instance: App/user contains no user",
            dialer.url
        ))
    })?;
    // Users are checked once and one after another. If the sending threads discovered wrong credentials
    // simultaneously, a real instance would lock out the address after more than ten failures.
    for number in 1..dialer.credentials.len() {
        let client = dialer.patient_client(number)?;
        get(&client, "App/user").await.map_err(|e| {
            let nth = format!(
                "{} (user {} of the workload or of --users)",
                dialer.url,
                number + 1
            );
            refused(&nth, &e)
        })?;
    }
    let version = get(&client, "App/about").await.ok();
    let version = version.and_then(|v| v.get("version").and_then(Value::as_str).map(str::to_owned));
    let metadata = get(&client, "Metadata").await.map_err(|e| {
        Error::target(format!(
            "cannot read the metadata of {}: {}",
            dialer.url,
            e.report()
        ))
    })?;
    let schema = Schema::from_value(metadata, "the target's metadata")
        .map_err(|e| Error::target(e.to_string()))?;
    Ok(Probe {
        version,
        user_id,
        schema,
        connects,
        connection,
    })
}

async fn get(client: &Client, path: &str) -> Result<Value, espo_core::Error> {
    client.send(Request::path(Method::GET, path)).await?.json()
}

pub(crate) fn refused(url: &str, error: &espo_core::Error) -> Error {
    let report = error.report().to_string();
    if error.is_connect() && report.contains("cannot connect to") {
        // The message names the URL.
        return Error::target(report);
    }
    let what = if from_gateway(error) {
        "is behind a gateway that rejects the request (the response is not from EspoCRM); check --header-env, --gateway-auth-env and --client-certificate"
    } else if error.is_unauthorized() || error.is_locked_out() {
        "rejects the credentials"
    } else if matches!(error.stage(), Stage::Connect | Stage::Send | Stage::Build) {
        "cannot be reached"
    } else {
        "does not respond like an EspoCRM instance"
    };
    Error::target(format!("{url} {what}: {report}"))
}

/// Returns whether a rejection comes from a gateway in front of EspoCRM: EspoCRM requests no credentials with a realm,
/// and its own rejections contain no HTML page.
pub(crate) fn from_gateway(error: &espo_core::Error) -> bool {
    let Some(status) = error.status().map(|s| s.as_u16()) else {
        return false;
    };
    let header = |name: &str| {
        let value = error.headers().and_then(|h| h.get(name));
        value.and_then(|v| v.to_str().ok()).unwrap_or_default()
    };
    let demand = header("www-authenticate").trim();
    let demands = !demand.is_empty() && demand != "Basic realm=\"\"";
    let body = error.body().map_or(&[][..], |b| b).trim_ascii_start();
    let is_page = body.starts_with(b"<") && header("x-status-reason").is_empty();
    match status {
        401 => demands || is_page,
        403 => is_page,
        407 => true,
        // A TLS gateway rejected the connection for lack of a client certificate.
        400 => {
            is_page
                && body
                    .windows(11)
                    .any(|w| w.eq_ignore_ascii_case(b"certificate"))
        }
        _ => false,
    }
}
