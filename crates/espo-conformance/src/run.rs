//! One run: find out whom we speak to, ask behaviour after behaviour, clean up.

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

/// The reason why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Invalid input: an invalid URL, missing credentials, an unknown check name.
    #[error("{0}")]
    Usage(String),
    /// The server did not respond, or is not EspoCRM.
    #[error("{0}")]
    Unreachable(String),
    /// The server refused the credentials.
    #[error("{0}")]
    Refused(String),
}

/// The suite against one server.
#[derive(Debug, Clone)]
pub struct Suite {
    url: String,
    users: Users,
    only: Vec<String>,
    may_change_settings: bool,
}

impl Suite {
    /// A run of every behaviour against the site at `url` (with or without `/api/v1`).
    pub fn new(url: impl Into<String>, users: Users) -> Self {
        Suite {
            url: url.into(),
            users,
            only: Vec::new(),
            may_change_settings: false,
        }
    }

    /// Lets the run change settings, as the administrator, where a behaviour needs it: it lists a second currency, and
    /// lists the former ones again at the end. Off by default.
    #[must_use]
    pub fn change_settings(mut self, yes: bool) -> Self {
        self.may_change_settings = yes;
        self
    }

    /// Only behaviours of this theme or with this name, or whose name starts so; may be repeated.
    #[must_use]
    pub fn only(mut self, name: impl Into<String>) -> Self {
        self.only.push(name.into());
        self
    }

    /// Names of all behaviours with the versions that have them, in the order in which they run.
    pub fn behaviours() -> Vec<(String, Versions)> {
        behaviours::all()
            .into_iter()
            .map(|behaviour| (behaviour.full_name(), behaviour.versions))
            .collect()
    }

    /// Runs the behaviours one after another and removes what they made, also when `stop` completes before the end.
    /// Its future stays on one thread.
    ///
    /// # Errors
    /// Before the first check: [`Error::Usage`] without a URL, credentials or a check with that name,
    /// [`Error::Unreachable`] if no EspoCRM responds, [`Error::Refused`] if it rejects the credentials. Afterwards a
    /// failed request counts as a difference.
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
        for behaviour in chosen {
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
            report.behaviours.push(Finding {
                name: behaviour.full_name(),
                versions: behaviour.versions,
                verdict,
            });
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
                "no behaviour is called `{}`; the themes are {}",
                self.only.join("`, `"),
                behaviours::themes().join(", ")
            )));
        }
        Ok(all)
    }

    /// Reads the server's version, which also checks that it is reachable and accepts the credentials.
    async fn meet(&self) -> Result<(Test, String), Error> {
        let wire = Wire::new(&self.url)?;
        let Some(login) = self.users.main().cloned() else {
            return Err(Error::Usage(
                "no credentials: set ESPO_API_KEY (with ESPO_SECRET_KEY for a user who signs) or ESPO_USERNAME and \
                 ESPO_PASSWORD"
                    .to_owned(),
            ));
        };
        let mut headers = HeaderMap::new();
        login.apply(&mut headers, &Method::GET, "App/about");
        let answer = wire
            .send(&Method::GET, "App/about", headers, None)
            .await
            .map_err(|error| {
                Error::Unreachable(format!("{} does not answer: {error}", self.url))
            })?;
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

fn version(url: &str, answer: &Raw) -> Result<String, Error> {
    match answer.status.as_u16() {
        401 | 403 => Err(Error::Refused(format!(
            "{url} refuses the credentials (status {}); wrong, inactive, or locked out after too many failed logins",
            answer.status.as_u16()
        ))),
        200 => serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .and_then(|body| body["version"].as_str().map(str::to_owned))
            .ok_or_else(|| {
                Error::Unreachable(format!(
                    "{url} answers and is no EspoCRM: `App/about` names no version"
                ))
            }),
        status => Err(Error::Unreachable(format!(
            "{url} answers `App/about` with status {status}"
        ))),
    }
}

/// Unique enough for one site: the clock's microseconds.
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

/// A fault of the suite itself must not cost the cleaning up.
fn panicked(behaviour: &Behaviour) -> Verdict {
    Verdict::Differs(Difference {
        request: behaviour.full_name(),
        what: "the suite".to_owned(),
        expected: json!("an outcome"),
        got: json!("a panic in the behaviour itself"),
    })
}
