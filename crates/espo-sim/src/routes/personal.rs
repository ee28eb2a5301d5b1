//! What belongs to users: preferences, passwords and keys, their marks on e-mails (ESPO-API.md C2, C3, C5).

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::app::App;
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, LinkKind};
use crate::record::{create, links, read, update};
use crate::sim::insert_record;
use crate::store::Row;
use crate::value::Value;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Preferences/:id", preferences),
    Fixed::controller(Method::PUT, "Preferences/:id", put_preferences),
    Fixed::controller(Method::PATCH, "Preferences/:id", put_preferences),
    Fixed::controller(Method::DELETE, "Preferences/:id", reset_preferences),
    Fixed::controller(Method::POST, "User", create_user),
    Fixed::action(Method::POST, "UserSecurity/apiKey/generate", generate_key),
    Fixed::action(Method::PUT, "UserSecurity/password", change_password),
    Fixed::controller(Method::GET, "UserSecurity/:id", security),
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
];

/// A user that the caller may look after: itself, or anybody for administrators.
fn own_user<'a>(call: &Call<'a>, id: &str) -> Result<(&'a Layout, Arc<Row>)> {
    let users = call.app.layout("User")?;
    if !call.caller.acl.is_admin() && id != call.caller.user_id() {
        return Err(Refusal::forbidden_silently());
    }
    let row = call
        .app
        .store
        .table(users.index)
        .live(id)
        .ok_or_else(Refusal::not_found_silently)?;
    Ok((users, row))
}

/// The preferences of a user, made with their defaults when they are first asked for.
fn kept<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    let app = call.app;
    own_user(call, call.params[0])?;
    let layout = app.layout("Preferences")?;
    let table = app.store.table(layout.index);
    if let Some(row) = table.live(call.params[0]) {
        return Ok((layout, row));
    }
    make_default(app, layout, call.params[0])?;
    Ok((
        layout,
        table.live(call.params[0]).ok_or_else(Refusal::internal)?,
    ))
}

fn make_default(app: &App, layout: &Layout, id: &str) -> Result<()> {
    let fields = &app.layouts.entity(layout).fields;
    let mut attributes: Map<String, Json> = fields
        .values()
        .filter_map(|f| Some((f.name.clone(), f.default.clone().filter(|d| !d.is_null())?)))
        .collect();
    attributes.insert("id".to_owned(), json!(id));
    insert_record(app, &layout.name, &attributes).map_err(|_| Refusal::internal())?;
    Ok(())
}

fn preferences(call: &Call) -> Result<Reply> {
    let (layout, row) = kept(call)?;
    Ok(read::record_reply(call.app, call.caller, layout, &row))
}

fn put_preferences(call: &Call) -> Result<Reply> {
    let (layout, row) = kept(call)?;
    let body = call.request.json_body()?;
    let (row, _, _) = update::change(call.app, call.caller, layout, &row, &body, None)?;
    Ok(read::record_reply(call.app, call.caller, layout, &row))
}

fn reset_preferences(call: &Call) -> Result<Reply> {
    kept(call)?;
    make_default(call.app, call.app.layout("Preferences")?, call.params[0])?;
    preferences(call)
}

/// `POST User` takes its content type to the letter (ESPO-API.md C3).
fn create_user(call: &Call) -> Result<Reply> {
    if call.request.header("content-type") != Some("application/json") {
        return Err(Refusal::bad_request("Not supported content type."));
    }
    create::create(
        call.app,
        call.caller,
        call.app.layout("User")?,
        call.request,
    )
}

/// `POST UserSecurity/apiKey/generate {id}`: a new key, and for HMAC users a new secret; the old ones end. Answers the user.
fn generate_key(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    let body = call.request.json_body()?;
    let Some(id) = body.get("id").and_then(Json::as_str) else {
        return Err(Refusal::bad_request("No ID."));
    };
    let (users, row) = own_user(call, id)?;
    let app = call.app;
    let is_api = users
        .slot("type")
        .is_some_and(|s| row.get(s).as_str() == Some("api"));
    if !is_api {
        return Err(Refusal::forbidden_silently());
    }
    let key = app.ids.secret();
    app.auth.change(&row.id, |c| {
        c.api_key = Some(key.clone());
        if c.hmac {
            c.secret_key = Some(app.ids.secret());
        }
    });
    let row = match users.slot("apiKey") {
        Some(slot) => app
            .store
            .table(users.index)
            .update(&row.id, |r| {
                r.values[slot] = Value::text(key);
                true
            })
            .ok_or_else(Refusal::internal)?,
        None => row,
    };
    Ok(read::record_reply(app, call.caller, users, &row))
}

/// `PUT UserSecurity/password {currentPassword, password}`: of the caller.
fn change_password(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(current), Some(new)) = (text("currentPassword"), text("password")) else {
        return Err(Refusal::bad_request("No `currentPassword` or `password`."));
    };
    let id = call.caller.user_id();
    let known = call.app.auth.get(id).and_then(|c| c.password);
    if known.as_deref() != Some(current) {
        return Err(Refusal::forbidden("Wrong password."));
    }
    call.app
        .auth
        .change(id, |c| c.password = Some(new.to_owned()));
    Ok(Reply::bool(true))
}

/// `GET UserSecurity/{id}`: a second factor is not offered here.
fn security(call: &Call) -> Result<Reply> {
    own_user(call, call.params[0])?;
    Ok(call
        .app
        .json(&json!({"auth2FA": false, "auth2FAMethod": null})))
}

/// The relation of e-mails and their users: relation, and its direction from the e-mail.
fn inbox<'a>(call: &Call<'a>) -> Result<(&'a Layout, usize, bool)> {
    let emails = call.app.layout("Email")?;
    match emails.links.get("users").map(|l| l.kind) {
        Some(LinkKind::Many { relation, forward }) => Ok((emails, relation, forward)),
        _ => Err(Refusal::internal()),
    }
}

/// Sets a mark of the caller on e-mails that are in its inbox; others are passed over.
fn mark(call: &Call, column: &str, on: bool) -> Result<Reply> {
    let app = call.app;
    let body = call.request.json_body()?;
    let (_, relation, forward) = inbox(call)?;
    let user = call.caller.user_id();
    let pairs = app.store.relation(relation);
    let all = column == "isRead" && body.get("all") == Some(&Json::Bool(true));
    let ids: Vec<String> = match (
        all,
        body.get("ids").and_then(Json::as_array),
        body.get("id").and_then(Json::as_str),
    ) {
        (true, ..) => pairs
            .of(user, !forward)
            .into_iter()
            .map(|p| p.id.to_string())
            .collect(),
        (_, Some(list), _) => list
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        (_, None, Some(id)) => vec![id.to_owned()],
        (_, None, None) => return Err(Refusal::bad_request("No `id` or `ids`.")),
    };
    let Some(at) = app.layouts.relations[relation]
        .columns
        .iter()
        .position(|c| c.name == column)
    else {
        return Err(Refusal::internal());
    };
    for id in ids {
        let Some(pair) = pairs.of(&id, forward).into_iter().find(|p| p.id == user) else {
            continue;
        };
        let mut columns = if pair.columns.is_empty() {
            links::default_columns(app, relation).to_vec()
        } else {
            pair.columns.to_vec()
        };
        columns[at] = Value::Bool(on);
        pairs.link(&id, forward, user, columns.into());
    }
    Ok(Reply::bool(true))
}

/// `GET Email/inbox/notReadCounts`: folder → number of unread e-mails of the caller.
fn not_read_counts(call: &Call) -> Result<Reply> {
    let app = call.app;
    let (emails, relation, forward) = inbox(call)?;
    let columns = &app.layouts.relations[relation].columns;
    let at = |name: &str| columns.iter().position(|c| c.name == name);
    let (read, trash) = (at("isRead"), at("inTrash"));
    let is = |columns: &[Value], at: Option<usize>| {
        at.and_then(|i| columns.get(i)).is_some_and(Value::is_true)
    };
    let unread = app
        .store
        .relation(relation)
        .of(call.caller.user_id(), !forward)
        .into_iter()
        .filter(|p| {
            app.store.table(emails.index).live(&p.id).is_some()
                && !is(&p.columns, read)
                && !is(&p.columns, trash)
        });
    Ok(app.json(&json!({"inbox": unread.count()})))
}
