//! Mass actions, single-record actions and exports (ESPO-API.md H3, H4, QUIRKS 7).

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use parking_lot::RwLock;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed, attachments};
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::http::json::php_float;
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, Source};
use crate::record::{read, update, view};
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::search::{self, where_};
use crate::store::Row;
use crate::value::{Id, Value};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "MassAction", run),
    Fixed::action(Method::GET, "MassAction/:id/status", status),
    Fixed::action(Method::POST, "MassAction/:id/subscribe", subscribe),
    Fixed::action(Method::POST, "Action", single),
    Fixed::action(Method::POST, "Export", export),
    Fixed::action(Method::GET, "Export/:id/status", status),
    Fixed::action(Method::POST, "Export/:id/subscribe", subscribe),
];

/// Jobs that wait for a cron that never runs here.
#[derive(Debug, Default)]
pub(crate) struct Jobs(RwLock<HashMap<Id, &'static str>>);

/// What an action is applied to.
struct Target {
    rows: Vec<Arc<Row>>,
    /// The ids were named one by one, rather than found by a search.
    by_ids: bool,
}

fn target(app: &App, caller: &Caller, layout: &Layout, params: &Map<String, Json>, all_if_empty: bool) -> Result<Target> {
    let where_ = params.get("where").and_then(Json::as_array);
    let search = params.get("searchParams").and_then(Json::as_object);
    if where_.is_some() || search.is_some() || (all_if_empty && !params.contains_key("ids")) {
        let mut found = match search {
            Some(map) => SearchParams::from_object(map)?,
            None => SearchParams::default(),
        };
        found.where_.extend(where_.into_iter().flatten().cloned());
        found.lift_pseudo_items()?;
        // Forbidden filters are refused as such here, not as bad requests.
        let mut conditions = search::conditions(app, caller, layout, &found).map_err(|mut r| {
            if let Some((half, _)) = r.reason.as_deref().and_then(|t| t.split_at_checked(t.len() / 2)).filter(|(a, b)| a.trim() == b.trim()) {
                r.status = 403;
                r.reason = Some(half.trim().to_owned());
            }
            r
        })?;
        conditions.extend(search::readable(app, caller, layout));
        let rows = app.store.table(layout.index).snapshot();
        return Ok(Target { rows: where_::matching(rows.iter(), &conditions), by_ids: false });
    }
    let Some(ids) = params.get("ids").and_then(Json::as_array) else { return Err(Refusal::bad_request("Bad search params passed.")) };
    let table = app.store.table(layout.index);
    let rows = ids.iter().filter_map(Json::as_str).filter_map(|id| table.live(id)).collect();
    Ok(Target { rows, by_ids: true })
}

fn object(body: &Map<String, Json>, key: &str) -> Map<String, Json> {
    body.get(key).and_then(Json::as_object).cloned().unwrap_or_default()
}

/// `POST MassAction`
fn run(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let text = |key: &str| body.get(key).and_then(Json::as_str).filter(|s| !s.is_empty());
    let (Some(entity), Some(action)) = (text("entityType"), text("action")) else {
        return Err(Refusal::bad_request("No `entityType` or `action`."));
    };
    let Some(params) = body.get("params").and_then(Json::as_object) else {
        return Err(Refusal::bad_request("No `params`."));
    };
    const KNOWN: &[&str] = &["update", "delete", "convertCurrency", "recalculateFormula", "follow", "unfollow"];
    if !KNOWN.contains(&action) {
        return Err(Refusal::not_found(format!("Mass action '{action}' not found.")));
    }
    let Some(layout) = app.layouts.find(entity) else {
        return Err(Refusal::forbidden(format!("Entity type '{entity}' does not exist.")));
    };
    if !app.layouts.entity(layout).scope.object && !caller.acl.is_admin() {
        return Err(Refusal::forbidden(format!("No mass action '{action}' for '{entity}'.")));
    }
    let needed = match action {
        "delete" => Action::Delete,
        "follow" | "unfollow" => Action::Stream,
        _ => Action::Edit,
    };
    if caller.acl.level(entity, needed) == crate::acl::Level::No {
        return Err(Refusal::forbidden(format!("No {} access for '{entity}'.", needed.name())));
    }
    let by_search = params.contains_key("where") || params.contains_key("searchParams");
    if (matches!(action, "update" | "convertCurrency") || (action == "delete" && by_search))
        && !caller.acl.permission("massUpdatePermission")
    {
        return Err(Refusal::forbidden("No mass-update permission."));
    }
    if action == "recalculateFormula" {
        caller.require_admin()?;
    }
    if body.get("idle") == Some(&Json::Bool(true)) {
        return Ok(waiting(app, "id"));
    }
    let data = object(&body, "data");
    let target = target(app, caller, layout, params, false)?;
    let mut done = Vec::new();
    for row in &target.rows {
        if !caller.acl.record(app, layout, row, needed) {
            continue;
        }
        if apply(app, caller, layout, row, action, &data) {
            done.push(Json::from(row.id.as_str()));
        }
    }
    let count = done.len();
    Ok(app.json(&if target.by_ids { json!({"count": count, "ids": done}) } else { json!({"count": count}) }))
}

/// A job that stays pending, under a new id.
fn waiting(app: &App, key: &str) -> Reply {
    let id = app.ids.next(&app.clock);
    app.extras.jobs.0.write().insert(Id::from(id.as_str()), "Pending");
    app.json(&json!({key: id}))
}

/// One record's share of a mass action; failures skip it without a word.
fn apply(app: &App, caller: &Caller, layout: &Layout, row: &Row, action: &str, data: &Map<String, Json>) -> bool {
    match action {
        "update" => {
            let values = values_of(app, layout, row, data);
            update::change(app, caller, layout, row, &values, None).is_ok()
        }
        "delete" => {
            update::remove(app, caller, layout, row);
            true
        }
        "follow" | "unfollow" => {
            let user = match data.get("userId").and_then(Json::as_str) {
                Some(user) if caller.acl.is_admin() => Id::from(user),
                _ => caller.acl.user_id.clone(),
            };
            let mut followers = app.followers.write();
            let list = followers.entry((layout.name.clone(), row.id.clone())).or_default();
            list.retain(|f| *f != user);
            if action == "follow" {
                list.push(user);
            }
            true
        }
        "convertCurrency" => convert(app, caller, layout, row, data).is_ok(),
        _ => true,
    }
}

/// The values of a mass update; items may be added to or taken from what is there.
fn values_of(app: &App, layout: &Layout, row: &Row, data: &Map<String, Json>) -> Map<String, Json> {
    let Some(values) = data.get("values").and_then(Json::as_object) else { return data.clone() };
    let actions = object(data, "actions");
    let mut out = values.clone();
    for (attr, how) in &actions {
        let (Some(how @ ("add" | "remove")), Some(ix)) = (how.as_str(), layout.find(attr)) else { continue };
        let Some(Json::Array(given)) = out.get(attr).cloned() else { continue };
        let mut list: Vec<Json> = view::value(app, layout, row, ix, "").as_list().map(<[Json]>::to_vec).unwrap_or_default();
        if how == "add" {
            list.extend(given.into_iter().filter(|g| !list.contains(g)).collect::<Vec<_>>());
        } else {
            list.retain(|v| !given.contains(v));
        }
        out.insert(attr.clone(), Json::Array(list));
    }
    out
}

/// Converts every amount of a record into another currency.
fn convert(app: &App, caller: &Caller, layout: &Layout, row: &Row, data: &Map<String, Json>) -> Result<Row> {
    let Some(target) = data.get("targetCurrency").and_then(Json::as_str) else {
        return Err(Refusal::bad_request("No target currency."));
    };
    let config = app.config.read();
    if !config.currency_list.iter().any(|c| c == target) {
        return Err(Refusal::bad_request("Target currency is not allowed."));
    }
    let given = object(data, "rates");
    let rate = |code: &str| given.get(code).and_then(Json::as_f64).unwrap_or_else(|| config.rate(code));
    let mut values = Map::new();
    for field in app.layouts.entity(layout).fields.values() {
        if field.kind != espo_schema::FieldKind::Currency || field.not_storable {
            continue;
        }
        let code_attr = format!("{}Currency", field.name);
        let (Some(amount), Some(code)) = (layout.slot(&field.name), layout.slot(&code_attr)) else { continue };
        let (Some(n), Some(code)) = (row.get(amount).as_f64(), row.get(code).non_empty()) else { continue };
        if code == target {
            continue;
        }
        let n = (n * rate(code) / rate(target) * 100.0).round() / 100.0;
        values.insert(field.name.clone(), if field.decimal { Json::from(php_float(n, 17, 'E')) } else { Json::from(n) });
        values.insert(code_attr, Json::from(target));
    }
    drop(config);
    update::change(app, caller, layout, row, &values, None).map(|(row, _, _)| row)
}

/// `GET MassAction/{id}/status` and `GET Export/{id}/status`
fn status(call: &Call) -> Result<Reply> {
    let jobs = call.app.extras.jobs.0.read();
    let status = jobs.get(call.params[0]).ok_or_else(Refusal::not_found_silently)?;
    Ok(call.app.json(&json!({"status": status, "processedCount": 0})))
}

fn subscribe(call: &Call) -> Result<Reply> {
    status(call).map(|_| Reply::bool(true))
}

/// `POST Action`: an action on one record.
fn single(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let text = |key: &str| body.get(key).and_then(Json::as_str).filter(|s| !s.is_empty());
    let (Some(entity), Some(id), Some(action)) = (text("entityType"), text("id"), text("action")) else {
        return Err(Refusal::bad_request("No `entityType`, `id` or `action`."));
    };
    if !matches!(action, "merge" | "convertCurrency") {
        return Err(Refusal::not_found(format!("Action '{action}' not found.")));
    }
    let layout = app.layout(entity)?;
    let row = app.store.table(layout.index).live(id).ok_or_else(Refusal::not_found_silently)?;
    if !caller.acl.record(app, layout, &row, Action::Edit) {
        return Err(Refusal::forbidden("No edit access."));
    }
    let data = object(&body, "data");
    let row = match action {
        "convertCurrency" => convert(app, caller, layout, &row, &data)?,
        _ => merge(app, caller, layout, &row, &data)?,
    };
    Ok(read::record_reply(app, caller, layout, &row))
}

/// Moves what is linked to the sources over, sets the chosen attributes, removes the sources.
fn merge(app: &App, caller: &Caller, layout: &Layout, row: &Row, data: &Map<String, Json>) -> Result<Row> {
    let Some(sources) = data.get("sourceIdList").and_then(Json::as_array) else {
        return Err(Refusal::bad_request("No `sourceIdList`."));
    };
    let table = app.store.table(layout.index);
    for source in sources.iter().filter_map(Json::as_str) {
        let Some(source) = table.live(source) else { return Err(Refusal::not_found_silently()) };
        if !caller.acl.record(app, layout, &source, Action::Delete) {
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
        update::remove(app, caller, layout, &source);
    }
    let attributes = object(data, "attributes");
    update::change(app, caller, layout, row, &attributes, None).map(|(row, _, _)| row)
}

/// `POST Export`: a file of the chosen records as an attachment. With nothing chosen, of all (QUIRKS 11).
fn export(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let Some(entity) = body.get("entityType").and_then(Json::as_str) else {
        return Err(Refusal::bad_request("No `entityType`."));
    };
    let layout = app.layout(entity)?;
    caller.acl.check_scope(&layout.name, Action::Read)?;
    if !caller.acl.permission("exportPermission") {
        return Err(Refusal::forbidden("No export permission."));
    }
    let format = body.get("format").and_then(Json::as_str).unwrap_or("csv");
    if !matches!(format, "csv" | "xlsx") {
        return Err(Refusal::bad_request("Not supported export format."));
    }
    if body.get("idle") == Some(&Json::Bool(true)) {
        return Ok(waiting(app, "exportId"));
    }
    let mut target = target(app, caller, layout, &body, true)?;
    target.rows.retain(|r| caller.acl.record(app, layout, r, Action::Read));
    let order = Order::of(app, caller, layout, &SearchParams::default())?;
    let names = |key: &str| body.get(key).and_then(Json::as_array).map(|l| l.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>());
    let attributes: Vec<usize> = match (names("attributeList"), names("fieldList")) {
        (Some(list), _) => list.iter().filter_map(|a| layout.find(a)).collect(),
        (None, Some(fields)) => {
            let entity = app.layouts.entity(layout);
            let of = |f: &String| entity.fields.get(f).map(|f| f.attributes.clone()).unwrap_or_default();
            fields.iter().flat_map(of).filter_map(|a| layout.find(&a)).collect()
        }
        (None, None) => read::list_plan(app, caller, layout, None, &order, None),
    };
    let (rows, _) = search::order::top(app, layout, target.rows.iter(), &order, target.rows.len());
    let csv = csv(app, layout, &rows, &attributes);
    let name = format!("Export_{}.csv", layout.name);
    let id = attachments::store(app, caller, &name, "text/csv", "Export File", csv);
    Ok(app.json(&json!({"id": id})))
}

/// Comma separated values as PHP writes them: quoted where needed, a byte order mark first.
fn csv(app: &App, layout: &Layout, rows: &[Arc<Row>], attributes: &[usize]) -> Vec<u8> {
    let mut out = String::from("\u{feff}");
    let quote = |s: &str| {
        let plain = !s.is_empty() && !s.contains([',', '"', '\n', '\r', '\t', ' ', '\\']);
        if plain || s.is_empty() { s.to_owned() } else { format!("\"{}\"", s.replace('"', "\"\"")) }
    };
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    out.push_str(&line(attributes.iter().map(|ix| quote(&layout.attrs[*ix].name)).collect()));
    for row in rows {
        let cells = attributes.iter().map(|ix| {
            let value = match &layout.attrs[*ix].source {
                Source::Slot(_) | Source::LinkName(_) | Source::Person(_) | Source::Converted { .. } | Source::Foreign { .. } => {
                    view::value(app, layout, row, *ix, "")
                }
                _ => view::value(app, layout, row, *ix, ""),
            };
            quote(&match value {
                Value::Null => String::new(),
                Value::Bool(b) => if b { "1" } else { "0" }.to_owned(),
                Value::Int(i) => i.to_string(),
                Value::Float(f) => php_float(f, 14, 'E'),
                Value::Text(s) => s.to_string(),
                Value::Json(j) => match j.as_array() {
                    Some(list) if list.iter().all(Json::is_string) => {
                        list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(",")
                    }
                    _ => j.to_string(),
                },
            })
        });
        out.push_str(&line(cells.collect()));
    }
    out.into_bytes()
}
