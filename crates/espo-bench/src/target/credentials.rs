//! Credentials of the users that requests are sent as.

use std::env::VarError;
use std::path::Path;

use espo_core::Auth;

use crate::error::{Error, Result};
use crate::units::csv_problem;
use crate::workload::{CredentialNames, Workload};

/// A user's credentials, which are never printed.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) auth: Auth,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credentials {
    /// Creates credentials from any value that [`Auth`] supports.
    #[must_use]
    pub fn new(auth: impl Into<Auth>) -> Self {
        Self { auth: auth.into() }
    }

    /// Creates credentials from named values: `api_key`, `secret_key`, `username` and `password`; `None` if the values
    /// are not enough.
    fn from_values(mut get: impl FnMut(&str) -> Option<String>) -> Option<Self> {
        let auth = match (get("api_key"), get("username"), get("password")) {
            (Some(key), ..) => match get("secret_key") {
                Some(secret) => Auth::hmac(key, secret).into(),
                None => Auth::api_key(key),
            },
            (None, Some(user), Some(password)) => Auth::password(user, password).into(),
            _ => return None,
        };
        Some(Self { auth })
    }

    /// Reads credentials from `ESPO_API_KEY` (with `ESPO_SECRET_KEY` for HMAC), or `ESPO_USERNAME` and `ESPO_PASSWORD`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Usage`] if neither pair is set.
    pub fn from_env() -> Result<Self> {
        let user = Self::from_variables(&CredentialNames {
            api_key: Some("ESPO_API_KEY".into()),
            secret_key: Some("ESPO_SECRET_KEY".into()),
            username: Some("ESPO_USERNAME".into()),
            password: Some("ESPO_PASSWORD".into()),
        })?;
        user.ok_or_else(|| Error::usage("no credentials: set ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC), or ESPO_USERNAME and ESPO_PASSWORD"))
    }

    /// Reads users from a CSV file with the columns `api_key` and optionally `secret_key`, or `username` and
    /// `password`.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be read, [`Error::Usage`] with the line of a user that is not complete,
    /// or if there is no user.
    pub fn from_csv(path: &Path) -> Result<Vec<Self>> {
        let wrong = |what: String| Error::usage(format!("{}: {what}", path.display()));
        let file = std::fs::File::open(path).map_err(Error::reading(path))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(file);
        let headers = reader
            .headers()
            .map_err(|e| wrong(csv_problem(&e)))?
            .clone();
        let has = |name: &str| headers.iter().any(|header| header == name);
        if !(has("api_key") || has("username") && has("password")) {
            // The first line may be a key, so it is not shown.
            return Err(wrong(
                "the first line does not name the columns: expected the columns api_key (and secret_key for HMAC), or \
                 username and password, in lower case and separated by commas"
                    .into(),
            ));
        }
        let mut users = Vec::new();
        for (index, row) in reader.records().enumerate() {
            let row = row.map_err(|e| wrong(csv_problem(&e)))?;
            let user = Self::from_values(|name| {
                let column = headers.iter().position(|h| h == name)?;
                let value = row.get(column).filter(|v| !v.is_empty());
                value.map(str::to_owned)
            });
            let user = user.ok_or_else(|| {
                wrong(format!(
                    "user {} has no credentials: expected the columns api_key (and secret_key for HMAC), or username and password",
                    index + 1
                ))
            });
            users.push(user?);
        }
        if users.is_empty() {
            return Err(wrong("the file has no users".into()));
        }
        Ok(users)
    }

    /// Reads credentials from the named variables; `None` if those that are set are not enough.
    fn from_variables(names: &CredentialNames) -> Result<Option<Self>> {
        let mut not_text = None;
        let user = Self::from_values(|name| {
            let variable = match name {
                "api_key" => &names.api_key,
                "secret_key" => &names.secret_key,
                "username" => &names.username,
                _ => &names.password,
            };
            let variable = variable.as_ref()?;
            match std::env::var(variable) {
                Ok(value) => Some(value).filter(|v| !v.is_empty()),
                Err(VarError::NotPresent) => None,
                Err(VarError::NotUnicode(_)) => {
                    not_text = Some(variable.clone());
                    None
                }
            }
        });
        match not_text {
            Some(variable) => Err(Error::usage(format!(
                "invalid value of the environment variable {variable}: expected UTF-8"
            ))),
            None => Ok(user),
        }
    }

    pub(crate) fn from_names(names: &CredentialNames) -> Result<Self> {
        Self::from_variables(names)?.ok_or_else(|| {
            let named = [&names.api_key, &names.username, &names.password];
            let named: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
            Error::usage(format!(
                "no credentials in the environment: {} not set",
                named.join(", ")
            ))
        })
    }
}

impl Workload {
    /// Reads the credentials of the workload's users from the environment; empty if the workload defines no users.
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
