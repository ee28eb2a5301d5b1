//! Posts in the stream: who may write them, to whom they are addressed, and whom they mention.

use serde_json::{Map, Value as Json, json};

use super::super::hooks::Draft;
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::collate;
use crate::facts;
use crate::http::{Refusal, Result};
use crate::layout::{AttrMap, Layout};
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view;

/// Checks that the caller may post into the stream of the record to which a new note belongs.
pub(super) fn check_access(
    app: &App,
    caller: &Caller,
    notes: &Layout,
    shown: &AttrMap<Value>,
) -> Result<()> {
    let get = |attr: &str| notes.find(attr).and_then(|ix| shown.get(&ix));
    let text = |attr: &str| get(attr).and_then(Value::non_empty);
    let type_ = text("parentType");
    if let (Some(type_), Some(id)) = (type_, text("parentId")) {
        let may_post = app.layouts.find(type_).is_some_and(|parent| {
            let row = app.store.table(parent.index).live(id);
            row.is_some_and(|r| caller.acl.record(&app.store, parent, &r, Action::Stream))
        });
        if !may_post {
            return Err(Refusal::forbidden("No create access."));
        }
    }
    let is_internal = get("isInternal").is_some_and(Value::is_true);
    let allowed = |type_: &str| facts::internal_notes(&app.layouts.schema, type_);
    if app.version >= Version::V10_0 && is_internal && !type_.is_some_and(allowed) {
        return Err(Refusal::forbidden("Internal note is not allowed."));
    }
    Ok(())
}

/// Checks the addressees of a new post, and finds the users that it mentions.
pub(super) fn save(d: &mut Draft) -> Result<()> {
    if d.old.is_none() {
        address(d)?;
    }
    if d.changed("post") {
        let mentions = mentions(d.app, d.caller, d.get("post").as_str().unwrap_or_default());
        d.set(
            "data",
            Value::json(if mentions.is_empty() {
                json!({})
            } else {
                json!({"mentions": mentions})
            }),
        );
    }
    Ok(())
}

fn address(d: &mut Draft) -> Result<()> {
    let target = d.get("targetType");
    let is_sent = |link: &str| {
        let ids = d.layout.find(&format!("{link}Ids"));
        let ids = ids.and_then(|ix| d.input.get(&ix)?.as_array());
        ids.is_some_and(|ids| !ids.is_empty())
    };
    let missing = |what: &str| Err(Refusal::bad_request(format!("No {what}.")));
    match target.as_str() {
        Some("all") if !d.caller.acl.permission("messagePermission") => {
            return Err(Refusal::forbidden(
                "Not permitted to post to anybody except self.",
            ));
        }
        Some("users") if !is_sent("users") => return missing("user IDs"),
        Some("teams") if !is_sent("teams") => return missing("team IDS"),
        Some("portals") if !is_sent("portals") => return missing("portal IDs"),
        Some("self") => {
            if let Some(ix) = d.layout.find("usersIds") {
                d.extra.insert(ix, json!([d.caller.user_id()]));
            }
        }
        _ => {}
    }
    d.set("type", "Post".into());
    d.set("data", Value::json(json!({})));
    // The response contains only the flags that were set.
    for (flag, on) in [
        ("isGlobal", target.as_str() == Some("all")),
        ("isPinned", false),
    ] {
        d.set(flag, Value::Bool(on));
        if let Some(ix) = d.layout.find(flag).filter(|_| !on) {
            d.shown.swap_remove(&ix);
        }
    }
    Ok(())
}

/// Returns the users that a post mentions (`@userName`) and that its author may mention, by spelling.
fn mentions(app: &App, caller: &Caller, post: &str) -> Map<String, Json> {
    let mut found = Map::new();
    let Some(users) = app.layouts.find("User") else {
        return found;
    };
    let slots = ["userName", "isActive"].map(|a| users.slot(a));
    let [Some(name), Some(active)] = slots else {
        return found;
    };
    let permission = caller.acl.permission_value("mentionPermission");
    let allows = |user: &Id| match permission.as_str() {
        "all" | "yes" => true,
        "team" => {
            let teams = &app.acl(user).teams;
            teams.iter().any(|t| caller.acl.teams.contains(t))
        }
        _ => false,
    };
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_' | '-' | '.');
    let words = post.split(|c: char| !is_part(c));
    for word in words.filter_map(|w| w.find('@').map(|at| &w[at..])) {
        let wanted = collate::needle(&word[1..]);
        let rows = app.store.table(users.index).snapshot();
        let user = rows.iter().find(|r| {
            let is_named = r
                .get(name)
                .as_str()
                .is_some_and(|n| collate::equals_folded(n, &wanted));
            !r.deleted && is_named && r.get(active).is_true()
        });
        if let Some(user) = user.filter(|u| !wanted.is_empty() && allows(&u.id)) {
            let mention = json!({
                "id": user.id.as_str(),
                "name": view::name(app, users, user, "name").to_json(),
                "userName": user.get(name).to_json(),
                "_scope": "User",
            });
            found.insert(word.to_owned(), mention);
        }
    }
    found
}

/// Returns the users in the mentions of a note.
fn in_mentions(notes: &Layout, row: &Row) -> Vec<Id> {
    let Some(Value::Json(data)) = notes.slot("data").map(|s| row.get(s)) else {
        return Vec::new();
    };
    let mut users: Vec<Id> = Vec::new();
    for mention in data["mentions"]
        .as_object()
        .into_iter()
        .flat_map(Map::values)
    {
        let id = Id::from(mention["id"].as_str().unwrap_or_default());
        if !users.contains(&id) {
            users.push(id);
        }
    }
    users
}

/// Returns the users who are notified of being mentioned: those who see the record, except the author and users whom the
/// post already mentioned.
pub(crate) fn mentioned(app: &App, caller: &Caller, row: &Row, old: Option<&Row>) -> Vec<Id> {
    let Some(notes) = app.layouts.find("Note") else {
        return Vec::new();
    };
    let before = old.map_or_else(Vec::new, |row| in_mentions(notes, row));
    let parent = view::key(app, notes, row, "parent");
    let parent = parent.and_then(|(p, id)| Some((p, app.store.table(p.index).live(&id)?)));
    let mut users = in_mentions(notes, row);
    users.retain(|user| {
        let acl = app.acl(user);
        *user != *caller.user_id()
            && !before.contains(user)
            && parent
                .as_ref()
                .is_none_or(|(p, r)| acl.record(&app.store, p, r, Action::Stream))
    });
    users
}
