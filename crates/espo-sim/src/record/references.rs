//! Checks of references in a body: records must exist and be readable, and assignments must be allowed.

use espo_schema::AttributeRole;
use serde_json::{Value as Json, json};

use crate::acl::{Action, Kind};
use crate::app::events::Input;
use crate::app::{App, Caller};
use crate::http::json::php_text;
use crate::http::{Refusal, Result};
use crate::layout::Layout;
use crate::store::Row;
use crate::value::{Id, Value};
use crate::view;

/// Checks that every record that a body newly refers to exists and is readable.
pub(crate) fn check_references(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    input: &Input,
    old: Option<&Row>,
) -> Result<()> {
    for (ix, raw) in input {
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
        for id in ids
            .iter()
            .filter(|id| !id.is_empty() && !before.contains(id))
        {
            check_reference(app, caller, layout, link, target, id)?;
        }
    }
    Ok(())
}

fn check_reference(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    link: &str,
    target: &Layout,
    id: &str,
) -> Result<()> {
    let Some(row) = app.store.table(target.index).live(id) else {
        return Err(Refusal::forbidden(format!(
            "Can't relate with non-existing record. entity type: {}, link: {link}.",
            layout.name
        ))
        .translated(
            "cannotRelateNonExisting",
            json!({"foreignEntityType": target.name}),
        ));
    };
    // Assignment is checked separately; a post is addressed to its users.
    let is_assignment = match target.name.as_str() {
        "Team" => true,
        "User" => layout.name != "Note",
        _ => false,
    };
    if is_assignment || may_read(app, caller, target, &row) {
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
            // Only an API user may leave a record unassigned.
            _ => attr != "assignedUserId" || level != "no" || caller.acl.kind == Kind::Api,
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
