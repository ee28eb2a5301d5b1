//! Checks of references in a body: records must exist and be readable, and assignments must be allowed.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use espo_schema::{AttributeRole, FieldKind};
use serde_json::{Map, Value as Json, json};

use crate::acl::{Action, Kind};
use crate::app::events::Input;
use crate::app::{App, Caller};
use crate::http::json::php_text;
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout};
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view;

/// Checks that every record that a body newly refers to exists and is readable.
pub(crate) fn check_references(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    input: &Input,
    old: Option<&Row>,
) -> Result<()> {
    let mut ordered: Vec<_> = input.iter().collect();
    ordered.sort_by_key(|(ix, _)| Reverse(place(layout, **ix)));
    for (ix, raw) in ordered {
        let attr = &layout.attrs[*ix];
        let known = |v: &Value| match v {
            Value::Text(id) => vec![id.to_string()],
            v => v
                .as_list()
                .unwrap_or_default()
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
        };
        let (link, ids): (&str, Vec<String>) = match attr.role {
            AttributeRole::Id => (
                attr.name.strip_suffix("Id").unwrap_or_default(),
                vec![php_text(raw)],
            ),
            AttributeRole::Ids => {
                let ids = raw.as_array().map(Vec::as_slice).unwrap_or_default();
                (
                    attr.name.strip_suffix("Ids").unwrap_or_default(),
                    ids.iter()
                        .filter_map(Json::as_str)
                        .map(str::to_owned)
                        .collect(),
                )
            }
            _ => continue,
        };
        // A default team is one of the user's teams, which is checked instead.
        if layout.name == "User" && link == "defaultTeam" {
            continue;
        }
        // A parent field without its own link is not checked.
        let Some(def) = layout.links.get(link) else {
            continue;
        };
        let target = match def.target {
            Some(t) => Some(&app.layouts.entities[t]),
            None => parent_type(app, layout, input, old, link),
        };
        let Some(target) = target else { continue };
        let before = old.map_or_else(Vec::new, |row| {
            known(&view::value(app, layout, row, *ix, caller.user_id()))
        });
        let fresh = ids
            .iter()
            .filter(|id| !id.is_empty() && !before.contains(id));
        let rows = fresh.map(|id| existing(app, layout, link, target, id));
        for row in rows.collect::<Result<Vec<_>>>()? {
            check_access(app, caller, layout, link, target, &row)?;
        }
    }
    Ok(())
}

/// References are checked backwards: sets first, in the reverse order of the links, then single records.
fn place(layout: &Layout, ix: AttrIx) -> (bool, usize) {
    let attr = &layout.attrs[ix].name;
    let (link, is_set) = match attr.strip_suffix("Ids") {
        Some(link) => (link, true),
        None => (attr.strip_suffix("Id").unwrap_or(attr), false),
    };
    // Links that only a field declares come last.
    let declared = layout.links.get_index_of(link).filter(|at| {
        let field = layout.links[*at].field;
        field != Some(FieldKind::AttachmentMultiple)
    });
    (is_set, declared.map_or(0, |at| at + 1))
}

fn existing(app: &App, layout: &Layout, link: &str, target: &Layout, id: &str) -> Result<Arc<Row>> {
    app.store.table(target.index).live(id).ok_or_else(|| {
        Refusal::forbidden(format!(
            "Can't relate with non-existing record. entity type: {}, link: {link}.",
            layout.name
        ))
        .translated(
            "cannotRelateNonExisting",
            json!({"foreignEntityType": target.name}),
        )
    })
}

fn check_access(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    link: &str,
    target: &Layout,
    row: &Row,
) -> Result<()> {
    // Assignment is checked separately; a post is addressed to its users.
    let is_assignment = match target.name.as_str() {
        "Team" => true,
        "User" => layout.name != "Note" && caller.acl.reaches(target, row),
        _ => false,
    };
    if is_assignment || may_read(app, caller, target, row) {
        return Ok(());
    }
    Err(unreadable(layout, link, target))
}

/// Whether the caller may read a record. The attachments of a readable record are readable as well.
pub(crate) fn may_read(app: &App, caller: &Caller, layout: &Layout, row: &Row) -> bool {
    caller.acl.record(&app.store, layout, row, Action::Read)
        || layout.name == "Attachment"
            && ["parent", "related"].iter().any(|link| {
                let owner = view::key(app, layout, row, link);
                owner.is_some_and(|(owner, id)| {
                    let record = app.store.table(owner.index).live(&id);
                    record.is_some_and(|r| caller.acl.record(&app.store, owner, &r, Action::Read))
                })
            })
}

/// Returns the error for a record that the caller may not read.
fn unreadable(layout: &Layout, link: &str, target: &Layout) -> Refusal {
    Refusal::forbidden(format!(
        "No foreign record access for link operation ({}:{link}).",
        layout.name
    ))
    .translated(
        "cannotRelateForbidden",
        json!({"foreignEntityType": target.name, "action": "read"}),
    )
}

/// The body of a create with its owner: users without permission to assign records own all records that they create.
pub(crate) fn with_owner<'a>(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    body: &'a Map<String, Json>,
) -> Cow<'a, Map<String, Json>> {
    let is_bound = caller.acl.kind == Kind::Regular
        && caller.acl.permission_value("assignmentPermission") == "no"
        && layout.links.contains_key("assignedUser");
    // Since 10.0, the owner of an email is not set.
    if !is_bound || layout.name == "Email" && app.version >= Version::V10_0 {
        return Cow::Borrowed(body);
    }
    let mut body = body.clone();
    body.insert("assignedUserId".to_owned(), json!(caller.user_id()));
    Cow::Owned(body)
}

/// Checks that the caller's assignment permission covers the assigned users and teams.
pub(crate) fn check_assignment(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    input: &Input,
    old: Option<&Row>,
) -> Result<()> {
    check_collaborators(app, caller, layout, input)?;
    let level = caller.acl.permission_value("assignmentPermission");
    if matches!(level.as_str(), "all" | "yes") {
        return Ok(());
    }
    let is_user_link = |link: &str| {
        layout
            .links
            .get(link)
            .and_then(|l| l.target)
            .is_some_and(|t| app.layouts.entities[t].name == "User")
    };
    let within = |user: &str| {
        user == caller.user_id()
            || (level == "team"
                && app
                    .acl(user)
                    .teams
                    .iter()
                    .any(|t| caller.acl.teams.contains(t)))
    };
    let mut allowed = true;
    for (attr, link) in [
        ("assignedUserId", "assignedUser"),
        ("assignedUsersIds", "assignedUsers"),
    ] {
        let Some(ix) = layout.find(attr).filter(|_| is_user_link(link)) else {
            continue;
        };
        let before = old.map(|row| view::value(app, layout, row, ix, caller.user_id()).to_json());
        let now = input
            .get(&ix)
            .or(before.as_ref())
            .cloned()
            .unwrap_or_default();
        if old.is_some() && before.as_ref() == Some(&now) {
            continue;
        }
        allowed &= match &now {
            Json::String(user) if !user.is_empty() => within(user),
            Json::Array(users) if !users.is_empty() => {
                users.iter().filter_map(Json::as_str).all(within)
            }
            // With this level, a record needs no assigned user if it has a team.
            _ if level == "team" => {
                let sent = layout.find("teamsIds").and_then(|ix| input.get(&ix));
                match (sent.and_then(Json::as_array), old) {
                    (Some(teams), _) => !teams.is_empty(),
                    (None, Some(old)) => !view::linked(app, layout, old, "teams").is_empty(),
                    (None, None) => false,
                }
            }
            _ => attr != "assignedUserId" || caller.acl.kind == Kind::Api,
        };
    }
    if let Some(Json::Array(teams)) = layout.find("teamsIds").and_then(|ix| input.get(&ix)) {
        let before: Vec<Id> = old.map_or_else(Vec::new, |row| {
            view::linked(app, layout, row, "teams")
                .iter()
                .map(|t| t.id.clone())
                .collect()
        });
        allowed &= teams.iter().filter_map(Json::as_str).all(|team| {
            before.iter().any(|b| b == team) || caller.acl.teams.iter().any(|t| t == team)
        });
    }
    if allowed {
        Ok(())
    } else {
        Err(Refusal::forbidden(
            "Assignment failure: assigned user or team not allowed.",
        ))
    }
}

/// Checks that collaborators are not API users, except for the caller.
fn check_collaborators(app: &App, caller: &Caller, layout: &Layout, input: &Input) -> Result<()> {
    let sent = layout
        .find("collaboratorsIds")
        .and_then(|ix| input.get(&ix));
    let users = sent.and_then(Json::as_array).into_iter().flatten();
    for user in users.filter_map(Json::as_str) {
        if user != caller.user_id() && app.acl(user).kind == Kind::Api {
            return Err(Refusal::forbidden(
                "Assignment failure: assigned user or team not allowed.",
            ));
        }
    }
    Ok(())
}

fn parent_type<'a>(
    app: &'a App,
    layout: &Layout,
    input: &Input,
    old: Option<&Row>,
    link: &str,
) -> Option<&'a Layout> {
    let attr = format!("{link}Type");
    match layout.find(&attr).and_then(|ix| input.get(&ix)) {
        Some(sent) => app.layouts.find(sent.as_str()?),
        None => app.layouts.find(old?.get(layout.slot(&attr)?).as_str()?),
    }
}
