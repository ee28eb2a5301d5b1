//! Logins, and the permission to send a request.

use std::borrow::Cow;
use std::time::Duration;

use http::Method;
use tokio::sync::OwnedMutexGuard;

use super::{Engine, Target};
use crate::auth::{Admission, Pass, is_refusal};
use crate::error::{Error, Outcome, is_foreign};
use crate::request::Request;
use crate::response::Context;
use crate::timing::Timing;

impl Engine {
    pub(super) async fn pass(&self, context: &Context, limit: Duration) -> Result<Pass, Error> {
        loop {
            match self.auth.admit(context, limit).await? {
                Admission::Pass(pass) => return Ok(pass),
                Admission::LogIn(guard) => self.log_in(guard).await?,
            }
        }
    }

    /// Logs in, one task at a time: the guard is held until the token is available.
    async fn log_in(&self, guard: OwnedMutexGuard<()>) -> Result<(), Error> {
        let mut request = Request::new(Method::GET, &["App", "user"]);
        request.headers = self.auth.login_headers()?;
        let context = self.login_context();
        let target = Target {
            path: Cow::Borrowed(&request.path),
            query: Cow::Borrowed(""),
            url: None,
        };
        let mut timing = Timing::start();
        let headers = request.headers.clone();
        let result = async {
            let opened = self
                .exchange(&request, &context, &target, headers, None, &mut timing)
                .await;
            if !matches!(&opened, Err(error) if error.is_connect()) {
                self.auth.drop_code();
            }
            let mut opened = opened?;
            let status = opened.status();
            if status.is_success() {
                let response = opened.collect_into(self.max_body, &mut timing).await?;
                return self.auth.logged_in(&response);
            }
            let answer = opened.into_answer(self.max_body, &mut timing).await;
            if is_refusal(status) && !is_foreign(&answer) {
                self.auth.latch(answer.clone());
            }
            Err(self.status_error(&context, answer))
        }
        .await;
        drop(guard);
        result.map_err(|mut error: Error| {
            // The caller's own request was never sent.
            error.inner_mut().outcome = Outcome::NotSent;
            error
        })
    }

    /// Logs in now, if the credentials require it.
    pub(crate) async fn ensure_logged_in(&self) -> Result<(), Error> {
        let context = self.login_context();
        self.pass(&context, self.timeout).await.map(drop)
    }

    fn login_context(&self) -> Context {
        Context {
            method: Method::GET,
            path: "/App/user".into(),
            secrets: Some(self.auth.secrets()),
        }
    }
}
