//! The result of a comparison: scores, and the differences by cause.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::compare::{Compared, Finding, Score};
use super::step::{Response, Step};

/// The result of a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Version of the layout of this report.
    pub schema: u32,
    /// The real server.
    pub real: String,
    /// The version that it reports.
    pub version: String,
    /// Seed of the walks.
    pub seed: u64,
    /// Number of compared requests.
    pub requests: usize,
    /// Number of walks.
    pub walks: u64,
    /// Number of steps that were skipped, because after an earlier difference only one server had the record.
    pub left_out: usize,
    /// Entity types in the comparison.
    pub entity_types: Vec<String>,
    /// Agreeing and compared requests, by score.
    pub scores: BTreeMap<Score, Share>,
    /// Status, of the requests for which the real server returned a status below 500.
    pub status_below_500: Share,
    /// Requests without any difference.
    pub identical: Share,
    /// Differences by cause, the most frequent first.
    pub causes: Vec<Cause>,
    /// Whether the run was stopped before it was complete.
    pub interrupted: bool,
    /// Records that could not be deleted.
    pub left_behind: Vec<String>,
}

/// A number of agreements out of a total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Number of agreements.
    pub agree: usize,
    /// Number of comparisons.
    pub of: usize,
}

impl Share {
    fn add(&mut self, agrees: bool) {
        self.of += 1;
        self.agree += usize::from(agrees);
    }

    /// Returns the fraction that agrees; 1 if nothing was compared.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.of == 0 {
            1.0
        } else {
            self.agree as f64 / self.of as f64
        }
    }
}

/// A group of similar differences.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    /// The score that these differences affect.
    pub score: Score,
    /// The operation.
    pub operation: String,
    /// Position in the response.
    pub at: String,
    /// Number of requests that show the difference.
    pub count: usize,
    /// The entity types, with the number of requests.
    pub entity_types: BTreeMap<String, usize>,
    /// The value from the real server, in the first of these requests.
    pub real: String,
    /// The value from the simulator, in the same request.
    pub simulator: String,
    /// The first request.
    pub request: String,
    /// The shortest sequence of requests that shows the difference, if it was searched for.
    pub sequence: Vec<String>,
    #[serde(skip)]
    pub(crate) walk: u64,
    #[serde(skip)]
    pub(crate) step: usize,
}

impl Comparison {
    pub(crate) fn empty(real: &str, version: &str, seed: u64) -> Comparison {
        Comparison {
            schema: 1,
            real: real.to_owned(),
            version: version.to_owned(),
            seed,
            requests: 0,
            walks: 0,
            left_out: 0,
            entity_types: Vec::new(),
            scores: BTreeMap::new(),
            status_below_500: Share::default(),
            identical: Share::default(),
            causes: Vec::new(),
            interrupted: false,
            left_behind: Vec::new(),
        }
    }

    pub(crate) fn count(
        &mut self,
        walk: u64,
        at: usize,
        step: &Step,
        real: &Response,
        found: &Compared,
    ) {
        self.requests += 1;
        for score in &found.scores {
            self.scores
                .entry(*score)
                .or_default()
                .add(found.agrees(*score));
        }
        if real.status < 500 {
            self.status_below_500.add(found.agrees(Score::Status));
        }
        self.identical.add(found.findings.is_empty());
        let mut keys = Vec::new();
        for finding in &found.findings {
            let key = cause_of(step, finding);
            if keys.contains(&key) {
                continue;
            }
            self.note(walk, at, step, finding, &key);
            keys.push(key);
        }
    }

    fn note(&mut self, walk: u64, at: usize, step: &Step, finding: &Finding, key: &Key) {
        let (operation, entity) = split_label(&step.label);
        let known = self
            .causes
            .iter_mut()
            .find(|c| c.score == key.0 && c.operation == key.1 && c.at == key.2);
        let cause = match known {
            Some(cause) => cause,
            None => {
                self.causes.push(Cause {
                    score: finding.score,
                    operation: operation.to_owned(),
                    at: key.2.clone(),
                    count: 0,
                    entity_types: BTreeMap::new(),
                    real: finding.real.clone(),
                    simulator: finding.other.clone(),
                    request: step.text(),
                    sequence: Vec::new(),
                    walk,
                    step: at,
                });
                let last = self.causes.len() - 1;
                &mut self.causes[last]
            }
        };
        cause.count += 1;
        *cause.entity_types.entry(entity.to_owned()).or_default() += 1;
    }

    /// Returns the report as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} requests in {} walks over {} entity types, seed {}; real server {} ({})",
            self.requests,
            self.walks,
            self.entity_types.len(),
            self.seed,
            self.real,
            self.version
        );
        for (score, share) in &self.scores {
            let name = format!("{score:?}").to_lowercase();
            let _ = writeln!(out, "{name:>16} {}", line(*share));
        }
        let _ = writeln!(
            out,
            "{:>16} {}",
            "status below 500",
            line(self.status_below_500)
        );
        let _ = writeln!(out, "{:>16} {}", "identical", line(self.identical));
        if self.left_out > 0 {
            let _ = writeln!(
                out,
                "{} steps were left out, because after an earlier difference only one server had the record",
                self.left_out
            );
        }
        for cause in &self.causes {
            let score = format!("{:?}", cause.score).to_lowercase();
            let types: Vec<String> = cause
                .entity_types
                .iter()
                .map(|(name, n)| format!("{name} {n}"))
                .collect();
            let _ = writeln!(
                out,
                "\n{} × {score} of {}: {}\n    real server: {}\n    simulator:   {}\n    entity types: {}\n    request: {}",
                cause.count,
                cause.operation,
                cause.at,
                cause.real,
                cause.simulator,
                types.join(", "),
                cut(&cause.request)
            );
            if cause.sequence.len() > 1 {
                let _ = writeln!(out, "    shortest sequence:");
                for step in &cause.sequence {
                    let _ = writeln!(out, "      {}", cut(step));
                }
            }
        }
        if !self.left_behind.is_empty() {
            let _ = writeln!(
                out,
                "\nrecords that could not be deleted: {}",
                self.left_behind.join(", ")
            );
        }
        out
    }
}

fn line(share: Share) -> String {
    format!("{}/{} = {:.3}", share.agree, share.of, share.value())
}

fn cut(text: &str) -> String {
    if text.chars().count() <= 700 {
        return text.to_owned();
    }
    let head: String = text.chars().take(697).collect();
    format!("{head}...")
}

type Key = (Score, String, String);

/// Differences with the same key have one cause: the score, the operation, and the place. For statuses and
/// reasons the key includes the values, without names and IDs.
pub(crate) fn cause_of(step: &Step, finding: &Finding) -> Key {
    let (operation, entity) = split_label(&step.label);
    let at = match finding.score {
        Score::Status | Score::Reason => {
            let (real, other) = (
                anonymous(&finding.real, entity),
                anonymous(&finding.other, entity),
            );
            format!("{}: {real} → {other}", finding.at)
        }
        _ => finding.at.clone(),
    };
    (finding.score, operation.to_owned(), at)
}

fn split_label(label: &str) -> (&str, &str) {
    label.rsplit_once(' ').unwrap_or((label, ""))
}

/// A reason without the parts that vary from record to record.
fn anonymous(text: &str, entity: &str) -> String {
    let mut out = String::new();
    let mut quoted = None;
    for c in text.chars() {
        match quoted {
            Some(q) if c == q => {
                out.push('…');
                out.push(c);
                quoted = None;
            }
            Some(_) => {}
            None => {
                out.push(c);
                if matches!(c, '\'' | '"') {
                    quoted = Some(c);
                }
            }
        }
    }
    let words = out.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if (bare.len() == 17 && bare.bytes().all(|b| b.is_ascii_hexdigit()))
            || (!entity.is_empty() && bare == entity)
        {
            word.replace(bare, "…")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
