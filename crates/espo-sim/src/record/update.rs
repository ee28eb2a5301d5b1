//! Changing and removing a record (ESPO-API.md F3, F5, F6).

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::hooks::{self, Draft};
use super::validate::{self, Candidate};
use super::{create, input, links, view};
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{AttrIx, Layout, Source};
use crate::search::params::leading_int;
use crate::store::Row;
use crate::value::Value;

/// `PUT` and `PATCH {Entity}/{id}`
pub(crate) fn update(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    id: &str,
    request: &Request,
) -> Result<Reply> {
    caller.acl.check_scope(&layout.name, Action::Edit)?;
    let body = request.json_body()?;
    let row = app
        .store
        .table(layout.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found(format!("Record {id} not found.")))?;
    if !caller.acl.record(app, layout, &row, Action::Edit) {
        return Err(Refusal::forbidden("No edit access."));
    }
    let version = request.header("x-version-number").map(leading_int);
    let (new, shown, links_changed) = change(app, caller, layout, &row, &body, version)?;
    let nulled: Vec<AttrIx> = body
        .iter()
        .filter(|(_, v)| v.is_null())
        .filter_map(|(k, _)| layout.find(k))
        .collect();
    let mut reply = answer(app, caller, layout, &row, &new, &shown, &nulled);
    if links_changed {
        reply = reply.header("x-record-link-updated", "true");
    }
    Ok(reply)
}

/// Checks and stores a change. Gives the row as it is now and what the answer shows as it is in memory.
pub(crate) fn change(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    body: &Map<String, Json>,
    version: Option<i64>,
) -> Result<(Row, IndexMap<AttrIx, Value>, bool)> {
    let input = input::take(app, caller, layout, body, false);
    let mut shown: IndexMap<AttrIx, Value> = IndexMap::new();
    for (ix, raw) in &input {
        shown.insert(*ix, input::coerce(app, layout, *ix, raw));
    }
    check_version(app, layout, row, &shown, version)?;
    let value = |ix: AttrIx| match shown.get(&ix) {
        Some(v) => v.clone(),
        None => view::value(app, layout, row, ix, caller.user_id()),
    };
    Candidate {
        app,
        layout,
        input: &input,
        value: &value,
        creating: false,
    }
    .check()?;
    links::check_references(app, caller, layout, &input)?;
    for ix in input.keys() {
        if shown[ix].is_null() && validate::null_refused(app, layout, *ix) {
            return Err(Refusal::internal());
        }
    }
    let mut draft = Draft {
        app,
        layout,
        row: row.clone(),
        old: Some(row),
        input: &input,
        shown,
    };
    for (ix, v) in &draft.shown {
        if let Source::Slot(slot) = layout.attrs[*ix].source {
            draft.row.values[slot] = v.clone();
        }
    }
    hooks::before_save(&mut draft);
    let Draft {
        row: wanted, shown, ..
    } = draft;
    let touched: Vec<usize> = (0..layout.slots)
        .filter(|s| wanted.get(*s) != row.get(*s))
        .collect();
    let version_slot = layout.slot("versionNumber");
    let modified = (!touched.is_empty()).then(|| {
        [
            ("modifiedAt", Value::text(app.clock.datetime())),
            ("modifiedById", Value::Text(caller.acl.user_id.clone())),
        ]
    });
    let new = app
        .store
        .table(layout.index)
        .update(&row.id, |r| {
            // Only what this request changes: another one may have changed the rest meanwhile.
            for slot in &touched {
                r.values[*slot] = wanted.get(*slot).clone();
            }
            for (attr, v) in modified.iter().flatten() {
                if let Some(slot) = layout.slot(attr) {
                    r.values[slot] = v.clone();
                }
            }
            if let Some(slot) = version_slot {
                let n = r.get(slot).as_f64().unwrap_or(0.0) as i64;
                r.values[slot] = Value::Int(n + 1);
            }
            true
        })
        .ok_or_else(Refusal::internal)?;
    let links_changed = links::write_sets(app, layout, &new, &input, false);
    hooks::after_save(app, layout, &new, Some(row), &input);
    crate::routes::after_update(app, caller, layout, row, &new, &input);
    let new = app
        .store
        .table(layout.index)
        .get(&new.id)
        .map_or_else(|| (*new).clone(), |r| (*r).clone());
    Ok((new, shown, links_changed))
}

/// Refuses a stale version if the change is a real one (QUIRKS 7).
fn check_version(
    app: &App,
    layout: &Layout,
    row: &Row,
    shown: &IndexMap<AttrIx, Value>,
    version: Option<i64>,
) -> Result<()> {
    let (Some(sent), Some(slot)) = (version, layout.slot("versionNumber")) else {
        return Ok(());
    };
    if !app.layouts.entity(layout).optimistic_concurrency_control {
        return Ok(());
    }
    let stored = row.get(slot).as_f64().unwrap_or(0.0) as i64;
    if stored == sent {
        return Ok(());
    }
    let mut values = Map::new();
    for (ix, new) in shown {
        let attr = &layout.attrs[*ix];
        let old = view::value(app, layout, row, *ix, "");
        if !attr.stored || &old == new || (old.as_f64().is_some() && old.as_f64() == new.as_f64()) {
            continue;
        }
        // The whole field is shown, with all its parts.
        let entity = app.layouts.entity(layout);
        let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
        for name in field.map(|f| f.attributes.as_slice()).unwrap_or_default() {
            if let Some(ix) = layout.find(name) {
                values.insert(
                    name.clone(),
                    view::value(app, layout, row, ix, "").to_json(),
                );
            }
        }
        if field.is_none() {
            values.insert(attr.name.clone(), old.to_json());
        }
    }
    if values.is_empty() {
        return Ok(());
    }
    Err(Refusal::conflict(
        "modified",
        json!({"values": values, "versionNumber": stored}),
    ))
}

/// The answer: every attribute of a read, with what the body set as it is in memory. Parts that follow from it may be
/// stale, as they are on the real server (QUIRKS 4).
fn answer(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    old: &Row,
    new: &Row,
    shown: &IndexMap<AttrIx, Value>,
    nulled: &[AttrIx],
) -> Reply {
    let mut out = app.out();
    out.open_object();
    for (ix, attr) in layout.attrs.iter().enumerate() {
        let in_read = layout.read_plan.contains(&ix);
        if attr.write_only || attr.filter_only || !create::readable(app, caller, layout, ix) {
            continue;
        }
        if !in_read && !shown.contains_key(&ix) {
            continue;
        }
        if !create::follow_open(app, caller, layout, &attr.source) {
            continue;
        }
        let current = |row: &Row| view::value(app, layout, row, ix, caller.user_id());
        let v = match (&attr.source, shown.get(&ix)) {
            (Source::Slot(_), Some(v)) => match attr.name.as_str() {
                "emailAddress" | "phoneNumber" if !v.is_null() => current(new),
                _ => v.clone(),
            },
            // Loaded before the save, and not again.
            (Source::Slot(_), None)
                if attr.name == "emailAddressData" || attr.name == "phoneNumberData" =>
            {
                list_or_empty(current(old))
            }
            (Source::Slot(_), None)
                if attr.name.ends_with("IsOptedOut") || attr.name.ends_with("IsInvalid") =>
            {
                current(old)
            }
            // Null is echoed; what is no list was passed over.
            (Source::Ids(_) | Source::Columns(_), Some(v))
                if !v.is_null() || nulled.contains(&ix) =>
            {
                v.clone()
            }
            (Source::Names(_) | Source::LinkName(_), _) => current(new),
            (_, Some(v)) => v.clone(),
            (_, None) => current(new),
        };
        out.key(&attr.name);
        out.value(&v);
    }
    out.close_object();
    Reply::json(out.into_bytes())
}

fn list_or_empty(v: Value) -> Value {
    if v.is_null() {
        Value::json(json!([]))
    } else {
        v
    }
}

/// `DELETE {Entity}/{id}`
pub(crate) fn delete(app: &App, caller: &Caller, layout: &Layout, id: &str) -> Result<Reply> {
    caller.acl.check_scope(&layout.name, Action::Delete)?;
    let row = app
        .store
        .table(layout.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found(format!("Record {id} not found.")))?;
    if !caller.acl.record(app, layout, &row, Action::Delete) {
        return Err(Refusal::forbidden("No delete access."));
    }
    remove(app, caller, layout, &row);
    Ok(Reply::bool(true))
}

/// Removes a record: softly where there is a `deleted` attribute.
pub(crate) fn remove(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    let table = app.store.table(layout.index);
    if app.layouts.entity(layout).no_deleted_attribute {
        table.erase(&row.id);
    } else {
        let modified = layout.slot("modifiedAt");
        let now = app.clock.datetime();
        table.update(&row.id, |r| {
            r.deleted = true;
            if let Some(s) = modified {
                r.values[s] = Value::text(now);
            }
            true
        });
    }
    crate::routes::after_delete(app, caller, layout, row);
}
