//! Settings of the instance.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::app::{App, Caller};
use crate::config::Config;
use crate::http::{Refusal, Reply, Request, Result};

pub(crate) const ROUTES: &[Fixed] = &[
    // The rest of the path is ignored.
    Fixed::controller(Method::GET, "Settings/:id", read),
    Fixed::controller(Method::GET, "Settings", read),
    Fixed::controller(Method::PATCH, "Settings", no_patch),
    Fixed::controller(Method::PUT, "Settings", write),
];

/// Settings that only administrators see, by the start of their names.
const OF_ADMINISTRATORS: &[&str] = &[
    "adminNotifications",
    "authToken",
    "authenticationMethod",
    "cleanupAction",
    "cleanupAudit",
    "cleanupDeleted",
    "cleanupJob",
    "cleanupSubscribers",
    "cronMinInterval",
    "currencyNoJoinMode",
    "customPrefixDisabled",
    "daemon",
    "defaultFileStorage",
    "emailAddressEntityLookupDefaultOrder",
    "emailAutoReply",
    "emailScheduledBatchCount",
    "inboundEmailMaxPortionSize",
    "job",
    "ldap",
    "massEmailMax",
    "maxEmailAccountCount",
    "oidc",
    "outboundEmailFrom",
    "personalEmailMaxPortionSize",
    "phoneNumberEntityLookupDefaultOrder",
    "smsProvider",
    "smtp",
    "starsLimit",
    "streamEmailWithContentEntityTypeList",
];

pub(super) fn object(app: &App, caller: &Caller, config: &Config) -> Map<String, Json> {
    let mut map = config.other.clone();
    if config.fiscal_year_shift != 0 {
        map.insert(
            "fiscalYearShift".to_owned(),
            json!(config.fiscal_year_shift),
        );
    }
    map.extend([
        ("currencyList".to_owned(), json!(config.currency_list)),
        ("defaultCurrency".to_owned(), json!(config.default_currency)),
        ("baseCurrency".to_owned(), json!(config.base_currency)),
        ("currencyRates".to_owned(), json!(config.currency_rates)),
        ("timeZone".to_owned(), json!(config.time_zone)),
        (
            "recordListMaxSizeLimit".to_owned(),
            json!(config.list_max_size),
        ),
        ("version".to_owned(), json!(app.version.release())),
    ]);
    for (name, value) in [
        ("dateFormat", json!("MM/DD/YYYY")),
        ("language", json!("en_US")),
        ("phoneNumberInternational", json!(true)),
        ("timeFormat", json!("HH:mm")),
    ] {
        map.entry(name).or_insert(value);
    }
    if !caller.acl.is_admin() {
        map.retain(|name, _| !OF_ADMINISTRATORS.iter().any(|of| name.starts_with(of)));
    }
    map
}

fn read(call: &Call) -> Result<Reply> {
    Ok(call.app.json(&Json::Object(object(
        call.app,
        call.caller,
        &call.app.config.read(),
    ))))
}

/// `GET Settings` without a login: a few settings.
pub(super) fn public(app: &App, _request: &Request) -> Result<Reply> {
    let config = app.config.read();
    Ok(app.json(&json!({
        "language": "en_US",
        "timeZone": config.time_zone,
        "dateFormat": "DD.MM.YYYY",
        "timeFormat": "HH:mm",
        "weekStart": 0,
        "theme": "Espo",
    })))
}

/// `PUT Settings`, for administrators: settings that affect behaviour take effect, others are only stored.
fn write(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    let body = call.request.json_body()?;
    let mut config = call.app.config.write();
    config.apply(body);
    let reply = call
        .app
        .json(&Json::Object(object(call.app, call.caller, &config)));
    Ok(reply)
}

/// Rejects `PATCH`: settings are changed with `PUT`.
fn no_patch(_call: &Call) -> Result<Reply> {
    Err(Refusal::not_found(
        "Action PATCH 'patch' does not exist in controller 'Settings'.",
    ))
}
