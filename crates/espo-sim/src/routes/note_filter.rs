//! The selection of notes by a request for a stream.

use super::Call;
use crate::http::{Refusal, Result};
use crate::layout::Layout;
use crate::search::{Pred, text};
use crate::store::Row;
use crate::value::Value;

/// The notes that a request selects.
pub(super) struct Which<'a> {
    notes: &'a Layout,
    filter: Option<&'a str>,
    after: Option<&'a str>,
    before: Option<f64>,
    /// The user whose notes are excluded.
    without: Option<&'a str>,
    text: Option<Pred<'a>>,
}

impl<'a> Which<'a> {
    /// Reads the parameters. Rejects names that are not filters.
    pub(super) fn of(call: &'a Call, notes: &'a Layout, filter: Option<&'a str>) -> Result<Self> {
        if let Some(name) = filter.filter(|f| !matches!(*f, "" | "all" | "posts" | "updates")) {
            return Err(Refusal::bad_request(format!(
                "No primary filter '{name}' for 'Note'."
            )));
        }
        let param = |name: &str| call.request.param(name);
        let skip_own = param("skipOwn") == Some("true");
        let text = param("textFilter").or(param("q")).filter(|t| !t.is_empty());
        Ok(Which {
            notes,
            filter,
            after: param("after"),
            before: param("beforeNumber").and_then(|n| n.parse().ok()),
            without: skip_own.then(|| call.caller.user_id()),
            text: text.map(|t| text::compile(call.app, notes, t)),
        })
    }

    pub(super) fn keeps(&self, row: &Row) -> bool {
        let value = |attr: &str| self.notes.slot(attr).map(|s| row.get(s));
        let is = |attr: &str, of: &dyn Fn(&str) -> bool| {
            value(attr).and_then(Value::as_str).is_some_and(of)
        };
        let right_type = match self.filter {
            Some("posts") => is("type", &|t| t == "Post"),
            Some("updates") => is("type", &|t| matches!(t, "Update" | "Status")),
            _ => true,
        };
        let number = || value("number").and_then(Value::as_f64).unwrap_or_default();
        right_type
            && self.text.as_ref().is_none_or(|matches| matches(row))
            && self
                .after
                .is_none_or(|after| is("createdAt", &|c| c > after))
            && self.before.is_none_or(|before| number() < before)
            && self
                .without
                .is_none_or(|user| !is("createdById", &|u| u == user))
    }
}
