//! Events of records, for listeners.
//!
//! Records raise events and do not depend on the listeners, which are in higher layers: notes, notifications,
//! webhooks, followers and permissions. The listeners are registered when the server is built.

use serde_json::Value as Json;

use super::{App, Caller};
use crate::layout::{AttrMap, Layout};
use crate::store::Row;
use crate::value::{Id, Value};

/// The values of a body: raw, sanitised but not yet coerced, by attribute, in the order of the body.
pub(crate) type Input = AttrMap<Json>;

/// A pair of records that a request linked through a link field, or unlinked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinkChange {
    pub(crate) link: String,
    pub(crate) other: Id,
    /// Whether the two are linked now.
    pub(crate) now: bool,
}

/// An event of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// The record was created.
    Created {
        layout: &'a Layout,
        row: &'a Row,
        input: &'a Input,
        links: &'a [LinkChange],
    },
    /// The record was changed. `input` contains the values that the request set.
    Changed {
        layout: &'a Layout,
        old: &'a Row,
        new: &'a Row,
        input: &'a Input,
        links: &'a [LinkChange],
        /// The previous values of attributes without a column.
        before: &'a AttrMap<Value>,
    },
    /// The record was deleted.
    Removed { layout: &'a Layout, row: &'a Row },
    /// A request linked it to another record, or unlinked it.
    Linked {
        layout: &'a Layout,
        row: &'a Row,
        link: &'a str,
        other: &'a Row,
        /// Whether the two are linked now.
        now: bool,
    },
}

/// Receives every event, after the change was stored.
pub(crate) type Listener = fn(&App, &Caller, &Event);
