//! The data that a simulator needs to replace an instance: metadata, settings, users with their rights, and records.

use http::{HeaderMap, Method};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::step::As;
use crate::run::Error;
use crate::users::{Login, Users};
use crate::wire::Wire;

/// Number of records per entity type in a read-only comparison.
const RECORDS: usize = 6;

/// The parts of an instance that determine its responses.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The version in the response of `App/about`.
    pub version: String,
    /// The body of `GET Metadata`.
    pub metadata: Value,
    /// The body of `GET Settings`.
    pub settings: Value,
    /// Roles, teams, users and records in the form that `espo-sim --users` reads.
    pub declaration: Value,
}

impl Instance {
    /// Reads metadata, settings and the permissions of the given users from a site. Each user gets a role with the
    /// permissions that `App/user` reports.
    ///
    /// # Errors
    /// Returns [`Error::Usage`] without credentials, [`Error::Unreachable`] if the site does not respond like an
    /// EspoCRM instance, [`Error::Refused`] if it rejects the credentials.
    pub async fn fetch(url: &str, users: &Users) -> Result<Instance, Error> {
        let site = Site {
            wire: Wire::new(url)?,
            url,
        };
        let logins: Vec<(As, &Login)> = As::ALL
            .into_iter()
            .filter_map(|who| Some((who, who.login(users)?)))
            .collect();
        let Some((_, first)) = logins.first() else {
            return Err(Error::Usage(
                "no credentials: set ESPO_API_KEY, or ESPO_USERNAME and ESPO_PASSWORD".to_owned(),
            ));
        };
        let all = users.admin.as_ref().unwrap_or(first);
        let about = site.get(first, "App/about").await?;
        let mut roles = Vec::new();
        let mut declared = Vec::new();
        let mut teams = Map::new();
        for (_, login) in &logins {
            let session = site.get(login, "App/user").await?;
            let (user, role) = declare(login, &session);
            if let Some(names) = session["user"]["teamsNames"].as_object() {
                teams.extend(names.clone());
            }
            roles.extend(role);
            declared.push(user);
        }
        let teams: Vec<Value> = teams
            .into_iter()
            .map(|(id, name)| json!({"id": id, "name": name}))
            .collect();
        Ok(Instance {
            version: about["version"].as_str().unwrap_or_default().to_owned(),
            metadata: site.get(all, "Metadata").await?,
            settings: site.get(all, "Settings").await?,
            declaration: json!({"roles": roles, "teams": teams, "users": declared}),
        })
    }

    /// Adds some records of each entity type to the declaration, for a comparison that only reads.
    ///
    /// # Errors
    /// Returns [`Error::Unreachable`] if the site stops responding. Entity types that the users may not list are left out.
    pub async fn add_records(
        &mut self,
        url: &str,
        users: &Users,
        entity_types: &[&str],
    ) -> Result<(), Error> {
        let site = Site {
            wire: Wire::new(url)?,
            url,
        };
        let Some(login) = users.main() else {
            return Ok(());
        };
        let mut records = Map::new();
        for entity in entity_types {
            let path = format!("{entity}?select=id&maxSize={RECORDS}&orderBy=id");
            let Ok(list) = site.get(login, &path).await else {
                continue;
            };
            let mut found = Vec::new();
            for row in list["list"].as_array().into_iter().flatten() {
                let Some(id) = row["id"].as_str() else {
                    continue;
                };
                if let Ok(record) = site.get(login, &format!("{entity}/{id}")).await {
                    found.push(record);
                }
            }
            if !found.is_empty() {
                records.insert((*entity).to_owned(), Value::Array(found));
            }
        }
        self.declaration["records"] = Value::Object(records);
        Ok(())
    }
}

struct Site<'a> {
    wire: Wire,
    url: &'a str,
}

impl Site<'_> {
    async fn get(&self, login: &Login, target: &str) -> Result<Value, Error> {
        let mut headers = HeaderMap::new();
        let path = target.split('?').next().unwrap_or_default();
        login.apply(&mut headers, &Method::GET, path);
        let response = self
            .wire
            .send(&Method::GET, target, headers, None)
            .await
            .map_err(|error| {
                Error::Unreachable(format!("cannot read {target} from {}: {error}", self.url))
            })?;
        match response.status.as_u16() {
            200 => serde_json::from_slice(&response.body).map_err(|error| {
                Error::Unreachable(format!(
                    "cannot read {target} from {}: the response is not JSON ({error})",
                    self.url
                ))
            }),
            status @ (401 | 403) => Err(Error::Refused(format!(
                "{} rejects the request for {target} with status {status}",
                self.url
            ))),
            status => Err(Error::Unreachable(format!(
                "{} returns status {status} for {target}",
                self.url
            ))),
        }
    }
}

/// A user and its role, from its credentials and `App/user`.
fn declare(login: &Login, session: &Value) -> (Value, Option<Value>) {
    let record = &session["user"];
    let mut user = json!({
        "id": record["id"],
        "type": record["type"],
        "userName": record["userName"],
        "teamsIds": record["teamsIds"].as_array().cloned().unwrap_or_default(),
    });
    for part in ["firstName", "lastName"] {
        if record[part].is_string() {
            user[part] = record[part].clone();
        }
    }
    match login {
        Login::ApiKey(key) => {
            user["authMethod"] = json!("ApiKey");
            user["apiKey"] = json!(key.expose_secret());
        }
        Login::Hmac { key, secret } => {
            user["authMethod"] = json!("Hmac");
            user["apiKey"] = json!(key.expose_secret());
            user["secretKey"] = json!(secret.expose_secret());
        }
        Login::Password { password, .. } => user["password"] = json!(password.expose_secret()),
    }
    if record["type"] == "admin" {
        return (user, None);
    }
    let acl = &session["acl"];
    let id = format!("role-{}", record["id"].as_str().unwrap_or_default());
    let mut role = json!({
        "id": id, "name": format!("Rights of {}", record["userName"].as_str().unwrap_or_default()),
        "data": acl["table"], "fieldData": acl["fieldTable"],
    });
    if !role["fieldData"].is_object() {
        role["fieldData"] = json!({});
    }
    for (key, value) in acl.as_object().into_iter().flatten() {
        if key.ends_with("Permission") {
            role[key] = value.clone();
        }
    }
    user["rolesIds"] = json!([id]);
    (user, Some(role))
}
