//! Passwords, keys and second factors.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::personal::own_user;
use super::{Call, Fixed};
use crate::app::App;
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::Layout;
use crate::record::plain::insert_record;
use crate::record::read;
use crate::store::Row;
use crate::value::Value;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "UserSecurity/apiKey/generate", generate_key),
    Fixed::action(Method::PUT, "UserSecurity/password", change_password),
    Fixed::action(
        Method::POST,
        "UserSecurity/password/generate",
        generate_password,
    ),
    Fixed::action(
        Method::POST,
        "UserSecurity/password/recovery",
        recover_password,
    ),
    Fixed::controller(Method::GET, "UserSecurity/:id", security),
    Fixed::controller(Method::PUT, "UserSecurity/:id", put_security),
    Fixed::action(Method::POST, "User/passwordChangeRequest", |c| {
        forgotten(c.app, c.request)
    }),
    Fixed::controller(Method::POST, "User/changePasswordByRequest", |c| {
        change_by_request(c.app, c.request)
    }),
];

/// Returns the user with the body's `id`, for administrators.
fn named_user<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    call.caller.require_admin()?;
    let body = call.request.json_body()?;
    match body.get("id").and_then(Json::as_str) {
        Some(id) => own_user(call, id),
        None => Err(Refusal::bad_request("No ID.")),
    }
}

fn is_api(users: &Layout, row: &Row) -> bool {
    users
        .slot("type")
        .is_some_and(|s| row.get(s).as_str() == Some("api"))
}

/// `POST UserSecurity/apiKey/generate {id}`: a new key, and for HMAC users a new secret; the old ones become invalid. Returns the user.
fn generate_key(call: &Call) -> Result<Reply> {
    let (users, row) = named_user(call)?;
    let app = call.app;
    if !is_api(users, &row) {
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

/// Returns the user in the body, who must log in with a password, with the user's email address.
fn password_user<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>, Vec<String>)> {
    let (users, row) = named_user(call)?;
    if is_api(users, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let address = address(users, &row);
    Ok((users, row, vec![address]))
}

/// Returns the recipient of emails to a user: the address, or the name if the user was declared without an address.
fn address(users: &Layout, row: &Row) -> String {
    ["emailAddress", "userName"]
        .iter()
        .find_map(|a| users.slot(a).and_then(|s| row.get(s).non_empty()))
        .unwrap_or(&row.id)
        .to_owned()
}

/// `POST UserSecurity/password/generate {id}`: a new password, which is emailed to the user.
fn generate_password(call: &Call) -> Result<Reply> {
    let (_, row, to) = password_user(call)?;
    let password = call.app.ids.secret();
    call.app
        .auth
        .change(&row.id, |c| c.password = Some(password.clone()));
    call.app.auth.end_tokens(&row.id);
    let outbox = &call.app.outbox;
    outbox.send(to, "Access credentials", password);
    Ok(Reply::bool(true))
}

/// `POST UserSecurity/password/recovery {id}`: emails the user the ID of a request with which to set a new password.
fn recover_password(call: &Call) -> Result<Reply> {
    let (_, row, to) = password_user(call)?;
    send_request(call.app, &row, to)
}

/// `POST User/passwordChangeRequest {userName, emailAddress}`, without a login: as a recovery, for a user who forgot
/// the password.
pub(super) fn forgotten(app: &App, request: &Request) -> Result<Reply> {
    let body = request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(name), Some(mail)) = (text("userName"), text("emailAddress")) else {
        return Err(Refusal::bad_request(""));
    };
    let users = app.layout("User")?;
    let has = |row: &Row, attr: &str, value: &str| {
        let known = users.slot(attr).and_then(|s| row.get(s).as_str());
        known.is_some_and(|known| known.eq_ignore_ascii_case(value))
    };
    let rows = app.store.table(users.index).snapshot();
    let row = rows
        .iter()
        .find(|r| !r.deleted && has(r, "userName", name) && has(r, "emailAddress", mail));
    let row = row.ok_or_else(Refusal::not_found_silently)?;
    send_request(app, row, vec![mail.to_owned()])
}

/// Mails the ID of a request by which a user sets a new password.
fn send_request(app: &App, row: &Row, to: Vec<String>) -> Result<Reply> {
    let request = app.ids.secret();
    let attributes = Map::from_iter([
        ("userId".to_owned(), json!(row.id.as_str())),
        ("requestId".to_owned(), json!(request)),
    ]);
    insert_record(app, "PasswordChangeRequest", &attributes).map_err(|_| Refusal::internal())?;
    app.outbox.send(to, "Password change request", request);
    Ok(Reply::bool(true))
}

/// `POST User/changePasswordByRequest {requestId, password}`, without a login. A request is valid once.
pub(super) fn change_by_request(app: &App, request: &Request) -> Result<Reply> {
    let body = request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(request), Some(password)) = (text("requestId"), text("password")) else {
        return Err(Refusal::bad_request("No `requestId` or `password`."));
    };
    let layout = app.layout("PasswordChangeRequest")?;
    let (Some(id), Some(user)) = (layout.slot("requestId"), layout.slot("userId")) else {
        return Err(Refusal::internal());
    };
    let table = app.store.table(layout.index);
    let rows = table.snapshot();
    let found = rows
        .iter()
        .find(|r| !r.deleted && r.get(id).as_str() == Some(request))
        .ok_or_else(Refusal::not_found_silently)?;
    let user = found.get(user).as_str().ok_or_else(Refusal::internal)?;
    app.auth
        .change(user, |c| c.password = Some(password.to_owned()));
    app.auth.end_tokens(user);
    table.erase(&found.id);
    Ok(app.json(&json!({"url": null})))
}

/// `PUT UserSecurity/password {currentPassword, password}`: changes the caller's password.
fn change_password(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(current), Some(new)) = (text("currentPassword"), text("password")) else {
        return Err(Refusal::bad_request("No `password` or `currentPassword`."));
    };
    let id = call.caller.user_id();
    let known = call.app.auth.get(id).and_then(|c| c.password);
    if known.as_deref() != Some(current) {
        return Err(Refusal::forbidden("Wrong password."));
    }
    call.app
        .auth
        .change(id, |c| c.password = Some(new.to_owned()));
    call.app.auth.end_tokens(id);
    Ok(Reply::bool(true))
}

/// `GET UserSecurity/{id}`
fn security(call: &Call) -> Result<Reply> {
    let (_, row) = own_user(call, call.params[0])?;
    let method = call.app.auth.get(&row.id).and_then(|c| c.second_factor);
    Ok(call
        .app
        .json(&json!({"auth2FA": method.is_some(), "auth2FAMethod": method})))
}

/// `PUT UserSecurity/{id} {auth2FA, auth2FAMethod}`: supports the methods that the settings list.
fn put_security(call: &Call) -> Result<Reply> {
    let (users, row) = own_user(call, call.params[0])?;
    if is_api(users, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let body = call.request.json_body()?;
    match body.get("auth2FA") {
        None => {}
        Some(Json::Bool(false)) => call.app.auth.change(&row.id, |c| c.second_factor = None),
        Some(Json::Bool(true)) => {
            let Some(method) = body.get("auth2FAMethod").and_then(Json::as_str) else {
                return Err(Refusal::bad_request("No `auth2FAMethod`."));
            };
            if !offered(call.app, method) {
                return Err(Refusal::forbidden("Not allowed 2FA method."));
            }
            let address = address(users, &row);
            call.app.auth.change(&row.id, |c| {
                c.second_factor = Some(method.to_owned());
                c.address = Some(address);
            });
        }
        Some(_) => return Err(Refusal::bad_request("Bad `auth2FA`.")),
    }
    security(call)
}

/// Whether the settings allow a second factor. Only codes by email are supported; they appear in the outbox.
fn offered(app: &App, method: &str) -> bool {
    let config = app.config.read();
    let listed = config.other.get("auth2FAMethodList");
    config.other.get("auth2FA") == Some(&Json::Bool(true))
        && method == "Email"
        && listed
            .and_then(Json::as_array)
            .is_some_and(|l| l.iter().any(|m| m == method))
}
