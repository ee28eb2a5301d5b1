//! Comparison of a real server with a simulator of it: random walks of requests are sent to both, and what differs in
//! their responses is counted and grouped by cause.

mod compare;
mod generate;
mod instance;
mod report;
mod step;

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;

use espo_schema::{FieldKind, Schema};
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use http::Method;
use serde_json::Value;

pub use compare::Score;
pub use instance::Instance;
pub use report::{Cause, Comparison, Share};

use compare::{Pairs, compare};
use generate::{Generator, Surroundings};
use report::cause_of;
use step::{As, Response, Side, Step};

use crate::run::Error;
use crate::users::Users;
use crate::wire::Wire;

/// Causes for which the shortest sequence is searched.
const SHRUNK: usize = 8;
/// Attempts per cause.
const ATTEMPTS: usize = 12;

/// A comparison of two servers that start alike: with the same metadata, users and rights.
#[derive(Debug, Clone)]
pub struct Differential {
    real: String,
    simulator: String,
    users: Users,
    instance: Instance,
    seed: u64,
    requests: usize,
    only: Vec<String>,
    read_only: bool,
    shrink: bool,
}

impl Differential {
    /// A comparison of the site at `real` with the simulator at `simulator`, which was started from `instance`.
    pub fn new(
        real: impl Into<String>,
        simulator: impl Into<String>,
        users: Users,
        instance: Instance,
    ) -> Self {
        Differential {
            real: real.into(),
            simulator: simulator.into(),
            users,
            instance,
            seed: 1,
            requests: 1_000,
            only: Vec::new(),
            read_only: false,
            shrink: true,
        }
    }

    /// Seed of the walks: the same seed gives the same requests for the same metadata. Defaults to 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Number of requests to compare, at most one walk more. Defaults to 1,000.
    #[must_use]
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    /// Keeps to this entity type; repeatable.
    #[must_use]
    pub fn only(mut self, entity_type: impl Into<String>) -> Self {
        self.only.push(entity_type.into());
        self
    }

    /// Reads the records of the instance's declaration and writes nothing.
    #[must_use]
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// Whether the shortest sequences of the most frequent differences are searched for, with further requests. On by
    /// default.
    #[must_use]
    pub fn shrink(mut self, yes: bool) -> Self {
        self.shrink = yes;
        self
    }

    /// Runs the comparison, deletes the records that it created, also when `stop` completes before the end.
    ///
    /// # Errors
    /// Returns [`Error::Usage`] for unusable addresses or metadata, or if no entity type can take part, and
    /// [`Error::Unreachable`] if a server does not respond.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Comparison, Error> {
        let schema = Schema::from_value(self.instance.metadata.clone(), "the instance's metadata")
            .map_err(|error| Error::Usage(error.to_string()))?;
        let generator = Generator::new(
            &schema,
            self.surroundings(),
            &self.only,
            self.seed,
            marker(),
        );
        if generator.types().is_empty() {
            return Err(Error::Usage(
                "no entity type can take part: the metadata has none of the given names that hold records"
                    .to_owned(),
            ));
        }
        let mut run = Run {
            real: Side::new(Wire::new(&self.real)?, self.users.clone()),
            other: Side::new(Wire::new(&self.simulator)?, self.users.clone()),
            pairs: Pairs::new(counters(&schema)),
            existing: self.existing(),
            cleaner: self.cleaner(),
            left_behind: Vec::new(),
        };
        run.pair_declared(&self.instance.declaration);
        let mut comparison = self.empty(&generator);
        let mut stop = pin!(stop);
        let mut walk = 0;
        while comparison.requests < self.requests {
            if stop.as_mut().now_or_never().is_some() {
                comparison.interrupted = true;
                break;
            }
            let steps = generator.walk(walk).steps();
            if steps.is_empty() {
                break;
            }
            run.walk(walk, &steps, &mut comparison).await?;
            walk += 1;
        }
        comparison.walks = walk;
        comparison
            .causes
            .sort_by_key(|c| std::cmp::Reverse(c.count));
        if self.shrink && !comparison.interrupted {
            for at in 0..comparison.causes.len().min(SHRUNK) {
                let cause = comparison.causes[at].clone();
                let steps = generator.walk(cause.walk).steps();
                comparison.causes[at].sequence = run.shrink(&cause, &steps).await?;
            }
        }
        comparison.left_behind = run.left_behind;
        Ok(comparison)
    }

    fn empty(&self, generator: &Generator) -> Comparison {
        Comparison {
            schema: 1,
            real: self.real.clone(),
            version: self.instance.version.clone(),
            seed: self.seed,
            requests: 0,
            walks: 0,
            left_out: 0,
            entity_types: generator.types().into_iter().map(str::to_owned).collect(),
            scores: std::collections::BTreeMap::new(),
            status_below_500: Share::default(),
            identical: Share::default(),
            causes: Vec::new(),
            interrupted: false,
            left_behind: Vec::new(),
        }
    }

    fn surroundings(&self) -> Surroundings {
        let ids = |key: &str| -> Vec<String> {
            let list = self.instance.declaration[key].as_array();
            let ids = list.into_iter().flatten().filter_map(|x| x["id"].as_str());
            ids.map(str::to_owned).collect()
        };
        Surroundings {
            users: As::ALL
                .into_iter()
                .filter(|who| who.login(&self.users).is_some())
                .collect(),
            known_users: ids("users"),
            known_teams: ids("teams"),
            currency: self.instance.settings["defaultCurrency"]
                .as_str()
                .unwrap_or("USD")
                .to_owned(),
            existing: self.read_only.then(|| self.existing()),
        }
    }

    /// Ids of the declared records, by entity type.
    fn existing(&self) -> Vec<(String, Vec<String>)> {
        if !self.read_only {
            return Vec::new();
        }
        let records = self.instance.declaration["records"].as_object();
        records
            .into_iter()
            .flatten()
            .map(|(entity, list)| {
                let ids = list.as_array().into_iter().flatten();
                let ids = ids.filter_map(|r| r["id"].as_str()).map(str::to_owned);
                (entity.clone(), ids.collect())
            })
            .collect()
    }

    /// The user that deletes what the run created.
    fn cleaner(&self) -> As {
        let all = [As::Admin, As::Api, As::Regular, As::Hmac, As::Weak];
        all.into_iter()
            .find(|who| who.login(&self.users).is_some())
            .unwrap_or(As::Api)
    }
}

/// Attributes that the database counts, with the counters of entity types.
fn counters(schema: &Schema) -> HashSet<String> {
    let fields = schema.entity_types.values().flat_map(|e| e.fields.values());
    fields
        .filter(|f| matches!(f.kind, FieldKind::Autoincrement | FieldKind::Number))
        .map(|f| f.name.clone())
        .collect()
}

/// Begins the names of a run's records; of equal length in every run, so that they sort alike.
fn marker() -> String {
    let now = jiff::Timestamp::now().as_second();
    format!("Differential {:06x}", now & 0xff_ffff)
}

/// The state of a run.
struct Run {
    real: Side,
    other: Side,
    pairs: Pairs,
    existing: Vec<(String, Vec<String>)>,
    cleaner: As,
    left_behind: Vec<String>,
}

impl Run {
    /// Declared ids are the same on both sides.
    fn pair_declared(&mut self, declaration: &Value) {
        let lists = ["users", "teams", "roles"].map(|key| declaration[key].as_array());
        for item in lists.into_iter().flatten().flatten() {
            if let Some(id) = item["id"].as_str() {
                self.pairs.same(id, id);
            }
        }
    }

    /// Sends the steps of a walk to both servers, counts what differs, and deletes the walk's records.
    async fn walk(
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
                // A record that neither server accepted is no loss.
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
        }
        self.clean(steps).await;
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
        if let Some(name) = &step.binds {
            for (side, response) in [(&mut self.real, &real), (&mut self.other, &other)] {
                if let (200, Some(id)) = (response.status, response.id()) {
                    side.bind(name, id);
                }
            }
            if let (Some(a), Some(b)) = (real.id(), other.id()) {
                self.pairs.same(a, b);
            }
        }
        Ok((real, other))
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

    /// The shortest sequence of steps found after which the last one still shows the difference.
    async fn shrink(&mut self, cause: &Cause, steps: &[Step]) -> Result<Vec<String>, Error> {
        let Some(last) = steps.get(cause.step) else {
            return Ok(Vec::new());
        };
        let mut kept = needed(&steps[..=cause.step]);
        let mut attempts = 0;
        if !self.shows(cause, &kept).await? {
            // It takes more than the records that the request names: the whole walk, then without one step after another.
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

/// The last step, and those before it that create the records that it needs, directly or through others.
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
