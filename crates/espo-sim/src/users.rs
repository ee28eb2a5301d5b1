//! Roles, teams and users, declared in a file or by a program.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::Error;

/// Roles, teams, users and records that a server starts with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Users {
    /// Settings, in the format of `GET Settings`; see [`SimBuilder::settings`](crate::SimBuilder::settings).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Json>,
    /// Roles, with the same content as EspoCRM's entity type `Role`.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Teams.
    #[serde(default)]
    pub teams: Vec<Team>,
    /// Users of every kind.
    pub users: Vec<User>,
    /// Records by entity type, each an object of attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<String, Vec<Map<String, Json>>>,
}

/// A role: the permissions of its users.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// ID.
    pub id: String,
    /// Name.
    pub name: String,
    /// `"all"` (every scope in full) or an object: scope → `false`, `true` or an object of action → level.
    #[serde(default)]
    pub data: Json,
    /// Scope → field → `{"read": "yes" | "no", "edit": "yes" | "no"}`.
    #[serde(default)]
    pub field_data: Map<String, Json>,
    /// `assignmentPermission`, `exportPermission` and the others, by name.
    #[serde(flatten)]
    pub permissions: Map<String, Json>,
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// ID.
    pub id: String,
    /// Name; servers accept teams without one.
    #[serde(default)]
    pub name: String,
    /// Roles that the members have in addition to their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles_ids: Vec<String>,
}

/// A user. `Debug` hides the credentials.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// ID.
    pub id: String,
    /// `admin`, `regular` or `api`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Login name.
    pub user_name: String,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Password of an admin or regular user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// `ApiKey` or `Hmac`, for API users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// Secret key of an Hmac user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<String>,
    /// Roles.
    #[serde(default)]
    pub roles_ids: Vec<String>,
    /// Teams.
    #[serde(default)]
    pub teams_ids: Vec<String>,
    /// Whether the user may log in.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub is_active: bool,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("type_", &self.type_)
            .field("user_name", &self.user_name)
            .field("auth_method", &self.auth_method)
            .field("roles_ids", &self.roles_ids)
            .field("teams_ids", &self.teams_ids)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

/// Hides the value that a message of the parser quotes, because it may be a credential.
fn without_value(message: &str) -> String {
    let quote = if message.starts_with("unknown variant `") {
        '`'
    } else {
        '"'
    };
    let Some((before, rest)) = message.split_once(quote) else {
        return message.to_owned();
    };
    // A value in double quotes may contain such quotes; the list of known variants follows one in backticks.
    let after = match quote {
        '"' => rest.rsplit_once(quote),
        _ => rest.split_once(quote),
    };
    let after = after.map_or("", |(_, after)| after);
    format!("{before}{quote}…{quote}{after}")
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_yes(v: &bool) -> bool {
    *v
}

impl Users {
    /// Reads a file in the format that `espo-sim` prints.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Users`] if the file cannot be read or does not have this format.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Users, Error> {
        let path = path.as_ref();
        let fail = |what: String| Error::Users {
            path: path.display().to_string(),
            what,
        };
        let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let json: Json = match text.trim().is_empty() {
            true => return Err(fail("the file is empty".to_owned())),
            false => serde_json::from_str(text).map_err(|e| fail(format!("invalid JSON: {e}")))?,
        };
        if !json.is_object() {
            let expected =
                "expected an object with `users`, such as a file written by `espo pull --users`";
            return Err(fail(expected.to_owned()));
        }
        let users: Users =
            serde_json::from_value(json).map_err(|e| fail(without_value(&e.to_string())))?;
        if users.users.is_empty() {
            return Err(fail(
                "the file has no users, so no request could log in".to_owned(),
            ));
        }
        users.check_unique().map_err(fail)?;
        Ok(users)
    }

    /// Rejects IDs, user names and API keys that two users share.
    fn check_unique(&self) -> Result<(), String> {
        type Attribute = fn(&User) -> Option<&String>;
        let attributes: [(&str, Attribute); 3] = [
            ("id", |u| Some(&u.id)),
            ("userName", |u| Some(&u.user_name)),
            ("apiKey", |u| u.api_key.as_ref()),
        ];
        for (attribute, get) in attributes {
            let mut seen = HashMap::new();
            for user in &self.users {
                let value = get(user).filter(|v| !v.is_empty());
                if let Some(first) = value.and_then(|v| seen.insert(v, &user.user_name)) {
                    let name = &user.user_name;
                    return Err(format!(
                        "users `{first}` and `{name}` have the same `{attribute}`"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Returns one user of each kind, with sample credentials: `admin` and `regular` with a password, `api-key` and
    /// `api-hmac` with a role for everything, and `api-weak` with a role that allows little.
    #[must_use]
    pub fn sample() -> Users {
        let full = "6500000000000a001";
        let weak = "6500000000000a002";
        let team = "6500000000000b001";
        let level = |v: &str| Json::from(v);
        let user = |id: &str, type_: &str, name: &str| User {
            id: id.to_owned(),
            type_: type_.to_owned(),
            user_name: name.to_owned(),
            last_name: Some(name.to_owned()),
            is_active: true,
            ..User::default()
        };
        Users {
            settings: Map::new(),
            roles: vec![
                Role {
                    id: full.to_owned(),
                    name: "Everything".to_owned(),
                    data: json!("all"),
                    permissions: Map::from_iter([
                        ("assignmentPermission".to_owned(), level("all")),
                        ("userPermission".to_owned(), level("all")),
                        ("messagePermission".to_owned(), level("all")),
                        ("exportPermission".to_owned(), level("yes")),
                        ("massUpdatePermission".to_owned(), level("yes")),
                        ("followerManagementPermission".to_owned(), level("all")),
                        ("auditPermission".to_owned(), level("yes")),
                        ("mentionPermission".to_owned(), level("all")),
                    ]),
                    ..Role::default()
                },
                Role {
                    id: weak.to_owned(),
                    name: "Read accounts, own opportunities".to_owned(),
                    data: json!({
                        "Account": {"create": "no", "read": "all", "edit": "no", "delete": "no", "stream": "no"},
                        "Contact": false,
                        "Opportunity": {"create": "yes", "read": "own", "edit": "own", "delete": "no", "stream": "no"},
                    }),
                    field_data: Map::from_iter([(
                        "Account".to_owned(),
                        json!({"website": {"read": "no", "edit": "no"}}),
                    )]),
                    permissions: Map::from_iter([
                        ("exportPermission".to_owned(), level("no")),
                        ("massUpdatePermission".to_owned(), level("no")),
                    ]),
                },
            ],
            teams: vec![Team {
                id: team.to_owned(),
                name: "Sample".to_owned(),
                roles_ids: Vec::new(),
            }],
            users: vec![
                User {
                    password: Some("admin-password".to_owned()),
                    ..user("6500000000000c001", "admin", "admin")
                },
                User {
                    password: Some("regular-password".to_owned()),
                    first_name: Some("Rae".to_owned()),
                    roles_ids: vec![full.to_owned()],
                    teams_ids: vec![team.to_owned()],
                    ..user("6500000000000c002", "regular", "regular")
                },
                User {
                    auth_method: Some("ApiKey".to_owned()),
                    api_key: Some("11111111111111111111111111111111".to_owned()),
                    roles_ids: vec![full.to_owned()],
                    teams_ids: vec![team.to_owned()],
                    ..user("6500000000000c003", "api", "api-key")
                },
                User {
                    auth_method: Some("Hmac".to_owned()),
                    api_key: Some("22222222222222222222222222222222".to_owned()),
                    secret_key: Some("33333333333333333333333333333333".to_owned()),
                    roles_ids: vec![full.to_owned()],
                    teams_ids: vec![team.to_owned()],
                    ..user("6500000000000c004", "api", "api-hmac")
                },
                User {
                    auth_method: Some("ApiKey".to_owned()),
                    api_key: Some("44444444444444444444444444444444".to_owned()),
                    roles_ids: vec![weak.to_owned()],
                    ..user("6500000000000c005", "api", "api-weak")
                },
            ],
            records: BTreeMap::new(),
        }
    }

    /// Returns the first user that `pick` accepts.
    #[must_use]
    pub fn find(&self, pick: impl Fn(&User) -> bool) -> Option<&User> {
        self.users.iter().find(|u| pick(u))
    }

    /// Returns the first active user in the file with an API key (not HMAC).
    #[must_use]
    pub fn api_key_user(&self) -> Option<&User> {
        self.find(|u| u.is_active && u.type_ == "api" && u.auth_method.as_deref() == Some("ApiKey"))
    }

    /// Returns an active user with an API key and a secret key.
    #[must_use]
    pub fn hmac_user(&self) -> Option<&User> {
        self.find(|u| u.is_active && u.type_ == "api" && u.auth_method.as_deref() == Some("Hmac"))
    }

    /// Returns an active administrator with a password.
    #[must_use]
    pub fn admin(&self) -> Option<&User> {
        self.find(|u| u.is_active && u.type_ == "admin" && u.password.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_users_hides_their_credentials() {
        let users = Users::sample();
        let text = format!("{users:?} {users:#?}");
        assert!(text.contains("api-hmac"), "{text}");
        let mut secrets = 0;
        for user in &users.users {
            for secret in [&user.password, &user.api_key, &user.secret_key]
                .into_iter()
                .flatten()
            {
                assert!(!text.contains(secret), "{secret}");
                secrets += 1;
            }
        }
        assert!(secrets >= 4);
    }
}
