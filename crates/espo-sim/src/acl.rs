//! Access control: role data merged into one table per user.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::http::{Refusal, Result};
use crate::layout::{Layout, LinkKind};
use crate::store::{Row, Store};
use crate::value::{Id, Value};

mod scopes;

pub(crate) use scopes::ADMIN_ONLY;
use scopes::{DERIVED, MINIMUM, actions};

/// The level of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Level {
    #[default]
    No,
    Own,
    Team,
    All,
}

/// The action on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Create,
    Read,
    Edit,
    Delete,
    Stream,
}

impl Action {
    pub(crate) const ALL: [Action; 5] = [
        Action::Create,
        Action::Read,
        Action::Edit,
        Action::Delete,
        Action::Stream,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Read => "read",
            Action::Edit => "edit",
            Action::Delete => "delete",
            Action::Stream => "stream",
        }
    }
}

/// The type of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Admin,
    Regular,
    Api,
}

/// Permissions for one scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    levels: [Level; 5],
}

impl Rights {
    fn all() -> Rights {
        Rights {
            levels: [Level::All; 5],
        }
    }

    fn get(&self, action: Action) -> Level {
        self.levels[action as usize]
    }

    fn merge(&mut self, other: Rights) {
        for (a, b) in self.levels.iter_mut().zip(other.levels) {
            *a = (*a).max(b);
        }
    }

    fn none(&self) -> bool {
        self.levels.iter().all(|l| *l == Level::No)
    }
}

/// The permissions of one user.
#[derive(Debug, Clone)]
pub(crate) struct Acl {
    pub(crate) user_id: Id,
    pub(crate) kind: Kind,
    pub(crate) teams: Vec<Id>,
    /// Scopes that are disabled, even for administrators.
    closed: Vec<String>,
    /// Entity types to which roles do not apply.
    beyond: Vec<String>,
    /// A role allows every scope.
    everything: bool,
    scopes: HashMap<String, Rights>,
    /// Entity type → field → (readable, editable).
    fields: HashMap<String, HashMap<String, (bool, bool)>>,
    permissions: HashMap<String, String>,
}

impl Acl {
    /// Merges the roles of a user.
    pub(crate) fn build<'a>(
        user_id: &str,
        kind: Kind,
        teams: Vec<Id>,
        (closed, beyond): (Vec<String>, Vec<String>),
        roles: impl Iterator<Item = RoleData<'a>>,
    ) -> Acl {
        let mut acl = Acl {
            user_id: user_id.into(),
            kind,
            teams,
            closed,
            beyond,
            everything: false,
            scopes: HashMap::new(),
            fields: HashMap::new(),
            permissions: HashMap::new(),
        };
        for role in roles {
            match role.data {
                Json::String(s) if s == "all" => acl.everything = true,
                Json::Object(scopes) => {
                    for (scope, level) in scopes {
                        acl.scopes
                            .entry(scope.clone())
                            .or_default()
                            .merge(rights(level));
                    }
                }
                _ => {}
            }
            for (scope, fields) in role.field_data {
                let Some(fields) = fields.as_object() else {
                    continue;
                };
                for (field, rights) in fields {
                    let yes = |a: &str| rights.get(a).and_then(Json::as_str) != Some("no");
                    let entry = acl
                        .fields
                        .entry(scope.clone())
                        .or_default()
                        .entry(field.clone())
                        .or_insert((false, false));
                    entry.0 |= yes("read");
                    entry.1 |= yes("edit");
                }
            }
            for (name, level) in role.permissions {
                if let Some(level) = level.as_str()
                    && name.ends_with("Permission")
                {
                    let known = acl.permissions.entry(name.clone()).or_default();
                    let rank = |l: &str| {
                        ["", "not-set", "no", "own", "team", "yes", "all"]
                            .iter()
                            .position(|x| *x == l)
                    };
                    if rank(level) > rank(known) {
                        level.clone_into(known);
                    }
                }
            }
        }
        acl
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.kind == Kind::Admin
    }

    /// Whether a role opens every scope.
    pub(crate) fn grants_everything(&self) -> bool {
        self.is_admin() || self.everything
    }

    /// Whether a permission such as `exportPermission` is more than "no".
    pub(crate) fn permission(&self, name: &str) -> bool {
        self.is_admin()
            || self
                .permissions
                .get(name)
                .is_some_and(|l| !matches!(l.as_str(), "" | "no" | "not-set"))
    }

    /// The value of a permission as `GET App/user` shows it.
    pub(crate) fn permission_value(&self, name: &str) -> String {
        if self.is_admin() {
            return if matches!(
                name,
                "auditPermission"
                    | "dataPrivacyPermission"
                    | "exportPermission"
                    | "lockPermission"
                    | "massUpdatePermission"
                    | "mentionPermission"
                    | "portalPermission"
            ) {
                "yes"
            } else {
                "all"
            }
            .to_owned();
        }
        let stated = self.permissions.get(name).filter(|l| *l != "not-set");
        stated.cloned().unwrap_or_else(|| "no".to_owned())
    }

    /// The user's level for an action in a scope.
    pub(crate) fn level(&self, scope: &str, action: Action) -> Level {
        if self.closed.iter().any(|c| c == scope) {
            return Level::No;
        }
        if self.is_admin() {
            return Level::All;
        }
        if ADMIN_ONLY.contains(&scope) || matches!(scope, "Role" | "PortalRole") {
            return Level::No;
        }
        let scope = DERIVED
            .iter()
            .find(|(s, _)| *s == scope)
            .map_or(scope, |(_, of)| of);
        let minimum = MINIMUM
            .iter()
            .find(|(s, _)| *s == scope)
            .map_or(Level::No, |(_, l)| l[action as usize]);
        let by_role = if self.everything {
            Level::All
        } else {
            self.scopes.get(scope).map_or(Level::No, |r| r.get(action))
        };
        let by_role = match (scope, action) {
            _ if !actions(scope).contains(&action) => Level::No,
            _ if self.beyond.iter().any(|b| b == scope) => Level::No,
            ("User", Action::Edit) => by_role.min(Level::Own),
            // Only API users can have webhooks, and each sees only its own.
            ("Webhook", _) if self.kind != Kind::Api => Level::No,
            ("Webhook", action) if action != Action::Create => by_role.min(Level::Own),
            // Scopes with a minimum level that roles do not affect.
            (
                "Note"
                | "Attachment"
                | "EmailFilter"
                | "EmailFolder"
                | "EmailAccount"
                | "Notification"
                | "Preferences"
                | "ActionHistoryRecord"
                | "GroupEmailFolder",
                _,
            ) => Level::No,
            _ => by_role,
        };
        // A role can take away the right to see teams; portals need a permission.
        let is_shut = match scope {
            "Team" => self.scopes.contains_key(scope),
            "Portal" => !self.everything && !self.permission("portalPermission"),
            _ => false,
        };
        if is_shut {
            by_role
        } else {
            by_role.max(minimum)
        }
    }

    /// Whether the user has any access to the scope.
    pub(crate) fn scope(&self, scope: &str) -> bool {
        if self.closed.iter().any(|c| c == scope) {
            return false;
        }
        self.is_admin()
            || Action::ALL
                .iter()
                .any(|a| self.level(scope, *a) != Level::No)
            || (!self.everything && self.scopes.get(scope).is_some_and(|r| !r.none()))
    }

    /// Rejects the request if the caller has no access to the scope for this action.
    pub(crate) fn check_scope(&self, scope: &str, action: Action) -> Result<()> {
        if self.level(scope, action) == Level::No {
            return Err(Refusal::forbidden(format!("No {} access.", action.name())));
        }
        Ok(())
    }

    /// Whether the user's level covers a record.
    pub(crate) fn record(&self, store: &Store, layout: &Layout, row: &Row, action: Action) -> bool {
        match self.level(&layout.name, action) {
            Level::All => self.reaches(layout, row),
            Level::No => false,
            Level::Own => self.owns(layout, row) || self.reads(store, layout, row, action),
            Level::Team => {
                self.owns(layout, row)
                    || self.shares_team(store, layout, row)
                    || self.reads(store, layout, row, action)
            }
        }
    }

    /// Whether the user is one of those who may read the record like its owner.
    fn reads(&self, store: &Store, layout: &Layout, row: &Row, action: Action) -> bool {
        let link = layout.readers.as_ref().and_then(|l| layout.links.get(l));
        match link.map(|l| l.kind) {
            Some(LinkKind::Many { relation, forward })
                if matches!(action, Action::Read | Action::Stream) =>
            {
                store
                    .relation(relation)
                    .has(&row.id, forward, &self.user_id)
            }
            _ => false,
        }
    }

    /// Whether the user may know of a record: only administrators may know of inactive users, and users of portals
    /// require a permission.
    pub(crate) fn reaches(&self, layout: &Layout, row: &Row) -> bool {
        if layout.name != "User" || self.is_admin() || row.id == self.user_id {
            return true;
        }
        let of = |attr: &str| layout.slot(attr).map(|s| row.get(s));
        let is_portal = of("type").is_some_and(|v| v.as_str() == Some("portal"));
        of("isActive") != Some(&Value::Bool(false))
            && (!is_portal || self.everything || self.permission("portalPermission"))
    }

    /// A record is "own" if the user is its assigned user or, if it has none, its creator.
    fn owns(&self, layout: &Layout, row: &Row) -> bool {
        if layout.name == "User" || layout.name == "Preferences" {
            return row.id == self.user_id;
        }
        let is_me = |attr: &str| {
            layout
                .slot(attr)
                .map(|s| row.get(s).as_str() == Some(self.user_id.as_str()))
        };
        if matches!(layout.name.as_str(), "Notification" | "Webhook") {
            return is_me("userId").unwrap_or(false);
        }
        is_me("assignedUserId")
            .or_else(|| is_me("createdById"))
            .unwrap_or(false)
    }

    fn shares_team(&self, store: &Store, layout: &Layout, row: &Row) -> bool {
        if layout.name == "Team" {
            return self.teams.contains(&row.id);
        }
        let Some(LinkKind::Many { relation, forward }) = layout.links.get("teams").map(|l| l.kind)
        else {
            return false;
        };
        store
            .relation(relation)
            .of(&row.id, forward)
            .iter()
            .any(|p| self.teams.contains(&p.id))
    }

    /// Whether a field may be read.
    pub(crate) fn may_read_field(&self, entity: &str, field: &str) -> bool {
        self.field_rule(entity, field).0
    }

    /// Whether a field may be written.
    pub(crate) fn may_edit_field(&self, entity: &str, field: &str) -> bool {
        self.field_rule(entity, field) == (true, true)
    }

    fn field_rule(&self, entity: &str, field: &str) -> (bool, bool) {
        let rule = self.fields.get(entity).and_then(|f| f.get(field));
        rule.filter(|_| !self.is_admin())
            .copied()
            .unwrap_or((true, true))
    }

    /// Rules of fields by entity type, as `GET App/user` shows them.
    pub(crate) fn field_table(&self) -> Json {
        let word = |yes: bool| Json::from(if yes { "yes" } else { "no" });
        let rules = |fields: &HashMap<String, (bool, bool)>| -> Json {
            let rule = |(name, (read, edit)): (&String, &(bool, bool))| {
                let rights = [
                    ("read".to_owned(), word(*read)),
                    ("edit".to_owned(), word(*edit)),
                ];
                (name.clone(), Json::Object(Map::from_iter(rights)))
            };
            Json::Object(fields.iter().map(rule).collect())
        };
        if self.is_admin() {
            return Json::Object(Map::new());
        }
        Json::Object(
            self.fields
                .iter()
                .map(|(entity, fields)| (entity.clone(), rules(fields)))
                .collect(),
        )
    }

    /// Whether the user has no access to some field of this entity type.
    pub(crate) fn has_field_rules(&self, entity: &str) -> bool {
        !self.is_admin() && self.fields.contains_key(entity)
    }
}

/// A role's content.
pub(crate) struct RoleData<'a> {
    pub(crate) data: &'a Json,
    pub(crate) field_data: &'a Map<String, Json>,
    pub(crate) permissions: &'a Map<String, Json>,
}

fn rights(v: &Json) -> Rights {
    match v {
        Json::Bool(true) => Rights::all(),
        Json::Object(map) => {
            let mut rights = Rights::default();
            for action in Action::ALL {
                rights.levels[action as usize] = match map.get(action.name()).and_then(Json::as_str)
                {
                    Some("all" | "yes" | "account" | "contact") => Level::All,
                    Some("team") => Level::Team,
                    Some("own") => Level::Own,
                    _ => Level::No,
                };
            }
            // Without a separate level, the stream has the level of reading.
            if !map.contains_key("stream") {
                rights.levels[Action::Stream as usize] = rights.levels[Action::Read as usize];
            }
            rights
        }
        _ => Rights::default(),
    }
}
