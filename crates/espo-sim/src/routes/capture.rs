//! Web forms: leads are submitted with the key of a lead capture, without a login.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::Fixed;
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::Layout;
use crate::record::plain::insert_record;
use crate::record::{create, duplicates, links};
use crate::store::Row;

pub(crate) const ROUTES: &[Fixed] = &[Fixed::controller(
    Method::POST,
    "LeadCapture/:key",
    |call| capture(call.app, call.request, &call.params),
)];

/// Returns the active lead capture with a key.
fn of_key<'a>(app: &'a App, key: &str) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = app.layout("LeadCapture")?;
    let (Some(api_key), Some(active)) = (layout.slot("apiKey"), layout.slot("isActive")) else {
        return Err(Refusal::internal());
    };
    let rows = app.store.table(layout.index).snapshot();
    let found = rows
        .iter()
        .find(|r| !r.deleted && r.get(api_key).as_str() == Some(key) && r.get(active).is_true());
    let found = found.ok_or_else(|| Refusal::not_found("Form ID is not valid."))?;
    Ok((layout, Arc::clone(found)))
}

/// `POST LeadCapture/{key}`: only the attributes of the form's fields are used.
pub(super) fn capture(app: &App, request: &Request, params: &[&str]) -> Result<Reply> {
    let (forms, form) = of_key(app, params[0])?;
    let body = request.json_body()?;
    let caller = app.system();
    let leads = app.layout("Lead")?;
    let text = |attr: &str| forms.slot(attr).and_then(|s| form.get(s).non_empty());
    let on = |attr: &str| forms.slot(attr).is_some_and(|s| form.get(s).is_true());
    let fields = forms.slot("fieldList").and_then(|s| form.get(s).as_list());
    let mut values = Map::new();
    for field in fields.unwrap_or_default().iter().filter_map(Json::as_str) {
        let known = app.layouts.entity(leads).fields.get(field);
        for attr in known.map(|f| f.attributes.as_slice()).unwrap_or_default() {
            if let Some(value) = body.get(attr) {
                values.insert(attr.clone(), value.clone());
            }
        }
    }
    if values.is_empty() {
        return Err(Refusal::bad_request("No appropriate data in payload."));
    }
    let list = text("targetListId").filter(|_| on("subscribeToTargetList"));
    if on("duplicateCheck") {
        for kind in ["Contact", "Lead"] {
            if kind == "Contact" && !on("subscribeContactToTargetList") {
                continue;
            }
            if let Some(known) = like(app, &caller, kind, &values)? {
                subscribe(app, kind, &known, list)?;
                log(app, &form, kind, &known, false);
                return Ok(Reply::bool(true));
            }
        }
    }
    for (attr, value) in [
        ("source", text("leadSource")),
        ("campaignId", text("campaignId")),
    ] {
        if let Some(value) = value {
            values.insert(attr.to_owned(), json!(value));
        }
    }
    if let Some(team) = text("targetTeamId") {
        values.insert("teamsIds".to_owned(), json!([team]));
    }
    let (lead, _) = create::insert(app, &caller, leads, &values, true)?;
    subscribe(app, "Lead", &lead, list)?;
    log(app, &form, "Lead", &lead, true);
    Ok(Reply::bool(true))
}

/// Returns a record with the same email address or phone number.
fn like(app: &App, caller: &Caller, kind: &str, values: &Map<String, Json>) -> Result<Option<Row>> {
    let layout = app.layout(kind)?;
    let reachable = |name: &&String| matches!(name.as_str(), "emailAddress" | "phoneNumber");
    let by: Map<String, Json> = values
        .iter()
        .filter(|(name, _)| reachable(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let found = duplicates::find_like(app, caller, layout, &by);
    Ok(found.first().map(|r| (**r).clone()))
}

/// Adds a record to the form's target list.
fn subscribe(app: &App, kind: &str, row: &Row, list: Option<&str>) -> Result<()> {
    let layout = app.layout(kind)?;
    if let (Some(list), Some(def)) = (list, layout.links.get("targetLists")) {
        links::link_one(app, layout, row, def, list);
    }
    Ok(())
}

fn log(app: &App, form: &Row, kind: &str, target: &Row, created: bool) {
    let attributes = Map::from_iter([
        ("leadCaptureId".to_owned(), json!(form.id.as_str())),
        ("targetType".to_owned(), json!(kind)),
        ("targetId".to_owned(), json!(target.id.as_str())),
        ("isCreated".to_owned(), json!(created)),
    ]);
    // The metadata may lack the entity type.
    let _ = insert_record(app, "LeadCaptureLogRecord", &attributes);
}
