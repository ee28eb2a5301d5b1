//! Webhooks: their records, and the events that they receive. [`super::delivery`] sends it.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderValue, Method, Uri};
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Acl, Action, Kind, Level};
use crate::app::events::Event;
use crate::app::events::Input;
use crate::app::extras::Item;
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{Layout, Source};
use crate::record::{create, created, update};
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::POST, "Webhook", post),
    Fixed::controller(Method::PUT, "Webhook/:id", put),
    Fixed::controller(Method::PATCH, "Webhook/:id", put),
];

/// Maximum number of webhooks of one API user.
const MAX_PER_USER: usize = 50;

/// Attributes whose changes are not reported.
const SILENT: &[&str] = &[
    "isFollowed",
    "isStarred",
    "followersIds",
    "followersNames",
    "modifiedAt",
    "streamUpdatedAt",
    "versionNumber",
];

/// `POST Webhook`: the only create that returns 201.
fn post(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let layout = app.layout("Webhook")?;
    check_open(caller)?;
    caller.acl.check_scope("Webhook", Action::Create)?;
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .map(str::trim)
            .filter(|s| !s.is_empty())
    };
    let (event, url) = (text("event"), text("url"));
    let mut parts = None;
    // Validation rejects missing values.
    if let (Some(event), Some(url)) = (event, url) {
        check_url(app, url)?;
        parts = Some(parse_event(app, caller, event)?);
    }
    let user = match caller.acl.kind {
        Kind::Api => Some(caller.acl.user_id.clone()),
        _ => None,
    };
    if let (Some(user), Some(slot)) = (&user, layout.slot("userId")) {
        let rows = app.store.table(layout.index).snapshot();
        let mine = rows
            .iter()
            .filter(|r| !r.deleted && r.get(slot).as_str() == Some(user.as_str()))
            .count();
        if mine >= MAX_PER_USER {
            return Err(Refusal::forbidden_silently());
        }
    }
    let (row, mut shown) = create::insert(app, caller, layout, &body, true)?;
    let Some((entity, kind, field)) = parts else {
        return Err(Refusal::internal());
    };
    let mut given = vec![
        ("entityType", Value::text(entity)),
        ("type", Value::text(kind)),
        ("secretKey", Value::text(app.ids.secret())),
    ];
    given.push(("field", field.map_or(Value::Null, Value::text)));
    // It concerns the events that an API user causes.
    if user.is_none() {
        given.push(("skipOwn", Value::Bool(false)));
    }
    given.extend(user.map(|u| ("userId", Value::Text(u))));
    let row = app
        .store
        .table(layout.index)
        .update(&row.id, |r| {
            for (attr, v) in &given {
                if let Some(slot) = layout.slot(attr) {
                    r.values[slot] = v.clone();
                }
            }
            true
        })
        .ok_or_else(Refusal::internal)?;
    for (attr, v) in given {
        if let Some(ix) = layout.find(attr) {
            shown.insert(ix, v);
        }
    }
    let mut reply = created::answer(app, caller, layout, &row, &shown);
    reply.status = 201;
    Ok(reply)
}

/// Rejects regular users, who cannot have webhooks.
fn check_open(caller: &Caller) -> Result<()> {
    match caller.acl.kind {
        Kind::Regular => Err(Refusal::forbidden("No access to 'Webhook'.")),
        _ => Ok(()),
    }
}

/// `PUT Webhook/{id}`: the event cannot be changed.
fn put(call: &Call) -> Result<Reply> {
    check_open(call.caller)?;
    let mut body = call.request.json_body()?;
    let layout = call.app.layout("Webhook")?;
    let row = call.app.store.table(layout.index).live(call.params[0]);
    let stored = row.and_then(|r| Some(r.get(layout.slot("event")?).clone()));
    let is_admin = call.caller.acl.is_admin();
    match body.get("event") {
        Some(Json::String(event)) if is_admin && !event.is_empty() => {
            if stored.is_some_and(|s| s.as_str() != Some(event)) {
                return Err(Refusal::forbidden("Event can't be changed."));
            }
        }
        // Validation rejects an empty one of an administrator. That of an API user is ignored.
        _ if is_admin => {}
        _ => {
            body.remove("event");
        }
    }
    if let Some(url) = body
        .get("url")
        .and_then(Json::as_str)
        .filter(|u| !u.is_empty())
    {
        check_url(call.app, url)?;
    }
    let request = with_body(call.request, &body);
    update::update(
        call.app,
        call.caller,
        call.app.layout("Webhook")?,
        call.params[0],
        &request,
    )
}

/// Returns the same request with another body.
pub(super) fn with_body(request: &Request, body: &Map<String, Json>) -> Request {
    let mut headers = request.headers.clone();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Request {
        method: request.method.clone(),
        raw_path: request.raw_path.clone(),
        segments: request.segments.clone(),
        query: request.query.clone(),
        headers,
        // Maps of JSON values always serialise.
        body: Bytes::from(serde_json::to_vec(body).unwrap_or_default()),
        image: None,
    }
}

/// `Account.create` → entity type, kind, field.
fn parse_event(
    app: &App,
    caller: &Caller,
    event: &str,
) -> Result<(String, String, Option<String>)> {
    let unsupported = || Refusal::forbidden("Not supported event.");
    let mut parts = event.split('.');
    let entity = parts.next().unwrap_or_default();
    let kind = parts.next().ok_or_else(unsupported)?;
    let field = parts.next();
    let Some(layout) = app
        .layouts
        .find(entity)
        .filter(|l| app.layouts.entity(l).scope.object)
    else {
        return Err(Refusal::forbidden(
            "Entity type is not available for Webhooks.",
        ));
    };
    if caller.acl.level(&layout.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    match (kind, field) {
        ("create" | "update" | "delete", None) => {}
        ("fieldUpdate", Some(f)) if app.layouts.entity(layout).fields.contains_key(f) => {}
        _ => return Err(unsupported()),
    }
    Ok((entity.to_owned(), kind.to_owned(), field.map(str::to_owned)))
}

/// Rejects webhook addresses in the server's own network. Loopback addresses are allowed anyway, because tests use
/// them, and this server delivers only to them. Other addresses can be allowed with `webhookAllowedAddressList`.
fn check_url(app: &App, url: &str) -> Result<()> {
    let invalid = |type_: &str| Err(Refusal::validation("Webhook", "url", type_));
    let Some((uri, host)) = url.parse::<Uri>().ok().and_then(|uri| {
        let host = uri.host()?.to_owned();
        uri.scheme().is_some().then_some((uri, host))
    }) else {
        // Up to 9.3, only the host of a URL is checked.
        return match app.version < Version::V10_0 {
            true => Ok(()),
            false => invalid("valid"),
        };
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return invalid("notInternal");
    }
    let host = host.as_str();
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        });
    let listed = app
        .config
        .read()
        .other
        .get("webhookAllowedAddressList")
        .and_then(Json::as_array)
        .is_some_and(|list| {
            list.iter()
                .filter_map(Json::as_str)
                .any(|a| a == format!("{host}:{port}"))
        });
    if listed || is_loopback(host) || leads_outside(host) {
        Ok(())
    } else {
        invalid("notInternal")
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an address or name is public. Names are not resolved, so names under domains that never resolve (RFC 2606,
/// RFC 6761) are recognised by their suffix.
fn leads_outside(host: &str) -> bool {
    match host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
    {
        Ok(IpAddr::V4(ip)) => {
            !(ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast())
        }
        Ok(IpAddr::V6(ip)) => {
            let first = ip.segments()[0];
            !(ip.is_unspecified()
                || ip.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80)
        }
        Err(_) => match host.rsplit_once('.') {
            Some((_, top)) => !matches!(
                top,
                "example" | "invalid" | "test" | "local" | "localhost" | "internal"
            ),
            None => false,
        },
    }
}

/// The event of a record.
enum Change<'a> {
    Created,
    Updated { old: &'a Row, input: &'a Input },
    Deleted,
}

/// Queues a change for webhooks.
pub(crate) fn hear(app: &App, caller: &Caller, event: &Event) {
    match *event {
        Event::Created { layout, row, .. } => tell(app, caller, layout, row, &Change::Created),
        Event::Changed {
            layout,
            old,
            new,
            input,
            ..
        } => tell(app, caller, layout, new, &Change::Updated { old, input }),
        Event::Removed { layout, row } => tell(app, caller, layout, row, &Change::Deleted),
        Event::Linked { .. } => {}
    }
}

/// Queues a change for every webhook that reports it.
fn tell(app: &App, caller: &Caller, layout: &Layout, row: &Row, change: &Change) {
    let Some(webhooks) = app.layouts.find("Webhook") else {
        return;
    };
    if !app.layouts.entity(layout).scope.object {
        return;
    }
    let rows = app.store.table(webhooks.index).snapshot();
    let get = |hook: &Row, attr: &str| {
        webhooks
            .slot(attr)
            .map_or(Value::Null, |s| hook.get(s).clone())
    };
    for hook in rows
        .iter()
        .filter(|h| !h.deleted && get(h, "isActive").is_true())
    {
        if get(hook, "entityType").as_str() != Some(layout.name.as_str()) {
            continue;
        }
        let user = get(hook, "userId");
        let own = user.as_str() == Some(caller.user_id());
        if own && get(hook, "skipOwn").is_true() {
            continue;
        }
        // A webhook without a user has the access of its creator, an administrator.
        let owner = user
            .as_str()
            .map(str::to_owned)
            .or_else(|| get(hook, "createdById").as_str().map(str::to_owned));
        let acl = app.acl(owner.as_deref().unwrap_or_default());
        let payload = match (get(hook, "type").as_str(), change) {
            (Some("create"), Change::Created) => Some(whole(app, &acl, layout, row)),
            (Some("delete"), Change::Deleted) => {
                Some(Map::from_iter([("id".to_owned(), json!(row.id.as_str()))]))
            }
            (Some("update"), Change::Updated { old, input }) => {
                changed(app, &acl, layout, old, row, input)
            }
            (Some("fieldUpdate"), Change::Updated { old, input }) => {
                let field = get(hook, "field");
                field_changed(
                    app,
                    &acl,
                    layout,
                    field.as_str().unwrap_or_default(),
                    old,
                    row,
                    input,
                )
            }
            _ => None,
        };
        let reachable =
            matches!(change, Change::Deleted) || acl.record(&app.store, layout, row, Action::Read);
        if let Some(payload) = payload.filter(|_| reachable) {
            app.extras.webhook_queue.push(Item {
                webhook: hook.id.clone(),
                payload: Json::Object(payload),
            });
        }
    }
}

fn open(acl: &Acl, layout: &Layout, field: Option<&str>) -> bool {
    field.is_none_or(|f| acl.may_read_field(&layout.name, f))
}

/// The values of a record as it was saved.
fn whole(app: &App, acl: &Acl, layout: &Layout, row: &Row) -> Map<String, Json> {
    let mut map = Map::new();
    for ix in &layout.read_plan {
        let attr = &layout.attrs[*ix];
        let kept = matches!(
            attr.source,
            Source::Slot(_) | Source::Ids(_) | Source::LinkName(_) | Source::Person(_)
        );
        if !kept || !open(acl, layout, attr.field.as_deref()) {
            continue;
        }
        let v = view::value(app, layout, row, *ix, "");
        if !v.is_null() {
            map.insert(attr.name.clone(), v.to_json());
        }
    }
    map
}

/// Returns the names of the changed attributes; those of links are taken from the request.
fn touched(layout: &Layout, old: &Row, new: &Row, input: &Input) -> Vec<usize> {
    (0..layout.attrs.len())
        .filter(|ix| match layout.attrs[*ix].source {
            Source::Slot(slot) => old.get(slot) != new.get(slot),
            Source::Ids(_) => input.contains_key(ix),
            _ => false,
        })
        .collect()
}

/// Returns the ID and the changed attributes; `None` if only unreported attributes changed.
fn changed(
    app: &App,
    acl: &Acl,
    layout: &Layout,
    old: &Row,
    new: &Row,
    input: &Input,
) -> Option<Map<String, Json>> {
    let mut map = Map::from_iter([("id".to_owned(), json!(new.id.as_str()))]);
    for ix in touched(layout, old, new, input) {
        let attr = &layout.attrs[ix];
        if !SILENT.contains(&attr.name.as_str()) && open(acl, layout, attr.field.as_deref()) {
            map.insert(
                attr.name.clone(),
                view::value(app, layout, new, ix, "").to_json(),
            );
        }
    }
    (map.len() > 1).then_some(map)
}

/// Returns the ID and all attributes of a field, if one of them changed.
fn field_changed(
    app: &App,
    acl: &Acl,
    layout: &Layout,
    field: &str,
    old: &Row,
    new: &Row,
    input: &Input,
) -> Option<Map<String, Json>> {
    let def = app.layouts.entity(layout).fields.get(field)?;
    let touched = touched(layout, old, new, input);
    let mine: Vec<usize> = def
        .attributes
        .iter()
        .filter_map(|a| layout.find(a))
        .collect();
    if !mine.iter().any(|ix| touched.contains(ix)) || !open(acl, layout, Some(field)) {
        return None;
    }
    let mut map = Map::from_iter([("id".to_owned(), json!(new.id.as_str()))]);
    for ix in mine
        .into_iter()
        .filter(|ix| !layout.attrs[*ix].write_only && !layout.attrs[*ix].filter_only)
    {
        map.insert(
            layout.attrs[ix].name.clone(),
            view::value(app, layout, new, ix, "").to_json(),
        );
    }
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_and_public_addresses_are_distinguished() {
        for (host, outside) in [
            ("93.184.216.34", true),
            ("example.com", true),
            ("10.0.0.1", false),
            ("192.168.1.1", false),
            ("[fe80::1]", false),
            ("intranet", false),
            ("hook.example", false),
        ] {
            assert_eq!(leads_outside(host), outside, "{host}");
        }
        assert!(
            is_loopback("127.0.0.1")
                && is_loopback("[::1]")
                && is_loopback("localhost")
                && !is_loopback("10.0.0.1")
        );
    }
}
