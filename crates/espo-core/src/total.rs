use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of records that a list matches, as far as the server reports it.
///
/// If counting is disabled (the `X-No-Total` header, entity types with `countDisabled`, streams, the global search),
/// the server returns `-1` if there are more records and `-2` if there are none; these are never shown as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Total {
    /// The exact number of matches.
    Exact(u64),
    /// Not counted; there are more records after this page.
    More,
    /// Not counted; this page is the last.
    NoMore,
}

impl Total {
    /// Returns the number of matches if the server counted them.
    pub const fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(count) => Some(count),
            Self::More | Self::NoMore => None,
        }
    }

    /// Returns whether records follow after `seen` of them (offset plus rows received).
    pub const fn has_more(self, seen: u64) -> bool {
        match self {
            Self::Exact(count) => seen < count,
            Self::More => true,
            Self::NoMore => false,
        }
    }

    /// Converts the server's number: `-1` is [`Total::More`], any other negative number [`Total::NoMore`].
    pub const fn from_wire(value: i64) -> Self {
        match value {
            -1 => Self::More,
            v if v < 0 => Self::NoMore,
            v => Self::Exact(v as u64),
        }
    }
}

/// The number, `not counted`, or `not counted, but more follow`.
impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(count) => write!(f, "{count}"),
            Self::More => f.write_str("not counted, but more follow"),
            Self::NoMore => f.write_str("not counted"),
        }
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_wire)
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Exact(count) => serializer.serialize_u64(count),
            Self::More => serializer.serialize_i64(-1),
            Self::NoMore => serializer.serialize_i64(-2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Total;

    #[test]
    fn negative_totals_round_trip() {
        for (wire, total, more) in [
            ("7", Total::Exact(7), true),
            ("-1", Total::More, true),
            ("-2", Total::NoMore, false),
        ] {
            assert_eq!(serde_json::from_str::<Total>(wire).unwrap(), total);
            assert_eq!(serde_json::to_string(&total).unwrap(), wire);
            assert_eq!(total.has_more(6), more);
        }
        assert_eq!(Total::Exact(7).to_string(), "7");
        assert!(!Total::Exact(7).has_more(7));
    }
}
