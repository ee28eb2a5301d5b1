//! State other than records.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value as Json};
use tokio::sync::Notify;

use super::Caller;
use crate::value::Id;

/// State other than records, by topic. The functions for each topic are in the module of its routes.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) reactions: Reactions,
    pub(crate) files: Files,
    pub(crate) jobs: Jobs,
    pub(crate) layouts: StoredLayouts,
    pub(crate) imports: Imports,
    pub(crate) boards: Boards,
    pub(crate) history: SharedHistory,
    pub(crate) webhook_queue: Queue,
}

/// Contents by attachment.
#[derive(Debug, Default)]
pub(crate) struct Files(pub(crate) RwLock<HashMap<Id, Bytes>>);

/// Reactions by note: type and user.
#[derive(Debug, Default)]
pub(crate) struct Reactions(pub(crate) RwLock<HashMap<Id, Vec<(String, Id)>>>);

/// Layouts that were set, by entity type and name.
#[derive(Debug, Default)]
pub(crate) struct StoredLayouts(pub(crate) RwLock<HashMap<(String, String), Json>>);

/// Records that imports created or changed.
#[derive(Debug, Default)]
pub(crate) struct Imports(pub(crate) RwLock<HashMap<Id, Vec<Imported>>>);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum How {
    Created,
    /// Created although a similar record exists.
    Duplicate,
    Updated,
}

#[derive(Debug, Clone)]
pub(crate) struct Imported {
    pub(crate) record: Id,
    pub(crate) how: How,
}

/// Positions of records on users' boards, by entity type, group and user.
#[derive(Debug, Default)]
pub(crate) struct Boards(pub(crate) RwLock<HashMap<(String, String, Id), Vec<Id>>>);

/// The history of all users.
#[derive(Debug, Default)]
pub(crate) struct SharedHistory(pub(crate) Mutex<History>);

/// The actions of users on records, oldest first, by user.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Number of the last entry.
    pub(crate) last: u64,
    pub(crate) by_user: HashMap<Id, VecDeque<Entry>>,
}

/// An action of a user on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Create,
    Read,
    Update,
    Delete,
}

impl Done {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Done::Create => "create",
            Done::Read => "read",
            Done::Update => "update",
            Done::Delete => "delete",
        }
    }
}

/// One action in the history.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) action: Done,
    /// Index of the entity type's layout.
    pub(crate) entity: usize,
    pub(crate) id: Id,
    pub(crate) at: Timestamp,
}

/// The task of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    MassAction,
    Export,
}

/// A request that is executed later.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) caller: Caller,
    pub(crate) body: Map<String, Json>,
    pub(crate) what: What,
}

/// The progress of a job.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// `Pending`, `Running`, `Success` or `Failed`.
    pub(crate) status: &'static str,
    pub(crate) processed: usize,
    /// The file that an export created.
    pub(crate) attachment: Option<String>,
}

/// Finished and queued jobs.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(crate) states: Mutex<HashMap<Id, State>>,
    /// Jobs that were not executed yet, with the ID of the record about each.
    pub(crate) waiting: Mutex<Vec<(Id, Option<String>, Job)>>,
    pub(crate) filled: Notify,
}

/// One item for a webhook.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) webhook: Id,
    pub(crate) payload: Json,
}

/// Events that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) items: Mutex<Vec<Item>>,
    pub(crate) filled: Notify,
}
