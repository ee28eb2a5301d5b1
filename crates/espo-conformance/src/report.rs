//! The report of a run of the suite.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use crate::test::Version;

/// The results of all checks of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of the report's layout: 1.
    pub schema: u32,
    /// The URL of the site.
    pub url: String,
    /// The version that the server reports.
    pub server_version: String,
    /// Prefix of the names of all records created by this run.
    pub marker: String,
    /// Whether the run was stopped before it was complete.
    pub interrupted: bool,
    /// Number of checks that passed.
    pub holds: usize,
    /// Number of checks that failed.
    pub differs: usize,
    /// Number of checks that were skipped.
    pub skipped: usize,
    /// Records that could not be deleted, as `Type/id: reason`.
    pub left_behind: Vec<String>,
    /// One entry per check, in the order in which they ran.
    pub behaviours: Vec<Finding>,
}

/// The versions of EspoCRM, as major and minor number, that have a behaviour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// The first version; `None` if all known older versions have the behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<(u32, u32)>,
    /// The last version; `None` if the newest known version has the behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<(u32, u32)>,
}

impl Versions {
    /// Returns whether a version is in the range.
    #[must_use]
    pub fn contains(&self, version: (u32, u32)) -> bool {
        self.since.is_none_or(|since| version >= since)
            && self.until.is_none_or(|until| version <= until)
    }
}

impl std::fmt::Display for Versions {
    /// `since EspoCRM 9.2`, `up to EspoCRM 9.3`, both, or `all versions`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.since, self.until) {
            (None, None) => f.write_str("all versions"),
            (Some((major, minor)), None) => write!(f, "since EspoCRM {major}.{minor}"),
            (None, Some((major, minor))) => write!(f, "up to EspoCRM {major}.{minor}"),
            (Some((a, b)), Some((c, d))) => write!(f, "EspoCRM {a}.{b} to {c}.{d}"),
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Topic and name: `lists.max-size-limit`.
    pub name: String,
    /// Versions that have the behaviour.
    #[serde(flatten)]
    pub versions: Versions,
    /// The outcome.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Outcome of one check.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum Verdict {
    /// The server behaves as expected.
    Holds,
    /// The server behaves differently.
    Differs(Difference),
    /// The check could not run.
    Skipped {
        /// The reason.
        why: String,
    },
}

/// A difference from the expected behaviour.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The request, without credentials.
    pub request: String,
    /// The part of the response that differs.
    pub what: String,
    /// The expected value.
    pub expected: Value,
    /// The actual value.
    pub got: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}: expected {}, got {}",
            self.request,
            self.what,
            short(&self.expected),
            short(&self.got)
        )
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

impl Report {
    /// Returns whether no check failed and all records were deleted.
    pub fn is_clean(&self) -> bool {
        self.differs == 0 && self.left_behind.is_empty()
    }

    /// Returns whether at least half of the checks that apply to the server's version ran. Otherwise, the report says little
    /// about the server, even if no check failed.
    pub fn is_representative(&self) -> bool {
        let applicable = self.applicable();
        let ran = self.holds + self.differs;
        ran > 0 && ran * 2 >= applicable
    }

    /// Returns the number of checks that apply to the server's version.
    pub fn applicable(&self) -> usize {
        let Version(major, minor) = Version::parse(&self.server_version);
        let applies = |finding: &&Finding| finding.versions.contains((major, minor));
        self.behaviours.iter().filter(applies).count()
    }

    /// Returns the most frequent reason for which applicable checks were skipped, and the number of these checks.
    pub fn main_reason_for_skipping(&self) -> Option<(&str, usize)> {
        let Version(major, minor) = Version::parse(&self.server_version);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.behaviours {
            if let Verdict::Skipped { why } = &finding.verdict
                && finding.versions.contains((major, minor))
            {
                *counts.entry(why).or_default() += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count)
    }

    /// Returns the report for a terminal: one line per check, followed by its difference if any, and the totals at the end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.behaviours {
            // Writing to a String cannot fail.
            let _ = match &finding.verdict {
                Verdict::Holds => writeln!(text, "pass     {}", finding.name),
                Verdict::Differs(how) => {
                    writeln!(text, "FAIL     {}\n         {how}", finding.name)
                }
                Verdict::Skipped { why } => {
                    writeln!(text, "skipped  {}: {why}", finding.name)
                }
            };
        }
        let _ = writeln!(
            text,
            "\n{} checks on {} (EspoCRM {}): {} passed, {} failed, {} skipped{}",
            self.behaviours.len(),
            self.url,
            self.server_version,
            self.holds,
            self.differs,
            self.skipped,
            if self.interrupted {
                "; interrupted"
            } else {
                ""
            },
        );
        for record in &self.left_behind {
            let _ = writeln!(text, "not deleted: {record}");
        }
        text
    }
}
