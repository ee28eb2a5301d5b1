//! A user's permissions as in `GET App/user` and `GET User/{id}/acl`.

use serde_json::{Map, Value as Json, json};

use crate::acl::{Acl, Action, Level};
use crate::app::App;
use crate::layout::Layout;
use crate::version::Version;

/// Permissions that do not belong to a scope, with the highest value.
const PERMISSIONS: &[&str] = &[
    "assignmentPermission",
    "userPermission",
    "messagePermission",
    "portalPermission",
    "groupEmailAccountPermission",
    "exportPermission",
    "massUpdatePermission",
    "dataPrivacyPermission",
    "followerManagementPermission",
    "auditPermission",
    "mentionPermission",
    "userCalendarPermission",
];

/// Scopes with one permission for all actions, because they follow another scope. Administrators have all actions.
const FOLLOWING: &[(&str, &str)] = &[
    ("CurrencyRecord", "Currency"),
    ("ImportError", "Import"),
    ("WorkingTimeRange", "WorkingTimeCalendar"),
];

/// Scopes that are open to every user.
const OPEN: &[&str] = &["Pipeline", "PipelineStage", "Stream"];

/// Fields that users other than administrators cannot edit, by entity type, and whether they can read them.
const FIELDS: &[(&str, &[(&str, bool)])] = &[
    (
        "ActionHistoryRecord",
        &[("authToken", false), ("authLogRecord", false)],
    ),
    ("Call", &[("uid", false)]),
    ("Meeting", &[("uid", false)]),
    (
        "Email",
        &[("inboundEmails", false), ("emailAccounts", false)],
    ),
    ("EmailAccount", &[("assignedUser", true)]),
    ("EmailFolder", &[("assignedUser", true)]),
    (
        "User",
        &[
            ("password", false),
            ("passwordConfirm", false),
            ("authMethod", false),
            ("apiKey", false),
            ("secretKey", false),
            ("token", false),
            ("avatarColor", true),
            ("gender", false),
            ("dashboardTemplate", false),
            ("workingTimeCalendar", true),
            ("auth2FA", false),
        ],
    ),
];

/// Returns a user's permissions.
pub(super) fn document(app: &App, acl: &Acl) -> Json {
    let (mut table, mut fields, mut quick) = (Map::new(), Map::new(), Map::new());
    let roles = acl.field_table();
    for (name, raw) in scopes(app) {
        let layout = app.layouts.find(&name);
        let layout = layout.filter(|l| app.layouts.entity(l).scope.entity);
        let Some(entry) = entry(app, acl, &name, &raw, layout) else {
            continue;
        };
        if let Some(layout) = layout {
            let rules = rules(acl, &name, &roles);
            quick.insert(name.clone(), by_access(app, layout, &rules));
            fields.insert(name.clone(), Json::Object(rules));
        }
        table.insert(name, entry);
    }
    let mut object = Map::from_iter([
        ("table".to_owned(), Json::Object(table)),
        ("fieldTable".to_owned(), Json::Object(fields)),
        ("fieldTableQuickAccess".to_owned(), Json::Object(quick)),
    ]);
    let locking = (app.version >= Version::V10_0).then_some("lockPermission");
    for p in PERMISSIONS.iter().copied().chain(locking) {
        object.insert(p.to_owned(), Json::from(acl.permission_value(p)));
    }
    Json::Object(object)
}

/// Scopes of the metadata with their definitions. Entity types without a scope are left out.
fn scopes(app: &App) -> Vec<(String, Map<String, Json>)> {
    let entities = app.layouts.entities.iter().map(|l| {
        let scope = &app.layouts.entity(l).scope;
        (l.name.clone(), scope.raw.clone())
    });
    let mut all: Vec<_> = entities.filter(|(_, raw)| !raw.is_empty()).collect();
    let raw = app.layouts.schema.raw.get("scopes");
    for (name, scope) in raw.and_then(Json::as_object).into_iter().flatten() {
        if app.layouts.find(name).is_none() {
            let scope = scope.as_object().cloned().unwrap_or_default();
            all.push((name.clone(), scope));
        }
    }
    all
}

/// The entry of a scope: whether it is open, or a level per action. Only administrators see those that are closed.
fn entry(
    app: &App,
    acl: &Acl,
    name: &str,
    raw: &Map<String, Json>,
    layout: Option<&Layout>,
) -> Option<Json> {
    let admin = acl.is_admin();
    let of = |list: &[(&'static str, &'static str)]| {
        list.iter().find(|(n, _)| *n == name).map(|(_, of)| *of)
    };
    let followed = if admin { None } else { of(FOLLOWING) }.or(of(&[("ImportEml", "Import")]));
    let closed = admin.then_some(Json::Bool(false));
    if OPEN.contains(&name) {
        return Some(Json::Bool(true));
    }
    if followed.is_some() || raw.get("acl").and_then(Json::as_str) == Some("boolean") {
        let of = followed.unwrap_or(name);
        let open = acl.level(of, Action::Read) != Level::No;
        return if open { Some(Json::Bool(true)) } else { closed };
    }
    // The queue follows campaigns, although its controller is for administrators.
    let of = if name == "EmailQueueItem" {
        "Campaign"
    } else {
        name
    };
    if layout.is_none() || !acl.scope(of) {
        return closed;
    }
    // The rates of currencies follow them.
    let currency = (name == "CurrencyRecordRate").then(|| app.layouts.find("Currency"));
    let raw = currency
        .flatten()
        .map_or(raw, |l| &app.layouts.entity(l).scope.raw);
    Some(levels(acl, of, raw))
}

fn levels(acl: &Acl, scope: &str, raw: &Map<String, Json>) -> Json {
    let listed = raw.get("aclActionList").and_then(Json::as_array);
    let exists = |action: Action| match (scope, action) {
        ("Job" | "Extension", _) if acl.is_admin() => {
            matches!(action, Action::Read | Action::Delete)
        }
        ("Team" | "User", _) if acl.is_admin() => action != Action::Stream,
        ("Notification", Action::Edit) | ("Preferences", Action::Delete) => acl.is_admin(),
        _ => listed.is_none_or(|l| l.iter().any(|a| a == action.name())),
    };
    let highest = raw.get("aclHighestLevel").and_then(Json::as_str);
    let level = |action: Action| match acl.level(scope, action) {
        Level::No => "no",
        _ if !exists(action) => "no",
        _ if action == Action::Create => "yes",
        Level::All => highest.unwrap_or("all"),
        Level::Team => "team",
        Level::Own => "own",
    };
    let levels = Action::ALL.iter();
    Json::Object(
        levels
            .map(|a| (a.name().to_owned(), Json::from(level(*a))))
            .collect(),
    )
}

/// Access to the fields of an entity type: by the system and by the user's roles.
fn rules(acl: &Acl, name: &str, roles: &Json) -> Map<String, Json> {
    let mut rules = Map::new();
    if acl.is_admin() {
        return rules;
    }
    let fixed = FIELDS.iter().filter(|(n, _)| *n == name);
    for (field, read) in fixed.flat_map(|(_, fields)| fields.iter()) {
        let read = if *read { "yes" } else { "no" };
        rules.insert((*field).to_owned(), json!({"read": read, "edit": "no"}));
    }
    let of_roles = roles.get(name).and_then(Json::as_object);
    rules.extend(of_roles.cloned().unwrap_or_default());
    rules
}

/// The same rules as lists of fields and attributes by action and access.
fn by_access(app: &App, layout: &Layout, rules: &Map<String, Json>) -> Json {
    let entity = app.layouts.entity(layout);
    let mut lists = json!({
        "attributes": {"read": {"yes": [], "no": []}, "edit": {"yes": [], "no": []}},
        "fields": {"read": {"yes": [], "no": []}, "edit": {"yes": [], "no": []}},
    });
    for (field, access) in rules {
        let attributes = entity.fields.get(field).map_or(&[][..], |f| &f.attributes);
        for action in ["read", "edit"] {
            let level = access[action].as_str().unwrap_or("no");
            let mut add = |what: &str, name: &str| {
                if let Some(list) = lists[what][action][level].as_array_mut() {
                    list.push(Json::from(name));
                }
            };
            add("fields", field);
            for attribute in attributes {
                add("attributes", attribute);
            }
        }
    }
    lists
}
