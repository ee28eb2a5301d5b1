//! One run: identify the server, run the checks one after another, clean up.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::answer::Stop;
use crate::behaviours::{self, Behaviour};
use crate::ledger::Ledger;
use crate::report::{Difference, Finding, Report, Verdict, Versions};
use crate::test::{Shared, Test, Version};
use crate::users::Users;
use crate::wire::{Raw, Wire};

/// An error that prevents a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Invalid input: an invalid URL, no credentials, or a name that matches no check.
    #[error("{0}")]
    Usage(String),
    /// The server did not respond, or it is not an EspoCRM server.
    #[error("{0}")]
    Unreachable(String),
    /// The server rejected the credentials.
    #[error("{0}")]
    Refused(String),
}

/// A run of the suite against one server.
#[derive(Debug, Clone)]
pub struct Suite {
    url: String,
    users: Users,
    only: Vec<String>,
    may_change_settings: bool,
    observer: Option<Observer>,
}

/// Receives the number of finished checks, the number of all checks, and the check that has just finished.
pub type Observer = fn(usize, usize, &Finding);

impl Suite {
    /// Creates a run of all checks against the site at `url` (with or without `/api/v1`).
    pub fn new(url: impl Into<String>, users: Users) -> Self {
        Suite {
            url: url.into(),
            users,
            only: Vec::new(),
            may_change_settings: false,
            observer: None,
        }
    }

    /// Calls a function after each check, to show the progress of a run, which takes minutes on a real server.
    #[must_use]
    pub fn observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Allows the run to change settings as the administrator where a check needs it: it adds a second currency to the
    /// list of currencies and restores the list at the end. Off by default.
    #[must_use]
    pub fn change_settings(mut self, yes: bool) -> Self {
        self.may_change_settings = yes;
        self
    }

    /// Runs only the checks whose names start with `name`: a topic, a full name or a prefix. Can be called repeatedly.
    #[must_use]
    pub fn only(mut self, name: impl Into<String>) -> Self {
        self.only.push(name.into());
        self
    }

    /// Returns the names of all checks with the versions that they apply to, in the order in which they run.
    pub fn behaviours() -> Vec<(String, Versions)> {
        named(behaviours::all())
    }

    /// Returns the checks selected with [`Suite::only`], in the form of [`Suite::behaviours`].
    ///
    /// # Errors
    /// Returns [`Error::Usage`] if no check has the requested name.
    pub fn selected(&self) -> Result<Vec<(String, Versions)>, Error> {
        self.chosen().map(named)
    }

    /// Runs the checks one after another and deletes the records that they created, even if `stop` completes before the
    /// end. The returned future is not `Send`.
    ///
    /// # Errors
    /// Returns [`Error::Usage`] if the URL is invalid, credentials are missing or no check has the requested name,
    /// [`Error::Unreachable`] if no EspoCRM server responds, and [`Error::Refused`] if it rejects the credentials. After
    /// the first check has started, a failed request counts as a failed check.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Report, Error> {
        let chosen = self.chosen()?;
        let (test, version) = self.meet().await?;
        let mut report = Report {
            schema: 1,
            url: self.url,
            server_version: version,
            marker: test.shared.marker.clone(),
            interrupted: false,
            holds: 0,
            differs: 0,
            skipped: 0,
            left_behind: Vec::new(),
            behaviours: Vec::new(),
        };
        let mut stop = pin!(stop);
        let total = chosen.len();
        for (index, behaviour) in chosen.into_iter().enumerate() {
            let asked = pin!(AssertUnwindSafe(ask(&behaviour, &test)).catch_unwind());
            let verdict = match select(stop.as_mut(), asked).await {
                Either::Left(_) => {
                    report.interrupted = true;
                    break;
                }
                Either::Right((verdict, _)) => verdict.unwrap_or_else(|_| panicked(&behaviour)),
            };
            match verdict {
                Verdict::Holds => report.holds += 1,
                Verdict::Differs(_) => report.differs += 1,
                Verdict::Skipped { .. } => report.skipped += 1,
            }
            let finding = Finding {
                name: behaviour.full_name(),
                versions: behaviour.versions,
                verdict,
            };
            if let Some(observer) = self.observer {
                observer(index + 1, total, &finding);
            }
            report.behaviours.push(finding);
        }
        report.left_behind = Ledger::settle(&test).await;
        report.left_behind.extend(test.restore_settings().await);
        Ok(report)
    }

    fn chosen(&self) -> Result<Vec<Behaviour>, Error> {
        let mut all = behaviours::all();
        if self.only.is_empty() {
            return Ok(all);
        }
        all.retain(|behaviour| {
            self.only
                .iter()
                .any(|name| behaviour.full_name().starts_with(name.as_str()))
        });
        if all.is_empty() {
            return Err(Error::Usage(format!(
                "no check matches `{}`; the topics are {}",
                self.only.join("`, `"),
                behaviours::themes().join(", ")
            )));
        }
        Ok(all)
    }

    /// Reads the server's version, which also shows that it responds and accepts the credentials.
    async fn meet(&self) -> Result<(Test, String), Error> {
        let wire = Wire::new(&self.url)?;
        let Some(login) = self.users.main().cloned() else {
            return Err(Error::Usage(
                "no credentials: set ESPO_API_KEY (with ESPO_SECRET_KEY for an HMAC user) or ESPO_USERNAME and \
                 ESPO_PASSWORD"
                    .to_owned(),
            ));
        };
        let mut headers = HeaderMap::new();
        login.apply(&mut headers, &Method::GET, "App/about");
        let answer = wire
            .send(&Method::GET, "App/about", headers, None)
            .await
            .map_err(|error| Error::Unreachable(format!("cannot reach {}: {error}", self.url)))?;
        let version = version(&self.url, &answer)?;
        let shared = Shared {
            wire,
            users: self.users.clone(),
            version: Version::parse(&version),
            marker: marker(),
            counter: Cell::new(0),
            ledger: Ledger::default(),
            world: RefCell::new(None),
            assignee: RefCell::new(None),
            may_change_settings: self.may_change_settings,
            currencies: RefCell::new(None),
        };
        Ok((
            Test {
                shared: Rc::new(shared),
                login,
            },
            version,
        ))
    }
}

fn named(checks: Vec<Behaviour>) -> Vec<(String, Versions)> {
    let checks = checks.into_iter();
    checks
        .map(|check| (check.full_name(), check.versions))
        .collect()
}

fn version(url: &str, answer: &Raw) -> Result<String, Error> {
    match answer.status.as_u16() {
        401 | 403 => Err(Error::Refused(format!(
            "{url} rejects the credentials (status {}): they are wrong, the user is inactive, or too many logins failed",
            answer.status.as_u16()
        ))),
        200 => serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .and_then(|body| body["version"].as_str().map(str::to_owned))
            .ok_or_else(|| {
                Error::Unreachable(format!(
                    "{url} is not an EspoCRM server: the response of `App/about` has no version"
                ))
            }),
        status => Err(Error::Unreachable(format!(
            "{url} returns status {status} for `App/about`"
        ))),
    }
}

/// A marker from the clock's microseconds, which is unique enough for one site.
fn marker() -> String {
    let now = jiff::Timestamp::now().as_microsecond();
    format!("Conformance {:x}", now & 0xff_ffff_ffff)
}

async fn ask(behaviour: &Behaviour, test: &Test) -> Verdict {
    match behaviour.run(test).await {
        Ok(()) => Verdict::Holds,
        Err(Stop::Differs(how)) => Verdict::Differs(*how),
        Err(Stop::Skipped(why)) => Verdict::Skipped { why },
    }
}

/// A panic in the suite itself must not prevent the cleanup.
fn panicked(behaviour: &Behaviour) -> Verdict {
    Verdict::Differs(Difference {
        request: behaviour.full_name(),
        what: "the suite".to_owned(),
        expected: json!("an outcome"),
        got: json!("a panic in the check itself"),
    })
}
