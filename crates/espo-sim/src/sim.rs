//! The server as a program sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use espo_schema::Schema;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value as Json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::app::{App, Options};
use crate::faults::FaultRule;
use crate::http::server;
use crate::layout::Layouts;
use crate::log::LoggedRequest;
use crate::outbox::Mail;
use crate::record::plain::insert_record;
use crate::routes::{delivery, jobs};
use crate::start::Start;
use crate::users::Users;
use crate::version::Version;
use crate::{Error, snapshot};

/// A running server. It stops when this is dropped.
///
/// It runs on the tokio runtime that it was started in, and needs no thread of its own: hundreds of them may live in one
/// test process. Only injected latencies are timed by a thread, one for the process.
#[derive(Debug)]
pub struct Sim {
    /// The state, which a reset replaces.
    current: Arc<RwLock<Arc<App>>>,
    start: Start,
    runtime: Handle,
    /// Ends the work behind the requests of the current state.
    background: Mutex<watch::Sender<bool>>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

/// Starts the work that no request waits for. It ends when the sender says so or is dropped.
fn run_background(runtime: &Handle, app: &Arc<App>) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(false);
    runtime.spawn(delivery::run(Arc::clone(app), stopped.clone()));
    runtime.spawn(jobs::run(Arc::clone(app), stopped));
    stop
}

/// What a server is to be like. See [`Sim::builder`].
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
    /// [`Error::Listen`] when no port can be had.
    pub async fn start() -> Result<Sim, Error> {
        Sim::builder().start().await
    }

    /// Says what a server is to be like.
    #[must_use]
    pub fn builder() -> SimBuilder {
        SimBuilder::default()
    }

    /// Where it listens: `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who may log in, with the credentials.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.start.users
    }

    /// The API key of the first user that has one and logs in by it; empty if there is none. A simulator to which no
    /// users were given has one.
    #[must_use]
    pub fn api_key(&self) -> String {
        let user = self.start.users.api_key_user();
        user.and_then(|user| user.api_key.clone())
            .unwrap_or_default()
    }

    /// The version of EspoCRM that it behaves as.
    #[must_use]
    pub fn version(&self) -> Version {
        self.app().version
    }

    /// The requests that it saw, oldest first (the last 10,000).
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.app().log.all()
    }

    /// Forgets the requests that it saw.
    pub fn clear_requests(&self) {
        self.app().log.clear();
    }

    /// The mail that it would have sent, oldest first: invitations, cancellations, new passwords (the text is the
    /// password), requests to set one (the text is the request's id), second-factor codes (the text is the code).
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.app().extras.outbox.all()
    }

    fn app(&self) -> Arc<App> {
        Arc::clone(&self.current.read())
    }

    /// Sets the clock, which stands still from then on: relative date filters, `createdAt` and tokens follow it.
    pub fn set_clock(&self, now: Timestamp) {
        self.app().clock.set(now);
    }

    /// Returns to the state at the start: records, users, settings, faults, clock and IDs as the builder declared them, an
    /// empty request log, no tokens and no mail. The address stays, and clients keep their connections. Requests that are
    /// in flight end in the old state.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Snapshot`] if the snapshot that it started from can no longer be read.
    pub fn reset(&self) -> Result<(), Error> {
        let app = self.start.app()?;
        let background = run_background(&self.runtime, &app);
        *self.current.write() = app;
        let before = std::mem::replace(&mut *self.background.lock(), background);
        let _ = before.send(true);
        Ok(())
    }

    /// Replaces the faults in force; an empty list ends them.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.app().faults.set(rules);
    }

    /// Number of live records of an entity type; 0 for one that the metadata does not have.
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

    /// Writes everything that it holds to a file, for [`SimBuilder::snapshot`].
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`] when the file cannot be written.
    pub fn save_snapshot(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        snapshot::save(&self.app(), &self.start.users, path.as_ref())
    }

    /// Adds a record as it stands, without validation; attributes that the entity type does not have are passed over.
    /// Gives its id.
    ///
    /// # Errors
    ///
    /// [`Error::Declaration`] for an unknown entity type.
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
    /// Serves this schema instead of the stock one.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<Arc<Schema>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Serves the metadata of this file or folder; several are merged, later ones over earlier ones.
    #[must_use]
    pub fn metadata(mut self, path: impl AsRef<Path>) -> Self {
        self.metadata.push(path.as_ref().to_owned());
        self
    }

    /// Declares who may log in.
    #[must_use]
    pub fn users(mut self, users: Users) -> Self {
        self.users = Some(users);
        self
    }

    /// Reads who may log in from a file.
    #[must_use]
    pub fn users_file(mut self, path: impl AsRef<Path>) -> Self {
        self.users_file = Some(path.as_ref().to_owned());
        self
    }

    /// Starts with so many made-up records of an entity type.
    #[must_use]
    pub fn records(mut self, entity_type: impl Into<String>, count: usize) -> Self {
        self.records.insert(entity_type.into(), count);
        self
    }

    /// Makes ids, keys, faults and made-up records repeat from run to run.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Stops the clock at this time.
    #[must_use]
    pub fn clock(mut self, now: Timestamp) -> Self {
        self.clock = Some(now);
        self
    }

    /// Locks an address out after more than ten failed logins in a minute, as a real server does. Off unless asked for.
    #[must_use]
    pub fn lockout(mut self, on: bool) -> Self {
        self.options.lockout = on;
        self
    }

    /// Whether JSON is written as PHP writes it (the default): `\/`, `\uXXXX`, `100.0` as `100`.
    #[must_use]
    pub fn php_json(mut self, on: bool) -> Self {
        self.options.php_json = on;
        self
    }

    /// Behaves as this version of EspoCRM. Defaults to the version that the metadata comes from.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.options.version = Some(version);
        self
    }

    /// Starts with these settings, as `GET Settings` of an instance returns them: currencies and rates, time zone, fiscal
    /// year, page size. Settings that behaviour does not depend on are returned as they are.
    #[must_use]
    pub fn settings(mut self, settings: Map<String, Json>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// How many requests the log keeps (10,000 unless said otherwise; 0 for none).
    #[must_use]
    pub fn request_log(mut self, limit: usize) -> Self {
        self.options.log_limit = limit;
        self
    }

    /// How long changes are gathered before webhooks are told, and mass actions and exports with `"idle": true` wait
    /// (20 ms unless said otherwise; a real server's jobs run every few minutes). Webhooks reach loopback addresses only.
    #[must_use]
    pub fn background_delay(mut self, delay: Duration) -> Self {
        self.options.background.delay = delay;
        self
    }

    /// How long a webhook's receiver that was not there is left alone (ten minutes unless said otherwise) before the next
    /// of four attempts.
    #[must_use]
    pub fn webhook_retry(mut self, after: Duration) -> Self {
        self.options.background.retry_after = after;
        self
    }

    /// Adds a fault on demand.
    #[must_use]
    pub fn fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Starts with what [`Sim::save_snapshot`] wrote, its users included unless others are declared.
    #[must_use]
    pub fn snapshot(mut self, path: impl AsRef<Path>) -> Self {
        self.snapshot = Some(path.as_ref().to_owned());
        self
    }

    /// Listens on this address instead of a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Some(address.into());
        self
    }

    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error`] when metadata, users or records cannot be used, or the address cannot be listened on.
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
        let listener = TcpListener::bind(&address).await.map_err(fail)?;
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
