//! The EspoCRM version that a server simulates.

use std::fmt;
use std::str::FromStr;

use espo_schema::Schema;

/// A version of EspoCRM that the simulator supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// 9.3
    V9_3,
    /// 10.0: locked records, pipelines, grouped notifications, reasons that are not doubled.
    V10_0,
}

impl Version {
    /// The supported versions, oldest first.
    pub const ALL: [Version; 2] = [Version::V9_3, Version::V10_0];

    /// Returns the version that metadata comes from, based on the additions of 10.0. Metadata without these additions,
    /// such as a single custom entity type, is treated as that of 9.3.
    #[must_use]
    pub fn of_metadata(schema: &Schema) -> Version {
        let added = ["Pipeline", "PipelineStage"]
            .iter()
            .any(|e| schema.entity_types.contains_key(*e))
            || schema
                .entity_types
                .values()
                .any(|e| e.scope.raw.contains_key("lockable"));
        if added { Version::V10_0 } else { Version::V9_3 }
    }

    /// Returns the supported version that is nearest to `text` (`9`, `9.2`, `10.0.3`), and whether its behaviour was
    /// observed for exactly that minor version.
    ///
    /// # Errors
    ///
    /// Returns a message if `text` does not begin with a number.
    pub fn nearest(text: &str) -> Result<(Version, bool), String> {
        let mut parts = text.trim().trim_start_matches('v').split('.');
        let invalid =
            || format!("invalid version `{text}`: expected a number such as `9.3` or `10.0.2`");
        let number = |part: &str| part.parse::<u32>().map_err(|_| invalid());
        let major = number(parts.next().unwrap_or_default())?;
        let minor = parts.next().map(number).transpose()?;
        let version = if major < 10 {
            Version::V9_3
        } else {
            Version::V10_0
        };
        let (known_major, known_minor) = version.number();
        let exact = major == known_major && minor.is_none_or(|m| m == known_minor);
        Ok((version, exact))
    }

    /// Returns the major and minor number, such as `(10, 0)`.
    #[must_use]
    pub fn number(self) -> (u32, u32) {
        match self {
            Version::V9_3 => (9, 3),
            Version::V10_0 => (10, 0),
        }
    }

    /// Returns the full version number that such a server reports in `GET Settings`.
    #[must_use]
    pub fn release(self) -> &'static str {
        match self {
            Version::V9_3 => "9.3.10",
            Version::V10_0 => "10.0.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.number();
        write!(f, "{major}.{minor}")
    }
}

/// Accepts every version number and returns the nearest supported version; see [`Version::nearest`].
impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Version, String> {
        Version::nearest(text).map(|(version, _)| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_versions_map_to_the_nearest_supported_one() {
        for (text, version, exact) in [
            ("9.3", Version::V9_3, true),
            ("9.3.10", Version::V9_3, true),
            ("9", Version::V9_3, true),
            ("8.4.2", Version::V9_3, false),
            ("10.0.7", Version::V10_0, true),
            ("v10.1", Version::V10_0, false),
            ("11", Version::V10_0, false),
        ] {
            assert_eq!(Version::nearest(text), Ok((version, exact)), "{text}");
        }
        for text in ["", "latest", "9.x", "-1"] {
            assert!(Version::nearest(text).is_err(), "{text}");
        }
    }
}
