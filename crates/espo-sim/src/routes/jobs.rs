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
use crate::record::plain::insert_record;
use crate::value::Value;

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
        let record = add_record(app, &id, job.what);
        self.waiting.lock().push((id.as_str().into(), record, job));
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

/// Adds a record about a job, for administrators. Returns its ID.
fn add_record(app: &App, id: &str, what: What) -> Option<String> {
    let (target, class) = match what {
        What::MassAction => ("MassAction", "Espo\\Core\\MassAction\\Jobs\\Process"),
        What::Export => ("Export", "Espo\\Tools\\Export\\Jobs\\Process"),
    };
    let table = app.store.table(app.layouts.find("Job")?.index);
    let record = json!({
        "name": class,
        "className": class,
        "status": "Pending",
        "executeTime": app.clock.datetime(),
        "number": table.len() + 1,
        "data": {},
        "attempts": 1,
        "targetId": id,
        "targetType": target,
    });
    insert_record(app, "Job", record.as_object()?).ok()
}

fn finish_record(app: &App, id: Option<&str>, status: &str) {
    let (Some(layout), Some(id)) = (app.layouts.find("Job"), id) else {
        return;
    };
    let now = app.clock.datetime();
    app.store.table(layout.index).update(id, |r| {
        for (attr, value) in [
            ("status", status),
            ("startedAt", &now),
            ("executedAt", &now),
        ] {
            if let Some(slot) = layout.slot(attr) {
                r.values[slot] = Value::text(value);
            }
        }
        true
    });
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
        for (id, record, job) in waiting {
            app.extras.jobs.set(
                &id,
                State {
                    status: "Running",
                    processed: 0,
                    attachment: None,
                },
            );
            let state = work(&app, &job);
            finish_record(&app, record.as_deref(), state.status);
            app.extras.jobs.set(&id, state);
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
