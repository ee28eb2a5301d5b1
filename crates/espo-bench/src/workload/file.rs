//! The format of a workload file, before its names are checked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::schedule::Arrivals;
use crate::units::{parse_bytes, parse_duration};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadFile {
    pub(super) name: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) rate: Option<Spanned<f64>>,
    pub(super) arrivals: Option<Arrivals>,
    pub(super) max_in_flight: Option<Spanned<u32>>,
    pub(super) duration: Option<Spanned<TextDuration>>,
    pub(super) warmup: Option<Spanned<TextDuration>>,
    pub(super) seed: Option<u64>,
    pub(super) think: Option<Spanned<ThinkFile>>,
    pub(super) pacing: Option<Spanned<TextDuration>>,
    #[serde(default)]
    pub(super) data: DataFile,
    #[serde(default)]
    pub(super) setup: SetupFile,
    #[serde(default)]
    pub(super) credentials: Vec<Spanned<CredentialsFile>>,
    #[serde(default, rename = "operation")]
    pub(super) operations: Vec<Spanned<OperationFile>>,
    #[serde(default, rename = "chain")]
    pub(super) chains: Vec<Spanned<ChainFile>>,
    #[serde(default, rename = "stage")]
    pub(super) stages: Vec<Spanned<StageFile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataFile {
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) skew: Option<Spanned<SkewFile>>,
    #[serde(default)]
    pub(super) csv: Vec<Spanned<CsvFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SkewFile {
    pub(super) hot: f64,
    pub(super) share: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CsvFile {
    pub(super) file: Spanned<String>,
    pub(super) entity: Spanned<String>,
    pub(super) columns: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetupFile {
    #[serde(default)]
    pub(super) records: BTreeMap<Spanned<String>, Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialsFile {
    pub(super) api_key_env: Option<String>,
    pub(super) secret_key_env: Option<String>,
    pub(super) username_env: Option<String>,
    pub(super) password_env: Option<String>,
}

/// One operation; `check.rs` checks which keys apply to which kind, and reports their location.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationFile {
    pub(super) kind: Spanned<String>,
    pub(super) entity: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) weight: Option<Spanned<u32>>,
    pub(super) select: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(rename = "where")]
    pub(super) filter: Option<Spanned<Vec<Spanned<toml::Table>>>>,
    pub(super) order_by: Option<Spanned<String>>,
    pub(super) order: Option<Spanned<String>>,
    pub(super) max_size: Option<Spanned<u32>>,
    pub(super) pages: Option<Spanned<u32>>,
    pub(super) link: Option<Spanned<String>>,
    pub(super) text: Option<Spanned<Vec<String>>>,
    pub(super) fields: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) set: Option<Spanned<toml::Table>>,
    pub(super) batch: Option<Spanned<u32>>,
    pub(super) field: Option<Spanned<String>>,
    pub(super) size: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChainFile {
    pub(super) name: Spanned<String>,
    pub(super) weight: Option<Spanned<u32>>,
    #[serde(rename = "step")]
    pub(super) steps: Spanned<Vec<Spanned<OperationFile>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageFile {
    pub(super) name: Option<String>,
    pub(super) duration: Spanned<TextDuration>,
    pub(super) rate: Option<Spanned<LoadFile>>,
    pub(super) concurrency: Option<Spanned<LoadFile>>,
    pub(super) measured: Option<bool>,
}

/// `50` is constant, `[0, 50]` ramps from the first to the second value, `{ steps = [10, 20, 30] }` runs each value for
/// the stage's duration.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, [from, to] or { steps = [..] }"
)]
pub(super) enum LoadFile {
    Hold(f64),
    Ramp([f64; 2]),
    Steps(StepsFile),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepsFile {
    pub(super) steps: Vec<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a duration such as \"200ms\" or { min = \"100ms\", max = \"1s\" }"
)]
pub(super) enum ThinkFile {
    Fixed(TextDuration),
    Between(ThinkRange),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThinkRange {
    pub(super) min: TextDuration,
    pub(super) max: TextDuration,
}

/// A duration as a string, such as `"200ms"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextDuration(pub(super) Duration);

impl<'de> Deserialize<'de> for TextDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// Parses the value of a `size` key.
pub(super) fn size(text: &Spanned<String>) -> Result<u64, String> {
    parse_bytes(text.get_ref())
}
