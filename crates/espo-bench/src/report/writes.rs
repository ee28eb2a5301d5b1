//! Records that a run created and deleted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records that the run created and deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Writes {
    /// Path of the ledger.
    pub ledger: String,
    /// Records created: `removed + missing + left`.
    pub created: u64,
    /// Records deleted by the workload and by the cleanup.
    pub removed: u64,
    /// Records that were already deleted when the cleanup reached them.
    #[serde(default)]
    pub missing: u64,
    /// Records that remain.
    pub left: u64,
    /// Creates without a response whose record could not be searched for; each may have left a record.
    #[serde(default)]
    pub unconfirmed: u64,
    /// Whether the records were kept on purpose (`--keep`).
    #[serde(default)]
    pub kept: bool,
    /// Reasons why records remain.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
}

impl Writes {
    /// Returns whether records remain, or may remain, that should have been deleted.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        !self.kept && self.left + self.unconfirmed > 0
    }

    /// Describes the records in one sentence, with the command that deletes the remaining ones.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = format!(
            "created {} records, deleted {}, {} remaining",
            self.created, self.removed, self.left
        );
        if self.missing > 0 {
            text.push_str(&format!(", {} already deleted", self.missing));
        }
        if self.unconfirmed > 0 {
            text.push_str(&format!(
                ", and up to {} more whose create had no response",
                self.unconfirmed
            ));
        }
        if self.left + self.unconfirmed > 0 {
            text.push_str(&format!(
                "; delete them with: {}",
                clean_command(&self.ledger)
            ));
        }
        text
    }
}

/// Returns the command that deletes the records in a ledger; merged shards have one ledger per line.
fn clean_command(ledgers: &str) -> String {
    let each = ledgers.lines().filter(|l| !l.is_empty());
    let quoted = |path: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
        if path.chars().all(plain) {
            path.to_owned()
        } else {
            format!("'{}'", path.replace('\'', "'\\''"))
        }
    };
    let commands: Vec<String> = each
        .map(|path| format!("espo-bench clean {}", quoted(path)))
        .collect();
    commands.join(" && ")
}
