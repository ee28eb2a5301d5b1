//! Reading one record, lists and related lists.

use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value as Json;

use super::select::{self, Plan, list_plan};
use super::{create, references, rules};
use crate::acl::{Action, Level};
use crate::app::{App, Caller};
use crate::facts;
use crate::http::json::Out;
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{AttrIx, Layout, LinkDef, LinkKind, Slot, Source, Ty};
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::search::span::Walk;
use crate::search::{self, Found};
use crate::store::Row;
use crate::value::Value;
use crate::view::{self, email};

/// `GET {Entity}/{id}`
pub(crate) fn read(app: &App, caller: &Caller, layout: &Layout, id: &str) -> Result<Reply> {
    caller.acl.check_scope(&layout.name, Action::Read)?;
    // Administrators see deleted records.
    let row = app
        .store
        .table(layout.index)
        .get(id)
        .filter(|r| !r.deleted || caller.acl.is_admin())
        .ok_or_else(|| Refusal::not_found(format!("Record {id} does not exist.")))?;
    if !references::may_read(app, caller, layout, &row) {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    let reply = record_reply(app, caller, layout, &row);
    // The response does not show it yet.
    rules::mark_read(app, layout, &row, caller.user_id());
    Ok(reply)
}

/// Returns a record as in a read.
pub(crate) fn record_reply(app: &App, caller: &Caller, layout: &Layout, row: &Row) -> Reply {
    let mut out = app.out();
    write_record(app, caller, layout, row, &mut out);
    Reply::json(out.into_bytes())
}

/// Writes a record as in a read.
pub(crate) fn write_record(app: &App, caller: &Caller, layout: &Layout, row: &Row, out: &mut Out) {
    out.open_object();
    // Emails in the reader's inbox have marks.
    let in_inbox = layout.name == "Email" && email::in_inbox(app, layout, row, caller.user_id());
    let marks = email::OF_INBOX
        .iter()
        .chain(&["isUsersSent"])
        .filter_map(|attr| layout.find(attr))
        .filter(|_| in_inbox)
        .collect::<Vec<_>>();
    for ix in layout.read_plan.iter().chain(&marks) {
        let attr = &layout.attrs[*ix];
        if rules::lacks_folder(layout, row, &attr.name)
            || !create::readable(app, caller, layout, *ix)
            || !create::follow_open(caller, layout, &attr.source)
        {
            continue;
        }
        let mut v = view::value(app, layout, row, *ix, caller.user_id());
        if v.is_null() && matches!(attr.name.as_str(), "emailAddressData" | "phoneNumberData") {
            v = Value::json(Json::Array(Vec::new()));
        }
        // Only users who sign requests have a secret key.
        if v.is_null() && attr.name == "secretKey" && layout.name == "User" {
            continue;
        }
        out.key(&attr.name);
        out.value(&v);
    }
    out.close_object();
}

/// The properties that all rows of a list share.
struct RowContext<'a> {
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    plan: &'a [AttrIx],
    /// Attributes of the selection that are null in every row.
    unknown: Vec<AttrIx>,
    /// The attributes that replace a person's name if its parts are not selected.
    stand_in: Option<&'a (AttrIx, Vec<Slot>)>,
    /// Maximum length of long text attributes, in characters; longer ones are truncated.
    text_length: usize,
}

/// Writes one row of a list.
fn write_row(cx: &RowContext, row: &Row, columns: &[(AttrIx, Value)], out: &mut Out) {
    let (app, layout) = (cx.app, cx.layout);
    out.open_object();
    for ix in cx.plan {
        let attr = &layout.attrs[*ix];
        if layout.name == "User" && attr.name == "secretKey" {
            // Only users who sign requests have a secret key.
            let secret = view::value(app, layout, row, *ix, "");
            if secret.is_null() {
                continue;
            }
        }
        out.key(&attr.name);
        if cx.unknown.contains(ix) {
            out.value(&Value::Null);
            continue;
        }
        if let Some((_, slots)) = cx.stand_in.filter(|(name, _)| name == ix) {
            let found = slots.iter().find_map(|slot| row.get(*slot).non_empty());
            out.value(&found.map_or(Value::Null, Value::text));
            continue;
        }
        if let Some((_, v)) = columns.iter().find(|(c, _)| c == ix) {
            out.value(v);
            continue;
        }
        match &attr.source {
            Source::Slot(slot) if !matches!(attr.name.as_str(), "id" | "deleted") => {
                match row.get(*slot) {
                    Value::Text(s)
                        if attr.ty == Ty::LongText
                            && s.len() > cx.text_length
                            && layout.name != "Note" =>
                    {
                        let cut: String = s.chars().take(cx.text_length).collect();
                        out.value(&Value::text(cut));
                    }
                    v => out.value(v),
                }
            }
            _ => out.value(&view::value(app, layout, row, *ix, cx.caller.user_id())),
        }
    }
    out.close_object();
}

/// `GET {Entity}`
pub(crate) fn list(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    request: &Request,
    no_total: bool,
) -> Result<Reply> {
    let mut params = SearchParams::of(request, app.config.read().list_max_size)?;
    caller.acl.check_scope(&layout.name, Action::Read)?;
    params.no_total |= no_total
        || layout.name == "Notification"
        || app.layouts.entity(layout).collection.count_disabled;
    if layout.name == "User"
        && let Some(type_) = request.param("userType")
    {
        params
            .where_
            .push(serde_json::json!({"type": "equals", "attribute": "type", "value": type_}));
    }
    params.expand(app.layouts.entity(layout));
    let order = Order::of(app, caller, layout, &params)?;
    let found = search_table(app, caller, layout, &params, &order)?;
    let plan = list_plan(app, caller, layout, params.select.as_deref(), &order, &[]);
    Ok(list_reply(app, caller, layout, &found, &plan))
}

/// Returns the rows of a table that match a search.
pub(crate) fn search_table(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    params: &SearchParams,
    order: &Order,
) -> Result<Found> {
    let (tests, mut conditions) = search::split(app, caller, layout, params)?;
    order.executable()?;
    if let Some(total) = params.empty_page() {
        return Ok(Found::nothing(total));
    }
    conditions.extend(search::readable(app, caller, layout));
    if tests.is_empty()
        && conditions.is_empty()
        && let Some(found) = first_page(app, layout, params, order)
    {
        return Ok(found);
    }
    let holds = |row: &Row| {
        tests.iter().all(|(slot, test)| test(row.get(*slot))) && conditions.iter().all(|c| c(row))
    };
    if let Some(found) = walk(app, layout, params, order, &holds) {
        return Ok(found);
    }
    let count = !params.no_total;
    if let Some(rows) = search::narrow::candidates(app, layout, params) {
        let rows = rows.iter().filter(|row| holds(row));
        return Ok(search::page(app, layout, rows, &[], order, params, count));
    }
    let rows = app.store.table(layout.index).snapshot();
    Ok(if tests.is_empty() {
        search::page(app, layout, rows.iter(), &conditions, order, params, count)
    } else {
        let rows = rows.matching(&tests);
        search::page(app, layout, rows, &conditions, order, params, count)
    })
}

/// Returns offset and size of the requested page.
pub(crate) fn page_of(app: &App, params: &SearchParams) -> (usize, usize) {
    let limit = params
        .max_size
        .unwrap_or_else(|| app.config.read().list_max_size);
    (params.offset.max(0) as usize, limit.max(0) as usize)
}

/// Returns a page of the whole table in an order that an index provides.
fn first_page(app: &App, layout: &Layout, params: &SearchParams, order: &Order) -> Option<Found> {
    let (attr, descending) = order.simple()?;
    let by = search::span::by(layout, attr)?;
    let (offset, limit) = page_of(app, params);
    let table = app.store.table(layout.index);
    let (rows, count) = table.first(by, descending, offset, limit)?;
    let total = match params.no_total {
        false => i64::try_from(count).unwrap_or(i64::MAX),
        true if count > offset.saturating_add(limit) => -1,
        true => -2,
    };
    Some(Found { rows, total })
}

/// Number of rows that are read from an index at a time; no lock is held while conditions are evaluated on them.
const BATCH: usize = 256;

/// Returns a page of an uncounted search with bounds on the attribute of its order: reads an index up to the end of
/// the page.
fn walk(
    app: &App,
    layout: &Layout,
    params: &SearchParams,
    order: &Order,
    holds: &dyn Fn(&Row) -> bool,
) -> Option<Found> {
    if !params.no_total {
        return None;
    }
    let (attr, descending) = order.simple()?;
    let by = search::span::by(layout, attr)?;
    let (offset, limit) = page_of(app, params);
    let wanted = offset.saturating_add(limit).saturating_add(1);
    let mut rows = Vec::new();
    let mut bounds = match search::span::bounds(layout, attr, &params.where_)? {
        Walk::Nothing => return Some(Found { rows, total: -2 }),
        Walk::Between(bounds) => bounds,
    };
    let table = app.store.table(layout.index);
    while rows.len() < wanted {
        let batch = table.batch(by, &bounds, descending, BATCH)?;
        let more = batch.len() == BATCH;
        let Some((last, _)) = batch.last().cloned() else {
            break;
        };
        let found = batch.into_iter().map(|(_, row)| row);
        rows.extend(found.filter(|row| holds(row)));
        if !more {
            break;
        }
        if descending {
            bounds.1 = Bound::Excluded(last);
        } else {
            bounds.0 = Bound::Excluded(last);
        }
    }
    rows.truncate(wanted);
    let total = if rows.len() == wanted { -1 } else { -2 };
    rows.truncate(wanted - 1);
    rows.drain(..offset.min(rows.len()));
    Some(Found { rows, total })
}

/// Builds a list response from rows.
pub(crate) fn list_reply(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    found: &Found,
    plan: &Plan,
) -> Reply {
    let mut out = app.out();
    write_list(app, caller, layout, found, plan, |_| Vec::new(), &mut out);
    Reply::json(out.into_bytes())
}

/// Returns a row as in a list without a selection, with its entity type.
pub(crate) fn listed(app: &App, caller: &Caller, layout: &Layout, row: &Arc<Row>) -> Json {
    let found = Found {
        rows: vec![Arc::clone(row)],
        total: 1,
    };
    let attrs = layout.list_plan.iter().copied();
    let plan = Plan {
        attrs: attrs
            .filter(|ix| create::readable(app, caller, layout, *ix))
            .collect(),
        stand_in: None,
    };
    let reply = list_reply(app, caller, layout, &found, &plan);
    let mut body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    let mut item = body["list"][0].take();
    item["_scope"] = Json::from(layout.name.as_str());
    item
}

fn write_list(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    found: &Found,
    plan: &Plan,
    columns: impl Fn(&Row) -> Vec<(AttrIx, Value)>,
    out: &mut Out,
) {
    let text_length = app.config.read().list_text_length;
    let cx = RowContext {
        app,
        caller,
        layout,
        plan: &plan.attrs,
        unknown: select::unknown_parents(layout, &plan.attrs),
        stand_in: plan.stand_in.as_ref(),
        text_length,
    };
    out.open_object();
    out.key("total");
    out.value(&Value::Int(found.total));
    out.key("list");
    out.open_array();
    for row in &found.rows {
        write_row(&cx, row, &columns(row), out);
    }
    out.close_array();
    out.close_object();
}

/// Links whose lists are not counted (`recordDefs.…countDisabled`).
const NOT_COUNTED: &[(&str, &str)] = &[("ScheduledJob", "log")];

/// `GET {Entity}/{id}/{link}`
pub(crate) fn related(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    id: &str,
    link: &str,
    request: &Request,
    no_total: bool,
) -> Result<Reply> {
    let mut params = SearchParams::of(request, app.config.read().list_max_size)?;
    // Lists of links are counted, regardless of the header.
    params.no_total = no_total || NOT_COUNTED.contains(&(layout.name.as_str(), link));
    if caller.acl.level(&layout.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden("No access."));
    }
    let row = app.live(layout, id)?;
    if !caller.acl.record(&app.store, layout, &row, Action::Read) {
        return Err(Refusal::forbidden("No read access."));
    }
    let Some(def) = layout.links.get(link) else {
        return Err(Refusal::not_found("Link does not exist."));
    };
    let Some(target) = def.target.map(|t| &app.layouts.entities[t]) else {
        return Err(Refusal::internal());
    };
    if def.kind == LinkKind::Unknown {
        return Err(Refusal::internal());
    }
    // Unlike in a list of the entity type itself, there is no reason.
    caller
        .acl
        .check_scope(&target.name, Action::Read)
        .map_err(|_| Refusal::forbidden_silently())?;
    params.expand(app.layouts.entity(target));
    if let LinkKind::BelongsTo { .. } = def.kind {
        // The record is found without a page, and counted.
        (params.max_size, params.offset, params.no_total) = (None, 0, false);
    }
    let reverse = def.foreign.as_deref().and_then(|f| target.links.get(f));
    let mandatory = facts::relationship_attributes(&app.layouts.schema, &layout.name, link);
    let selects_nothing = params.select.is_none();
    if let Some(names) = &mandatory {
        params
            .select
            .get_or_insert_default()
            .extend(names.iter().cloned());
    }
    let order = Order::of(app, caller, target, &params)?;
    let mut conditions = search::conditions(app, caller, target, &params)?;
    order.executable()?;
    conditions.extend(search::readable(app, caller, target));
    let rows = view::linked_through(app, layout, &row, def);
    let count = !params.no_total;
    let found = match params.empty_page() {
        Some(total) => Found::nothing(total),
        None => search::page(
            app,
            target,
            rows.iter(),
            &conditions,
            &order,
            &params,
            count,
        ),
    };
    let selected = |name: &str| {
        params
            .select
            .as_ref()
            .is_none_or(|names| names.iter().any(|n| n == name))
    };
    // Columns of the middle table are included if all attributes are requested or if they are named.
    let columns: Vec<AttrIx> = reverse
        .map(|r| r.column_attrs.iter().map(|(_, ix)| *ix))
        .into_iter()
        .flatten()
        .filter(|ix| selected(&target.attrs[*ix].name))
        .collect();
    let mut plan = list_plan(
        app,
        caller,
        target,
        params.select.as_deref(),
        &order,
        &columns,
    );
    if let Some(names) = &params.select {
        let extra = select::only_in_list(target, names);
        plan.attrs
            .retain(|ix| !extra.contains(ix) || order.attrs.contains(ix));
    }
    if mandatory.is_some() && selects_nothing {
        // The attributes of the relationship replace those of the entity type.
        plan.attrs
            .retain(|ix| !target.mandatory.contains(ix) || order.attrs.contains(ix));
        // Columns of other relationships have no value here.
        let of_links = target.links.values().flat_map(|l| &l.column_attrs);
        let others: Vec<AttrIx> = of_links.map(|(_, ix)| *ix).collect();
        plan.attrs
            .retain(|ix| !others.contains(ix) || selected(&target.attrs[*ix].name));
    }
    let mut out = app.out();
    write_list(
        app,
        caller,
        target,
        &found,
        &plan,
        |other| column_values(app, &row, def, reverse, other),
        &mut out,
    );
    Ok(Reply::json(out.into_bytes()))
}

/// Middle-table columns as attributes of the listed record.
fn column_values(
    app: &App,
    row: &Row,
    def: &LinkDef,
    reverse: Option<&LinkDef>,
    other: &Row,
) -> Vec<(AttrIx, Value)> {
    let (LinkKind::Many { relation, forward }, Some(reverse)) = (def.kind, reverse) else {
        return Vec::new();
    };
    if reverse.column_attrs.is_empty() {
        return Vec::new();
    }
    let defs = &app.layouts.relations[relation].columns;
    let pair = app
        .store
        .relation(relation)
        .of(&other.id, !forward)
        .into_iter()
        .find(|p| p.id == row.id);
    let Some(pair) = pair else { return Vec::new() };
    reverse
        .column_attrs
        .iter()
        .filter_map(|(column, ix)| {
            let at = defs.iter().position(|c| c.name == *column)?;
            Some((*ix, pair.columns.get(at).cloned().unwrap_or_default()))
        })
        .collect()
}
