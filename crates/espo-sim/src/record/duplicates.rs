//! The duplicate check of a create.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::input;
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::collate;
use crate::layout::{Layout, Source, duplicate_fields, duplicate_key};
use crate::store::{How, Row};
use crate::value::Value;
use crate::view;

/// Maximum number of duplicates returned.
const SHOWN: usize = 5;

/// Returns records that the new one may duplicate.
pub(crate) fn find(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    except: Option<&str>,
) -> Vec<Arc<Row>> {
    let entity = app.layouts.entity(layout);
    let table = app.store.table(layout.index);
    let mut found: Vec<Arc<Row>> = Vec::new();
    for field in duplicate_fields(entity) {
        let Some(key) = duplicate_key(layout, entity, field) else {
            continue;
        };
        let texts = key.texts(row);
        if texts.is_empty() {
            continue;
        }
        let first = match layout.attr(field).map(|a| &a.source) {
            // A person's first name must be the same too, or be missing in both.
            Some(Source::Person([first, _, _])) => {
                first.map(|slot| (slot, row.get(slot).non_empty().map(collate::needle)))
            }
            _ => None,
        };
        let texts: Vec<_> = texts
            .iter()
            .map(|t| (key, How::Whole, t.as_str()))
            .collect();
        for other in table.by_text(&texts, usize::MAX).unwrap_or_default() {
            let same = first.as_ref().is_none_or(|(slot, needle)| {
                match (other.get(*slot).non_empty(), needle) {
                    (Some(text), Some(needle)) => collate::equals_folded(text, needle),
                    (text, needle) => text.is_none() && needle.is_none(),
                }
            });
            if same
                && except.is_none_or(|id| other.id != id)
                && !found.iter().any(|f| f.id == other.id)
                && caller.acl.record(&app.store, layout, &other, Action::Read)
            {
                found.push(other);
            }
        }
    }
    found.truncate(SHOWN);
    found
}

/// Returns records that a new one with these attributes would duplicate.
pub(crate) fn find_like(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    values: &Map<String, Json>,
) -> Vec<Arc<Row>> {
    let mut row = Row {
        id: "".into(),
        deleted: false,
        values: vec![Value::Null; layout.slots].into(),
    };
    for (attr, value) in values {
        if let (Some(ix), Some(slot)) = (layout.find(attr), layout.slot(attr)) {
            row.values[slot] = input::coerce(app, layout, ix, value);
        }
    }
    if let (Some(email), Some(slot)) = (
        values.get("emailAddress").and_then(Json::as_str),
        layout.slot("emailAddressData"),
    ) {
        row.values[slot] = Value::json(json!([{"lower": email.to_lowercase()}]));
    }
    find(app, caller, layout, &row, None)
}

/// The body of the error response: full records as in a list.
pub(crate) fn body(app: &App, caller: &Caller, layout: &Layout, rows: &[Arc<Row>]) -> Json {
    let records = rows.iter().map(|row| {
        let pairs = layout.list_plan.iter().filter(|ix| {
            let attr = &layout.attrs[**ix];
            // Without loaders: no parent's name, no star.
            !matches!(attr.source, Source::IsStarred)
                && !matches!(&attr.source, Source::LinkName(l) if layout.links.get(l).is_none_or(|l| l.target.is_none()))
        });
        Json::Object(
            pairs
                .map(|ix| {
                    let attr = &layout.attrs[*ix];
                    (attr.name.clone(), view::value(app, layout, row, *ix, caller.user_id()).to_json())
                })
                .collect(),
        )
    });
    Json::Array(records.collect())
}
