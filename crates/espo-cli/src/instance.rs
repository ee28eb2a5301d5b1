//! The metadata of a live instance.

use espo_core::{Auth, Client, Error};
use serde_json::Value;

use crate::Failure;

/// What an instance says of itself, as far as the credentials may see.
pub(crate) struct Pulled {
    /// What `GET Metadata` answers.
    pub(crate) metadata: Value,
    /// Whether the user is an administrator, who alone sees everything.
    pub(crate) is_complete: bool,
}

/// Asks an instance, with the credentials of the environment.
pub(crate) fn pull(url: &str, with_labels: bool) -> Result<Pulled, Failure> {
    let client = Client::builder(url)
        .auth(auth(|name| std::env::var(name).ok())?)
        .build()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(ask(&client, with_labels))
        .map_err(|error| refused(url, &error))
}

async fn ask(client: &Client, with_labels: bool) -> Result<Pulled, Error> {
    let user = client.app().user().await?;
    let mut metadata = client.app().metadata().await?;
    if with_labels {
        metadata["i18n"] = client.app().i18n(true).await?;
    }
    Ok(Pulled {
        metadata,
        is_complete: user.is_admin(),
    })
}

/// An API key alone, an API key that signs, or a user with a password, whichever is set.
fn auth(variable: impl Fn(&str) -> Option<String>) -> Result<Auth, Failure> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    match (set("ESPO_API_KEY"), set("ESPO_SECRET_KEY"), set("ESPO_USERNAME"), set("ESPO_PASSWORD")) {
        (Some(key), Some(secret), ..) => Ok(Auth::hmac(key, secret)),
        (Some(key), None, ..) => Ok(Auth::api_key(key)),
        (None, _, Some(user), Some(password)) => Ok(Auth::password(user, password)),
        _ => Err(Failure::Input(
            "no credentials: set ESPO_API_KEY (and ESPO_SECRET_KEY for one that signs), or ESPO_USERNAME and ESPO_PASSWORD".to_owned(),
        )),
    }
}

fn refused(url: &str, error: &Error) -> Failure {
    let message = format!("{url}: {error}");
    if error.is_decode() {
        Failure::Input(message)
    } else {
        Failure::Unreachable(message)
    }
}
