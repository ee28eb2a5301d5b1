//! Information about the application: the current user, metadata, settings, currency rates.

use std::borrow::Cow;
use std::sync::LazyLock;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed, logins, permissions, personal, settings};
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Request, Result};
use crate::record::read;
use crate::version::Version;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "", root),
    Fixed::controller(Method::GET, "App/user", user),
    Fixed::controller(Method::GET, "App/appParams", app_params),
    Fixed::controller(Method::GET, "App/about", about),
    Fixed::controller(Method::POST, "Admin/rebuild", admin_true),
    Fixed::controller(Method::POST, "Admin/clearCache", admin_true),
    Fixed::action(Method::POST, "App/destroyAuthToken", destroy_token),
    Fixed::controller(Method::GET, "Metadata", metadata),
    Fixed::controller(Method::GET, "Metadata/action/get", metadata_as_is),
    // The rest of the path is ignored.
    Fixed::controller(Method::GET, "Metadata/:id", metadata),
    Fixed::controller(Method::GET, "I18n", i18n),
    Fixed::action(Method::GET, "CurrencyRate", currency_rates),
    Fixed::action(Method::PUT, "CurrencyRate", put_currency_rates),
    Fixed::controller(Method::GET, "Admin/jobs", jobs),
    Fixed::controller(Method::GET, "Integration/:id", integration),
    Fixed::controller(Method::GET, "ExternalAccount", external_accounts),
];

fn root(call: &Call) -> Result<Reply> {
    Ok(call.app.json(&json!("EspoCRM REST API")))
}

fn about(call: &Call) -> Result<Reply> {
    Ok(call
        .app
        .json(&json!({"text": "EspoCRM", "version": call.app.version.release()})))
}

/// `GET App/appParams`
fn app_params(call: &Call) -> Result<Reply> {
    Ok(call.app.json(&app_params_object(call.app)))
}

/// Names of the system's time zones.
static TIME_ZONES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let names = jiff::tz::db().available();
    names.map(|name| name.to_string()).collect()
});

fn app_params_object(app: &App) -> Json {
    let config = app.config.read();
    let mut params = json!({
        "addressCountryData": {"list": [], "preferredList": []},
        "auth2FARequired": false,
        "currencyRates": config.currency_list.iter().map(|code| (code.clone(), json!(format!("{:.6}", config.rate(code))))).collect::<Map<_, _>>(),
        "extensions": [],
        "isRestrictedMode": false,
        "logoutWait": false,
        "maxUploadSize": 256,
        "passwordChangeForNonAdminDisabled": false,
        "systemUserId": "system",
        "templateEntityTypeList": [],
        "timeZoneList": *TIME_ZONES,
    });
    if app.version >= Version::V10_0 {
        params["meetingServices"] = json!([]);
        params["pipelines"] = json!([]);
    }
    params
}

/// Jobs that can be scheduled.
const JOBS: &[&str] = &[
    "AuthTokenControl",
    "CheckEmailAccounts",
    "CheckInboundEmails",
    "Cleanup",
    "ControlKnowledgeBaseArticleStatus",
    "ProcessMassEmail",
    "ProcessWebhookQueue",
    "SendEmailNotifications",
    "SendEmailReminders",
    "SendScheduledEmails",
    "SubmitPopupReminders",
];

/// `GET Admin/jobs`
fn jobs(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    Ok(call.app.json(&json!(JOBS)))
}

/// `GET Integration/{id}`: none is set up.
fn integration(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    let id = call.params[0];
    Ok(call
        .app
        .json(&json!({"id": id, "deleted": false, "enabled": false})))
}

/// `GET ExternalAccount`: those of integrations that are set up, without a total.
fn external_accounts(call: &Call) -> Result<Reply> {
    if !call.caller.acl.scope("ExternalAccount") {
        return Err(Refusal::forbidden("No access to 'ExternalAccount'."));
    }
    Ok(call.app.json(&json!({"list": []})))
}

/// Maintenance requests of administrators. Nothing is rebuilt, but responses report a rebuild.
fn admin_true(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    call.app.note_rebuild();
    Ok(Reply::bool(true))
}

/// Attributes of a user's record that `GET App/user` does not load.
const NOT_LOADED: &[&str] = &[
    "accountsIds",
    "accountsNames",
    "apiKey",
    "emailAddressData",
    "lastAccess",
    "layoutSetName",
    "phoneNumberData",
    "portalRolesIds",
    "portalRolesNames",
    "portalsIds",
    "portalsNames",
    "rolesIds",
    "rolesNames",
    "workingTimeCalendarName",
];

/// `GET App/user`
fn user(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let layout = app.layout("User")?;
    let row = app
        .store
        .table(layout.index)
        .live(caller.user_id())
        .ok_or_else(Refusal::internal)?;
    let record = read::record_reply(app, caller, layout, &row);
    let mut user: Map<String, Json> = serde_json::from_slice(&record.body).unwrap_or_default();
    let token = caller.login.token.clone();
    // Only administrators see it in the record.
    if let Some(token) = token.as_ref().filter(|_| caller.acl.is_admin()) {
        user.insert("token".to_owned(), Json::from(token.as_str()));
    }
    let address = user.get("emailAddress").filter(|a| !a.is_null());
    let addresses = address.map_or_else(|| json!([]), |a| json!([a]));
    user.insert("emailAddressList".to_owned(), addresses);
    for list in ["userEmailAddressList", "excludeFromReplyEmailAddressList"] {
        user.insert(list.to_owned(), json!([]));
    }
    user.insert("ipAddress".to_owned(), json!("127.0.0.1"));
    for part in NOT_LOADED {
        user.shift_remove(*part);
    }
    let acl = permissions::document(app, &caller.acl);
    let body = json!({
        "token": token,
        "user": user,
        "acl": acl,
        "preferences": personal::own(call),
        "settings": settings::object(app, caller, &app.config.read()),
        "language": "en_US",
        "appParams": app_params_object(app),
    });
    Ok(app.json(&body))
}

/// `POST App/destroyAuthToken`
fn destroy_token(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    let Some(token) = body
        .get("token")
        .and_then(Json::as_str)
        .filter(|t| !t.is_empty())
    else {
        return Err(Refusal::bad_request("No `token`."));
    };
    logins::end(call.app, token);
    Ok(Reply::bool(call.app.auth.destroy_token(token)))
}

/// Returns the metadata without the labels that were pulled with it, which are returned separately, and without the
/// sections that the server hides from all users.
fn raw(app: &App) -> Cow<'_, Json> {
    let mut raw = Cow::Borrowed(&app.layouts.schema.raw);
    for hidden in [LABELS, "selectDefs", "pdfDefs"] {
        if raw.get(hidden).is_some()
            && let Some(sections) = raw.to_mut().as_object_mut()
        {
            sections.shift_remove(hidden);
        }
    }
    raw
}

/// `GET Metadata`: everything for administrators; for other users, only what they may see.
fn metadata(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let raw = &*raw(app);
    let key = call.request.param("key").filter(|k| !k.is_empty());
    if caller.acl.is_admin() {
        return Ok(at_key(app, raw, key));
    }
    let mut tree = raw.clone();
    let closed: Vec<String> = app
        .layouts
        .entities
        .iter()
        .map(|l| &l.name)
        .filter(|name| **name != "Reminder" && !caller.acl.scope(name))
        .cloned()
        .collect();
    if let Some(map) = tree.as_object_mut() {
        for section in ["recordDefs", "authenticationMethods", "formula"] {
            map.remove(section);
        }
        for section in [
            "entityDefs",
            "clientDefs",
            "entityAcl",
            "scopes",
            "logicDefs",
        ] {
            if let Some(Json::Object(entries)) = map.get_mut(section) {
                entries.retain(|name, _| {
                    let settings = section == "entityDefs" && name == "Settings";
                    !settings && !closed.contains(name)
                });
            }
        }
        if let Some(Json::Object(entities)) = map.get_mut("entityDefs") {
            for (name, def) in entities {
                hide_links(caller, name, def, &closed);
            }
        }
    }
    Ok(at_key(app, &tree, key))
}

/// Removes links to entity types that the caller cannot see from a definition, except links with an accessible field.
/// Parents list only the remaining types.
fn hide_links(caller: &Caller, entity: &str, def: &mut Json, closed: &[String]) {
    let open_field = |def: &Json, link: &str| {
        def.get("fields").is_some_and(|f| f.get(link).is_some())
            && caller.acl.may_read_field(entity, link)
    };
    let Some(links) = def.get("links").and_then(Json::as_object) else {
        return;
    };
    let hidden: Vec<String> = links
        .iter()
        .filter(|(name, link)| {
            let target = link.get("entity").and_then(Json::as_str);
            target.is_some_and(|t| closed.iter().any(|c| c == t)) && !open_field(def, name)
        })
        .map(|(name, _)| name.clone())
        .collect();
    let parents: Vec<String> = links
        .iter()
        .filter(|(_, link)| link.get("type").and_then(Json::as_str) == Some("belongsToParent"))
        .map(|(name, _)| name.clone())
        .collect();
    if let Some(links) = def.get_mut("links").and_then(Json::as_object_mut) {
        links.retain(|name, _| !hidden.contains(name));
    }
    for parent in parents {
        if let Some(Json::Array(list)) = def.pointer_mut(&format!("/fields/{parent}/entityList")) {
            list.retain(|e| e.as_str().is_none_or(|e| !closed.iter().any(|c| c == e)));
        }
    }
}

/// `GET Metadata/action/get`: unfiltered, for administrators.
fn metadata_as_is(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    Ok(at_key(
        call.app,
        &raw(call.app),
        call.request.param("key").filter(|k| !k.is_empty()),
    ))
}

/// Returns the part of a tree at a dotted path. If there is none, the body is empty.
fn at_key(app: &App, tree: &Json, key: Option<&str>) -> Reply {
    let found = key.map_or(Some(tree), |k| {
        k.split('.').try_fold(tree, |t, part| t.get(part))
    });
    match found {
        // Text is sent as it is.
        Some(Json::String(text)) => Reply::json(text.clone()),
        Some(v) => app.json(v),
        None => Reply::json(""),
    }
}

/// The key under which a pull stores the labels.
const LABELS: &str = "i18n";

/// Returns labels: those that were pulled with the metadata, or else names from the metadata, because the metadata
/// does not include label files.
fn i18n(call: &Call) -> Result<Reply> {
    Ok(labels(call.app))
}

/// `GET I18n` without a login.
pub(super) fn public_i18n(app: &App, _request: &Request) -> Result<Reply> {
    Ok(app.json(&json!({"Global": {"labels": {"Log in": "Log in"}, "messages": {}}})))
}

fn labels(app: &App) -> Reply {
    if let Some(pulled) = app.layouts.schema.raw.get(LABELS) {
        return app.json(pulled);
    }
    let mut tree = Map::new();
    for entity in app.layouts.schema.entity_types.values() {
        let names = |keys: Vec<&String>| -> Json {
            if keys.is_empty() {
                // PHP writes an empty map as a list.
                return json!([]);
            }
            Json::Object(
                keys.into_iter()
                    .map(|k| (k.clone(), Json::from(words(k))))
                    .collect(),
            )
        };
        tree.insert(
            entity.name.clone(),
            json!({"fields": names(entity.fields.keys().collect()), "links": names(entity.links.keys().collect())}),
        );
    }
    let scopes: Map<String, Json> = app
        .layouts
        .entities
        .iter()
        .map(|l| (l.name.clone(), Json::from(words(&l.name))))
        .collect();
    tree.insert(
        "Global".to_owned(),
        json!({"scopeNames": scopes, "labels": {}, "messages": {}}),
    );
    app.json(&Json::Object(tree))
}

/// `billingAddress` → `Billing Address`
fn words(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if i == 0 {
            out.extend(c.to_uppercase());
        } else {
            if c.is_uppercase() {
                out.push(' ');
            }
            out.push(c);
        }
    }
    out
}

fn may_use_currency(call: &Call, action: Action) -> Result<()> {
    if call.caller.acl.level("Currency", action) == crate::acl::Level::No {
        return Err(Refusal::forbidden_silently());
    }
    Ok(())
}

/// `GET CurrencyRate`
fn currency_rates(call: &Call) -> Result<Reply> {
    may_use_currency(call, Action::Read)?;
    let config = call.app.config.read();
    let rates: Map<String, Json> = config
        .currency_list
        .iter()
        .map(|code| (code.clone(), Json::from(config.rate(code))))
        .collect();
    Ok(call.app.json(&Json::Object(rates)))
}

/// `PUT CurrencyRate`: unknown codes and the base currency are ignored, negative rates are rejected.
fn put_currency_rates(call: &Call) -> Result<Reply> {
    may_use_currency(call, Action::Edit)?;
    let body = call.request.json_body()?;
    let mut config = call.app.config.write();
    for (code, rate) in &body {
        let Some(rate) = rate.as_f64() else { continue };
        if rate < 0.0 {
            return Err(Refusal::bad_request("Bad value."));
        }
        if config.currency_list.contains(code) && *code != config.base_currency {
            config.currency_rates.insert(code.clone(), rate);
        }
    }
    Ok(Reply::bool(true))
}
