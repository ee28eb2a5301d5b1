//! Notifications about notes (for followers of the record and for addressees), deleted records and assignments.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::acl::{Action, Kind};
use crate::app::events::{Event, LinkChange};
use crate::app::{App, Caller};
use crate::layout::Layout;
use crate::record::plain::insert_record;
use crate::record::rules::mentioned;
use crate::store::Row;
use crate::value::{Id, Value};
use crate::view;

/// Entity types without a stream that have assignment notifications (`assignmentNotificationsEntityList` of a stock instance).
const ASSIGNED: &[&str] = &["Call", "Email"];

pub(super) fn hear(app: &App, caller: &Caller, event: &Event) {
    match *event {
        Event::Created { layout, row, .. } if layout.name == "Note" => {
            note(app, caller, layout, row)
        }
        Event::Created {
            layout, row, links, ..
        } => {
            assigned(app, caller, layout, None, row);
            invited(app, caller, layout, row, links, true);
        }
        Event::Changed {
            layout,
            old,
            new,
            links,
            ..
        } => {
            if layout.name == "Note" {
                let users = mentioned(app, caller, new, Some(old));
                return tell_mentioned(app, caller, new, &users);
            }
            assigned(app, caller, layout, Some(old), new);
            invited(app, caller, layout, new, links, false);
        }
        Event::Removed { layout, row } => removed(app, caller, layout, row),
        Event::Linked { .. } => {}
    }
}

fn text<'r>(layout: &Layout, row: &'r Row, attr: &str) -> Option<&'r str> {
    layout.slot(attr).and_then(|s| row.get(s).non_empty())
}

/// Users who can be notified: active users except the caller.
fn can_be_told(app: &App, caller: &Caller, user: &str) -> bool {
    let Some(users) = app.layouts.find("User") else {
        return false;
    };
    user != caller.user_id()
        && app
            .store
            .table(users.index)
            .live(user)
            .is_some_and(|row| users.slot("isActive").is_none_or(|s| row.get(s).is_true()))
}

/// Adds a notification for a user.
fn tell(app: &App, user: &str, attributes: &[(&str, Json)]) {
    let mut map = Map::from_iter([("userId".to_owned(), Json::from(user))]);
    map.extend(attributes.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
    // Metadata without notifications has no such entity type.
    let _ = insert_record(app, "Notification", &map);
}

/// Notifies the followers of a note's record or of the parent record, or the addressees of the note.
fn note(app: &App, caller: &Caller, notes: &Layout, row: &Row) {
    let mut told: BTreeSet<Id> = BTreeSet::new();
    let mut parent = None;
    for (type_, id) in [
        ("parentType", "parentId"),
        ("superParentType", "superParentId"),
    ] {
        let (Some(type_), Some(id)) = (text(notes, row, type_), text(notes, row, id)) else {
            continue;
        };
        let followers = app.followers.read();
        let of = followers.get(&(type_.to_owned(), id.into()));
        told.extend(of.into_iter().flatten().cloned());
        parent = parent.or_else(|| app.layouts.find(type_).zip(Some(Id::from(id))));
    }
    if parent.is_none() {
        told.extend(addressed(app, notes, row));
    }
    // Mentioned users get only the notification about the mention.
    let mentioned = mentioned(app, caller, row, None);
    let mut attributes = vec![
        ("type", json!("Note")),
        ("data", json!({"noteId": row.id.as_str()})),
        ("relatedType", json!("Note")),
        ("relatedId", json!(row.id.as_str())),
    ];
    if let Some((layout, id)) = &parent {
        attributes.push(("relatedParentType", json!(layout.name)));
        attributes.push(("relatedParentId", json!(id.as_str())));
    }
    // All changes of a request have one action ID, except for the notification of the user to whom the record is
    // assigned.
    let assignee = match notes.slot("data").map(|s| row.get(s)) {
        Some(Value::Json(data)) => data["assignedUserId"].as_str().map(str::to_owned),
        _ => None,
    };
    let is_assignment = matches!(text(notes, row, "type"), Some("Create" | "Assign"));
    for user in told {
        let mut attributes = attributes.clone();
        if parent.is_some() && !(is_assignment && assignee.as_deref() == Some(&user)) {
            attributes.push(("actionId", json!(caller.action_id(app))));
        }
        let sees = parent.as_ref().is_none_or(|(layout, id)| {
            let record = app.store.table(layout.index).live(id);
            record.is_some_and(|r| {
                app.acl(&user)
                    .record(&app.store, layout, &r, Action::Stream)
            })
        });
        if sees && can_be_told(app, caller, &user) && !mentioned.contains(&user) {
            tell(app, &user, &attributes);
        }
    }
    tell_mentioned(app, caller, row, &mentioned);
}

/// Notifies users who are mentioned in a post.
fn tell_mentioned(app: &App, caller: &Caller, note: &Row, users: &[Id]) {
    for user in users {
        let attributes = [
            ("type", json!("MentionInPost")),
            ("data", json!({"noteId": note.id.as_str()})),
            ("relatedType", json!("Note")),
            ("relatedId", json!(note.id.as_str())),
            ("createdById", json!(caller.user_id())),
        ];
        tell(app, user, &attributes);
    }
}

/// Users to whom a note without a record is addressed.
fn addressed(app: &App, notes: &Layout, row: &Row) -> Vec<Id> {
    let Some(users) = app.layouts.find("User") else {
        return Vec::new();
    };
    let ids = |rows: Vec<std::sync::Arc<Row>>| rows.iter().map(|r| r.id.clone()).collect();
    match text(notes, row, "targetType") {
        Some("all") => app
            .store
            .table(users.index)
            .snapshot()
            .iter()
            .filter(|r| !r.deleted && app.acl(&r.id).kind != Kind::Api)
            .map(|r| r.id.clone())
            .collect(),
        Some("users") => ids(view::linked(app, notes, row, "users")),
        Some("teams") => {
            let teams: Vec<Id> = ids(view::linked(app, notes, row, "teams"));
            app.store
                .table(users.index)
                .snapshot()
                .iter()
                .filter(|r| !r.deleted && app.acl(&r.id).teams.iter().any(|t| teams.contains(t)))
                .map(|r| r.id.clone())
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Notifies a user of an assignment, for entity types without a stream.
fn assigned(app: &App, caller: &Caller, layout: &Layout, old: Option<&Row>, new: &Row) {
    if app.layouts.entity(layout).scope.stream || !ASSIGNED.contains(&layout.name.as_str()) {
        return;
    }
    let Some(user) = text(layout, new, "assignedUserId") else {
        return;
    };
    let same = old.is_some_and(|o| text(layout, o, "assignedUserId") == Some(user));
    if same || !can_be_told(app, caller, user) {
        return;
    }
    tell(
        app,
        user,
        &[
            ("type", json!("Assign")),
            (
                "data",
                json!({
                    "entityType": layout.name,
                    "entityId": new.id.as_str(),
                    "entityName": view::name(app, layout, new, "name").to_json(),
                    "isNew": old.is_none(),
                    "userId": caller.user_id(),
                    "userName": user_name(app, caller),
                }),
            ),
            ("relatedType", json!(layout.name)),
            ("relatedId", json!(new.id.as_str())),
            ("createdById", json!(caller.user_id())),
        ],
    );
}

/// Notifies new attendees of an event, except the assigned user, who is notified separately.
fn invited(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    links: &[LinkChange],
    is_new: bool,
) {
    if !matches!(layout.name.as_str(), "Meeting" | "Call") {
        return;
    }
    let assigned = text(layout, row, "assignedUserId");
    let added = links.iter().filter(|c| c.now && c.link == "users");
    for user in added.map(|c| c.other.as_str()) {
        if Some(user) == assigned
            || app.acl(user).kind == Kind::Api
            || !can_be_told(app, caller, user)
        {
            continue;
        }
        let attributes = about(app, caller, layout, row, "EventAttendee", is_new);
        tell(app, user, &attributes);
    }
}

/// A notification about a record itself.
fn about<'a>(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    type_: &str,
    is_new: bool,
) -> Vec<(&'a str, Json)> {
    vec![
        ("type", json!(type_)),
        (
            "data",
            json!({
                "entityType": layout.name,
                "entityId": row.id.as_str(),
                "entityName": view::name(app, layout, row, "name").to_json(),
                "isNew": is_new,
                "userId": caller.user_id(),
                "userName": user_name(app, caller),
            }),
        ),
        ("relatedType", json!(layout.name)),
        ("relatedId", json!(row.id.as_str())),
        ("createdById", json!(caller.user_id())),
        ("actionId", json!(caller.action_id(app))),
    ]
}

fn user_name(app: &App, caller: &Caller) -> Json {
    let users = app.layouts.find("User");
    users.map_or(Json::Null, |u| {
        view::name_of(app, u, caller.user_id()).to_json()
    })
}

/// Notifies the followers of a record that it was deleted.
fn removed(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    forget(app, layout, row);
    if !app.layouts.entity(layout).scope.stream {
        return;
    }
    let followers = app.followers.read();
    let users = followers
        .get(&(layout.name.clone(), row.id.clone()))
        .cloned()
        .unwrap_or_default();
    drop(followers);
    app.followers
        .write()
        .remove(&(layout.name.clone(), row.id.clone()));
    for user in users.iter().filter(|u| can_be_told(app, caller, u)) {
        tell(
            app,
            user,
            &[
                ("type", json!("EntityRemoved")),
                ("createdById", json!(caller.user_id())),
                (
                    "data",
                    json!({
                        "entityType": layout.name,
                        "entityId": row.id.as_str(),
                        "entityName": view::name(app, layout, row, "name").to_json(),
                        "userId": caller.user_id(),
                        "userName": user_name(app, caller),
                    }),
                ),
            ],
        );
    }
}

/// Deletes the notifications of a deleted record.
fn forget(app: &App, layout: &Layout, row: &Row) {
    let Some(notifications) = app.layouts.find("Notification") else {
        return;
    };
    let table = app.store.table(notifications.index);
    let about = |n: &Row, what: &str| {
        text(notifications, n, &format!("{what}Id")) == Some(&row.id)
            && text(notifications, n, &format!("{what}Type")) == Some(&layout.name)
    };
    let rows = table.snapshot();
    for one in rows
        .iter()
        .filter(|n| !n.deleted && (about(n, "related") || about(n, "relatedParent")))
    {
        table.erase(&one.id);
    }
}
