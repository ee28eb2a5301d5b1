//! The results of an import: counts, duplicates and errors, and reverting it.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::import::{allowed, byte, reader};
use super::{Call, Fixed, attachments};
use crate::app::extras::How;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select, update};
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::search::{self, Found};
use crate::store::Row;
use crate::value::Value;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Import/:id", get),
    Fixed::action(Method::GET, "Import/:id/imported", |c| {
        records(c, &[How::Created, How::Duplicate])
    }),
    Fixed::action(Method::GET, "Import/:id/duplicates", |c| {
        records(c, &[How::Duplicate])
    }),
    Fixed::action(Method::GET, "Import/:id/updated", |c| {
        records(c, &[How::Updated])
    }),
    Fixed::action(Method::POST, "Import/:id/revert", |c| {
        remove(c, &[How::Created, How::Duplicate])
    }),
    Fixed::action(Method::POST, "Import/:id/removeDuplicates", |c| {
        remove(c, &[How::Duplicate])
    }),
    Fixed::action(
        Method::POST,
        "Import/:id/unmarkDuplicates",
        unmark_duplicate,
    ),
    Fixed::action(Method::POST, "Import/:id/exportErrors", export_errors),
];

/// Returns an import of the caller.
fn own<'a>(call: &Call<'a>, id: &str) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = call.app.layout("Import")?;
    let row = call.app.live(layout, id)?;
    if !call.caller.acl.is_admin()
        && layout
            .slot("createdById")
            .is_none_or(|s| row.get(s).as_str() != Some(call.caller.user_id()))
    {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    Ok((layout, row))
}

/// Returns an import with its counts.
fn answer(call: &Call, id: &str) -> Result<Reply> {
    let (layout, row) = own(call, id)?;
    let reply = read::record_reply(call.app, call.caller, layout, &row);
    let mut record: Map<String, Json> = serde_json::from_slice(&reply.body).unwrap_or_default();
    let imports = call.app.extras.imports.0.read();
    let entries = imports.get(id).map(Vec::as_slice).unwrap_or_default();
    let count = |of: &[How]| json!(entries.iter().filter(|e| of.contains(&e.how)).count());
    record.insert(
        "importedCount".to_owned(),
        count(&[How::Created, How::Duplicate]),
    );
    record.insert("updatedCount".to_owned(), count(&[How::Updated]));
    record.insert("duplicateCount".to_owned(), count(&[How::Duplicate]));
    Ok(call.app.json(&Json::Object(record)))
}

fn get(call: &Call) -> Result<Reply> {
    allowed(call)?;
    answer(call, call.params[0])
}

/// The layout of an import's records.
fn target<'a>(call: &Call<'a>, imports: &Layout, row: &Row) -> Result<&'a Layout> {
    let entity = imports.slot("entityType").and_then(|s| row.get(s).as_str());
    call.app.layout(entity.unwrap_or_default())
}

/// Lists the records that an import handled in one of the ways in `which`.
fn records(call: &Call, which: &[How]) -> Result<Reply> {
    allowed(call)?;
    let (app, caller) = (call.app, call.caller);
    let (imports, row) = own(call, call.params[0])?;
    let layout = target(call, imports, &row)?;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, caller, layout, &params)?;
    let table = app.store.table(layout.index);
    let handled = app.extras.imports.0.read();
    let entries = handled.get(call.params[0]).map(Vec::as_slice);
    let entries = entries.unwrap_or_default().iter();
    let rows: Vec<Arc<Row>> = entries
        .filter(|e| which.contains(&e.how))
        .filter_map(|e| table.live(&e.record))
        .collect();
    let (sorted, _) = search::order::top(app, layout, rows.iter(), &order, rows.len());
    let (offset, limit) = read::page_of(app, &params);
    let found = Found {
        rows: sorted.into_iter().skip(offset).take(limit).collect(),
        total: i64::try_from(rows.len()).unwrap_or(i64::MAX),
    };
    let mut plan = select::list_plan(app, caller, layout, params.select.as_deref(), &order, &[]);
    plan.attrs
        .retain(|ix| layout.attrs[*ix].name != "isStarred");
    Ok(read::list_reply(app, caller, layout, &found, &plan))
}

/// Deletes the records that an import handled in one of the ways in `which`.
fn remove(call: &Call, which: &[How]) -> Result<Reply> {
    allowed(call)?;
    let app = call.app;
    let (imports, row) = own(call, call.params[0])?;
    let layout = target(call, imports, &row)?;
    let entries = app
        .extras
        .imports
        .0
        .read()
        .get(call.params[0])
        .cloned()
        .unwrap_or_default();
    for entry in entries.iter().filter(|e| which.contains(&e.how)) {
        if let Some(row) = app.store.table(layout.index).live(&entry.record) {
            update::remove(app, call.caller, layout, &row);
        }
    }
    if let Some(list) = app.extras.imports.0.write().get_mut(call.params[0]) {
        list.retain(|e| !which.contains(&e.how));
    }
    Ok(Reply::bool(true))
}

/// `POST Import/{id}/unmarkDuplicates {entityType, entityId}`: removes the "duplicate" mark of the record.
fn unmark_duplicate(call: &Call) -> Result<Reply> {
    allowed(call)?;
    let (_, row) = own(call, call.params[0])?;
    let body = call.request.json_body()?;
    let text = |key: &str| body.get(key).and_then(Json::as_str);
    let (Some(_), Some(id)) = (text("entityType"), text("entityId")) else {
        return Err(Refusal::bad_request("No `entityType` or `entityId`."));
    };
    let mut imports = call.app.extras.imports.0.write();
    let entry = imports
        .get_mut(&row.id)
        .and_then(|list| list.iter_mut().find(|e| e.record == id))
        .ok_or_else(Refusal::not_found_silently)?;
    if entry.how == How::Duplicate {
        entry.how = How::Created;
    }
    Ok(Reply::bool(true))
}

/// `POST Import/{id}/exportErrors`: the rejected rows, as a file in the format of the import.
fn export_errors(call: &Call) -> Result<Reply> {
    allowed(call)?;
    let app = call.app;
    let (imports, import) = own(call, call.params[0])?;
    let errors = app.layout("ImportError")?;
    let (Some(owner), Some(cells)) = (errors.slot("importId"), errors.slot("row")) else {
        return Err(Refusal::internal());
    };
    let table = app.store.table(errors.index);
    let rows = table.snapshot();
    let failed: Vec<_> = rows
        .iter()
        .filter(|r| !r.deleted && r.get(owner).as_str() == Some(&import.id))
        .collect();
    if failed.is_empty() {
        return Ok(app.json(&json!({"attachmentId": null})));
    }
    let params = match imports.slot("params").map(|s| import.get(s)) {
        Some(Value::Json(params)) => params.as_object().cloned().unwrap_or_default(),
        _ => Map::new(),
    };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(byte(&params, "delimiter", b','))
        .quote(byte(&params, "textQualifier", b'"'))
        .flexible(true)
        .from_writer(Vec::new());
    let file = imports.slot("fileId").and_then(|s| import.get(s).as_str());
    let contents = file.and_then(|id| attachments::contents(app, id));
    if params.get("headerRow") == Some(&Json::Bool(true))
        && let Some(contents) = contents
        && let Ok(header) = reader(&params, &contents).headers()
    {
        writer
            .write_record(header)
            .map_err(|_| Refusal::internal())?;
    }
    for row in &failed {
        let cells = row.get(cells).as_list().unwrap_or_default();
        writer
            .write_record(cells.iter().map(|c| c.as_str().unwrap_or_default()))
            .map_err(|_| Refusal::internal())?;
    }
    let contents = writer.into_inner().map_err(|_| Refusal::internal())?;
    let id = attachments::store(
        app,
        call.caller,
        "import-errors.csv",
        "text/csv",
        "Export File",
        contents,
    );
    Ok(app.json(&json!({"attachmentId": id})))
}
