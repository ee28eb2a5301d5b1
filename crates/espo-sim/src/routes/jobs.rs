//! Requests that are executed in the background (`"idle": true`).

use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Call, Fixed, export, mass};
use crate::app::App;
use crate::app::extras::{Job, Jobs, State, What};
use crate::http::{Refusal, Reply, Result};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "MassAction/:id/status", |c| {
        status(
            c,
            |s| json!({"status": s.status, "processedCount": s.processed}),
        )
    }),
    Fixed::action(Method::GET, "Export/:id/status", |c| {
        status(
            c,
            |s| json!({"status": s.status, "attachmentId": s.attachment}),
        )
    }),
    Fixed::action(Method::POST, "MassAction/:id/subscribe", subscribe),
    Fixed::action(Method::POST, "Export/:id/subscribe", subscribe),
];

fn status(call: &Call, show: fn(&State) -> Json) -> Result<Reply> {
    let state = call.app.extras.jobs.state(call.params[0]);
    let state = state.ok_or_else(Refusal::not_found_silently)?;
    Ok(call.app.json(&show(&state)))
}

/// Accepted, but no user is notified.
fn subscribe(call: &Call) -> Result<Reply> {
    status(call, |_| Json::Bool(true))
}

impl Jobs {
    /// Queues a job. Returns its ID.
    pub(super) fn add(&self, app: &App, job: Job) -> String {
        let id = app.ids.next(&app.clock);
        self.set(
            &id,
            State {
                status: "Pending",
                processed: 0,
                attachment: None,
            },
        );
        self.waiting.lock().push((id.as_str().into(), job));
        self.filled.notify_one();
        id
    }

    pub(super) fn state(&self, id: &str) -> Option<State> {
        self.states.lock().get(id).cloned()
    }

    fn set(&self, id: &str, state: State) {
        self.states.lock().insert(id.into(), state);
    }
}

/// Runs jobs until `stop` is signalled.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = app.extras.jobs.filled.notified() => {}
            _ = stop.changed() => return,
        }
        tokio::select! {
            () = sleep(app.options.background.delay) => {}
            _ = stop.changed() => return,
        }
        let waiting = std::mem::take(&mut *app.extras.jobs.waiting.lock());
        for (id, job) in waiting {
            app.extras.jobs.set(
                &id,
                State {
                    status: "Running",
                    processed: 0,
                    attachment: None,
                },
            );
            app.extras.jobs.set(&id, work(&app, &job));
        }
    }
}

fn work(app: &App, job: &Job) -> State {
    let done = match job.what {
        What::MassAction => mass::run_job(app, &job.caller, &job.body).map(|d| (d.ids.len(), None)),
        What::Export => export::perform(app, &job.caller, &job.body).map(|id| (0, Some(id))),
    };
    match done {
        Ok((processed, attachment)) => State {
            status: "Success",
            processed,
            attachment,
        },
        Err(_) => State {
            status: "Failed",
            processed: 0,
            attachment: None,
        },
    }
}
