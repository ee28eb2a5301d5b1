//! The users of the suite.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

/// One way to log in.
#[derive(Clone)]
pub enum Login {
    /// `X-Api-Key`.
    ApiKey(SecretString),
    /// `X-Hmac-Authorization`.
    Hmac {
        /// The API key.
        key: SecretString,
        /// The secret key that signs.
        secret: SecretString,
    },
    /// `Espo-Authorization` with user name and password.
    Password {
        /// Login name.
        name: String,
        /// Password or token.
        password: SecretString,
    },
}

/// The users of the suite; checks whose user is missing are skipped.
#[derive(Clone, Default, Debug)]
pub struct Users {
    /// An API user with a plain key and full permissions; most checks use it.
    pub api: Option<Login>,
    /// An API user with a key, a secret key and the same permissions.
    pub hmac: Option<Login>,
    /// An API user with few permissions; the checks read its permissions from the server.
    pub weak: Option<Login>,
    /// An administrator with a password.
    pub admin: Option<Login>,
    /// A regular user with a password and full permissions.
    pub regular: Option<Login>,
}

impl Users {
    /// Returns the users from environment variables: `ESPO_API_KEY` (with `ESPO_SECRET_KEY` for an HMAC user), and
    /// `ESPO_USERNAME` with `ESPO_PASSWORD` for an administrator. Optional: `ESPO_HMAC_API_KEY` with `ESPO_HMAC_SECRET_KEY`
    /// in addition to a plain key, `ESPO_WEAK_API_KEY`, `ESPO_REGULAR_USERNAME` with `ESPO_REGULAR_PASSWORD`.
    ///
    /// `variable` returns the value of an environment variable; empty values count as absent.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Users {
        let secret = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(SecretString::from)
        };
        let password = |name: &str, password: &str| {
            Some(Login::Password {
                name: variable(name).filter(|value| !value.is_empty())?,
                password: secret(password)?,
            })
        };
        let hmac = |key: &str, name: &str| {
            Some(Login::Hmac {
                key: secret(key)?,
                secret: secret(name)?,
            })
        };
        let signed = hmac("ESPO_API_KEY", "ESPO_SECRET_KEY");
        Users {
            api: if signed.is_some() {
                None
            } else {
                secret("ESPO_API_KEY").map(Login::ApiKey)
            },
            hmac: signed.or_else(|| hmac("ESPO_HMAC_API_KEY", "ESPO_HMAC_SECRET_KEY")),
            weak: secret("ESPO_WEAK_API_KEY").map(Login::ApiKey),
            admin: password("ESPO_USERNAME", "ESPO_PASSWORD"),
            regular: password("ESPO_REGULAR_USERNAME", "ESPO_REGULAR_PASSWORD"),
        }
    }

    /// Returns the users of a declaration in the format that `espo-sim` reads and prints: `{"roles": […], "users": [{"type", "userName",
    /// "authMethod", "apiKey", "secretKey", "password", "rolesIds"}…]}`. The first user of each kind is
    /// used; the user with few permissions is the second API user with a plain key.
    pub fn from_declaration(declared: &Value) -> Users {
        let mut users = Users::default();
        let secret = |user: &Value, key: &str| user[key].as_str().map(SecretString::from);
        for user in declared["users"].as_array().map_or(&[][..], Vec::as_slice) {
            let place = match (user["type"].as_str(), user["authMethod"].as_str()) {
                (Some("api"), Some("Hmac")) => &mut users.hmac,
                (Some("api"), _) if users.api.is_none() => &mut users.api,
                (Some("api"), _) => &mut users.weak,
                (Some("admin"), _) => &mut users.admin,
                _ => &mut users.regular,
            };
            if place.is_some() {
                continue;
            }
            *place = match (
                secret(user, "apiKey"),
                secret(user, "secretKey"),
                secret(user, "password"),
            ) {
                (Some(key), Some(secret), _) => Some(Login::Hmac { key, secret }),
                (Some(key), None, _) => Some(Login::ApiKey(key)),
                (None, _, Some(password)) => Some(Login::Password {
                    name: user["userName"].as_str().unwrap_or_default().to_owned(),
                    password,
                }),
                _ => None,
            };
        }
        users
    }

    /// The user of most checks.
    pub(crate) fn main(&self) -> Option<&Login> {
        self.api
            .as_ref()
            .or(self.hmac.as_ref())
            .or(self.regular.as_ref())
            .or(self.admin.as_ref())
    }
}

impl Login {
    /// Sets the authentication header. The signature covers the method and the path after the API's base, without the
    /// query.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, method: &Method, path: &str) {
        let (name, value) = match self {
            Login::ApiKey(key) => ("x-api-key", key.expose_secret().to_owned()),
            Login::Hmac { key, secret } => {
                let mac = hex(&sign(secret, method, path));
                (
                    "x-hmac-authorization",
                    STANDARD.encode(format!("{}:{mac}", key.expose_secret())),
                )
            }
            Login::Password { name, password } => ("espo-authorization", basic(name, password)),
        };
        // Base64 and keys contain only bytes that are valid in a header.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// `base64(user:password)`.
pub(crate) fn basic(name: &str, password: &SecretString) -> String {
    STANDARD.encode(format!("{name}:{}", password.expose_secret()))
}

/// HMAC-SHA-256 of `METHOD /path` with the secret key.
pub(crate) fn sign(secret: &SecretString, method: &Method, path: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_or_else(
        |_| Vec::new(),
        |mac| {
            mac.chain_update(format!("{method} /{path}"))
                .finalize()
                .into_bytes()
                .to_vec()
        },
    )
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Login {
    /// Writes the kind only, without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Login::ApiKey(_) => "ApiKey",
            Login::Hmac { .. } => "Hmac",
            Login::Password { .. } => "Password",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn environment(pairs: &[(&str, &str)]) -> Users {
        Users::from_environment(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn secret_key_selects_hmac_authentication() {
        let users = environment(&[("ESPO_API_KEY", "k"), ("ESPO_SECRET_KEY", "s")]);
        assert!(users.api.is_none() && matches!(users.main(), Some(Login::Hmac { .. })));
        let users = environment(&[("ESPO_API_KEY", "k"), ("ESPO_SECRET_KEY", "")]);
        assert!(users.hmac.is_none() && matches!(users.main(), Some(Login::ApiKey(_))));
        let users = environment(&[
            ("ESPO_API_KEY", "k"),
            ("ESPO_HMAC_API_KEY", "h"),
            ("ESPO_HMAC_SECRET_KEY", "s"),
        ]);
        assert!(matches!(
            (&users.api, &users.hmac),
            (Some(Login::ApiKey(_)), Some(Login::Hmac { .. }))
        ));
    }

    #[test]
    fn user_name_without_password_is_ignored() {
        assert!(environment(&[("ESPO_USERNAME", "admin")]).main().is_none());
    }

    #[test]
    fn second_api_user_of_a_declaration_has_few_rights() {
        let users = Users::from_declaration(&json!({"users": [
            {"type": "admin", "userName": "admin", "password": "p"},
            {"type": "api", "userName": "a", "authMethod": "ApiKey", "apiKey": "1"},
            {"type": "api", "userName": "h", "authMethod": "Hmac", "apiKey": "2", "secretKey": "3"},
            {"type": "api", "userName": "w", "authMethod": "ApiKey", "apiKey": "4"},
        ]}));
        let key = |login: &Option<Login>| match login {
            Some(Login::ApiKey(key)) => key.expose_secret().to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(
            (key(&users.api), key(&users.weak), key(&users.hmac)),
            ("1".into(), "4".into(), "Some(Hmac)".into())
        );
        assert!(users.admin.is_some() && users.regular.is_none());
    }

    #[test]
    fn signature_covers_method_and_path() {
        // `printf 'GET /Account' | openssl dgst -sha256 -hmac secret`
        let mac = hex(&sign(
            &SecretString::from("secret"),
            &Method::GET,
            "Account",
        ));
        assert_eq!(
            mac,
            "3142fcfcbf71e276ac936cd6f23e1a4e7a3c10b2cedf13e72f6addbbb5a864c6"
        );
    }

    #[test]
    fn debug_output_contains_no_secrets() {
        let users = environment(&[
            ("ESPO_API_KEY", "s3cret"),
            ("ESPO_USERNAME", "admin"),
            ("ESPO_PASSWORD", "s3cret"),
        ]);
        assert!(!format!("{users:?}").contains("s3cret"));
    }
}
