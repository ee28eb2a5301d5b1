//! Authentication: API keys, HMAC, passwords and tokens.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::{Mutex, RwLock};
use serde_json::json;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::clock::Ids;
use crate::collate;
use crate::http::{Refusal, RefusalKind, Request, Result};
use crate::outbox::Outbox;
use crate::value::Id;

/// The credentials of a user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) user_id: Id,
    pub(crate) user_name: String,
    pub(crate) password: Option<String>,
    pub(crate) api_key: Option<String>,
    pub(crate) secret_key: Option<String>,
    pub(crate) hmac: bool,
    pub(crate) active: bool,
    /// Method of the second factor that a login with a password requires.
    pub(crate) second_factor: Option<String>,
    /// Address to which the second-factor code is emailed.
    pub(crate) address: Option<String>,
}

impl Credentials {
    fn has_key(&self, key: &str) -> bool {
        self.api_key.as_deref().is_some_and(|own| equal(own, key))
    }
}

/// Whether the database treats two keys or user names as equal, which ignores case and accents.
fn equal(a: &str, b: &str) -> bool {
    a == b || collate::fold(a) == collate::fold(b)
}

/// A token that replaces a password.
#[derive(Debug, Clone)]
struct Token {
    user_id: Id,
    /// Secret of the cookie that must be sent with the token.
    secret: Option<String>,
}

/// The login of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    pub(crate) user_id: Id,
    /// Token of a login with a password or token; `None` for API users.
    pub(crate) token: Option<String>,
    /// Secret to send to the client in `Set-Cookie`.
    pub(crate) new_secret: Option<String>,
    /// Whether the login created the token.
    pub(crate) is_new: bool,
}

/// Settings and state that a login uses in addition to the credentials.
pub(crate) struct Gate<'a> {
    /// Whether an address is locked out after too many failed logins.
    pub(crate) lockout: bool,
    pub(crate) ids: &'a Ids,
    pub(crate) outbox: &'a Outbox,
}

/// Credentials, tokens and failed attempts.
#[derive(Debug, Default)]
pub(crate) struct Auth {
    users: RwLock<HashMap<Id, Credentials>>,
    tokens: RwLock<HashMap<String, Token>>,
    failures: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
    /// Second-factor codes that were sent and not used yet, by user.
    codes: Mutex<HashMap<Id, String>>,
}

/// Headers of a login by name and password. The other two are for web servers that do not pass on the first.
const BASIC: [&str; 3] = [
    "authorization",
    "espo-cgi-auth",
    "redirect-http-espo-cgi-auth",
];
/// Denied logins are logged, in a column of this many characters.
const MAX_USER_NAME: usize = 100;

/// More denied logins than this from one address in [`PERIOD`] lock it out.
const MAX_FAILURES: usize = 10;
const PERIOD: Duration = Duration::from_secs(60);

impl Auth {
    pub(crate) fn put(&self, user: Credentials) {
        self.users.write().insert(user.user_id.clone(), user);
    }

    pub(crate) fn get(&self, user_id: &str) -> Option<Credentials> {
        self.users.read().get(user_id).cloned()
    }

    /// Changes a user's credentials; creates them if there are none.
    pub(crate) fn change(&self, user_id: &str, change: impl FnOnce(&mut Credentials)) {
        let mut users = self.users.write();
        let user = users.entry(user_id.into()).or_insert_with(|| Credentials {
            user_id: user_id.into(),
            active: true,
            ..Credentials::default()
        });
        change(user);
    }

    fn find(&self, pick: impl Fn(&Credentials) -> bool) -> Option<Credentials> {
        self.users
            .read()
            .values()
            .find(|u| u.active && pick(u))
            .cloned()
    }

    /// Whether a user has a token.
    pub(crate) fn has_token(&self, user_id: &str) -> bool {
        self.tokens.read().values().any(|t| t.user_id == user_id)
    }

    /// Ends all tokens of a user.
    pub(crate) fn end_tokens(&self, user_id: &str) {
        self.tokens
            .write()
            .retain(|_, token| token.user_id != user_id);
    }

    pub(crate) fn destroy_token(&self, token: &str) -> bool {
        self.tokens.write().remove(token).is_some()
    }

    /// Returns the user of a request; `None` without credentials.
    pub(crate) fn login(
        &self,
        gate: &Gate,
        request: &Request,
        peer: IpAddr,
    ) -> Result<Option<Login>> {
        if gate.lockout && self.locked_out(peer) && !request.flag("espo-authorization-by-token") {
            return Err(Refusal::auth(403, None));
        }
        let result = self.attempt(gate, request);
        if gate.lockout
            && matches!(&result, Err(r) if r.status == 401)
            && !request.flag("espo-authorization-by-token")
        {
            self.failures
                .lock()
                .entry(peer)
                .or_default()
                .push_back(Instant::now());
        }
        result
    }

    fn locked_out(&self, peer: IpAddr) -> bool {
        let mut failures = self.failures.lock();
        let Some(times) = failures.get_mut(&peer) else {
            return false;
        };
        while times.front().is_some_and(|t| t.elapsed() > PERIOD) {
            times.pop_front();
        }
        times.len() > MAX_FAILURES
    }

    fn attempt(&self, gate: &Gate, request: &Request) -> Result<Option<Login>> {
        let denied = || Refusal::auth(401, None);
        if let Some(value) = request.header("espo-authorization") {
            let (name, secret) = split_pair(value)?;
            if name.is_empty() {
                return Ok(None);
            }
            return self
                .by_password_or_token(gate, request, &name, &secret, true)
                .map(Some);
        }
        if let Some(key) = request.header("x-api-key") {
            // API keys cannot be used as tokens.
            if request.flag("espo-authorization-by-token") {
                return Err(denied());
            }
            let user = self
                .find(|u| !u.hmac && u.has_key(key))
                .ok_or_else(denied)?;
            return Ok(Some(Login {
                user_id: user.user_id,
                ..Login::default()
            }));
        }
        if let Some(value) = request.header("x-hmac-authorization") {
            return self.by_hmac(request, value).map(Some).ok_or_else(denied);
        }
        if let Some(value) = BASIC.iter().find_map(|name| request.header(name)) {
            let Some(value) = value
                .strip_prefix("Basic ")
                .or_else(|| value.strip_prefix("basic "))
            else {
                return Ok(None);
            };
            // Only the server's own header is rejected as malformed; without a name or a password there is no login.
            let Ok((name, secret)) = split_pair(value.trim()) else {
                return Ok(None);
            };
            if name.is_empty() || secret.is_empty() {
                return Ok(None);
            }
            return self
                .by_password_or_token(gate, request, &name, &secret, false)
                .map(Some);
        }
        if let Some(token) = cookie(request, "auth-token") {
            let user_id = self.token(request, &token).ok_or_else(denied)?;
            return Ok(Some(Login {
                user_id,
                token: Some(token),
                ..Login::default()
            }));
        }
        Ok(None)
    }

    fn token(&self, request: &Request, token: &str) -> Option<Id> {
        let tokens = self.tokens.read();
        let found = tokens.get(token)?;
        if let Some(secret) = &found.secret
            && cookie(request, "auth-token-secret").as_deref() != Some(secret)
        {
            return None;
        }
        Some(found.user_id.clone())
    }

    fn by_password_or_token(
        &self,
        gate: &Gate,
        request: &Request,
        name: &str,
        secret: &str,
        issue: bool,
    ) -> Result<Login> {
        let denied = || {
            let status = if name.chars().count() > MAX_USER_NAME {
                500
            } else {
                401
            };
            Refusal::auth(status, None)
        };
        let user = self
            .find(|u| equal(&u.user_name, name) && u.api_key.is_none())
            .ok_or_else(denied)?;
        if self
            .token(request, secret)
            .is_some_and(|id| id == user.user_id)
        {
            return Ok(Login {
                user_id: user.user_id,
                token: Some(secret.to_owned()),
                ..Login::default()
            });
        }
        let right = user
            .password
            .as_deref()
            .is_some_and(|p| same(p.as_bytes(), secret.as_bytes()));
        if !right || request.flag("espo-authorization-by-token") {
            return Err(denied());
        }
        if let Some(method) = &user.second_factor {
            self.second_step(gate, request, &user, method)?;
        }
        if !issue {
            return Ok(Login {
                user_id: user.user_id,
                ..Login::default()
            });
        }
        // Every login with a password creates a token.
        let token = gate.ids.secret();
        let new_secret = request
            .flag("espo-authorization-create-token-secret")
            .then(|| gate.ids.secret());
        self.tokens.write().insert(
            token.clone(),
            Token {
                user_id: user.user_id.clone(),
                secret: new_secret.clone(),
            },
        );
        Ok(Login {
            user_id: user.user_id,
            token: Some(token),
            new_secret,
            is_new: true,
        })
    }

    /// The password was correct, but a code is required as well. If the request has none, one is emailed.
    fn second_step(
        &self,
        gate: &Gate,
        request: &Request,
        user: &Credentials,
        method: &str,
    ) -> Result<()> {
        if let Some(code) = request.header("espo-authorization-code") {
            let mut codes = self.codes.lock();
            let right = codes
                .get(&user.user_id)
                .is_some_and(|c| same(c.as_bytes(), code.as_bytes()));
            if right {
                codes.remove(&user.user_id);
                return Ok(());
            }
            return Err(Refusal::auth(401, None));
        }
        let code: String = gate.ids.secret().chars().take(6).collect();
        let to = user.address.iter().cloned().collect();
        gate.outbox.send(to, "2FA code", code.clone());
        self.codes.lock().insert(user.user_id.clone(), code);
        Err(Refusal {
            kind: RefusalKind::Application,
            body: Some(json!({
                "status": "second-step-required",
                "message": "enterCodeSentInEmail",
                "view": null,
                "token": null,
                "data": {"method": method},
            })),
            ..Refusal::auth(401, Some("second-step-required".to_owned()))
        })
    }

    fn by_hmac(&self, request: &Request, value: &str) -> Option<Login> {
        let decoded = STANDARD.decode(value.trim()).ok()?;
        let colon = decoded.iter().position(|b| *b == b':')?;
        let key = std::str::from_utf8(&decoded[..colon]).ok()?;
        let sent = &decoded[colon + 1..];
        let user = self.find(|u| u.hmac && u.has_key(key))?;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(user.secret_key.as_deref()?.as_bytes()).ok()?;
        mac.update(format!("{} /{}", request.method, request.raw_path).as_bytes());
        let raw = mac.finalize().into_bytes();
        let hex: String = raw.iter().map(|b| format!("{b:02x}")).collect();
        (same(hex.as_bytes(), sent) || same(&raw, sent)).then_some(Login {
            user_id: user.user_id,
            ..Login::default()
        })
    }
}

/// The user name of a request with a name and a password.
pub(crate) fn user_name(request: &Request) -> Option<String> {
    let own = request.header("espo-authorization");
    let basic = || BASIC.iter().find_map(|name| request.header(name));
    let value = own.or_else(|| basic().and_then(|v| v.get("Basic ".len()..)))?;
    Some(split_pair(value.trim()).ok()?.0)
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Splits base64 of `name:secret`; 400 without a colon or when it is not base64.
fn split_pair(value: &str) -> Result<(String, String)> {
    let bad = || {
        Refusal::auth(
            400,
            Some("Auth: Bad authorization string provided.".to_owned()),
        )
    };
    let decoded = STANDARD.decode(value).map_err(|_| bad())?;
    let text = String::from_utf8_lossy(&decoded);
    let (name, secret) = text.split_once(':').ok_or_else(bad)?;
    Ok((name.trim().to_owned(), secret.trim().to_owned()))
}

fn cookie(request: &Request, name: &str) -> Option<String> {
    request.header("cookie")?.split(';').find_map(|c| {
        let (k, v) = c.trim().split_once('=')?;
        (k == name).then(|| v.to_owned())
    })
}
