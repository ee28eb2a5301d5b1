//! Roles, teams, users and settings of an instance, as `espo-sim --users` reads them.

use espo_core::http::Method;
use espo_core::{Client, Error};
use serde_json::{Map, Value, json};

/// Records that a list returns at a time.
const PAGE: usize = 200;

/// Settings that are not pulled, by the start of their names: addresses of the instance and of other servers,
/// restrictions of logins, and values that the simulator computes.
const LEFT_OUT: &[&str] = &[
    "appTimestamp",
    "authIpAddress",
    "cacheTimestamp",
    "ldap",
    "oidc",
    "outboundEmailFrom",
    "siteUrl",
    "smsProvider",
    "smtp",
    "version",
    "webSocket",
];

/// Settings that are not pulled, by the end of their names: credentials, including those of extensions.
const SECRET: &[&str] = &["key", "password", "secret", "token"];

/// Fetches the data that determines access in an instance. Credentials are generated, because the real ones are not
/// read.
pub(crate) async fn ask(client: &Client) -> Result<Value, Error> {
    let mut roles = Vec::new();
    for role in records(client, "Role").await? {
        roles.push(Value::Object(role_of(role)));
    }
    let mut teams = Vec::new();
    for team in records(client, "Team").await? {
        teams.push(pick(&team, &["id", "name", "rolesIds"]));
    }
    let mut users = Vec::new();
    for user in records(client, "User").await? {
        users.extend(user_of(&user));
    }
    Ok(json!({
        "settings": settings(client).await?,
        "roles": roles,
        "teams": teams,
        "users": users,
    }))
}

/// All records of an entity type, each as a read returns it: lists leave out linked records.
async fn records(client: &Client, entity_type: &str) -> Result<Vec<Map<String, Value>>, Error> {
    let mut found = Vec::new();
    loop {
        let list: Value = client
            .request(Method::GET, entity_type)
            .query("select", "id")
            .query("orderBy", "createdAt")
            .query("order", "asc")
            .query("offset", found.len())
            .query("maxSize", PAGE)
            .send_json()
            .await?;
        let rows = list["list"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for id in rows.iter().filter_map(|row| row["id"].as_str()) {
            let path: &[&str] = &[entity_type, id];
            found.push(client.request(Method::GET, path).send_json().await?);
        }
        if rows.len() < PAGE {
            return Ok(found);
        }
    }
}

/// The attributes that have a value.
fn pick(record: &Map<String, Value>, names: &[&str]) -> Value {
    let filled = names.iter().filter_map(|name| {
        let value = record.get(*name).filter(|v| !v.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    });
    Value::Object(filled.collect())
}

/// A role: its rights by scope and field, and its permissions.
fn role_of(role: Map<String, Value>) -> Map<String, Value> {
    // PHP writes an empty object as an array.
    let object = |name: &str| match role.get(name) {
        Some(Value::Object(map)) => Value::Object(map.clone()),
        _ => json!({}),
    };
    let mut out = Map::from_iter([
        ("data".to_owned(), object("data")),
        ("fieldData".to_owned(), object("fieldData")),
    ]);
    out.extend(role.into_iter().filter(|(name, value)| {
        let kept = name == "id" || name == "name" || name.ends_with("Permission");
        kept && !value.is_null()
    }));
    out
}

/// A user who can log in to the API, with generated credentials. The simulator has no portals.
fn user_of(user: &Map<String, Value>) -> Option<Value> {
    let kind = match user.get("type")?.as_str()? {
        "super-admin" => "admin",
        kind @ ("admin" | "regular" | "api") => kind,
        _ => return None,
    };
    let mut out = pick(
        user,
        &[
            "id",
            "userName",
            "firstName",
            "lastName",
            "isActive",
            "rolesIds",
            "teamsIds",
        ],
    );
    out["type"] = json!(kind);
    if kind != "api" {
        out["password"] = json!(secret());
        return Some(out);
    }
    let method = user
        .get("authMethod")
        .and_then(Value::as_str)
        .unwrap_or("ApiKey");
    out["authMethod"] = json!(method);
    out["apiKey"] = json!(secret());
    if method == "Hmac" {
        out["secretKey"] = json!(secret());
    }
    Some(out)
}

/// A random credential in the form of an API key.
fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}

async fn settings(client: &Client) -> Result<Value, Error> {
    let all: Map<String, Value> = client.request(Method::GET, "Settings").send_json().await?;
    let kept = all.into_iter().filter(|(name, _)| is_pulled(name));
    let mut settings = Value::Object(kept.collect());
    let rates: Value = client
        .request(Method::GET, "CurrencyRate")
        .send_json()
        .await?;
    settings["currencyRates"] = rates;
    Ok(settings)
}

fn is_pulled(setting: &str) -> bool {
    let lower = setting.to_ascii_lowercase();
    !LEFT_OUT.iter().any(|start| setting.starts_with(start))
        && !SECRET.iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_pulled;

    #[test]
    fn credentials_and_addresses_in_settings_are_not_pulled() {
        for left_out in [
            "googleMapsApiKey",
            "recaptchaSecretKey",
            "smtpPassword",
            "oidcClientSecret",
            "acmeToken",
            "siteUrl",
            "authIpAddressWhitelist",
        ] {
            assert!(!is_pulled(left_out), "{left_out}");
        }
        for pulled in ["currencyList", "passwordGenerateLength", "tabList"] {
            assert!(is_pulled(pulled), "{pulled}");
        }
    }
}
