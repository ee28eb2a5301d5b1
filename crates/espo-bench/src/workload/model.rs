//! A workload as the driver uses it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::schedule::{Arrivals, Phase};

/// What to send, in which mix, with which data.
///
/// Made by [`Workload::builtin`], [`Workload::load`] or [`Workload::parse`].
#[derive(Debug, Clone)]
pub struct Workload {
    /// Name in reports: the file's `name`, or the file name without `.toml`.
    pub name: String,
    /// What the workload stands for.
    pub description: String,
    /// The file as it was read: it goes into the report whole.
    pub(crate) source: Arc<str>,
    /// Where it was read from, for messages.
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

/// What the file says about the load; the command line wins over it.
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

/// `share` of the picks go to the `hot` part of the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Skew {
    pub(crate) hot: f64,
    pub(crate) share: f64,
}

/// Names of environment variables; the values never stand in a file.
#[derive(Debug, Clone)]
pub(crate) struct CredentialNames {
    pub(crate) api_key: Option<String>,
    pub(crate) secret_key: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// Columns of a CSV file for the attributes of an entity type.
#[derive(Debug)]
pub(crate) struct CsvColumns {
    pub(crate) attributes: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// The file as the workload names it, and where it is.
    pub(crate) file: String,
    pub(crate) path: PathBuf,
    /// Where the workload names the entity type and the attributes.
    pub(crate) entity_place: Range<usize>,
    pub(crate) places: Vec<Range<usize>>,
}

/// What an iteration is: one operation, or the steps of a chain.
#[derive(Debug, Clone)]
pub(crate) struct MixItem {
    /// Index into `operations` of the entry that stands for the chain as a whole.
    pub(crate) chain: Option<usize>,
    pub(crate) weight: u32,
    /// Indexes into `operations`.
    pub(crate) steps: Vec<usize>,
}

/// One kind of request that the workload sends.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Name in reports, limits and histogram tags: `list:Account`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) entity: String,
    pub(crate) select: Vec<String>,
    pub(crate) filter: Vec<Value>,
    pub(crate) order_by: Option<String>,
    pub(crate) descending: bool,
    pub(crate) max_size: u32,
    pub(crate) pages: u32,
    pub(crate) link: Option<String>,
    pub(crate) text: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) set: Map<String, Value>,
    pub(crate) batch: u32,
    pub(crate) field: Option<String>,
    pub(crate) size: u64,
    /// It creates records that other operations need, and is no part of the load.
    pub(crate) is_preparation: bool,
    pub(crate) places: Places,
}

impl Operation {
    /// Whether it is no request of the load: a chain as a whole, or preparation.
    pub(crate) fn is_apart(&self) -> bool {
        self.kind == Kind::Chain || self.is_preparation
    }

    /// Its kind in reports.
    pub(crate) fn report_kind(&self) -> &'static str {
        if self.is_preparation {
            crate::report::PREPARATION
        } else {
            self.kind.as_str()
        }
    }
}

/// Byte ranges in the source, for messages about names that only the target's metadata can check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) entity: Range<usize>,
    pub(crate) link: Range<usize>,
    pub(crate) names: BTreeMap<String, Range<usize>>,
}

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
    /// A chain as a whole: no request of its own.
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

    /// Whether the operation changes the target.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Create
            | Self::Update
            | Self::Delete
            | Self::Link
            | Self::Unlink
            | Self::MassUpdate
            | Self::Upload => true,
            // A download fetches what the run itself has uploaded.
            Self::Download => true,
            Self::List | Self::Search | Self::Read | Self::Related | Self::Stream | Self::Chain => {
                false
            }
        }
    }
}

impl Workload {
    /// Whether any operation changes the target, or the set-up makes records.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.setup.is_empty() || self.operations.iter().any(|o| o.kind.writes())
    }

    /// The entity types that the operations name, sorted.
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

    /// Think time between the iterations of a worker, shortest and longest; none if the file has none.
    #[must_use]
    pub fn think(&self) -> Option<(Duration, Duration)> {
        self.think
    }

    /// The file as it was read.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How the file spreads arrivals; evenly if it does not say.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        self.defaults.arrivals.unwrap_or_default()
    }

    /// Names the ready-made workloads.
    #[must_use]
    pub fn builtin_names() -> Vec<&'static str> {
        super::BUILTIN.iter().map(|(name, _)| *name).collect()
    }
}

impl Operation {
    /// Creates of records that other operations need.
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
            descending: false,
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
