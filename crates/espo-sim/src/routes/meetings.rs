//! Meetings and calls: attendees, acceptance, and mass changes to held and not held.
//!
//! The routes depend on the scope's metadata (`attendeeLinkMap`, `completedStatusList`, `canceledStatusList`), so
//! that any entity type with this metadata is supported. Invitations are emails in the outbox.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, LinkKind};
use crate::record::{links, read, update};
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, ":Entity/:id/attendees", attendees),
    Fixed::controller(
        Method::POST,
        ":Entity/action/setAcceptanceStatus",
        set_acceptance_status,
    ),
    Fixed::controller(Method::POST, ":Entity/action/sendInvitations", |c| {
        invite(c, "sendInvitations", "Invitation")
    }),
    Fixed::controller(Method::POST, ":Entity/action/sendCancellation", |c| {
        invite(c, "sendCancellation", "Cancellation")
    }),
    Fixed::controller(Method::POST, ":Entity/action/massSetHeld", mass_set_held),
    Fixed::controller(
        Method::POST,
        ":Entity/action/massSetNotHeld",
        mass_set_not_held,
    ),
];

/// Links to the attendees of a stock meeting or call, for metadata without scopes.
const STOCK_LINKS: &[&str] = &["users", "contacts", "leads"];

fn is_event(call: &Call, layout: &Layout) -> bool {
    matches!(layout.name.as_str(), "Meeting" | "Call")
        || call
            .app
            .layouts
            .entity(layout)
            .scope
            .raw
            .contains_key("attendeeLinkMap")
}

fn event<'a>(call: &Call<'a>, action: &str) -> Result<&'a Layout> {
    let layout = call.app.layout(&super::upper_first(call.params[0]))?;
    if is_event(call, layout) {
        return Ok(layout);
    }
    Err(Refusal::not_found(format!(
        "Action {} '{action}' does not exist in controller '{}'.",
        call.request.method, layout.name
    )))
}

fn attendee_links(call: &Call, layout: &Layout) -> Vec<String> {
    match call
        .app
        .layouts
        .entity(layout)
        .scope
        .raw
        .get("attendeeLinkMap")
        .and_then(Json::as_object)
    {
        Some(map) => map
            .values()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        None => STOCK_LINKS.iter().map(|l| (*l).to_owned()).collect(),
    }
}

/// `GET Meeting/{id}/attendees`: includes API users, which other lists omit.
fn attendees(call: &Call) -> Result<Reply> {
    let app = call.app;
    let Some(layout) = app.layouts.find(&super::upper_first(call.params[0])) else {
        return Err(Refusal::not_found(format!(
            "Controller '{}' does not exist.",
            call.params[0]
        )));
    };
    if !is_event(call, layout) {
        // Another entity type may have a link with this name.
        return read::related(
            app,
            call.caller,
            layout,
            call.params[1],
            "attendees",
            call.request,
            call.no_total,
        );
    }
    if call.caller.acl.level(&layout.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let row = app.live(layout, call.params[1])?;
    if !call
        .caller
        .acl
        .record(&app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden_silently());
    }
    let mut list = Vec::new();
    // Users come before all others.
    let mut links = attendee_links(call, layout);
    links.sort_by_key(|l| l != "users");
    for link in links {
        let (Some(def), Some(target)) = (layout.links.get(&link), view::target(app, layout, &link))
        else {
            continue;
        };
        let LinkKind::Many { relation, .. } = def.kind else {
            continue;
        };
        let status = app.layouts.relations[relation]
            .columns
            .iter()
            .position(|c| c.name == "status");
        let order: Vec<_> = view::members(app, layout, &row, &link)
            .iter()
            .map(|r| r.id.clone())
            .collect();
        let mut pairs = view::pairs(app, &row, def);
        pairs.sort_by_key(|p| order.iter().position(|id| *id == p.id));
        for pair in pairs {
            list.push(json!({
                "id": pair.id.as_str(),
                "name": crate::view::name_of(app, target, &pair.id).to_json(),
                "emailAddress": app
                    .store
                    .table(target.index)
                    .live(&pair.id)
                    .zip(target.slot("emailAddress"))
                    .map_or(Json::Null, |(r, s)| r.get(s).to_json()),
                "acceptanceStatus": status.and_then(|s| pair.columns.get(s)).map_or(Json::Null, Value::to_json),
                "_scope": target.name,
            }));
        }
    }
    Ok(app.json(&json!({"list": list})))
}

fn text<'b>(body: &'b Map<String, Json>, key: &str) -> Result<&'b str> {
    body.get(key)
        .and_then(Json::as_str)
        .filter(|s| !s.is_empty())
        .ok_or_else(|| Refusal::bad_request(format!("No {key}.")))
}

/// `POST Meeting/action/setAcceptanceStatus {id, status}`: sets the status of the caller, who must be an attendee.
fn set_acceptance_status(call: &Call) -> Result<Reply> {
    let app = call.app;
    let layout = event(call, "setAcceptanceStatus")?;
    let body = call.request.json_body()?;
    let (Ok(id), Ok(status)) = (text(&body, "id"), text(&body, "status")) else {
        return Err(Refusal::bad_request("No id or status."));
    };
    let known = app
        .layouts
        .entity(layout)
        .fields
        .get("acceptanceStatus")
        .and_then(|f| f.options.listed());
    if known.is_some_and(|options| !options.iter().any(|o| o == status)) {
        return Err(Refusal::bad_request("Acceptance status not allowed."));
    }
    let row = app.live(layout, id)?;
    let Some(LinkKind::Many { relation, forward }) = layout.links.get("users").map(|l| l.kind)
    else {
        return Err(Refusal::forbidden_silently());
    };
    let pairs = app.store.relation(relation);
    let Some(pair) = pairs
        .of(&row.id, forward)
        .into_iter()
        .find(|p| p.id == call.caller.user_id())
    else {
        return Err(Refusal::forbidden_silently());
    };
    let mut columns = links::columns_of(app, relation, &pair);
    if let Some(at) = app.layouts.relations[relation]
        .columns
        .iter()
        .position(|c| c.name == "status")
    {
        columns[at] = Value::text(status);
    }
    pairs.link(&row.id, forward, call.caller.user_id(), columns.into());
    Ok(Reply::bool(true))
}

/// Checks that invitations are sent only for upcoming events, and cancellations only for cancelled events.
fn check_status(layout: &Layout, row: &Row, action: &str) -> Result<()> {
    let status = layout.slot("status").and_then(|s| row.get(s).non_empty());
    let (right, wanted) = match action {
        "sendInvitations" => (!matches!(status, Some("Held" | "Not Held")), "actual"),
        _ => (status == Some("Not Held"), "canceled"),
    };
    match right {
        true => Ok(()),
        false => Err(Refusal::forbidden(format!(
            "Can't send invitation for not {wanted} event."
        ))),
    }
}

/// Sends an email to the attendees who have an address, except the caller, or only to those in `targets`. Returns
/// `false` if there are no recipients.
fn invite(call: &Call, action: &str, subject: &str) -> Result<Reply> {
    let app = call.app;
    let layout = event(call, action)?;
    let body = call.request.json_body()?;
    let row = app
        .store
        .table(layout.index)
        .live(text(&body, "id")?)
        .ok_or_else(Refusal::not_found_silently)?;
    if !call
        .caller
        .acl
        .record(&app.store, layout, &row, Action::Edit)
    {
        return Err(Refusal::forbidden("No edit access."));
    }
    check_status(layout, &row, action)?;
    let chosen = body.get("targets").and_then(Json::as_array);
    let (mut to, mut ids) = (Vec::new(), Vec::new());
    for link in attendee_links(call, layout) {
        let Some(target) = view::target(app, layout, &link) else {
            continue;
        };
        for other in view::linked(app, layout, &row, &link) {
            let is_chosen = chosen.is_none_or(|list| {
                list.iter().any(|t| {
                    t["id"] == other.id.as_str() && t["entityType"] == target.name.as_str()
                })
            });
            let address = target
                .slot("emailAddress")
                .and_then(|s| other.get(s).non_empty());
            if let (true, Some(address)) = (is_chosen && other.id != call.caller.user_id(), address)
            {
                to.push(address.to_owned());
                ids.push(other.id.to_string());
            }
        }
    }
    let versioned = app.version >= Version::V10_0;
    if to.is_empty() {
        return Ok(match versioned {
            true => app.json(&json!({"idList": []})),
            false => Reply::bool(false),
        });
    }
    let name = view::name(app, layout, &row, "name");
    let name = name.as_str().unwrap_or_default();
    let subject = format!("{subject}: {name}");
    app.outbox.send(to, subject, String::new());
    Ok(match versioned {
        true => app.json(&json!({"idList": ids})),
        false => Reply::bool(true),
    })
}

/// Sets the first status of a list of the scope on every record that the caller may edit; others are skipped.
fn mass_set(call: &Call, action: &str, key: &str, stock: &str) -> Result<Reply> {
    let app = call.app;
    let layout = event(call, action)?;
    call.caller.acl.check_scope(&layout.name, Action::Edit)?;
    let body = call.request.json_body()?;
    let Some(ids) = body.get("ids").and_then(Json::as_array) else {
        return Err(Refusal::bad_request("No `ids`."));
    };
    let scope = &app.layouts.entity(layout).scope;
    let status = scope
        .raw
        .get(key)
        .and_then(|l| l.get(0))
        .and_then(Json::as_str)
        .unwrap_or(stock);
    let field = scope.status_field.as_deref().unwrap_or("status");
    let change = Map::from_iter([(field.to_owned(), json!(status))]);
    for id in ids.iter().filter_map(Json::as_str) {
        let Some(row) = app.store.table(layout.index).live(id) else {
            continue;
        };
        if call
            .caller
            .acl
            .record(&app.store, layout, &row, Action::Edit)
        {
            // Records to which the change cannot be applied are skipped too.
            let _ = update::change(app, call.caller, layout, &row, &change);
        }
    }
    Ok(Reply::bool(true))
}

fn mass_set_held(call: &Call) -> Result<Reply> {
    mass_set(call, "massSetHeld", "completedStatusList", "Held")
}

fn mass_set_not_held(call: &Call) -> Result<Reply> {
    mass_set(call, "massSetNotHeld", "canceledStatusList", "Not Held")
}
