//! Actions on one record: merging, converting currencies.

use http::Method;
use serde_json::{Map, Value as Json};

use super::mass::{self, convert, object};
use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, rules, update};
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[Fixed::action(Method::POST, "Action", single)];

/// `POST Action`: an action on one record.
fn single(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(entity), Some(id), Some(action)) = (text("entityType"), text("id"), text("action"))
    else {
        return Err(Refusal::bad_request(""));
    };
    let layout = app.layouts.find(entity).ok_or_else(Refusal::internal)?;
    if !caller.acl.scope(&layout.name) {
        return Err(Refusal::forbidden_silently());
    }
    let locking = app.version >= Version::V10_0 && matches!(action, "lock" | "unlock");
    if !matches!(action, "merge" | "convertCurrency") && !locking {
        return Err(Refusal::not_found(format!("Action '{action}' not found.")));
    }
    if locking {
        return lock(call, layout, id, action == "lock");
    }
    let data = object(&body, "data");
    if caller.acl.level(&layout.name, Action::Edit) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    if action == "convertCurrency" {
        mass::check_rate(app, &data)?;
    } else {
        sources(&data)?;
    }
    let row = app.store.table(layout.index).live(id);
    let is_merge = action == "merge";
    let row =
        row.ok_or_else(|| Refusal::not_found(if is_merge { "Record not found." } else { "" }))?;
    if !caller.acl.record(&app.store, layout, &row, Action::Edit) {
        return Err(Refusal::forbidden(if is_merge {
            "No edit access."
        } else {
            ""
        }));
    }
    let row = match action {
        "convertCurrency" => convert(app, caller, layout, &row, &data)?,
        _ => merge(app, caller, layout, &row, &data)?,
    };
    Ok(read::record_reply(app, caller, layout, &row))
}

/// Locks or unlocks a record. Returns the record.
fn lock(call: &Call, layout: &Layout, id: &str, locked: bool) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    if !rules::is_lockable(app, layout) {
        return Err(Refusal::forbidden("Not enabled."));
    }
    if !mass::may_lock(caller) {
        return Err(Refusal::forbidden("Not allowed."));
    }
    let row = app
        .store
        .table(layout.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found(""))?;
    if !mass::set_lock(app, caller, layout, &row, locked) {
        let state = if locked { "locked" } else { "unlocked" };
        return Err(Refusal::bad_request(format!("Already {state}.")));
    }
    let row = app.live(layout, id)?;
    Ok(read::record_reply(app, caller, layout, &row))
}

/// The records to merge, which come with the attributes of the result.
fn sources(data: &Map<String, Json>) -> Result<&Vec<Json>> {
    let Some(sources) = data.get("sourceIdList").and_then(Json::as_array) else {
        return Err(Refusal::bad_request("No 'sourceIdList'."));
    };
    match data.get("attributes") {
        Some(Json::Object(_)) => Ok(sources),
        _ => Err(Refusal::bad_request("No 'attributes'.")),
    }
}

/// Moves the links of the sources to the record, sets the given attributes, and deletes the sources.
fn merge(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    data: &Map<String, Json>,
) -> Result<Row> {
    let sources = sources(data)?;
    let table = app.store.table(layout.index);
    // The target of a merge can be among its own sources: up to 9.3, it is deleted with them.
    let itself = |text: &str| Err(Refusal::not_found(format!("Record {} {text}.", row.id)));
    if app.version >= Version::V10_0 && sources.iter().any(|s| s.as_str() == Some(&row.id)) {
        return itself("not found");
    }
    let mut attributes = object(data, "attributes");
    take_over_addresses(app, layout, row, sources, &mut attributes);
    for source in sources.iter().filter_map(Json::as_str) {
        let Some(source) = table.live(source) else {
            return Err(Refusal::not_found("Source record not found."));
        };
        if !caller
            .acl
            .record(&app.store, layout, &source, Action::Delete)
        {
            return Err(Refusal::forbidden("No delete access."));
        }
        for link in layout.links.values() {
            use crate::layout::LinkKind::{Children, HasMany, Many};
            if matches!(link.kind, HasMany { .. } | Children { .. } | Many { .. }) {
                for other in view::linked_through(app, layout, &source, link) {
                    crate::record::links::link_one(app, layout, row, link, &other.id);
                }
            }
        }
        move_notes(app, layout, &source, row);
        update::remove(app, caller, layout, &source);
    }
    if table.live(&row.id).is_none() {
        return itself("does not exist");
    }
    let merged = update::change(app, caller, layout, row, &attributes)?;
    // A merge adds nothing to the stream.
    let Some(slot) = layout.slot("streamUpdatedAt") else {
        return Ok(merged);
    };
    let kept = table.update(&row.id, |r| {
        r.values[slot] = row.get(slot).clone();
        true
    });
    Ok(kept.map_or(merged, |r| (*r).clone()))
}

/// The notes of a source become those of the record.
fn move_notes(app: &App, layout: &Layout, source: &Row, row: &Row) {
    let Some(notes) = app.layouts.find("Note") else {
        return;
    };
    let (Some(id), Some(type_)) = (notes.slot("parentId"), notes.slot("parentType")) else {
        return;
    };
    let table = app.store.table(notes.index);
    for note in table.by_key(id, &source.id) {
        // The stream of the record has a note of its creation already.
        let is_post = notes
            .slot("type")
            .is_some_and(|s| note.get(s).as_str() == Some("Post"));
        if is_post && note.get(type_).as_str() == Some(&layout.name) {
            table.update(&note.id, |n| {
                n.values[id] = Value::Text(row.id.clone());
                true
            });
        }
    }
}

/// Adds the addresses and numbers of the sources to the record; one of them may become the primary one.
fn take_over_addresses(
    app: &App,
    layout: &Layout,
    row: &Row,
    sources: &[Json],
    attributes: &mut Map<String, Json>,
) {
    let table = app.store.table(layout.index);
    for key in ["emailAddress", "phoneNumber"] {
        let data = format!("{key}Data");
        let Some(slot) = layout.slot(&data) else {
            continue;
        };
        let entries = |row: &Row| row.get(slot).as_list().unwrap_or_default().to_vec();
        let mut all = entries(row);
        let others = sources.iter().filter_map(Json::as_str);
        for mut entry in others
            .filter_map(|id| table.live(id))
            .flat_map(|r| entries(&r))
        {
            if !all.iter().any(|e| e[key] == entry[key]) {
                entry["primary"] = Json::Bool(all.is_empty());
                all.push(entry);
            }
        }
        let chosen = attributes.remove(key);
        if let Some(at) = chosen.and_then(|c| all.iter().position(|e| e[key] == c)) {
            for (i, entry) in all.iter_mut().enumerate() {
                entry["primary"] = Json::Bool(i == at);
            }
        }
        if all != entries(row) {
            attributes.entry(data).or_insert(Json::Array(all));
        }
    }
}
