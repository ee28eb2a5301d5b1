//! Sends walks to both servers, and searches for the shortest sequence.

use futures_util::future::{join, join_all};
use http::Method;
use serde_json::Value;

use super::compare::{Pairs, compare};
use super::recording::Recording;
use super::report::{Cause, Comparison, cause_of};
use super::step::{As, Response, Side, Step};
use crate::run::Error;

/// Maximum number of attempts per cause.
const ATTEMPTS: usize = 12;

/// The state of a run.
pub(super) struct Run {
    pub(super) real: Side,
    pub(super) other: Side,
    pub(super) pairs: Pairs,
    pub(super) existing: Vec<(String, Vec<String>)>,
    pub(super) cleaner: As,
    pub(super) left_behind: Vec<String>,
    pub(super) recording: Option<Recording>,
}

impl Run {
    /// Declared IDs are the same on both sides.
    pub(super) fn pair_declared(&mut self, declaration: &Value) {
        let lists = ["users", "teams", "roles"].map(|key| declaration[key].as_array());
        for item in lists.into_iter().flatten().flatten() {
            if let Some(id) = item["id"].as_str() {
                self.pairs.same(id, id);
            }
        }
    }

    /// Sends the steps of a walk to both servers, counts differences, and deletes the walk's records.
    pub(super) async fn walk(
        &mut self,
        number: u64,
        steps: &[Step],
        comparison: &mut Comparison,
    ) -> Result<(), Error> {
        self.begin();
        let mut spoilt: Vec<String> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let names = step.names();
            if names
                .iter()
                .any(|n| spoilt.contains(n) || !self.is_bound(n))
            {
                // A record that neither server accepted does not need to be deleted.
                let lost = |n: &String| spoilt.contains(n) || self.is_half_bound(n);
                comparison.left_out += usize::from(names.iter().any(lost));
                continue;
            }
            let (real, other) = self.send(step).await?;
            if real.status != other.status && step.method != Method::GET {
                spoilt.extend(names);
            }
            let found = compare(&real, &other, &mut self.pairs);
            comparison.count(number, at, step, &real, &found);
            if let Some(recording) = &mut self.recording {
                recording.add(number, step, &real);
            }
        }
        self.clean(steps).await;
        Ok(())
    }

    /// Sends the recorded steps to the simulator alone.
    pub(super) async fn replay(
        &mut self,
        recording: &Recording,
        comparison: &mut Comparison,
    ) -> Result<(), Error> {
        let mut walk = None;
        let mut spoilt: Vec<String> = Vec::new();
        for (at, exchange) in recording.exchanges.iter().enumerate() {
            if walk != Some(exchange.walk) {
                walk = Some(exchange.walk);
                comparison.walks += 1;
                spoilt.clear();
                self.begin();
            }
            let (step, real) = (&exchange.step, &exchange.real);
            let names = step.names();
            if names
                .iter()
                .any(|n| spoilt.contains(n) || !self.is_bound(n))
            {
                comparison.left_out += 1;
                continue;
            }
            let other = self.other.send(step).await.map_err(|error| {
                Error::Unreachable(format!("the simulator does not respond: {error}"))
            })?;
            if real.status != other.status && step.method != Method::GET {
                spoilt.extend(names);
            }
            self.bind(step, real, &other);
            let found = compare(real, &other, &mut self.pairs);
            comparison.count(exchange.walk, at, step, real, &found);
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.real.forget();
        self.other.forget();
        for (n, (_, ids)) in self.existing.iter().enumerate() {
            for (i, id) in ids.iter().enumerate() {
                let name = format!("e{n}x{i}");
                self.real.bind(&name, id);
                self.other.bind(&name, id);
                self.pairs.same(id, id);
            }
        }
    }

    fn is_bound(&self, name: &str) -> bool {
        self.real.id(name).is_some() && self.other.id(name).is_some()
    }

    fn is_half_bound(&self, name: &str) -> bool {
        self.real.id(name).is_some() != self.other.id(name).is_some()
    }

    async fn send(&mut self, step: &Step) -> Result<(Response, Response), Error> {
        let (real, other) = join(self.real.send(step), self.other.send(step)).await;
        let failed = |which: &str, error: String| {
            Error::Unreachable(format!("the {which} does not respond: {error}"))
        };
        let real = real.map_err(|error| failed("real server", error))?;
        let other = other.map_err(|error| failed("simulator", error))?;
        self.bind(step, &real, &other);
        Ok((real, other))
    }

    /// Stores the IDs of a record that both servers created.
    fn bind(&mut self, step: &Step, real: &Response, other: &Response) {
        if let Some(name) = &step.binds {
            for (side, response) in [(&mut self.real, real), (&mut self.other, other)] {
                if let (200, Some(id)) = (response.status, response.id()) {
                    side.bind(name, id);
                }
            }
            if let (Some(a), Some(b)) = (real.id(), other.id()) {
                self.pairs.same(a, b);
            }
        }
    }

    /// Deletes the records of a walk.
    async fn clean(&mut self, steps: &[Step]) {
        let deletes = steps.iter().filter_map(|step| {
            let name = step.binds.as_deref()?;
            let path = format!("{}/{{{{{name}}}}}", step.path);
            let delete = Step::new("clean".to_owned(), self.cleaner, Method::DELETE, path);
            Some((step.path.as_str(), name, delete))
        });
        let deletes: Vec<_> = deletes.collect();
        let (real, other) = (&self.real, &self.other);
        let sent = deletes.iter().map(|(entity, name, delete)| async move {
            if other.id(name).is_some() {
                drop(other.send(delete).await);
            }
            let id = real.id(name)?;
            let left = match real.send(delete).await {
                Ok(response) => !matches!(response.status, 200 | 404),
                Err(_) => true,
            };
            left.then(|| format!("{entity}/{id}"))
        });
        let left = join_all(sent).await;
        self.left_behind.extend(left.into_iter().flatten());
    }

    /// Returns the shortest sequence found whose last step still shows the difference.
    pub(super) async fn shrink(
        &mut self,
        cause: &Cause,
        steps: &[Step],
    ) -> Result<Vec<String>, Error> {
        let Some(last) = steps.get(cause.step) else {
            return Ok(Vec::new());
        };
        let mut kept = needed(&steps[..=cause.step]);
        let mut attempts = 0;
        if !self.shows(cause, &kept).await? {
            // The difference needs more than the records in the request. Start with the whole walk, and remove one
            // step after another.
            kept = steps[..=cause.step].to_vec();
            let mut at = kept.len().saturating_sub(1);
            while at > 0 && attempts < ATTEMPTS {
                at -= 1;
                let used = |name: &String| kept.iter().any(|s| s.names().contains(name));
                if kept[at].binds.as_ref().is_some_and(used) {
                    continue;
                }
                let mut fewer = kept.clone();
                fewer.remove(at);
                attempts += 1;
                if self.shows(cause, &fewer).await? {
                    kept = fewer;
                }
            }
        }
        debug_assert!(kept.last().is_some_and(|s| s.label == last.label));
        Ok(kept.iter().map(Step::text).collect())
    }

    async fn shows(&mut self, cause: &Cause, steps: &[Step]) -> Result<bool, Error> {
        self.begin();
        let mut shown = false;
        for (at, step) in steps.iter().enumerate() {
            if step.names().iter().any(|n| !self.is_bound(n)) {
                continue;
            }
            let (real, other) = self.send(step).await?;
            let found = compare(&real, &other, &mut self.pairs);
            if at + 1 == steps.len() {
                shown = found.findings.iter().any(|finding| {
                    let key = cause_of(step, finding);
                    key.0 == cause.score && key.2 == cause.at
                });
            }
        }
        self.clean(steps).await;
        Ok(shown)
    }
}

/// Returns the last step, and the earlier steps that create the records that it needs, directly or indirectly.
fn needed(steps: &[Step]) -> Vec<Step> {
    let mut names: Vec<String> = Vec::new();
    let mut kept: Vec<Step> = Vec::new();
    for (back, step) in steps.iter().rev().enumerate() {
        let creates = step.binds.as_ref().is_some_and(|b| names.contains(b));
        if back == 0 || creates {
            names.extend(step.names());
            kept.push(step.clone());
        }
    }
    kept.reverse();
    kept
}
