//! Controllers of entity types: lists, records, links, actions.

use espo_schema::FieldKind;
use http::Method;
use serde_json::{Map, Value as Json};

use super::controllers::{self, link_action};
use super::{Call, Fixed, attachment_sources, history};
use crate::acl::{Action, Kind, Level};
use crate::app::events::Event;
use crate::app::extras::Done;
use crate::app::{App, Caller};
use crate::facts;
use crate::http::json::php_text;
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{Layout, LinkDef, LinkKind};
use crate::record::{create, links, read, update};
use crate::search;
use crate::search::params::{SearchParams, is_filled};
use crate::store::Row;
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(
        Method::POST,
        ":Entity/action/getDuplicateAttributes",
        duplicate_attributes,
    ),
    Fixed::controller(
        Method::POST,
        ":Entity/action/restoreDeleted",
        restore_deleted,
    ),
];

/// Entity types without a controller, which do not exist over REST.
const NO_CONTROLLER: &[&str] = &[
    "ArrayValue",
    "Autofollow",
    "Currency",
    "Export",
    "ImportEml",
    "ImportEntity",
    "KanbanOrder",
    "LayoutRecord",
    "MassAction",
    "NextNumber",
    "PasswordChangeRequest",
    "Reminder",
    "Sms",
    "StarSubscription",
    "StreamSubscription",
    "SystemData",
    "TwoFactorCode",
    "UniqueId",
    "UserData",
    "UserReaction",
];

/// Controllers without routes for related records.
const WITHOUT_LINKS: &[&str] = &[
    "ActionHistoryRecord",
    "AddressCountry",
    "Attachment",
    "AuthenticationProvider",
    "CurrencyRecordRate",
    "EmailAddress",
    "EmailFolder",
    "Extension",
    "ExternalAccount",
    "Job",
    "Note",
    "Notification",
    "OAuthAccount",
    "PhoneNumber",
    "WebhookEventQueueItem",
    "WebhookQueueItem",
];

/// Controllers that support neither create nor update.
const NO_WRITE: &[&str] = &[
    "ActionHistoryRecord",
    "AppLogRecord",
    "AuthLogRecord",
    "CurrencyRecord",
    "Job",
    "WebhookEventQueueItem",
    "WebhookQueueItem",
];

/// A controller's response to a request that matches the general patterns.
pub(super) fn controller(
    app: &App,
    request: &Request,
    caller: &Caller,
    name: &str,
    rest: &[String],
    no_total: bool,
) -> Result<Reply> {
    let method = &request.method;
    let missing = |action: &str| {
        Refusal::not_found(format!(
            "Action {method} '{action}' does not exist in controller '{name}'."
        ))
    };
    if let Some(refusal) = controllers::refusal(request, caller, name, rest) {
        return Err(refusal);
    }
    let layout = app
        .layouts
        .find(name)
        .filter(|l| !NO_CONTROLLER.contains(&l.name.as_str()));
    let Some(layout) = layout else {
        return Err(Refusal::not_found(format!(
            "Controller '{name}' does not exist."
        )));
    };
    if crate::acl::ADMIN_ONLY.contains(&name) && !caller.acl.is_admin() {
        return Err(Refusal::forbidden(format!("No access to '{name}'.")));
    }
    let acl = &caller.acl;
    let open = match name {
        "EmailAccount" => acl.scope("EmailAccountScope"),
        // Open to users with a role for everything, too.
        "Portal" => acl.permission("portalPermission") || acl.grants_everything(),
        "Import" => acl.scope(name),
        "Webhook" => acl.kind != Kind::Regular,
        _ => true,
    };
    if !open {
        return Err(Refusal::forbidden(format!("No access to '{name}'.")));
    }
    let scope = &app.layouts.entity(layout).scope;
    if scope.disabled && !scope.entity {
        return Err(Refusal::internal());
    }
    // The server treats the ID "0" as missing.
    match rest {
        [id] if id == "0" => return Err(Refusal::bad_request("No ID.")),
        [id, _] if id == "0" && *method == Method::GET => {
            return Err(Refusal::bad_request("No ID."));
        }
        [id, _] if id == "0" => return Err(Refusal::bad_request("")),
        _ => {}
    }
    let writes_refused =
        NO_WRITE.contains(&name) && !matches!(*method, Method::GET | Method::DELETE);
    match rest {
        [] => match *method {
            Method::GET => read::list(app, caller, layout, request, no_total),
            Method::POST if writes_refused => Err(missing("create")),
            Method::POST => {
                let (reply, id) = create::create(app, caller, layout, request)?;
                history::note(app, caller, layout, &id, Done::Create);
                Ok(reply)
            }
            _ => Err(missing("list")),
        },
        [id] => match *method {
            Method::GET => {
                let reply = read::read(app, caller, layout, id)?;
                history::note(app, caller, layout, id, Done::Read);
                Ok(reply)
            }
            Method::PUT | Method::PATCH if writes_refused => Err(missing("update")),
            Method::PUT | Method::PATCH if name == "Import" => Err(Refusal::forbidden_silently()),
            Method::PUT | Method::PATCH => {
                let reply = update::update(app, caller, layout, id, request)?;
                history::note(app, caller, layout, id, Done::Update);
                Ok(reply)
            }
            Method::DELETE => {
                let reply = update::delete(app, caller, layout, id)?;
                history::note(app, caller, layout, id, Done::Delete);
                Ok(reply)
            }
            _ => Err(missing("read")),
        },
        // Methods of a controller can be named as actions, too.
        [a, action] if a == "action" && *method == Method::GET && is_list(action) => {
            read::list(app, caller, layout, request, no_total)
        }
        [a, action] if a == "action" && *method == Method::POST && action == "create" => {
            controller(app, request, caller, name, &[], no_total)
        }
        [a, action]
            if a == "action"
                && (*method == Method::GET && action == "read"
                    || *method == Method::PUT && action == "update") =>
        {
            Err(Refusal::bad_request("No ID."))
        }
        // There are no actions with this method, so the path names a record and a link.
        [a, action] if a == "action" && *method != Method::DELETE => Err(missing(action)),
        [a, layout_name] if a == "layout" => Err(Refusal::not_found(format!(
            "Layout {name}:{layout_name} is not found."
        ))),
        [id, link] => {
            if WITHOUT_LINKS.contains(&name) {
                return Err(missing(link_action(method)));
            }
            if name == "User" && *method != Method::GET {
                caller.require_admin()?;
            }
            match *method {
                Method::GET => read::related(app, caller, layout, id, link, request, no_total),
                Method::POST => relate(app, caller, layout, id, link, request),
                Method::DELETE => unrelate(app, caller, layout, id, link, request),
                _ => Err(missing("listLinked")),
            }
        }
        _ => Err(Refusal::no_route()),
    }
}

/// Whether an action of this name lists records.
fn is_list(action: &str) -> bool {
    matches!(action, "list" | "index")
}

/// Returns the IDs in a link request. Numbers are treated as strings.
fn ids_of(body: &Map<String, Json>) -> Result<Vec<String>> {
    let one = match body.get("id") {
        None | Some(Json::Null) => None,
        Some(Json::Array(_) | Json::Object(_)) => return Err(Refusal::internal_page()),
        Some(id) => Some(php_text(id)),
    };
    if one.as_deref() == Some("") {
        return Err(Refusal::bad_request(""));
    }
    let many = body.get("ids").and_then(Json::as_array);
    let mut ids = Vec::new();
    for id in one
        .into_iter()
        .chain(many.into_iter().flatten().map(php_text))
    {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Rejects link requests for entity types that the caller cannot see.
fn check_links_open(caller: &Caller, layout: &Layout) -> Result<()> {
    match caller.acl.level(&layout.name, Action::Read) {
        Level::No => Err(Refusal::forbidden_silently()),
        _ => Ok(()),
    }
}

/// `POST {Entity}/{id}/{link}`
fn relate(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    id: &str,
    link: &str,
    request: &Request,
) -> Result<Reply> {
    let body = request.json_body()?;
    // All records of a search; IDs in the body are ignored.
    if body.get("massRelate").is_some_and(is_filled) {
        if caller.acl.level(&layout.name, Action::Edit) == Level::No {
            return Err(Refusal::forbidden_silently());
        }
        return mass_relate(app, caller, layout, id, link, &body);
    }
    let ids = ids_of(&body)?;
    if ids.is_empty() {
        return Ok(Reply::bool(false));
    }
    check_links_open(caller, layout)?;
    let (row, def, target) = links::request_target(app, caller, layout, id, link)?;
    for other in &ids {
        let had = is_linked(app, layout, &row, def, other);
        links::link_checked(app, caller, layout, &row, def, target, other)?;
        if let Some(other) = app.store.table(target.index).live(other).filter(|_| !had) {
            raise_link(app, caller, layout, &row, link, &other, true);
        }
    }
    Ok(Reply::bool(true))
}

/// Notifies listeners that two records were linked or unlinked.
fn raise_link(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    link: &str,
    other: &Row,
    now: bool,
) {
    app.raise(
        caller,
        &Event::Linked {
            layout,
            row,
            link,
            other,
            now,
        },
    );
}

fn mass_relate(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    id: &str,
    link: &str,
    body: &Map<String, Json>,
) -> Result<Reply> {
    if !facts::mass_link(&app.layouts.schema, &layout.name, link) {
        return Err(Refusal::forbidden("Mass link is not allowed."));
    }
    let (row, def, target) = links::request_target(app, caller, layout, id, link)?;
    let mut params = match body.get("searchParams").and_then(Json::as_object) {
        Some(map) => SearchParams::from_object(map)?,
        None => SearchParams::default(),
    };
    if let Some(Json::Array(items)) = body.get("where") {
        params.where_.extend(items.iter().cloned());
    }
    params.lift_pseudo_items()?;
    let mut conditions = search::conditions(app, caller, target, &params)?;
    conditions.extend(search::readable(app, caller, target));
    let rows = app.store.table(target.index).snapshot();
    let most = params.max_size.and_then(|n| usize::try_from(n).ok());
    let found = search::where_::matching(rows.iter(), &conditions);
    for other in found.iter().take(most.unwrap_or(usize::MAX)) {
        links::link_one(app, layout, &row, def, &other.id);
    }
    Ok(Reply::bool(true))
}

/// `DELETE {Entity}/{id}/{link}`
fn unrelate(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    id: &str,
    link: &str,
    request: &Request,
) -> Result<Reply> {
    let ids = ids_of(&request.json_body()?)?;
    if ids.is_empty() {
        return Ok(Reply::bool(false));
    }
    check_links_open(caller, layout)?;
    let (row, def, target) = links::request_target(app, caller, layout, id, link)?;
    for other in &ids {
        links::unlink_checked(app, caller, layout, &row, def, target, other)?;
        // The event is raised even if the record was not linked.
        if let Some(other) = app.store.table(target.index).live(other) {
            raise_link(app, caller, layout, &row, link, &other, false);
        }
    }
    Ok(Reply::bool(true))
}

/// `POST {Entity}/action/getDuplicateAttributes`: a record as in a read, without its ID.
fn duplicate_attributes(call: &Call) -> Result<Reply> {
    let layout = call.app.layout(call.params[0])?;
    let body = call.request.json_body()?;
    let Some(id) = body.get("id").and_then(Json::as_str) else {
        return Err(Refusal::bad_request(""));
    };
    if call.caller.acl.level(&layout.name, Action::Create) == Level::No {
        return Err(Refusal::forbidden("No 'create' access."));
    }
    let row = call
        .app
        .store
        .table(layout.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found("Record not found."))?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    let reply = read::record_reply(call.app, call.caller, layout, &row);
    let is_field = |name: &str| {
        // The key of a link without a field is not copied.
        let attr = layout.attr(name);
        let link = name.strip_suffix("Id").and_then(|l| layout.links.get(l));
        attr.is_none_or(|a| a.field.is_some()) || link.is_none()
    };
    let mut record: Map<String, Json> = serde_json::from_slice(&reply.body).unwrap_or_default();
    record.remove("id");
    // A copy has no status and no number.
    let entity = call.app.layouts.entity(layout);
    let status = entity.scope.status_field.as_deref();
    record.retain(|name, _| {
        let field = layout.attr(name).and_then(|a| a.field.as_deref());
        let field = field.and_then(|f| entity.fields.get(f)).or_else(|| {
            entity
                .fields
                .get(name.strip_suffix("Id").or(name.strip_suffix("Name"))?)
        });
        status != Some(name.as_str())
            && is_field(name)
            && !field.is_some_and(|f| {
                matches!(f.kind, FieldKind::Autoincrement | FieldKind::Number)
                    || (f.kind == FieldKind::LinkOne && call.app.version >= Version::V10_0)
                    || f.raw.get("duplicateIgnore") == Some(&Json::Bool(true))
            })
    });
    copy_files(call, layout, &row, &mut record);
    // Attendees of an event have not responded to the invitation to its copy.
    if entity.scope.raw.contains_key("attendeeLinkMap") {
        for (name, value) in &mut record {
            if name.ends_with("Columns") {
                *value = Json::Null;
            }
        }
    }
    Ok(call.app.json(&Json::Object(record)))
}

/// A copy of a record has copies of its files.
fn copy_files(call: &Call, layout: &Layout, row: &Row, record: &mut Map<String, Json>) {
    let fields = call.app.layouts.entity(layout).fields.values();
    for field in fields.filter(|f| matches!(f.kind, FieldKind::File | FieldKind::Image)) {
        let file = view::key(call.app, layout, row, &field.name)
            .and_then(|(files, id)| call.app.store.table(files.index).live(&id));
        if let Some(file) = file {
            let copy = attachment_sources::copies(call, &[file]);
            record.insert(format!("{}Id", field.name), copy["ids"][0].clone());
        }
    }
}

fn is_linked(app: &App, layout: &Layout, row: &Row, def: &LinkDef, other: &str) -> bool {
    match def.kind {
        LinkKind::Many { relation, forward } => {
            app.store.relation(relation).has(&row.id, forward, other)
        }
        _ => view::linked_through(app, layout, row, def)
            .iter()
            .any(|r| r.id == other),
    }
}

/// `POST {Entity}/action/restoreDeleted`, for administrators.
fn restore_deleted(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    let layout = call.app.layout(call.params[0])?;
    let body = call.request.json_body()?;
    let id = match body.get("id") {
        Some(Json::String(id)) if !id.is_empty() => id.as_str(),
        Some(Json::Number(_)) => return Err(Refusal::not_found("")),
        _ => return Err(Refusal::bad_request("")),
    };
    let table = call.app.store.table(layout.index);
    let row = table.get(id).ok_or_else(|| Refusal::not_found(""))?;
    if !row.deleted {
        return Err(if call.app.version < Version::V10_0 {
            Refusal::forbidden("No 'deleted' attribute.")
        } else {
            Refusal {
                status: 409,
                ..Refusal::forbidden("Record type is not soft-deleted.")
            }
        });
    }
    table.update(id, |r| {
        r.deleted = false;
        true
    });
    Ok(Reply::bool(true))
}
