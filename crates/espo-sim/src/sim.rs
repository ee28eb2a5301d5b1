//! The public API of the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use espo_schema::Schema;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value as Json};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::app::{App, Options};
use crate::faults::FaultRule;
use crate::layout::Layouts;
use crate::log::LoggedRequest;
use crate::outbox::Mail;
use crate::record::plain::insert_record;
use crate::routes::{delivery, jobs};
use crate::server;
use crate::start::Start;
use crate::users::Users;
use crate::version::Version;
use crate::{Error, snapshot};

/// A running server, which stops when it is dropped.
///
/// It runs on the tokio runtime that it was started in and needs no dedicated thread, so a test process can run hundreds of
/// servers. Only injected latencies use a thread, one per process.
#[derive(Debug)]
pub struct Sim {
    /// The current state; a reset replaces it.
    current: Arc<RwLock<Arc<App>>>,
    start: Start,
    runtime: Handle,
    /// Stops the background tasks of the current state.
    background: Mutex<watch::Sender<bool>>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

/// Starts the background tasks. They stop when the sender signals it or is dropped.
fn run_background(runtime: &Handle, app: &Arc<App>) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(false);
    runtime.spawn(delivery::run(Arc::clone(app), stopped.clone()));
    runtime.spawn(jobs::run(Arc::clone(app), stopped));
    stop
}

/// Builder of a server; see [`Sim::builder`].
#[derive(Debug, Default)]
pub struct SimBuilder {
    schema: Option<Arc<Schema>>,
    metadata: Vec<PathBuf>,
    users: Option<Users>,
    users_file: Option<PathBuf>,
    records: BTreeMap<String, usize>,
    seed: Option<u64>,
    clock: Option<Timestamp>,
    options: Options,
    settings: Map<String, Json>,
    faults: Vec<FaultRule>,
    listen: Option<String>,
    snapshot: Option<PathBuf>,
}

/// Layouts of the stock schema, compiled once per process.
fn stock_layouts() -> Arc<Layouts> {
    static LAYOUTS: OnceLock<Arc<Layouts>> = OnceLock::new();
    Arc::clone(LAYOUTS.get_or_init(|| Arc::new(Layouts::build(Arc::new(Schema::stock().clone())))))
}

impl Sim {
    /// Starts a server with the stock schema and the sample users on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Listen`] if no port is available.
    pub async fn start() -> Result<Sim, Error> {
        Sim::builder().start().await
    }

    /// Returns a builder with which to configure a server.
    #[must_use]
    pub fn builder() -> SimBuilder {
        SimBuilder::default()
    }

    /// Returns the server's URL: `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the declared users, with their credentials.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.start.users
    }

    /// Returns the API key of the first user who logs in with one; empty if there is no such user. The sample users
    /// include one.
    #[must_use]
    pub fn api_key(&self) -> String {
        let user = self.start.users.api_key_user();
        user.and_then(|user| user.api_key.clone())
            .unwrap_or_default()
    }

    /// Returns the simulated version of EspoCRM.
    #[must_use]
    pub fn version(&self) -> Version {
        self.app().version
    }

    /// Returns the requests that the server received, oldest first. The log keeps the last 10,000 by default.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.app().log.all()
    }

    /// Clears the request log.
    pub fn clear_requests(&self) {
        self.app().log.clear();
    }

    /// Returns the emails that a real server would have sent, oldest first: invitations, cancellations, new passwords
    /// (the text is the password), requests to set one (the text is the request's ID) and second-factor codes (the text
    /// is the code).
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.app().outbox.all()
    }

    fn app(&self) -> Arc<App> {
        Arc::clone(&self.current.read())
    }

    /// Sets the clock and stops it at this time. Relative date filters, `createdAt` and tokens depend on the clock.
    pub fn set_clock(&self, now: Timestamp) {
        self.app().clock.set(now);
    }

    /// Resets the server to its initial state: records, users, settings, faults, clock and IDs as declared in the
    /// builder, an empty request log, no tokens and no emails. The address does not change, and clients keep their
    /// connections. Requests in flight complete in the old state.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Snapshot`] if the snapshot that the server was started from can no longer be read.
    pub fn reset(&self) -> Result<(), Error> {
        let app = self.start.app()?;
        let background = run_background(&self.runtime, &app);
        *self.current.write() = app;
        let before = std::mem::replace(&mut *self.background.lock(), background);
        let _ = before.send(true);
        Ok(())
    }

    /// Replaces the active faults; an empty list removes all.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.app().faults.set(rules);
    }

    /// Returns the number of records of an entity type that are not deleted; 0 for an unknown entity type.
    #[must_use]
    pub fn count(&self, entity_type: &str) -> usize {
        let app = self.app();
        let Some(layout) = app.layouts.find(entity_type) else {
            return 0;
        };
        app.store
            .table(layout.index)
            .snapshot()
            .iter()
            .filter(|r| !r.deleted)
            .count()
    }

    /// Writes the complete state to a file, for [`SimBuilder::snapshot`].
    ///
    /// # Errors
    ///
    /// Returns [`Error::Snapshot`] if the file cannot be written.
    pub fn save_snapshot(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        snapshot::save(&self.app(), &self.start.users, path.as_ref())
    }

    /// Adds a record without validation and returns its ID. Attributes that the entity type does not have are ignored.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Declaration`] if the entity type is unknown.
    pub fn insert(
        &self,
        entity_type: &str,
        attributes: &Map<String, Json>,
    ) -> Result<String, Error> {
        insert_record(&self.app(), entity_type, attributes)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.background.lock().send(true);
        let _ = self.stop.send(true);
    }
}

impl SimBuilder {
    /// Sets the schema to serve. Defaults to the stock schema.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<Arc<Schema>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Adds a metadata file or directory to serve. Repeatable; later ones are merged over earlier ones.
    #[must_use]
    pub fn metadata(mut self, path: impl AsRef<Path>) -> Self {
        self.metadata.push(path.as_ref().to_owned());
        self
    }

    /// Sets the users who can log in.
    #[must_use]
    pub fn users(mut self, users: Users) -> Self {
        self.users = Some(users);
        self
    }

    /// Reads the users who can log in from a file.
    #[must_use]
    pub fn users_file(mut self, path: impl AsRef<Path>) -> Self {
        self.users_file = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the number of sample records of an entity type to start with.
    #[must_use]
    pub fn records(mut self, entity_type: impl Into<String>, count: usize) -> Self {
        self.records.insert(entity_type.into(), count);
        self
    }

    /// Sets the seed for IDs, keys, random faults and sample records; the same seed gives the same data.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the clock and stops it at this time.
    #[must_use]
    pub fn clock(mut self, now: Timestamp) -> Self {
        self.clock = Some(now);
        self
    }

    /// Locks out an address after more than ten failed logins within a minute, as a real server does. Off by default.
    #[must_use]
    pub fn lockout(mut self, on: bool) -> Self {
        self.options.lockout = on;
        self
    }

    /// Sets whether JSON is written as PHP writes it (the default): `\/`, `\uXXXX`, `100.0` as `100`.
    #[must_use]
    pub fn php_json(mut self, on: bool) -> Self {
        self.options.php_json = on;
        self
    }

    /// Sets the version of EspoCRM to simulate. Defaults to the version that the metadata comes from.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.options.version = Some(version);
        self
    }

    /// Sets the initial settings, in the format of `GET Settings`: currencies and rates, time zone, fiscal year, page
    /// size. Settings that do not affect behaviour are returned unchanged.
    #[must_use]
    pub fn settings(mut self, settings: Map<String, Json>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Sets the number of requests that the log keeps. Defaults to 10,000; 0 disables the log.
    #[must_use]
    pub fn request_log(mut self, limit: usize) -> Self {
        self.options.log_limit = limit;
        self
    }

    /// Sets the delay of webhooks, which send the changes of this period together, and of mass actions and exports with
    /// `"idle": true`. Defaults to 20 ms; a real server's jobs run every few minutes. Webhooks reach loopback addresses only.
    #[must_use]
    pub fn background_delay(mut self, delay: Duration) -> Self {
        self.options.background.delay = delay;
        self
    }

    /// Sets the delay before an undelivered webhook is sent again. Defaults to ten minutes; there are four attempts.
    #[must_use]
    pub fn webhook_retry(mut self, after: Duration) -> Self {
        self.options.background.retry_after = after;
        self
    }

    /// Adds a fault to inject.
    #[must_use]
    pub fn fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Starts with a snapshot written by [`Sim::save_snapshot`]. Its users are included unless others are declared.
    #[must_use]
    pub fn snapshot(mut self, path: impl AsRef<Path>) -> Self {
        self.snapshot = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the address to listen on. Defaults to a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Some(address.into());
        self
    }

    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails if the metadata, users, records or snapshot cannot be used, or if the server cannot listen on the address.
    pub async fn start(self) -> Result<Sim, Error> {
        let layouts = match (self.schema, self.metadata.is_empty()) {
            (Some(schema), true) => Arc::new(Layouts::build(schema)),
            (Some(schema), false) => {
                Arc::new(Layouts::build(Arc::new(schema.overlay(&self.metadata)?)))
            }
            (None, true) => stock_layouts(),
            (None, false) => Arc::new(Layouts::build(Arc::new(Schema::load(&self.metadata)?))),
        };
        let users = match (self.users, &self.users_file) {
            (Some(users), _) => users,
            (None, Some(path)) => Users::from_file(path)?,
            (None, None) => match &self.snapshot {
                Some(path) => snapshot::users(path)?,
                None => Users::sample(),
            },
        };
        let start = Start {
            layouts,
            users,
            records: self.records,
            seed: self.seed,
            clock: self.clock,
            options: self.options,
            settings: self.settings,
            faults: self.faults,
            snapshot: self.snapshot,
        };
        let app = start.app()?;
        let address = self.listen.unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let fail = |source| Error::Listen {
            address: address.clone(),
            source,
        };
        let listener = server::listen(&address).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let (stop, stopped) = watch::channel(false);
        let background = run_background(&Handle::current(), &app);
        let current = Arc::new(RwLock::new(app));
        tokio::spawn(server::run(listener, Arc::clone(&current), stopped));
        Ok(Sim {
            current,
            start,
            runtime: Handle::current(),
            background: Mutex::new(background),
            address,
            stop,
        })
    }
}
