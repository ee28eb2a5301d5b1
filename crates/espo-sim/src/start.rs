//! The initial state of a server, which a reset restores.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::app::events::Listener;
use crate::app::{App, Options};
use crate::auth::Credentials;
use crate::clock::{Clock, Ids};
use crate::faults::{FaultRule, Faults};
use crate::layout::{Layouts, LinkKind};
use crate::record::plain::insert_record;
use crate::users::{Role, User, Users};
use crate::version::Version;
use crate::{Error, facts, listeners, routes, seed, snapshot};

/// The declarations from which the state of a server is built.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) layouts: Arc<Layouts>,
    pub(crate) users: Users,
    pub(crate) records: BTreeMap<String, usize>,
    pub(crate) seed: Option<u64>,
    pub(crate) clock: Option<Timestamp>,
    pub(crate) options: Options,
    pub(crate) settings: Map<String, Json>,
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) snapshot: Option<PathBuf>,
}

impl Start {
    /// Builds the state.
    pub(crate) fn app(&self) -> Result<Arc<App>, Error> {
        let seed = self.seed.unwrap_or_default();
        let app = App::new(
            Arc::clone(&self.layouts),
            Clock::new(self.clock),
            Ids::new(self.seed),
            self.options.clone(),
            Faults::new(self.faults.clone(), seed),
            listeners::ALL
                .iter()
                .copied()
                .chain([routes::hear_for_webhooks as Listener])
                .collect(),
        );
        app.config.write().apply(self.users.settings.clone());
        app.config.write().apply(self.settings.clone());
        installed(&app)?;
        declare(&app, &self.users)?;
        if let Some(path) = &self.snapshot {
            snapshot::load(&app, path)?;
        }
        for (entity_type, count) in &self.records {
            seed::fill(&app, entity_type, *count, seed)?;
        }
        Ok(Arc::new(app))
    }
}

/// Returns the attributes that have a value.
fn object(pairs: &[(&str, Json)]) -> Map<String, Json> {
    let filled = pairs.iter().filter(|(_, v)| !v.is_null());
    filled.map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

/// Jobs that an installation schedules: name, job, times.
const JOBS: &[(&str, &str, &str)] = &[
    ("Auth Token Control", "AuthTokenControl", "*/6 * * * *"),
    (
        "Check Group Email Accounts",
        "CheckInboundEmails",
        "*/2 * * * *",
    ),
    (
        "Check Personal Email Accounts",
        "CheckEmailAccounts",
        "*/1 * * * *",
    ),
    ("Clean-up", "Cleanup", "1 1 * * 0"),
    (
        "Control Knowledge Base Article Status",
        "ControlKnowledgeBaseArticleStatus",
        "10 1 * * *",
    ),
    (
        "Process Webhook Queue",
        "ProcessWebhookQueue",
        "*/2 * * * *",
    ),
    (
        "Send Email Notifications",
        "SendEmailNotifications",
        "*/2 * * * *",
    ),
    ("Send Email Reminders", "SendEmailReminders", "*/2 * * * *"),
    ("Send Mass Emails", "ProcessMassEmail", "10,30,50 * * * *"),
    (
        "Send Scheduled Emails",
        "SendScheduledEmails",
        "*/10 * * * *",
    ),
];

/// Stores the records that an installation creates.
fn installed(app: &App) -> Result<(), Error> {
    let mut records = vec![(
        "EmailTemplate",
        object(&[
            ("name", json!("Case-to-Email auto-reply")),
            ("subject", json!("Your case was received")),
            ("body", json!("<p>Case {Case.number}: {Case.name}</p>")),
            ("isHtml", json!(true)),
            ("status", json!("Active")),
            ("createdById", json!("system")),
        ]),
    )];
    for (name, job, scheduling) in JOBS {
        let scheduling = match *job {
            "CheckInboundEmails" if app.version >= Version::V10_0 => "*/1 * * * *",
            _ => scheduling,
        };
        records.push((
            "ScheduledJob",
            object(&[
                ("name", json!(name)),
                ("job", json!(job)),
                ("scheduling", json!(scheduling)),
                ("status", json!("Active")),
                ("createdById", json!("system")),
            ]),
        ));
    }
    for code in &app.config.read().currency_list {
        records.push((
            "CurrencyRecord",
            object(&[
                ("code", json!(code)),
                ("status", json!("Active")),
                ("deleteId", json!("0")),
            ]),
        ));
    }
    for (number, (entity_type, mut attributes)) in records.into_iter().enumerate() {
        if app.layouts.find(entity_type).is_some() {
            // Fixed IDs, so that a snapshot replaces these records.
            attributes.insert("id".to_owned(), json!(format!("6500000000000d{number:03}")));
            insert_record(app, entity_type, &attributes)?;
        }
    }
    Ok(())
}

/// Permissions that a role for everything grants by default.
const OF_EVERYTHING: &[(&str, &str)] = &[
    ("dataPrivacyPermission", "yes"),
    ("groupEmailAccountPermission", "all"),
    ("portalPermission", "yes"),
    ("userCalendarPermission", "all"),
];

/// Scopes without an entity type that a role opens or closes as a whole.
const WHOLE: &[&str] = &[
    "Activities",
    "Calendar",
    "EmailAccountScope",
    "ExternalAccount",
    "GlobalStream",
    "Import",
    "OpenApi",
    "Webhook",
    "WorkingTimeCalendar",
];

/// The rights of a role for everything, scope by scope.
fn everything(app: &App) -> Json {
    let beyond = facts::without_acl(&app.layouts.schema);
    let mut data = Map::new();
    for layout in &app.layouts.entities {
        if !beyond.contains(&layout.name) {
            data.insert(
                layout.name.clone(),
                json!({"create": "yes", "read": "all", "edit": "all", "delete": "all", "stream": "all"}),
            );
        }
    }
    data.extend(
        WHOLE
            .iter()
            .map(|name| ((*name).to_owned(), Json::Bool(true))),
    );
    Json::Object(data)
}

/// A role with the permissions that it leaves out.
fn completed(app: &App, role: &Role) -> Role {
    let mut role = role.clone();
    if role.data == json!("all") {
        for (name, level) in OF_EVERYTHING {
            role.permissions.entry(*name).or_insert(json!(level));
        }
    }
    if let Some(layout) = app.layouts.find("Role") {
        for attr in layout
            .attrs
            .iter()
            .filter(|a| a.name.ends_with("Permission"))
        {
            role.permissions
                .entry(attr.name.clone())
                .or_insert(json!("not-set"));
        }
    }
    role
}

/// Stores roles, teams, users and records.
fn declare(app: &App, users: &Users) -> Result<(), Error> {
    for role in users.roles.iter().map(|r| completed(app, r)) {
        let mut attributes = object(&[
            ("id", Json::from(role.id.as_str())),
            ("name", Json::from(role.name.as_str())),
            (
                "data",
                match &role.data {
                    Json::String(all) if all == "all" => everything(app),
                    data if data.is_object() => data.clone(),
                    _ => Json::Null,
                },
            ),
            (
                "fieldData",
                match role.field_data.is_empty() {
                    true => Json::Null,
                    false => Json::Object(role.field_data.clone()),
                },
            ),
        ]);
        attributes.extend(role.permissions.clone());
        insert_record(app, "Role", &attributes)?;
        app.roles.write().insert(role.id.as_str().into(), role);
    }
    for team in &users.teams {
        insert_record(
            app,
            "Team",
            &object(&[
                ("id", Json::from(team.id.as_str())),
                ("name", Json::from(team.name.as_str())),
            ]),
        )?;
        link_all(app, "Team", &team.id, "roles", &team.roles_ids);
    }
    // The installer creates the first administrator, who creates the other users.
    let admin = users.users.iter().find(|u| u.type_ == "admin");
    for user in &users.users {
        let creator = match admin {
            Some(admin) if admin.id != user.id => admin.id.as_str(),
            _ => "system",
        };
        declare_user(app, user, creator)?;
    }
    for (entity_type, records) in &users.records {
        for record in records {
            insert_record(app, entity_type, record)?;
        }
    }
    Ok(())
}

/// Adds a user that was created by `creator`.
fn declare_user(app: &App, user: &User, creator: &str) -> Result<(), Error> {
    let text = |v: &Option<String>| v.as_deref().map_or(Json::Null, Json::from);
    let attributes = object(&[
        ("id", Json::from(user.id.as_str())),
        ("type", Json::from(user.type_.as_str())),
        ("userName", Json::from(user.user_name.as_str())),
        ("firstName", text(&user.first_name)),
        // The login name of an API user is also its last name.
        (
            "lastName",
            match (&user.last_name, user.type_.as_str()) {
                (None, "api") => Json::from(user.user_name.as_str()),
                (name, _) => text(name),
            },
        ),
        ("createdById", Json::from(creator)),
        ("authMethod", text(&user.auth_method)),
        ("apiKey", text(&user.api_key)),
        ("isActive", Json::Bool(user.is_active)),
    ]);
    insert_record(app, "User", &attributes)?;
    app.auth.put(Credentials {
        user_id: user.id.as_str().into(),
        user_name: user.user_name.clone(),
        password: user.password.clone(),
        api_key: user.api_key.clone(),
        secret_key: user.secret_key.clone(),
        hmac: user.auth_method.as_deref() == Some("Hmac"),
        active: user.is_active,
        ..Credentials::default()
    });
    link_all(app, "User", &user.id, "roles", &user.roles_ids);
    link_all(app, "User", &user.id, "teams", &user.teams_ids);
    Ok(())
}

/// Links a record to others through a many-to-many link.
fn link_all(app: &App, entity_type: &str, id: &str, link: &str, ids: &[String]) {
    let layout = app.layouts.find(entity_type);
    let kind = layout.and_then(|l| l.links.get(link)).map(|l| l.kind);
    if let Some(LinkKind::Many { relation, forward }) = kind {
        for other in ids {
            let columns = crate::record::links::default_columns(app, relation);
            app.store
                .relation(relation)
                .link(id, forward, other, columns);
        }
    }
}
