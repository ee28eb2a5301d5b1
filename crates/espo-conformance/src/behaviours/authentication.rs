//! Accepted and rejected credentials. Six requests of these checks count as failed logins.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Answer, Outcome, skip};
use crate::test::Test;
use crate::users::{Login, basic, hex, sign};

/// The response to rejected credentials: 401 without reason or body.
fn unauthorized(answer: Answer) -> Outcome<Answer> {
    answer.is(401)?.empty()?.header("x-status-reason", None)
}

/// The key and the secret key of the HMAC user.
fn key_pair(t: &Test) -> Outcome<(String, SecretString)> {
    match t.as_hmac()?.login {
        Login::Hmac { key, secret } => Ok((key.expose_secret().to_owned(), secret)),
        _ => skip("no credentials given for an API user with a secret key"),
    }
}

/// The name and the password of a user with a password.
fn password(t: &Test) -> Outcome<(String, SecretString)> {
    match t.as_person()?.login {
        Login::Password { name, password } => Ok((name, password)),
        _ => skip("no credentials given for a user with a password"),
    }
}

/// A token obtained by a login with a password.
async fn token(t: &Test) -> Outcome<(String, SecretString)> {
    let person = t.as_person()?;
    let user = person.get("App/user").await?.ok()?;
    user.that("/token", "a token", Value::is_string)?;
    Ok((password(t)?.0, SecretString::from(user.text("/token"))))
}

/// A read with the given HMAC header.
async fn signed(t: &Test, target: &str, mac: impl AsRef<[u8]>) -> Outcome<Answer> {
    let mut value = format!("{}:", key_pair(t)?.0).into_bytes();
    value.extend_from_slice(mac.as_ref());
    t.call("GET", target)
        .anonymous()
        .header("x-hmac-authorization", &STANDARD.encode(value))
        .send()
        .await
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = refusals();
    behaviours.extend(api_users());
    behaviours.extend(people());
    behaviours
}

fn refusals() -> Vec<Behaviour> {
    vec![
        check("nobody", async |t| {
            let answer = t.call("GET", "Account").anonymous().send().await?;
            unauthorized(answer)?
                .header("www-authenticate", Some("Basic realm=\"\""))
                .map(drop)
        }),
        check("nobody-from-a-script", async |t| {
            let call = t
                .call("GET", "Account")
                .anonymous()
                .header("x-requested-with", "XMLHttpRequest");
            unauthorized(call.send().await?)?
                .header("www-authenticate", None)
                .map(drop)
        }),
        check("nobody-posts", async |t| {
            let asked = if t.at_least(9, 2) {
                None
            } else {
                Some("Basic realm=\"\"")
            };
            let call = t
                .call("POST", "Account")
                .anonymous()
                .json(&json!({"name": "x"}));
            unauthorized(call.send().await?)?
                .header("www-authenticate", asked)
                .map(drop)
        }),
        check("bearer-is-nobody", async |t| {
            unauthorized(
                t.call("GET", "Account")
                    .anonymous()
                    .header("authorization", "Bearer abc")
                    .send()
                    .await?,
            )
            .map(drop)
        }),
        check("unknown-api-key", async |t| {
            let call = t
                .call("GET", "Account")
                .anonymous()
                .header("x-api-key", &"0".repeat(32));
            unauthorized(call.send().await?)?
                .header("www-authenticate", None)
                .map(drop)
        }),
        check("key-of-a-signing-user", async |t| {
            let (key, _) = key_pair(t)?;
            unauthorized(
                t.call("GET", "Account")
                    .anonymous()
                    .header("x-api-key", &key)
                    .send()
                    .await?,
            )
            .map(drop)
        }),
        check("header-without-colon", async |t| {
            let call = t
                .call("GET", "Account")
                .anonymous()
                .header("espo-authorization", &STANDARD.encode("admin"));
            call.send()
                .await?
                .refused(400, "Auth: Bad authorization string provided.")
        }),
        check("wrong-password", async |t| {
            let value = basic(
                &password(t)?.0,
                &SecretString::from("not the password of any user"),
            );
            unauthorized(
                t.call("GET", "App/user")
                    .anonymous()
                    .header("espo-authorization", &value)
                    .send()
                    .await?,
            )
            .map(drop)
        }),
    ]
}

fn api_users() -> Vec<Behaviour> {
    vec![
        check("api-key", async |t| {
            t.as_api()?
                .get("Account?maxSize=1")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("hmac", async |t| {
            t.as_hmac()?
                .get("Account")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("hmac-does-not-sign-the-query", async |t| {
            t.as_hmac()?
                .get("Account?maxSize=1&select=id")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("hmac-signs-the-method", async |t| {
            let signing = t.as_hmac()?;
            let made = signing
                .create("Account", &t.named("signed", json!({})))
                .await?;
            signing
                .delete(&format!("Account/{}", made.id()))
                .await?
                .yes()
        }),
        check("hmac-signs-the-path-as-sent", async |t| {
            let answer = t.as_hmac()?.get("NoSuch%C5%BB").await?;
            answer.is(404).map(drop)
        }),
        check("hmac-over-another-path", async |t| {
            let (_, secret) = key_pair(t)?;
            unauthorized(signed(t, "Account", hex(&sign(&secret, &Method::GET, "Contact"))).await?)
                .map(drop)
        }),
        check("hmac-digest-in-capitals", async |t| {
            let (_, secret) = key_pair(t)?;
            unauthorized(
                signed(
                    t,
                    "Account",
                    hex(&sign(&secret, &Method::GET, "Account")).to_uppercase(),
                )
                .await?,
            )
            .map(drop)
        }),
        check("hmac-digest-as-bytes", async |t| {
            let (_, secret) = key_pair(t)?;
            signed(
                t,
                "Account?maxSize=1",
                sign(&secret, &Method::GET, "Account"),
            )
            .await?
            .ok()?
            .holds("list")
            .map(drop)
        }),
        check("api-user-gets-no-token", async |t| {
            t.as_api()?
                .get("App/user")
                .await?
                .ok()?
                .unset("/token")?
                .lacks("/user/token")?
                .has("/user/type", "api")
                .map(drop)
        }),
        check("espo-authorization-comes-first", async |t| {
            // The key is valid, but the malformed header takes precedence.
            let api = t.as_api()?;
            let call = api
                .call("GET", "Account")
                .header("espo-authorization", &STANDARD.encode("admin"));
            call.send().await?.is(400).map(drop)
        }),
    ]
}

fn people() -> Vec<Behaviour> {
    vec![
        check("password", async |t| {
            t.as_person()?
                .get("App/user")
                .await?
                .ok()?
                .that("/token", "a token", Value::is_string)
                .map(drop)
        }),
        check("basic-gives-no-token", async |t| {
            let (name, password) = password(t)?;
            let value = format!("Basic {}", basic(&name, &password));
            t.call("GET", "App/user")
                .anonymous()
                .header("authorization", &value)
                .send()
                .await?
                .ok()?
                .unset("/token")?
                .lacks("/user/token")
                .map(drop)
        }),
        check("basic", async |t| {
            let (name, password) = password(t)?;
            let value = format!("Basic {}", basic(&name, &password));
            t.call("GET", "Account?maxSize=1")
                .anonymous()
                .header("authorization", &value)
                .send()
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("token-in-place-of-the-password", async |t| {
            let (name, token) = token(t).await?;
            let call = t.call("GET", "Account?maxSize=1").anonymous();
            call.header("espo-authorization", &basic(&name, &token))
                .send()
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("password-where-a-token-is-due", async |t| {
            let (name, password) = password(t)?;
            let call = t
                .call("GET", "Account?maxSize=1")
                .anonymous()
                .header("espo-authorization", &basic(&name, &password));
            unauthorized(
                call.header("espo-authorization-by-token", "true")
                    .send()
                    .await?,
            )
            .map(drop)
        }),
        check("destroyed-token", async |t| {
            let (name, token) = token(t).await?;
            let header = basic(&name, &token);
            let call = t
                .call("POST", "App/destroyAuthToken")
                .anonymous()
                .header("espo-authorization", &header);
            call.json(&json!({"token": token.expose_secret()}))
                .send()
                .await?
                .yes()?;
            let call = t
                .call("GET", "App/user")
                .anonymous()
                .header("espo-authorization", &header);
            // With this header the failure does not count towards the lockout.
            unauthorized(
                call.header("espo-authorization-by-token", "true")
                    .send()
                    .await?,
            )
            .map(drop)
        }),
        check("token-with-a-secret", async |t| {
            let (name, password) = password(t)?;
            let call = t
                .call("GET", "App/user")
                .anonymous()
                .header("espo-authorization", &basic(&name, &password));
            let answer = call
                .header("espo-authorization-create-token-secret", "true")
                .send()
                .await?
                .is(200)?;
            let cookie = answer.header_text("set-cookie").unwrap_or_default();
            if !cookie.starts_with("auth-token-secret=") {
                return answer
                    .header("set-cookie", Some("auth-token-secret=…; HttpOnly"))
                    .map(drop);
            }
            Ok(())
        }),
    ]
}
