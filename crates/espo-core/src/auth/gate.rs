use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::header::{
    BY_TOKEN, ESPO, PasswordHeader, Token, check_key, check_user, cookie_secret, illegal,
};
use super::sign::{Signer, basic};
use super::{Auth, Scheme, Secrets, Session, secret_header};
use crate::error::{Answer, Error, Outcome, Stage, is_foreign};
use crate::response::{Context, Response};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const HMAC: HeaderName = HeaderName::from_static("x-hmac-authorization");
const CODE: HeaderName = HeaderName::from_static("espo-authorization-code");
const CREATE_SECRET: HeaderName = HeaderName::from_static("espo-authorization-create-token-secret");
const ANOTHER_USER: HeaderName = HeaderName::from_static("x-another-user");

/// Adds credentials to requests, and prevents rejected ones from being sent again.
pub(crate) struct Authenticator {
    secrets: Arc<Secrets>,
    presenter: Presenter,
    another_user: Option<HeaderValue>,
    /// Set once a response showed that the credentials are valid.
    proven: AtomicBool,
    refusal: Mutex<Option<Answer>>,
    /// Held by the one request that verifies the credentials, or by a login.
    probe: Arc<AsyncMutex<()>>,
}

enum Presenter {
    None,
    Fixed(HeaderName, HeaderValue),
    /// A password sent with every request, in this header.
    EveryRequest(HeaderName, PasswordHeader),
    Hmac(Box<Signer>),
    Login(Box<Login>),
}

struct Login {
    user: String,
    /// `None` for a token alone, which cannot be renewed.
    password: Mutex<Option<SecretString>>,
    token_secret: bool,
    code: Mutex<Option<SecretString>>,
    token: Mutex<Option<Arc<Token>>>,
}

/// Permission to send one attempt.
pub(crate) struct Pass {
    token: Option<Arc<Token>>,
    /// Kept until the attempt has shown whether the credentials are valid.
    probe: Option<OwnedMutexGuard<()>>,
}

/// The result of [`Authenticator::admit`].
pub(crate) enum Admission {
    Pass(Pass),
    /// A login is needed first; the guard ensures that only one is sent.
    LogIn(OwnedMutexGuard<()>),
}

/// How to handle a 401.
pub(crate) enum Verdict {
    /// The token had expired: try again.
    Again,
    Refused,
}

impl Authenticator {
    pub(crate) fn new(auth: &Auth) -> Result<Self, Error> {
        let secret = |text: &str| secret_header(text).ok_or_else(illegal);
        let presenter = match &auth.scheme {
            Scheme::None => Presenter::None,
            Scheme::ApiKey(key) => {
                check_key("API key", key)?;
                Presenter::Fixed(API_KEY, secret(key.expose_secret())?)
            }
            Scheme::Hmac {
                api_key,
                secret_key,
                raw_digest,
            } => {
                check_key("API key", api_key)?;
                check_key("secret key", secret_key)?;
                Presenter::Hmac(Box::new(Signer::new(
                    api_key.expose_secret(),
                    secret_key.expose_secret(),
                    *raw_digest,
                )))
            }
            Scheme::Bearer(token) => {
                check_key("token", token)?;
                let value = format!("Bearer {}", token.expose_secret());
                Presenter::Fixed(header::AUTHORIZATION, secret(&value)?)
            }
            Scheme::Basic { user, password } => {
                let header = PasswordHeader::new(user, "Basic ", password)?;
                Presenter::EveryRequest(header::AUTHORIZATION, header)
            }
            Scheme::EveryRequest { user, password } => {
                Presenter::EveryRequest(ESPO, PasswordHeader::new(user, "", password)?)
            }
            Scheme::Password {
                user,
                password,
                code,
                token_secret,
                session,
            } => {
                check_user(user)?;
                let token = session.clone().map(Token::new).transpose()?;
                Presenter::Login(Box::new(Login {
                    user: user.clone(),
                    password: Mutex::new(Some(password.clone())),
                    token_secret: *token_secret,
                    code: Mutex::new(code.clone()),
                    token: Mutex::new(token.map(Arc::new)),
                }))
            }
            Scheme::Token(session) => {
                check_user(&session.user)?;
                Presenter::Login(Box::new(Login {
                    user: session.user.clone(),
                    password: Mutex::new(None),
                    token_secret: session.secret.is_some(),
                    code: Mutex::new(None),
                    token: Mutex::new(Some(Arc::new(Token::new(session.clone())?))),
                }))
            }
        };
        let another_user = match &auth.another_user {
            Some(name) => Some(HeaderValue::from_str(name).map_err(|_| {
                Error::build("invalid user name for `acting_as`: not a valid header value")
            })?),
            None => None,
        };
        Ok(Self {
            secrets: Arc::new(Secrets::of(auth)),
            proven: AtomicBool::new(matches!(presenter, Presenter::None)),
            presenter,
            another_user,
            refusal: Mutex::new(None),
            probe: Arc::new(AsyncMutex::new(())),
        })
    }

    /// Waits until the request may be sent with credentials. Fails without sending if they were rejected before.
    pub(crate) async fn admit(
        &self,
        context: &Context,
        limit: Duration,
    ) -> Result<Admission, Error> {
        self.check_refusal(context)?;
        if let Some(pass) = self.open_pass() {
            return Ok(Admission::Pass(pass));
        }
        // Limits the wait: if the server stalls, the requests would otherwise wait for it one after the other.
        let guard = Arc::clone(&self.probe).lock_owned();
        let guard = tokio::time::timeout(limit, guard)
            .await
            .map_err(|_| waited(context, limit))?;
        // The previous holder may have been rejected or may have verified the credentials.
        self.check_refusal(context)?;
        if let Some(pass) = self.open_pass() {
            return Ok(Admission::Pass(pass));
        }
        match &self.presenter {
            Presenter::Login(login) => match lock(&login.token).clone() {
                // A token from an earlier session, which this request verifies.
                Some(token) => Ok(Admission::Pass(Pass {
                    token: Some(token),
                    probe: Some(guard),
                })),
                None => Ok(Admission::LogIn(guard)),
            },
            _ => Ok(Admission::Pass(Pass {
                token: None,
                probe: Some(guard),
            })),
        }
    }

    /// The first of `headers` that [`Authenticator::apply`] would replace.
    pub(crate) fn conflict(&self, headers: &HeaderMap) -> Option<HeaderName> {
        let mut own = match &self.presenter {
            Presenter::None => return None,
            Presenter::Fixed(name, _) => vec![name.clone()],
            Presenter::Hmac(_) => vec![HMAC],
            Presenter::EveryRequest(name, _) => vec![name.clone()],
            Presenter::Login(_) => vec![ESPO, BY_TOKEN],
        };
        if self.another_user.is_some() {
            own.push(ANOTHER_USER);
        }
        own.into_iter().find(|name| headers.contains_key(name))
    }

    fn open_pass(&self) -> Option<Pass> {
        let token = match &self.presenter {
            Presenter::Login(login) => Some(lock(&login.token).clone()?),
            _ => None,
        };
        self.proven
            .load(Ordering::Acquire)
            .then_some(Pass { token, probe: None })
    }

    fn check_refusal(&self, context: &Context) -> Result<(), Error> {
        match &*lock(&self.refusal) {
            None => Ok(()),
            Some(answer) => {
                let mut error = Error::new(
                    Stage::Status,
                    Outcome::NotSent,
                    Some(context.clone()),
                    "request not sent: the server already rejected these credentials; call `forget_refusal` to try them again",
                );
                error.inner_mut().answer = Some(answer.clone());
                Err(error)
            }
        }
    }

    /// Adds the credentials to a request. `path` is what HMAC signs.
    pub(crate) fn apply(&self, pass: &Pass, method: &Method, path: &str, headers: &mut HeaderMap) {
        match &self.presenter {
            Presenter::None => return,
            Presenter::Fixed(name, value) => {
                headers.insert(name.clone(), value.clone());
            }
            Presenter::Hmac(signer) => {
                headers.insert(HMAC, signer.header(method, path));
            }
            Presenter::EveryRequest(name, header) => {
                headers.insert(name.clone(), header.value());
            }
            Presenter::Login(_) => {
                if let Some(token) = &pass.token {
                    token.apply(headers);
                }
            }
        }
        if let Some(name) = &self.another_user {
            headers.insert(ANOTHER_USER, name.clone());
        }
    }

    /// Records a response that does not reject the credentials.
    pub(crate) fn accepted(&self) {
        // Load before storing: all tasks share the flag, and a store would invalidate its cache line each time.
        if !self.proven.load(Ordering::Relaxed) {
            self.proven.store(true, Ordering::Release);
        }
    }

    /// Records a 401.
    pub(crate) fn refused(&self, pass: &Pass, answer: &Answer) -> Verdict {
        // A gateway's 401 does not mean that EspoCRM rejected these credentials.
        if is_foreign(answer) {
            return Verdict::Refused;
        }
        if let (Presenter::Login(login), Some(used)) = (&self.presenter, &pass.token) {
            let mut token = lock(&login.token);
            match &*token {
                // Another request has logged in again in the meantime.
                Some(current) if !Arc::ptr_eq(current, used) => {}
                _ if lock(&login.password).is_some() => *token = None,
                _ => {
                    drop(token);
                    self.latch(answer.clone());
                    return Verdict::Refused;
                }
            }
            return Verdict::Again;
        }
        self.latch(answer.clone());
        Verdict::Refused
    }

    pub(crate) fn latch(&self, answer: Answer) {
        *lock(&self.refusal) = Some(answer);
        self.proven.store(false, Ordering::Release);
    }

    pub(crate) fn forget_refusal(&self) {
        *lock(&self.refusal) = None;
    }

    /// Headers of the login request.
    pub(crate) fn login_headers(&self) -> Result<HeaderMap, Error> {
        let Presenter::Login(login) = &self.presenter else {
            return Err(Error::build("these credentials do not support logging in"));
        };
        let mut headers = HeaderMap::new();
        let password = lock(&login.password).clone();
        let password = password.ok_or_else(|| {
            Error::build("the token was discarded and there is no password to log in with")
        })?;
        let value = basic(&login.user, password.expose_secret());
        headers.insert(ESPO, secret_header(&value).ok_or_else(illegal)?);
        if login.token_secret {
            headers.insert(CREATE_SECRET, HeaderValue::from_static("true"));
        }
        if let Some(code) = &*lock(&login.code) {
            headers.insert(
                CODE,
                secret_header(code.expose_secret()).ok_or_else(illegal)?,
            );
        }
        Ok(headers)
    }

    /// A code is valid for one use, and the server counts it as used once the login was sent.
    pub(crate) fn drop_code(&self) {
        if let Presenter::Login(login) = &self.presenter {
            *lock(&login.code) = None;
        }
    }

    pub(crate) fn set_code(&self, new: SecretString) -> bool {
        match &self.presenter {
            Presenter::Login(login) if lock(&login.password).is_some() => {
                self.secrets.add(new.expose_secret());
                *lock(&login.code) = Some(new);
                true
            }
            _ => false,
        }
    }

    /// Stores the token of a successful login.
    pub(crate) fn logged_in(&self, response: &Response) -> Result<(), Error> {
        #[derive(serde::Deserialize)]
        struct AppUser {
            token: Option<String>,
            user: Option<Inner>,
        }
        #[derive(serde::Deserialize)]
        struct Inner {
            token: Option<String>,
            #[serde(rename = "userName")]
            user_name: Option<String>,
        }
        let Presenter::Login(login) = &self.presenter else {
            return Ok(());
        };
        let answer: AppUser = response.json()?;
        let inner = answer.user;
        let given = answer.token;
        let (nested, name) = match inner {
            Some(inner) => (inner.token, inner.user_name),
            None => (None, None),
        };
        let plain = given.or(nested).ok_or_else(|| {
            Error::decode(
                response,
                crate::error::DecodeFault::new(
                    "the login response contains no token; check that the URL leads to EspoCRM; if the instance issues no tokens, \
                     send the password with `on_every_request`",
                ),
            )
        })?;
        let user = name.unwrap_or_else(|| login.user.clone());
        let secret = cookie_secret(&response.headers);
        let session = Session::new(user, plain, secret.map(SecretString::from));
        self.secrets.add_session(&session);
        let token = Token::new(session)?;
        *lock(&login.token) = Some(Arc::new(token));
        self.accepted();
        Ok(())
    }

    /// The credentials in use.
    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets)
    }

    /// The session in use.
    pub(crate) fn session(&self) -> Option<Session> {
        match &self.presenter {
            Presenter::Login(login) => {
                let token = lock(&login.token);
                token.as_ref().map(|token| token.session.clone())
            }
            _ => None,
        }
    }

    /// Records the new password of the client's own user. The server has ended all of the user's tokens.
    pub(crate) fn password_changed(&self, new: &SecretString) -> Result<(), Error> {
        if self.another_user.is_some() {
            return Ok(());
        }
        match &self.presenter {
            Presenter::Login(login) => {
                self.secrets.add_password(&login.user, new);
                *lock(&login.password) = Some(new.clone());
                *lock(&login.token) = None;
            }
            Presenter::EveryRequest(_, header) => {
                self.secrets.add_password(header.user(), new);
                header.set(new)?;
            }
            Presenter::None | Presenter::Fixed(..) | Presenter::Hmac(_) => {}
        }
        Ok(())
    }

    pub(crate) fn drop_token(&self) {
        if let Presenter::Login(login) = &self.presenter {
            *lock(&login.token) = None;
        }
    }
}

impl Pass {
    /// Releases the waiting requests: the credentials have been tried.
    pub(crate) fn release(&mut self) {
        self.probe = None;
    }
}

fn waited(context: &Context, limit: Duration) -> Error {
    let mut error = Error::new(
        Stage::Connect,
        Outcome::NotSent,
        Some(context.clone()),
        format!("timed out after {limit:?} waiting for another request to verify the credentials"),
    );
    error.inner_mut().timeout = true;
    error
}

/// Whether a response rejects the credentials as such.
pub(crate) fn is_refusal(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED
}

/// The guarded values are always replaced as a whole, so they stay consistent after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
