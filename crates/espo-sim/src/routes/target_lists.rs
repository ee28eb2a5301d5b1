//! Target lists: opting members out, removing all members of a link, and listing opted-out members.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, LinkDef, LinkKind, Ty};
use crate::record::links;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::value::Value;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::POST, "TargetList/action/optOut", opt_out),
    Fixed::controller(
        Method::POST,
        "TargetList/action/cancelOptOut",
        cancel_opt_out,
    ),
    Fixed::controller(Method::POST, "TargetList/action/unlinkAll", unlink_all),
    Fixed::action(Method::GET, "TargetList/:id/optedOut", opted_out),
];

/// The column of a member's pair that stores the opt-out.
const COLUMN: &str = "optedOut";

fn list<'a>(call: &Call<'a>, id: &str, action: Action) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = call.app.layout("TargetList")?;
    if call.caller.acl.level(&layout.name, action) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let row = call.app.live(layout, id)?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, action)
    {
        return Err(Refusal::forbidden_silently());
    }
    Ok((layout, row))
}

/// Links of members: many-to-many links that store whether a member opted out; relation, direction and column of each.
fn member_links<'a>(
    call: &Call<'a>,
    layout: &'a Layout,
) -> impl Iterator<Item = (&'a LinkDef, usize, bool, usize)> {
    let relations = &call.app.layouts.relations;
    layout.links.values().filter_map(move |def| {
        let LinkKind::Many { relation, forward } = def.kind else {
            return None;
        };
        let column = relations[relation]
            .columns
            .iter()
            .position(|c| c.name == COLUMN)?;
        Some((def, relation, forward, column))
    })
}

fn text<'b>(body: &'b Map<String, Json>, key: &str) -> Result<&'b str> {
    body.get(key)
        .and_then(Json::as_str)
        .filter(|s| !s.is_empty())
        .ok_or_else(|| Refusal::bad_request(""))
}

fn set_opted_out(call: &Call, out: bool) -> Result<Reply> {
    let body = call.request.json_body()?;
    let (id, type_, target) = (
        text(&body, "id")?,
        text(&body, "targetType")?,
        text(&body, "targetId")?,
    );
    let (layout, row) = list(call, id, Action::Edit)?;
    let app = call.app;
    let Some(foreign) = app.layouts.find(type_) else {
        return Err(Refusal::bad_request("Bad targetType."));
    };
    let Some((_, relation, forward, column)) =
        member_links(call, layout).find(|(def, ..)| def.target == Some(foreign.index))
    else {
        return Err(Refusal::bad_request("Bad targetType."));
    };
    if app.store.table(foreign.index).live(target).is_none() {
        return Err(Refusal::not_found_silently());
    }
    let pairs = app.store.relation(relation);
    let old = pairs
        .of(&row.id, forward)
        .into_iter()
        .find(|p| p.id == target);
    let mut columns = old.map_or_else(
        || links::default_columns(app, relation).to_vec(),
        |p| p.columns.to_vec(),
    );
    columns[column] = Value::Bool(out);
    pairs.link(&row.id, forward, target, columns.into());
    Ok(Reply::bool(true))
}

fn opt_out(call: &Call) -> Result<Reply> {
    set_opted_out(call, true)
}

fn cancel_opt_out(call: &Call) -> Result<Reply> {
    set_opted_out(call, false)
}

fn unlink_all(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    let (id, link) = (text(&body, "id")?, text(&body, "link")?);
    let (layout, row) = list(call, id, Action::Edit)?;
    let Some((_, relation, forward, _)) =
        member_links(call, layout).find(|(def, ..)| def.name == link)
    else {
        return Err(Refusal::bad_request("Not supported link."));
    };
    let pairs = call.app.store.relation(relation);
    for pair in pairs.of(&row.id, forward) {
        pairs.unlink(&row.id, forward, &pair.id);
    }
    Ok(Reply::bool(true))
}

/// A row of those who opted out: its name, status and date of creation, and its flags as if none were set.
fn opted_out_row(call: &Call, layout: &Layout, row: &Row) -> Json {
    let status = call
        .app
        .layouts
        .entity(layout)
        .scope
        .status_field
        .as_deref();
    let mut item = Map::new();
    for (ix, attr) in layout.attrs.iter().enumerate() {
        let name = attr.name.as_str();
        let is_flag = attr.ty == Ty::Bool && !attr.write_only && !attr.filter_only;
        let value = match name {
            "id" | "name" | "createdAt" | "doNotCall" => {
                view::value(call.app, layout, row, ix, call.caller.user_id()).to_json()
            }
            _ if status == Some(name) => {
                view::value(call.app, layout, row, ix, call.caller.user_id()).to_json()
            }
            _ if is_flag && name != "isOptedOut" => Json::Bool(false),
            _ => continue,
        };
        item.insert(attr.name.clone(), value);
    }
    item.insert("_scope".to_owned(), Json::from(layout.name.as_str()));
    Json::Object(item)
}

/// `GET TargetList/{id}/optedOut`: members of every type.
fn opted_out(call: &Call) -> Result<Reply> {
    let (layout, row) = list(call, call.params[0], Action::Read)?;
    let app = call.app;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let mut members = Vec::new();
    for (def, _, _, column) in member_links(call, layout) {
        let Some(target) = view::target(app, layout, &def.name) else {
            continue;
        };
        for pair in view::pairs(app, &row, def)
            .iter()
            .filter(|p| p.columns.get(column).is_some_and(Value::is_true))
        {
            if let Some(member) = app.store.table(target.index).live(&pair.id) {
                members.push(opted_out_row(call, target, &member));
            }
        }
    }
    let total = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let limit = params
        .max_size
        .unwrap_or_else(|| app.config.read().list_max_size)
        .max(0) as usize;
    let page: Vec<Json> = members
        .into_iter()
        .skip(params.offset.max(0) as usize)
        .take(limit)
        .collect();
    Ok(app.list_json(total, &page))
}
