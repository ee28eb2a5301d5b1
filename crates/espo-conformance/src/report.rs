//! What the suite found.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

/// What every behaviour gave.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this shape: 1.
    pub schema: u32,
    /// The site.
    pub url: String,
    /// What the server calls its version.
    pub server_version: String,
    /// Text that every name of a record made by this run starts with.
    pub marker: String,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Behaviours that hold.
    pub holds: usize,
    /// Behaviours that differ.
    pub differs: usize,
    /// Behaviours that could not be asked.
    pub skipped: usize,
    /// Records that could not be removed, as `Type/id: why`.
    pub left_behind: Vec<String>,
    /// One entry for each behaviour, in the order in which they ran.
    pub behaviours: Vec<Finding>,
}

/// What one behaviour gave.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Theme and name: `lists.max-size-limit`.
    pub name: String,
    /// The fact that it stands on: a section of the API facts, or a number of the quirks.
    pub fact: &'static str,
    /// The outcome.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Outcome of one behaviour.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum Verdict {
    /// The server behaves so.
    Holds,
    /// The server behaves otherwise.
    Differs(Difference),
    /// It could not be asked.
    Skipped {
        /// Why.
        why: String,
    },
}

/// How a server differs.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The request, without credentials.
    pub request: String,
    /// What of the answer.
    pub what: String,
    /// What the fact says.
    pub expected: Value,
    /// What came.
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
    /// Whether no behaviour differs and nothing was left behind.
    pub fn is_clean(&self) -> bool {
        self.differs == 0 && self.left_behind.is_empty()
    }

    /// The report for a terminal: a line for each behaviour, the differences below it, the sums at the end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.behaviours {
            // Writing to a String cannot fail.
            let _ = match &finding.verdict {
                Verdict::Holds => writeln!(text, "holds    {}  [{}]", finding.name, finding.fact),
                Verdict::Differs(how) => writeln!(
                    text,
                    "DIFFERS  {}  [{}]\n         {how}",
                    finding.name, finding.fact
                ),
                Verdict::Skipped { why } => {
                    writeln!(text, "skipped  {}  [{}]: {why}", finding.name, finding.fact)
                }
            };
        }
        let _ = writeln!(
            text,
            "\n{} behaviours on {} (EspoCRM {}): {} hold, {} differ, {} skipped{}",
            self.behaviours.len(),
            self.url,
            self.server_version,
            self.holds,
            self.differs,
            self.skipped,
            if self.interrupted {
                "; stopped before the end"
            } else {
                ""
            },
        );
        for record in &self.left_behind {
            let _ = writeln!(text, "left behind: {record}");
        }
        text
    }
}
