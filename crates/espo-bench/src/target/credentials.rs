//! Users to act as.

use std::path::Path;

use espo_core::Auth;

use crate::error::{Error, Result};
use crate::workload::{CredentialNames, Workload};

/// A user's credentials, which are never printed.
#[derive(Clone)]
pub struct Credentials(pub(crate) Auth);

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credentials {
    /// Creates credentials from any value that [`Auth`] supports.
    #[must_use]
    pub fn new(auth: impl Into<Auth>) -> Self {
        Self(auth.into())
    }

    /// Reads credentials from `ESPO_API_KEY` (with `ESPO_SECRET_KEY` for HMAC), or `ESPO_USERNAME` and `ESPO_PASSWORD`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] if neither pair is set.
    pub fn from_env() -> Result<Self> {
        Self::from_names(&CredentialNames {
            api_key: Some("ESPO_API_KEY".into()),
            secret_key: Some("ESPO_SECRET_KEY".into()),
            username: Some("ESPO_USERNAME".into()),
            password: Some("ESPO_PASSWORD".into()),
        })
        .map_err(|_| Error::usage("no credentials: set ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC), or ESPO_USERNAME and ESPO_PASSWORD"))
    }

    /// Reads users from a CSV file with the columns `api_key` and optionally `secret_key`, or `username` and
    /// `password`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] with the line of a user that is not complete, or if there is no user.
    pub fn from_csv(path: &Path) -> Result<Vec<Self>> {
        let wrong = |what: String| Error::usage(format!("{}: {what}", path.display()));
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(path)
            .map_err(|e| wrong(e.to_string()))?;
        let headers = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
        let mut users = Vec::new();
        for (index, row) in reader.records().enumerate() {
            let row = row.map_err(|e| wrong(e.to_string()))?;
            let get = |name: &str| {
                let column = headers.iter().position(|h| h == name)?;
                row.get(column).filter(|v| !v.is_empty())
            };
            let auth = match (
                get("api_key"),
                get("secret_key"),
                get("username"),
                get("password"),
            ) {
                (Some(key), Some(secret), ..) => Auth::hmac(key, secret).into(),
                (Some(key), None, ..) => Auth::api_key(key),
                (None, _, Some(user), Some(password)) => Auth::password(user, password).into(),
                _ => {
                    return Err(wrong(format!(
                        "user {} has no credentials: expected the columns api_key (and secret_key for HMAC), or username and password",
                        index + 1
                    )));
                }
            };
            users.push(Self(auth));
        }
        if users.is_empty() {
            return Err(wrong("the file has no users".into()));
        }
        Ok(users)
    }

    pub(crate) fn from_names(names: &CredentialNames) -> Result<Self> {
        let get = |name: &Option<String>| {
            let name = name.as_ref()?;
            std::env::var(name).ok().filter(|v| !v.is_empty())
        };
        let auth = match (
            get(&names.api_key),
            get(&names.secret_key),
            get(&names.username),
            get(&names.password),
        ) {
            (Some(key), Some(secret), ..) => Auth::hmac(key, secret).into(),
            (Some(key), None, ..) => Auth::api_key(key),
            (None, _, Some(user), Some(password)) => Auth::password(user, password).into(),
            _ => {
                let named = [&names.api_key, &names.username, &names.password]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect::<Vec<_>>();
                return Err(Error::usage(format!(
                    "no credentials in the environment: {} not set",
                    named.join(", ")
                )));
            }
        };
        Ok(Self(auth))
    }
}

impl Workload {
    /// Reads the credentials of the workload's users from the environment; empty if the workload names none.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] with the name of the variable that is not set.
    pub fn credentials(&self) -> Result<Vec<Credentials>> {
        self.credentials
            .iter()
            .map(Credentials::from_names)
            .collect()
    }
}
