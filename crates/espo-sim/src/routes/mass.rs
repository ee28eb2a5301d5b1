//! Mass actions.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed, history};
use crate::acl::Action;
use crate::app::events::Event;
use crate::app::events::Input;
use crate::app::extras::{self, Job, What};
use crate::app::{App, Caller};
use crate::facts;
use crate::http::json::php_float;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{rules, update};
use crate::search::params::SearchParams;
use crate::search::{self, where_};
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[Fixed::action(Method::POST, "MassAction", run)];

/// The records that an action is applied to.
pub(super) struct Target {
    pub(super) rows: Vec<Arc<Row>>,
    /// Whether the IDs were listed explicitly instead of found by a search.
    pub(super) by_ids: bool,
}

/// Finds the records selected by IDs or by a search.
pub(super) fn target(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    params: &Map<String, Json>,
    all_if_empty: bool,
) -> Result<Target> {
    let where_ = params.get("where").and_then(Json::as_array);
    let search = params.get("searchParams").and_then(Json::as_object);
    if where_.is_some() || search.is_some() || (all_if_empty && !params.contains_key("ids")) {
        let mut found = match search {
            Some(map) => SearchParams::from_object(map)?,
            None => SearchParams::default(),
        };
        found.where_.extend(where_.into_iter().flatten().cloned());
        found.lift_pseudo_items()?;
        // Forbidden filters are rejected as forbidden here, not as bad requests.
        let mut conditions =
            search::conditions(app, caller, layout, &found).map_err(Refusal::unwrapped)?;
        conditions.extend(search::readable(app, caller, layout));
        let rows = app.store.table(layout.index).snapshot();
        return Ok(Target {
            rows: where_::matching(rows.iter(), &conditions),
            by_ids: false,
        });
    }
    let Some(ids) = params.get("ids").and_then(Json::as_array) else {
        return Err(Refusal::bad_request("Bad search params passed."));
    };
    let table = app.store.table(layout.index);
    let mut rows: Vec<Arc<Row>> = ids
        .iter()
        .filter_map(Json::as_str)
        .filter_map(|id| table.live(id))
        .collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    rows.dedup_by(|a, b| a.id == b.id);
    Ok(Target { rows, by_ids: true })
}

pub(super) fn object(body: &Map<String, Json>, key: &str) -> Map<String, Json> {
    body.get(key)
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default()
}

/// `POST MassAction`
fn run(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(entity), Some(action)) = (text("entityType"), text("action")) else {
        return Err(Refusal::bad_request(""));
    };
    let Some(params) = body.get("params").and_then(Json::as_object) else {
        return Err(Refusal::bad_request(""));
    };
    match params.get("ids") {
        Some(ids) if !ids.is_array() && !ids.is_null() => {
            return Err(Refusal::bad_request("Bad 'ids'."));
        }
        Some(Json::Array(_)) => {}
        _ if params.contains_key("where") || params.contains_key("searchParams") => {}
        _ => return Err(Refusal::bad_request("Bad search params for mass action.")),
    }
    let Some(layout) = app.layouts.find(entity) else {
        return Err(Refusal::internal());
    };
    if !caller.acl.scope(entity) {
        return Err(Refusal::forbidden_silently());
    }
    // A deferred action is checked when it runs.
    if body.get("idle") == Some(&Json::Bool(true)) {
        let id = app.extras.jobs.add(
            app,
            Job {
                caller: caller.clone(),
                body,
                what: What::MassAction,
            },
        );
        return Ok(app.json(&json!({"id": id})));
    }
    check(app, caller, layout, &body)?;
    let locking = is_locking(app, action);
    let done = perform(app, caller, &body)?;
    let count = done.ids.len();
    Ok(app.json(&if done.by_ids && !locking {
        json!({"count": count, "ids": done.ids})
    } else {
        json!({"count": count})
    }))
}

/// Runs a deferred mass action, if it is allowed.
pub(super) fn run_job(app: &App, caller: &Caller, body: &Map<String, Json>) -> Result<Done> {
    let entity = body.get("entityType").and_then(Json::as_str);
    let layout = app.layout(entity.unwrap_or_default())?;
    check(app, caller, layout, body)?;
    perform(app, caller, body)
}

/// Whether an update has no values, so that its records are not looked for.
fn is_empty_update(action: &str, body: &Map<String, Json>) -> bool {
    let data = object(body, "data");
    let values = data.get("values").unwrap_or(&Json::Null);
    action == "update" && (data.is_empty() || *values == json!({}))
}

fn is_locking(app: &App, action: &str) -> bool {
    app.version >= Version::V10_0 && matches!(action, "lock" | "unlock")
}

/// Checks that the action exists and that the caller may apply it to the entity type.
fn check(app: &App, caller: &Caller, layout: &Layout, body: &Map<String, Json>) -> Result<()> {
    let entity = layout.name.as_str();
    let action = body
        .get("action")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let params = object(body, "params");
    const KNOWN: &[&str] = &[
        "update",
        "delete",
        "convertCurrency",
        "recalculateFormula",
        "follow",
        "unfollow",
    ];
    let locking = is_locking(app, action);
    if !KNOWN.contains(&action) && !locking {
        return Err(Refusal::not_found(format!(
            "Mass action '{action}' not found."
        )));
    }
    let is_object = app.layouts.entity(layout).scope.object;
    if !is_object && !facts::allows_mass_action(&app.layouts.schema, entity, action) {
        return Err(Refusal::forbidden(format!(
            "Mass action '{action}' is disabled for '{entity}'."
        )));
    }
    if action == "convertCurrency" {
        check_mass_update(caller)?;
        check_rate(app, &object(body, "data"))?;
    }
    if action == "recalculateFormula" {
        caller.require_admin()?;
    }
    let needed = needed(action);
    if action != "unfollow" && caller.acl.level(entity, needed) == crate::acl::Level::No {
        return Err(Refusal::forbidden(format!(
            "No {} access for '{entity}'.",
            needed.name()
        )));
    }
    if locking {
        check_locking(app, caller, layout)?;
    }
    let by_search = params.contains_key("where") || params.contains_key("searchParams");
    if action == "update" || (action == "delete" && by_search) {
        check_mass_update(caller)?;
    }
    if params.get("ids").is_some_and(|l| *l == json!([])) && !is_empty_update(action, body) {
        return Err(Refusal::internal());
    }
    Ok(())
}

fn check_mass_update(caller: &Caller) -> Result<()> {
    match caller.acl.permission("massUpdatePermission") {
        true => Ok(()),
        false => Err(Refusal::forbidden("No mass-update permission.")),
    }
}

/// The result of a mass action.
pub(super) struct Done {
    pub(super) ids: Vec<String>,
    by_ids: bool,
}

/// Runs an allowed mass action. Records to which it cannot be applied are skipped.
fn perform(app: &App, caller: &Caller, body: &Map<String, Json>) -> Result<Done> {
    let text = |key: &str| body.get(key).and_then(Json::as_str).unwrap_or_default();
    let (layout, action) = (app.layout(text("entityType"))?, text("action"));
    let data = object(body, "data");
    let params = object(body, "params");
    if is_empty_update(action, body) {
        return Ok(Done {
            ids: Vec::new(),
            by_ids: params.contains_key("ids"),
        });
    }
    let target = target(app, caller, layout, &params, false)?;
    let needed = needed(action);
    let rows = target
        .rows
        .iter()
        .filter(|r| action == "unfollow" || caller.acl.record(&app.store, layout, r, needed));
    let recorded = match action {
        "update" => Some(extras::Done::Update),
        "delete" => Some(extras::Done::Delete),
        _ => None,
    };
    let ids = rows
        .filter(|r| apply(app, caller, layout, r, action, &data))
        .inspect(|r| {
            if let Some(recorded) = recorded {
                history::note(app, caller, layout, &r.id, recorded);
            }
        })
        .map(|r| r.id.to_string())
        .collect();
    Ok(Done {
        ids,
        by_ids: target.by_ids,
    })
}

/// Returns the permission that an action requires.
fn needed(action: &str) -> Action {
    match action {
        "delete" => Action::Delete,
        "follow" | "unfollow" => Action::Stream,
        _ => Action::Edit,
    }
}

/// Applies a mass action to one record; failures skip the record silently.
fn apply(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    action: &str,
    data: &Map<String, Json>,
) -> bool {
    match action {
        "update" => {
            let values = values_of(app, layout, row, data);
            update::change(app, caller, layout, row, &values).is_ok()
        }
        "delete" if rules::is_locked(app, layout, row) => false,
        "lock" | "unlock" => set_lock(app, caller, layout, row, action == "lock"),
        "delete" => {
            update::remove(app, caller, layout, row);
            true
        }
        "follow" | "unfollow" => {
            let user = match data.get("userId").and_then(Json::as_str) {
                Some(user) if caller.acl.is_admin() => Id::from(user),
                _ => caller.acl.user_id.clone(),
            };
            if !app.layouts.entity(layout).scope.stream {
                return action == "unfollow";
            }
            let mut followers = app.followers.write();
            let list = followers
                .entry((layout.name.clone(), row.id.clone()))
                .or_default();
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

/// Checks the separate permission for locking, and that the entity type supports it.
fn check_locking(app: &App, caller: &Caller, layout: &Layout) -> Result<()> {
    if !rules::is_lockable(app, layout) {
        return Err(Refusal {
            reason: Some("Not enabled.".to_owned()),
            ..Refusal::internal()
        });
    }
    if !may_lock(caller) {
        return Err(Refusal::forbidden("Not allowed."));
    }
    Ok(())
}

/// Whether the caller may lock records.
pub(super) fn may_lock(caller: &Caller) -> bool {
    caller.acl.permission("lockPermission")
}

/// Locks or unlocks a record. Returns whether this changed its state.
pub(super) fn set_lock(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    locked: bool,
) -> bool {
    let Some(slot) = layout
        .slot("isLocked")
        .filter(|s| row.get(*s).is_true() != locked)
    else {
        return false;
    };
    let changed = app.store.table(layout.index).update(&row.id, |r| {
        r.values[slot] = Value::Bool(locked);
        true
    });
    if let Some(new) = changed {
        app.raise(
            caller,
            &Event::Changed {
                layout,
                old: row,
                new: &new,
                input: &Input::default(),
                links: &[],
                before: &crate::layout::AttrMap::default(),
            },
        );
    }
    true
}

/// Returns the values of a mass update; items can be added to or removed from the existing ones.
fn values_of(app: &App, layout: &Layout, row: &Row, data: &Map<String, Json>) -> Map<String, Json> {
    let Some(values) = data.get("values").and_then(Json::as_object) else {
        return data.clone();
    };
    let actions = object(data, "actions");
    let mut out = values.clone();
    for (attr, how) in &actions {
        let (Some(how @ ("add" | "remove")), Some(ix)) = (how.as_str(), layout.find(attr)) else {
            continue;
        };
        let Some(Json::Array(given)) = out.get(attr).cloned() else {
            continue;
        };
        let mut list: Vec<Json> = view::value(app, layout, row, ix, "")
            .as_list()
            .map(<[Json]>::to_vec)
            .unwrap_or_default();
        if how == "add" {
            list.extend(
                given
                    .into_iter()
                    .filter(|g| !list.contains(g))
                    .collect::<Vec<_>>(),
            );
        } else {
            list.retain(|v| !given.contains(v));
        }
        out.insert(attr.clone(), Json::Array(list));
    }
    out
}

/// Returns the currency to convert to, which must have a rate.
pub(super) fn check_rate<'d>(app: &App, data: &'d Map<String, Json>) -> Result<&'d str> {
    let Some(target) = data.get("targetCurrency").and_then(Json::as_str) else {
        return Err(Refusal::bad_request("No target currency."));
    };
    let config = app.config.read();
    if target != config.base_currency && !config.currency_rates.contains_key(target) {
        return Err(Refusal::bad_request(
            "Target currency rate is not specified.",
        ));
    }
    Ok(target)
}

/// Converts every amount of a record into another currency.
pub(super) fn convert(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    data: &Map<String, Json>,
) -> Result<Row> {
    let target = check_rate(app, data)?;
    let config = app.config.read();
    let given = object(data, "rates");
    let rate = |code: &str| {
        given
            .get(code)
            .and_then(Json::as_f64)
            .unwrap_or_else(|| config.rate(code))
    };
    let mut values = Map::new();
    for field in app.layouts.entity(layout).fields.values() {
        if field.kind != espo_schema::FieldKind::Currency || field.not_storable {
            continue;
        }
        let code_attr = format!("{}Currency", field.name);
        let (Some(amount), Some(code)) = (layout.slot(&field.name), layout.slot(&code_attr)) else {
            continue;
        };
        let (Some(n), Some(code)) = (row.get(amount).as_f64(), row.get(code).non_empty()) else {
            continue;
        };
        if code == target {
            continue;
        }
        let n = (n * rate(code) / rate(target) * 100.0).round() / 100.0;
        values.insert(
            field.name.clone(),
            if field.decimal {
                Json::from(php_float(n, 17, 'E'))
            } else {
                Json::from(n)
            },
        );
        values.insert(code_attr, Json::from(target));
    }
    drop(config);
    update::change(app, caller, layout, row, &values)
}
