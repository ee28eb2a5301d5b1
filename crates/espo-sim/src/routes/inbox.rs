//! Emails in the inbox of a user: marks, folders, unread counts.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::links;
use crate::value::{Id, Value};
use crate::view::email;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "Email/inbox/read", |c| {
        mark(c, "isRead", true)
    }),
    Fixed::action(Method::DELETE, "Email/inbox/read", |c| {
        mark(c, "isRead", false)
    }),
    Fixed::action(Method::POST, "Email/inbox/important", |c| {
        mark(c, "isImportant", true)
    }),
    Fixed::action(Method::DELETE, "Email/inbox/important", |c| {
        mark(c, "isImportant", false)
    }),
    Fixed::action(Method::POST, "Email/inbox/inTrash", |c| {
        mark(c, "inTrash", true)
    }),
    Fixed::action(Method::DELETE, "Email/inbox/inTrash", |c| {
        mark(c, "inTrash", false)
    }),
    Fixed::action(Method::GET, "Email/inbox/notReadCounts", not_read_counts),
    Fixed::action(Method::POST, "Email/inbox/folders/:folder", move_to),
    Fixed::controller(Method::GET, "EmailFolder/action/listAll", all_folders),
    Fixed::action(Method::GET, "Email/insertFieldData", |c| {
        may_write(c)?;
        Ok(c.app.json(&json!({})))
    }),
    Fixed::controller(
        Method::GET,
        "MassEmail/action/smtpAccountDataList",
        |c| match c.caller.acl.level("MassEmail", Action::Create) {
            Level::No => Err(Refusal::forbidden_silently()),
            _ => Ok(c.app.json(&json!([]))),
        },
    ),
    Fixed::action(Method::POST, "Email/sendTest", |c| {
        may_write(c)?;
        match c.request.json_body()?.get("server") {
            None | Some(Json::Null) => Err(Refusal::bad_request("No `server`")),
            Some(_) => Err(Refusal::bad_request("No or bad `port`.")),
        }
    }),
];

/// Returns the layout of emails, their relation to users, and its direction from the email.
fn inbox<'a>(call: &Call<'a>) -> Result<(&'a Layout, usize, bool)> {
    let emails = call.app.layout("Email")?;
    let (relation, forward) = email::users_relation(emails).ok_or_else(Refusal::internal)?;
    Ok((emails, relation, forward))
}

/// Rejects callers who cannot write emails.
fn may_write(call: &Call) -> Result<()> {
    match call.caller.acl.level("Email", Action::Create) {
        Level::No => Err(Refusal::forbidden_silently()),
        _ => Ok(()),
    }
}

/// Returns the IDs in a body.
fn ids_of(body: &Map<String, Json>) -> Result<Vec<String>> {
    let list = body.get("ids").and_then(Json::as_array);
    match (list, body.get("id").and_then(Json::as_str)) {
        (Some(list), _) => {
            let ids = list.iter().filter_map(Json::as_str);
            Ok(ids.map(str::to_owned).collect())
        }
        (None, Some(id)) => Ok(vec![id.to_owned()]),
        (None, None) => Err(Refusal::bad_request("No `ids`.")),
    }
}

/// Sets columns of the caller's pairs with emails; emails that are not in the inbox are ignored.
fn set(call: &Call, ids: &[String], values: &[(&str, Value)]) -> Result<()> {
    let (_, relation, forward) = inbox(call)?;
    let pairs = call.app.store.relation(relation);
    let user = call.caller.user_id();
    let defs = &call.app.layouts.relations[relation].columns;
    for id in ids {
        let Some(pair) = pairs.of(id, forward).into_iter().find(|p| p.id == user) else {
            continue;
        };
        let mut columns = links::columns_of(call.app, relation, &pair);
        for (name, value) in values {
            let at = defs.iter().position(|c| c.name == *name);
            columns[at.ok_or_else(Refusal::internal)?] = value.clone();
        }
        pairs.link(id, forward, user, columns.into());
    }
    Ok(())
}

/// Only emails that exist can be moved.
fn all_exist(call: &Call, ids: &[String]) -> Result<()> {
    let table = call.app.store.table(inbox(call)?.0.index);
    match ids.iter().all(|id| table.live(id).is_some()) {
        true => Ok(()),
        false => Err(Refusal::not_found_silently()),
    }
}

fn mark(call: &Call, column: &str, on: bool) -> Result<Reply> {
    let body = call.request.json_body()?;
    let all = column == "isRead" && body.get("all") == Some(&Json::Bool(true));
    let ids = if all {
        let (_, relation, forward) = inbox(call)?;
        let mine = call.app.store.relation(relation);
        let mine = mine.of(call.caller.user_id(), !forward);
        mine.into_iter().map(|p| p.id.to_string()).collect()
    } else {
        ids_of(&body)?
    };
    if column == "inTrash" {
        all_exist(call, &ids)?;
    }
    set(call, &ids, &[(column, Value::Bool(on))])?;
    Ok(Reply::bool(true))
}

/// `POST Email/inbox/folders/{folder}`: moves emails to `inbox`, `archive`, or a folder of the caller.
fn move_to(call: &Call) -> Result<Reply> {
    let ids = ids_of(&call.request.json_body()?)?;
    let folder = match call.params[0] {
        "inbox" | "archive" | "all" => Value::Null,
        _ if ids.is_empty() => Value::Null,
        id => Value::Text(own_folder(call, id)?),
    };
    let values = [
        ("folderId", folder),
        ("inArchive", Value::Bool(call.params[0] == "archive")),
        ("inTrash", Value::Bool(false)),
    ];
    all_exist(call, &ids)?;
    set(call, &ids, &values)?;
    Ok(Reply::bool(true))
}

/// Returns the ID of a folder, if it is the caller's.
fn own_folder(call: &Call, id: &str) -> Result<Id> {
    let folders = call.app.layout("EmailFolder")?;
    let row = call.app.store.table(folders.index).live(id);
    let row = row.ok_or_else(Refusal::not_found_silently)?;
    let owner = folders.slot("assignedUserId").map(|s| row.get(s));
    if owner.and_then(Value::as_str) != Some(call.caller.user_id()) {
        return Err(Refusal::forbidden_silently());
    }
    Ok(row.id.clone())
}

/// Returns the number of the caller's drafts.
fn drafts(call: &Call, emails: &Layout) -> usize {
    let (Some(status), Some(creator)) = (emails.slot("status"), emails.slot("createdById")) else {
        return 0;
    };
    let rows = call.app.store.table(emails.index).snapshot();
    let mine = rows.iter().filter(|r| {
        !r.deleted
            && r.get(status).as_str() == Some("Draft")
            && r.get(creator).as_str() == Some(call.caller.user_id())
    });
    mine.count()
}

/// Folders that every user has, before and after those of the user.
const FOLDERS: [(&str, &str, bool); 6] = [
    ("inbox", "Inbox", true),
    ("important", "Important", true),
    ("sent", "Sent", true),
    ("archive", "Archive", false),
    ("drafts", "Drafts", false),
    ("trash", "Trash", false),
];

/// `GET EmailFolder/action/listAll`: the folders of every user, and the caller's own in between.
fn all_folders(call: &Call) -> Result<Reply> {
    let item = |id: &str, name: &str| json!({"id": id, "name": name, "deleted": false, "skipNotifications": false});
    let fixed = |first: bool| {
        FOLDERS
            .iter()
            .filter(move |f| f.2 == first)
            .map(|(id, name, _)| item(id, name))
    };
    let mut list: Vec<Json> = fixed(true).collect();
    if let Some(folders) = call.app.layouts.find("EmailFolder")
        && let Some(owner) = folders.slot("assignedUserId")
    {
        let rows = call.app.store.table(folders.index).snapshot();
        let mine = rows
            .iter()
            .filter(|r| !r.deleted && r.get(owner).as_str() == Some(call.caller.user_id()));
        list.extend(mine.map(|r| {
            let name = crate::view::name(call.app, folders, r, "name");
            item(&r.id, name.as_str().unwrap_or_default())
        }));
    }
    list.extend(fixed(false));
    Ok(call.app.json(&json!({"list": list})))
}

/// `GET Email/inbox/notReadCounts`: folder → number of unread emails of the caller.
fn not_read_counts(call: &Call) -> Result<Reply> {
    let app = call.app;
    let (emails, relation, forward) = inbox(call)?;
    let columns = &app.layouts.relations[relation].columns;
    let at = |name: &str| columns.iter().position(|c| c.name == name);
    let (read, trash, archive) = (at("isRead"), at("inTrash"), at("inArchive"));
    let folder = at("folderId");
    let mut counts = Map::from_iter([("inbox".to_owned(), json!(0))]);
    if let Some(folders) = app.layouts.find("EmailFolder")
        && let Some(owner) = folders.slot("assignedUserId")
    {
        let rows = app.store.table(folders.index).snapshot();
        let mine = rows
            .iter()
            .filter(|r| !r.deleted && r.get(owner).as_str() == Some(call.caller.user_id()));
        counts.extend(mine.map(|r| (r.id.to_string(), json!(0))));
    }
    let mine = app.store.relation(relation);
    for pair in mine.of(call.caller.user_id(), !forward) {
        let is = |at: Option<usize>| {
            at.and_then(|i| pair.columns.get(i))
                .is_some_and(Value::is_true)
        };
        if app.store.table(emails.index).live(&pair.id).is_none()
            || is(read)
            || is(trash)
            || is(archive)
        {
            continue;
        }
        let name = folder
            .and_then(|i| pair.columns.get(i))
            .and_then(Value::non_empty)
            .unwrap_or("inbox");
        if let Some(count) = counts.get_mut(name) {
            *count = json!(count.as_u64().unwrap_or(0) + 1);
        }
    }
    counts.insert("drafts".to_owned(), json!(drafts(call, emails)));
    Ok(app.json(&Json::Object(counts)))
}
