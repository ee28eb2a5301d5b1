//! The application: all state of one server. [`crate::routes`] passes requests to it.

pub(crate) mod events;
pub(crate) mod extras;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::RwLock;
use serde_json::{Value as Json, json};

use events::{Event, Listener};

use crate::acl::{Acl, Kind, RoleData};
use crate::auth::{Auth, Gate, Login};
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::facts;
use crate::faults::Faults;
use crate::http::json::Out;
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{Layout, Layouts, LinkKind};
use crate::log::{LoggedRequest, RequestLog};
use crate::outbox::Outbox;
use crate::store::{Row, Store};
use crate::users::Role;
use crate::value::Id;
use crate::version::Version;

/// The timing of background work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// How long changes are collected and idle jobs wait.
    pub(crate) delay: Duration,
    /// Time between delivery attempts of a webhook.
    pub(crate) retry_after: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule {
            delay: Duration::from_millis(20),
            retry_after: Duration::from_secs(600),
        }
    }
}

/// Settings of a server that do not change while it runs.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Lock out an address after too many failed logins.
    pub(crate) lockout: bool,
    /// Whether JSON is written as PHP writes it.
    pub(crate) php_json: bool,
    /// Maximum number of requests in the log.
    pub(crate) log_limit: usize,
    /// The version to behave as; by default the one that the metadata comes from.
    pub(crate) version: Option<Version>,
    /// The timing of background work.
    pub(crate) background: Schedule,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            lockout: false,
            php_json: true,
            log_limit: 10_000,
            version: None,
            background: Schedule::default(),
        }
    }
}

/// ID of the user that stands for the system.
const SYSTEM: &str = "system";

/// All state of one server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) layouts: Arc<Layouts>,
    pub(crate) store: Store,
    pub(crate) auth: Auth,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) config: RwLock<Config>,
    pub(crate) options: Options,
    /// The simulated version.
    pub(crate) version: Version,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) roles: RwLock<HashMap<Id, Role>>,
    acls: RwLock<HashMap<Id, Arc<Acl>>>,
    /// A value that changes on every rebuild.
    timestamp: AtomicI64,
    /// Emails that a real server would have sent.
    pub(crate) outbox: Outbox,
    /// State other than records: attachments, reactions, stars and so on, by part.
    pub(crate) extras: extras::Extras,
    /// The listeners for events of records.
    listeners: Vec<Listener>,
    /// Entity type and ID → IDs of the users who follow it.
    pub(crate) followers: RwLock<HashMap<(String, Id), Vec<Id>>>,
    /// Starred records: entity type, ID and user.
    pub(crate) stars: RwLock<std::collections::HashSet<(String, Id, Id)>>,
}

/// The caller of a handler.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) acl: Arc<Acl>,
    pub(crate) login: Login,
    /// Identifies all changes of one request as one action; created on first use.
    pub(crate) action: OnceLock<Id>,
}

impl Caller {
    pub(crate) fn user_id(&self) -> &str {
        &self.acl.user_id
    }

    /// The ID of this request's action.
    pub(crate) fn action_id(&self, app: &App) -> &str {
        self.action
            .get_or_init(|| Id::from(app.ids.next(&app.clock)))
    }

    pub(crate) fn require_admin(&self) -> Result<()> {
        if self.acl.is_admin() {
            Ok(())
        } else {
            Err(Refusal::forbidden_silently())
        }
    }
}

impl App {
    pub(crate) fn new(
        layouts: Arc<Layouts>,
        clock: Clock,
        ids: Ids,
        options: Options,
        faults: Faults,
        listeners: Vec<Listener>,
    ) -> App {
        let store = Store::new(&layouts);
        let timestamp = clock.now().as_second();
        let version = options
            .version
            .unwrap_or_else(|| Version::of_metadata(&layouts.schema));
        App {
            layouts,
            store,
            auth: Auth::default(),
            clock,
            ids,
            config: RwLock::new(Config::default()),
            log: RequestLog::new(options.log_limit),
            version,
            options,
            faults,
            roles: RwLock::default(),
            acls: RwLock::default(),
            timestamp: AtomicI64::new(timestamp),
            outbox: Outbox::default(),
            extras: extras::Extras::default(),
            listeners,
            followers: RwLock::default(),
            stars: RwLock::default(),
        }
    }

    /// The time of the last rebuild, in seconds.
    pub(crate) fn timestamp(&self) -> i64 {
        self.timestamp.load(Ordering::Relaxed)
    }

    /// Makes responses report a rebuild, even if it is the second one within a second.
    pub(crate) fn note_rebuild(&self) {
        let now = self.clock.now().as_second();
        let before = self.timestamp.fetch_add(1, Ordering::Relaxed);
        self.timestamp
            .fetch_max(now.max(before + 1), Ordering::Relaxed);
    }

    /// Returns the settings and state that a login uses in addition to the credentials.
    pub(crate) fn gate(&self) -> Gate<'_> {
        Gate {
            lockout: self.options.lockout,
            ids: &self.ids,
            outbox: &self.outbox,
        }
    }

    /// A user's permissions, merged from its roles and cached until a role or user changes.
    pub(crate) fn acl(&self, user_id: &str) -> Arc<Acl> {
        if let Some(acl) = self.acls.read().get(user_id) {
            return Arc::clone(acl);
        }
        let linked = |entity_type: &str, id: &str, link: &str| -> Vec<Id> {
            let layout = self.layouts.find(entity_type);
            match layout.and_then(|l| l.links.get(link)).map(|l| l.kind) {
                Some(LinkKind::Many { relation, forward }) => {
                    let pairs = self.store.relation(relation).of(id, forward);
                    pairs.into_iter().map(|p| p.id).collect()
                }
                _ => Vec::new(),
            }
        };
        let kind = match self.user_type(user_id).as_deref() {
            Some("admin" | "super-admin" | "system") => Kind::Admin,
            Some("api") => Kind::Api,
            None if user_id == SYSTEM => Kind::Admin,
            _ => Kind::Regular,
        };
        let teams = linked("User", user_id, "teams");
        let roles = self.roles.read();
        let of_teams = teams.iter().flat_map(|team| linked("Team", team, "roles"));
        let mine: Vec<Role> = linked("User", user_id, "roles")
            .into_iter()
            .chain(of_teams)
            .filter_map(|id| roles.get(id.as_str()).cloned())
            .collect();
        drop(roles);
        let acl = Arc::new(Acl::build(
            user_id,
            kind,
            teams,
            (
                facts::disabled_scopes(&self.layouts.schema),
                facts::without_acl(&self.layouts.schema),
            ),
            mine.iter().map(|r| RoleData {
                data: &r.data,
                field_data: &r.field_data,
                permissions: &r.permissions,
            }),
        ));
        self.acls.write().insert(user_id.into(), Arc::clone(&acl));
        acl
    }

    /// The system user, which has all permissions. It is the author of records that are created without a login.
    pub(crate) fn system(&self) -> Caller {
        Caller {
            acl: self.acl(SYSTEM),
            login: Login::default(),
            action: OnceLock::new(),
        }
    }

    /// Clears cached permissions after a change of users, roles or teams.
    pub(crate) fn forget_acls(&self) {
        self.acls.write().clear();
    }

    fn user_type(&self, user_id: &str) -> Option<String> {
        let layout = self.layouts.find("User")?;
        let row = self.store.table(layout.index).get(user_id)?;
        row.get(layout.slot("type")?).as_str().map(str::to_owned)
    }

    /// Passes an event of a record to the listeners.
    pub(crate) fn raise(&self, caller: &Caller, event: &Event) {
        for listener in &self.listeners {
            listener(self, caller, event);
        }
    }

    /// Returns the layout of an entity type, which must exist.
    pub(crate) fn layout(&self, name: &str) -> Result<&Layout> {
        self.layouts
            .find(name)
            .ok_or_else(|| Refusal::not_found(format!("Controller '{name}' does not exist.")))
    }

    /// Returns a record; 404 without a reason if it does not exist.
    pub(crate) fn live(&self, layout: &Layout, id: &str) -> Result<Arc<Row>> {
        self.store
            .table(layout.index)
            .live(id)
            .ok_or_else(Refusal::not_found_silently)
    }

    /// A JSON response.
    pub(crate) fn json(&self, v: &Json) -> Reply {
        let mut out = self.out();
        out.json(v);
        Reply::json(out.into_bytes())
    }

    pub(crate) fn out(&self) -> Out {
        Out::new(self.options.php_json)
    }

    pub(crate) fn log_request(&self, request: &Request, status: u16, reason: Option<String>) {
        self.log.push(LoggedRequest {
            method: request.method.to_string(),
            path: request.raw_path.clone(),
            query: Json::Object(request.query.clone()),
            body: serde_json::from_slice(&request.body).ok(),
            status,
            reason,
        });
    }

    /// A list response with its total.
    pub(crate) fn list_json(&self, total: i64, list: &[Json]) -> Reply {
        self.json(&json!({"total": total, "list": list}))
    }
}
