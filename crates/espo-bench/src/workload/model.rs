//! The workload that the driver runs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::data::CsvColumns;
use crate::schedule::{Arrivals, Phase};

/// The operations to send, their mix and their data.
///
/// Created by [`Workload::builtin`], [`Workload::load`] or [`Workload::parse`].
#[derive(Debug, Clone)]
pub struct Workload {
    /// Name in reports: the file's `name`, or the file name without `.toml`.
    pub name: String,
    /// Description of the workload.
    pub description: String,
    /// Content of the file, which the report includes.
    pub(crate) source: Arc<str>,
    /// Where the workload was read from, for messages.
    pub(crate) origin: String,
    pub(crate) defaults: Defaults,
    pub(crate) think: Option<(Duration, Duration)>,
    pub(crate) pacing: Option<Duration>,
    pub(crate) prefix: String,
    pub(crate) skew: Option<Skew>,
    pub(crate) csv: BTreeMap<String, Arc<CsvColumns>>,
    pub(crate) setup: BTreeMap<String, u32>,
    pub(crate) setup_places: BTreeMap<String, Range<usize>>,
    pub(crate) credentials: Vec<CredentialNames>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) mix: Vec<MixItem>,
    pub(crate) stages: Option<Stages>,
}

/// The load defined in the file; the command line overrides it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) concurrency: Option<u32>,
    pub(crate) rate: Option<f64>,
    pub(crate) arrivals: Option<Arrivals>,
    pub(crate) max_in_flight: Option<u32>,
    pub(crate) duration: Option<Duration>,
    pub(crate) warmup: Option<Duration>,
    pub(crate) seed: Option<u64>,
}

/// Stages of one model.
#[derive(Debug, Clone)]
pub(crate) enum Stages {
    Open(Vec<Phase>),
    Closed(Vec<Phase>),
}

/// A fraction `share` of the reads goes to the `hot` part of the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Skew {
    pub(crate) hot: f64,
    pub(crate) share: f64,
}

/// Names of environment variables; files never contain the values.
#[derive(Debug, Clone)]
pub(crate) struct CredentialNames {
    pub(crate) api_key: Option<String>,
    pub(crate) secret_key: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// The content of an iteration: one operation, or the steps of a chain.
#[derive(Debug, Clone)]
pub(crate) struct MixItem {
    /// Index into `operations` of the entry for the whole chain.
    pub(crate) chain: Option<usize>,
    pub(crate) weight: u32,
    /// Indexes into `operations`.
    pub(crate) steps: Vec<usize>,
}

/// One kind of request that the workload sends.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Name in reports, SLOs and histogram tags, such as `list:Account`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) entity: String,
    pub(crate) select: Vec<String>,
    pub(crate) filter: Vec<Value>,
    pub(crate) order_by: Option<String>,
    pub(crate) order: Option<&'static str>,
    pub(crate) max_size: u32,
    pub(crate) pages: u32,
    pub(crate) link: Option<String>,
    pub(crate) text: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) set: Map<String, Value>,
    pub(crate) batch: u32,
    pub(crate) field: Option<String>,
    pub(crate) size: u64,
    /// Whether it creates records that other operations need, and is not part of the load.
    pub(crate) is_preparation: bool,
    pub(crate) places: Places,
}

impl Operation {
    /// Returns whether it is not a request of the load, but a whole chain or preparation.
    pub(crate) fn is_apart(&self) -> bool {
        self.kind == Kind::Chain || self.is_preparation
    }

    /// Returns its kind in reports.
    pub(crate) fn report_kind(&self) -> &'static str {
        if self.is_preparation {
            PREPARATION
        } else {
            self.kind.as_str()
        }
    }
}

/// Byte ranges in the source, for messages about names that only the target's metadata can verify.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) entity: Range<usize>,
    pub(crate) link: Range<usize>,
    pub(crate) names: BTreeMap<String, Range<usize>>,
}

/// Prefix of the names of created records if the file sets none.
pub(crate) const DEFAULT_PREFIX: &str = "espo-bench";

/// Report kind of creates of records that other operations needed.
pub(crate) const PREPARATION: &str = "preparation";

/// The kinds of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    List,
    Search,
    Read,
    Create,
    Update,
    Delete,
    Related,
    Link,
    Unlink,
    Stream,
    MassUpdate,
    Upload,
    Download,
    /// A whole chain, which is not a request itself.
    Chain,
}

impl Kind {
    pub(crate) const REQUESTS: [Self; 13] = [
        Self::List,
        Self::Search,
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Related,
        Self::Link,
        Self::Unlink,
        Self::Stream,
        Self::MassUpdate,
        Self::Upload,
        Self::Download,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Search => "search",
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Related => "related",
            Self::Link => "link",
            Self::Unlink => "unlink",
            Self::Stream => "stream",
            Self::MassUpdate => "mass_update",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Chain => "chain",
        }
    }

    /// Returns whether the operation changes the target.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Create
            | Self::Update
            | Self::Delete
            | Self::Link
            | Self::Unlink
            | Self::MassUpdate
            | Self::Upload => true,
            // A download fetches files that the run itself uploaded.
            Self::Download => true,
            Self::List | Self::Search | Self::Read | Self::Related | Self::Stream | Self::Chain => {
                false
            }
        }
    }
}

impl Workload {
    /// Returns whether any operation changes the target, or the setup creates records.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.setup.is_empty() || self.operations.iter().any(|o| o.kind.writes())
    }

    /// Returns the entity types that the operations name, sorted.
    pub(crate) fn entities(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self
            .operations
            .iter()
            .map(|o| o.entity.as_str())
            .filter(|e| !e.is_empty())
            .collect();
        all.extend(self.setup.keys().map(String::as_str));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns the minimum and maximum think time between the iterations of a worker, or `None` if the file sets none.
    #[must_use]
    pub fn think(&self) -> Option<(Duration, Duration)> {
        self.think
    }

    /// Returns the time between the starts of a worker's iterations, or `None` if the file sets none.
    #[must_use]
    pub fn pacing(&self) -> Option<Duration> {
        self.pacing
    }

    /// Returns the content of the file.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns how the file distributes arrivals; evenly by default.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        self.defaults.arrivals.unwrap_or_default()
    }

    /// Returns the names of the built-in workloads.
    #[must_use]
    pub fn builtin_names() -> Vec<&'static str> {
        super::BUILTIN.iter().map(|(name, _)| *name).collect()
    }
}

impl Operation {
    /// Returns the create operation for records that other operations need.
    pub(crate) fn preparation(entity: &str) -> Self {
        Self {
            is_preparation: true,
            ..Self::new(Kind::Create, entity.to_owned(), format!("prepare:{entity}"))
        }
    }

    pub(super) fn new(kind: Kind, entity: String, name: String) -> Self {
        Self {
            name,
            kind,
            entity,
            select: Vec::new(),
            filter: Vec::new(),
            order_by: None,
            order: None,
            max_size: 20,
            pages: 1,
            link: None,
            text: Vec::new(),
            fields: Vec::new(),
            set: Map::new(),
            batch: 1,
            field: None,
            size: 16 << 10,
            is_preparation: false,
            places: Places::default(),
        }
    }
}
