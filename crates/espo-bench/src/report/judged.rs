//! The result of an SLO.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An SLO and whether it was met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SloResult {
    /// The expression, as written by the user.
    pub expression: String,
    /// The measured value with its unit; absent if nothing was measured.
    pub measured: Option<String>,
    /// Whether the SLO was met. An SLO on an operation without requests is missed.
    pub held: bool,
    /// The restriction of the measured value: too few requests for the percentile, or failures that it does not include.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caveat: Option<String>,
}

impl SloResult {
    /// The measured value with its caveat, for all forms of the report.
    pub(crate) fn shown(&self) -> String {
        let measured = self.measured.as_deref().unwrap_or("nothing measured");
        match &self.caveat {
            Some(caveat) => format!("{measured}; {caveat}"),
            None => measured.to_owned(),
        }
    }

    /// `measured 12.3 ms`, with the caveat.
    pub(crate) fn sentence(&self) -> String {
        match self.measured {
            Some(_) => format!("measured {}", self.shown()),
            None => self.shown(),
        }
    }
}
