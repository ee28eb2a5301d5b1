//! Compares a real server with a simulator of it: random walks of requests are sent to both, and differences between
//! their responses are counted and grouped by cause.

mod compare;
mod generate;
mod instance;
mod recording;
mod report;
mod run;
mod step;
mod times;

use std::collections::HashSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;

pub use compare::Score;
use espo_schema::{FieldKind, Schema};
use futures_util::FutureExt;
pub use instance::Instance;
pub use recording::{Header, Recording};
pub use report::{Cause, Comparison, Share};

use compare::Pairs;
use generate::{Generator, Surroundings};
use run::Run;
use step::{As, Side};
use times::Times;

use crate::run::Error;
use crate::users::Users;
use crate::wire::Wire;

/// Maximum number of causes for which the shortest sequence is searched.
const SHRUNK: usize = 8;
/// Maximum duration of a recording in seconds.
const RECORDED: i64 = 6 * 3600;

/// A comparison of two servers that start with the same metadata, users and permissions.
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
    record: Option<PathBuf>,
}

impl Differential {
    /// Creates a comparison of the site at `real` with the simulator at `simulator`, which was started from `instance`.
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
            record: None,
        }
    }

    /// Sets the seed of the walks: the same seed gives the same requests for the same metadata. Defaults to 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of requests to compare; up to one walk more is sent. Defaults to 1,000.
    #[must_use]
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    /// Uses only this entity type. Can be called repeatedly.
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

    /// Sets whether to search for the shortest sequences of the most frequent differences, with further requests. On
    /// by default.
    #[must_use]
    pub fn shrink(mut self, yes: bool) -> Self {
        self.shrink = yes;
        self
    }

    /// Writes the requests and the responses of the real server to this file, without keys and passwords, for
    /// [`Differential::replay`].
    #[must_use]
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// Sends recorded requests to a simulator that was started with the metadata, settings and users of the
    /// recording, and compares its responses with the recorded ones.
    ///
    /// # Errors
    /// Returns [`Error::Usage`] for an invalid address and [`Error::Unreachable`] if the simulator does not respond.
    pub async fn replay(
        recording: &Recording,
        simulator: impl Into<String>,
    ) -> Result<Comparison, Error> {
        let simulator = simulator.into();
        let users = Users::from_declaration(&recording.header.users);
        let header = &recording.header;
        let times = Times::Recorded {
            from: header.from,
            to: header.from + RECORDED,
        };
        let mut run = Run {
            real: Side::new(Wire::new(&simulator)?, users.clone()),
            other: Side::new(Wire::new(&simulator)?, users),
            pairs: Pairs::new(header.counters.iter().cloned().collect(), times),
            existing: Vec::new(),
            cleaner: As::Admin,
            left_behind: Vec::new(),
            recording: None,
        };
        run.pair_declared(&header.users);
        let mut comparison = Comparison::empty("a recording", &header.version, header.seed);
        run.replay(recording, &mut comparison).await?;
        comparison
            .causes
            .sort_by_key(|c| std::cmp::Reverse(c.count));
        Ok(comparison)
    }

    /// Runs the comparison and deletes the records that it created, even if `stop` completes before the end.
    ///
    /// # Errors
    /// Returns [`Error::Usage`] for invalid addresses or metadata, or if no entity type can be used, and
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
                "no entity type can be used: none of the given entity types is in the metadata and can have records"
                    .to_owned(),
            ));
        }
        let mut run = Run {
            real: Side::new(Wire::new(&self.real)?, self.users.clone()),
            other: Side::new(Wire::new(&self.simulator)?, self.users.clone()),
            pairs: Pairs::new(counters(&schema), Times::Now),
            existing: self.existing(),
            cleaner: self.cleaner(),
            left_behind: Vec::new(),
            recording: self.record.is_some().then(|| {
                Recording::new(
                    &self.instance.version,
                    self.seed,
                    counters(&schema).into_iter().collect(),
                    &self.instance.settings,
                    &self.instance.declaration,
                )
            }),
        };
        run.pair_declared(&self.instance.declaration);
        let mut comparison = Comparison::empty(&self.real, &self.instance.version, self.seed);
        comparison.entity_types = generator.types().into_iter().map(str::to_owned).collect();
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
        if let (Some(path), Some(recording)) = (&self.record, run.recording.take()) {
            recording.save(path)?;
        }
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

    /// IDs of the declared records, by entity type.
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

    /// The user that deletes the records created by the run.
    fn cleaner(&self) -> As {
        let all = [As::Admin, As::Api, As::Regular, As::Hmac, As::Weak];
        all.into_iter()
            .find(|who| who.login(&self.users).is_some())
            .unwrap_or(As::Api)
    }
}

/// Attributes that are counters in the database, and counters of entity types.
fn counters(schema: &Schema) -> HashSet<String> {
    let fields = schema.entity_types.values().flat_map(|e| e.fields.values());
    fields
        .filter(|f| matches!(f.kind, FieldKind::Autoincrement | FieldKind::Number))
        .map(|f| f.name.clone())
        .collect()
}

/// The prefix of the names of a run's records. It has the same length in every run, so that names are sorted in the
/// same way.
fn marker() -> String {
    let now = jiff::Timestamp::now().as_second();
    format!("Differential {:06x}", now & 0xff_ffff)
}
