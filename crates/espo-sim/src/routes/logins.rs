//! The records of logins: tokens that passwords create, and the log of accepted and denied logins.

use serde_json::json;

use crate::app::App;
use crate::auth::{self, Login};
use crate::http::{Request, Result};
use crate::record::plain::insert_record;
use crate::store::Row;
use crate::value::{Id, Value};

/// Maximum number of records per entity type, so that a load test with many logins does not fill the memory.
const KEPT: usize = 1_000;

/// Records a login with a password, or a denied login. Logins of API users are recorded when they are denied.
pub(super) fn record(app: &App, request: &Request, login: &Result<Option<Login>>) {
    let (login, method, name) = match login {
        Ok(Some(login)) if login.is_new => (Some(login), "Espo", auth::user_name(request)),
        Err(refusal) if refusal.status == 401 && refusal.reason.is_none() => {
            if request.flag("espo-authorization-by-token") {
                return;
            }
            match auth::user_name(request) {
                Some(name) => (None, "Espo", Some(name)),
                None if request.header("x-api-key").is_some() => (None, "ApiKey", None),
                None => (None, "Hmac", None),
            }
        }
        _ => return,
    };
    let now = app.clock.datetime();
    let user = login.map(|l| l.user_id.as_str());
    let token = login.and_then(|l| {
        add(
            app,
            "AuthToken",
            &json!({
                "token": l.token,
                "userId": user,
                "ipAddress": "127.0.0.1",
                "isActive": true,
                "lastAccess": now,
            }),
        )
    });
    let host = request.header("host").unwrap_or("localhost");
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    add(
        app,
        "AuthLogRecord",
        &json!({
            "username": name,
            "userId": user,
            "authTokenId": token,
            "ipAddress": "127.0.0.1",
            "isDenied": login.is_none(),
            "denialReason": login.is_none().then_some("CREDENTIALS"),
            "authenticationMethod": method,
            "requestMethod": request.method.as_str(),
            "requestTime": app.clock.now().as_millisecond() as f64 / 1000.0,
            "requestUrl": format!("http://{host}/api/v1/{}", request.raw_path),
        }),
    );
}

fn add(app: &App, entity: &str, attributes: &serde_json::Value) -> Option<String> {
    let layout = app.layouts.find(entity)?;
    if app.store.table(layout.index).len() >= KEPT {
        return None;
    }
    insert_record(app, entity, attributes.as_object()?).ok()
}

/// Marks the record of a token as inactive.
pub(super) fn end(app: &App, token: &str) {
    let Some(layout) = app.layouts.find("AuthToken") else {
        return;
    };
    let slots = ["token", "isActive"].map(|a| layout.slot(a));
    let [Some(slot), Some(active)] = slots else {
        return;
    };
    let table = app.store.table(layout.index);
    let is_token = |r: &&std::sync::Arc<Row>| r.get(slot).as_str() == Some(token);
    let id: Option<Id> = table.snapshot().iter().find(is_token).map(|r| r.id.clone());
    if let Some(id) = id {
        table.update(&id, |r| {
            r.values[active] = Value::Bool(false);
            true
        });
    }
}
