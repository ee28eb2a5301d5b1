//! Events of records, for listeners.
//!
//! Records raise events and do not know who hears them: notes, notifications, webhooks, followers and rights follow from
//! a change, and live above records. The listeners are given to the server when it is built.

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
    /// It was created.
    Created {
        layout: &'a Layout,
        row: &'a Row,
        input: &'a Input,
        links: &'a [LinkChange],
    },
    /// It was changed. `input` is what the request set.
    Changed {
        layout: &'a Layout,
        old: &'a Row,
        new: &'a Row,
        input: &'a Input,
        links: &'a [LinkChange],
        /// Values that have no column, as they were.
        before: &'a AttrMap<Value>,
    },
    /// It was removed.
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

/// Hears of every event, after it was stored.
pub(crate) type Listener = fn(&App, &Caller, &Event);
