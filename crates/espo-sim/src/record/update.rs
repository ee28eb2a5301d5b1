//! Updates and deletes records.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::hooks::{self, Draft};
use super::validate::{self, Candidate};
use super::{create, created, duplicates, input, links, references, rules};
use crate::acl::Action;
use crate::app::events::{Event, Input};
use crate::app::{App, Caller};
use crate::facts;
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{AttrIx, AttrMap, Layout, Source};
use crate::search::params::leading_int;
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view::{self, email};

/// The options of an update in addition to the values.
#[derive(Debug, Clone, Copy, Default)]
struct Conditions {
    /// The version that the caller sent.
    version: Option<i64>,
    /// Whether to check for duplicates, if the entity type does so on updates.
    duplicates: bool,
}

/// The result of a change.
struct Changed {
    row: Row,
    /// The values that the response contains as they are in memory.
    shown: AttrMap<Value>,
    /// The values that were loaded before the save and are not reloaded.
    before: AttrMap<Value>,
}

/// `PUT` and `PATCH {Entity}/{id}`
pub(crate) fn update(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    id: &str,
    request: &Request,
) -> Result<Reply> {
    caller.acl.check_scope(&layout.name, Action::Edit)?;
    let body = request.json_body()?;
    let row = app
        .store
        .table(layout.index)
        .get(id)
        // Administrators can change deleted emails.
        .filter(|r| !r.deleted || (layout.name == "Email" && caller.acl.is_admin()))
        .ok_or_else(|| Refusal::not_found(format!("Record {id} not found.")))?;
    if !caller.acl.record(&app.store, layout, &row, Action::Edit) {
        return Err(Refusal::forbidden("No edit access."));
    }
    rules::mark_read(app, layout, &row, caller.user_id());
    let skip = create::skips_duplicates(request, &body)?;
    let conditions = Conditions {
        version: request.header("x-version-number").map(leading_int),
        duplicates: !skip,
    };
    let changed = apply(app, caller, layout, &row, &body, conditions)?;
    let nulled: Vec<AttrIx> = body
        .iter()
        .filter(|(_, v)| v.is_null())
        .filter_map(|(k, _)| layout.find(k))
        .collect();
    Ok(answer(app, caller, layout, &row, &changed, &nulled))
}

/// Checks and stores a change whose result is not sent to the caller. Returns the new row.
pub(crate) fn change(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    body: &Map<String, Json>,
) -> Result<Row> {
    apply(app, caller, layout, row, body, Conditions::default()).map(|c| c.row)
}

fn apply(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    body: &Map<String, Json>,
    conditions: Conditions,
) -> Result<Changed> {
    create::check_stubs(layout, body, false)?;
    let input = input::take(app, caller, layout, body, false);
    let coerced = |(ix, raw): (&AttrIx, &Json)| (*ix, input::coerce(app, layout, *ix, raw));
    let mut shown: AttrMap<Value> = input.iter().map(coerced).collect();
    shown.extend(input::sent_name(layout, body, false));
    check_version(app, layout, row, &shown, conditions.version)?;
    let current = |ix: AttrIx| view::value(app, layout, row, ix, caller.user_id());
    let value = |ix: AttrIx| shown.get(&ix).cloned().unwrap_or_else(|| current(ix));
    Candidate {
        app,
        layout,
        input: &input,
        value: &value,
        creating: false,
    }
    .check()?;
    references::check_assignment(app, caller, layout, &input, Some(row))?;
    references::check_references(app, caller, layout, &input, Some(row))?;
    for ix in input.keys() {
        if shown[ix].is_null() && validate::null_refused(app, layout, *ix)
            || input::overflows(app, layout, *ix, &shown[ix])
        {
            return Err(Refusal::internal());
        }
    }
    let before = loaded_before(app, caller, layout, row);
    let sets_changed = sets_differ(layout, &input, &before);
    shown.extend(input::echoed(app, layout, body));
    let mut draft = Draft {
        app,
        caller,
        layout,
        row: row.clone(),
        old: Some(row),
        input: &input,
        extra: Input::default(),
        shown,
    };
    for (ix, v) in &draft.shown {
        if let Source::Slot(slot) = layout.attrs[*ix].source {
            draft.row.values[slot] = v.clone();
        }
    }
    hooks::before_save(&mut draft)?;
    if conditions.duplicates && facts::update_duplicate_check(&app.layouts.schema, &layout.name) {
        let found = duplicates::find(app, caller, layout, &draft.row, Some(&row.id));
        if !found.is_empty() {
            return Err(Refusal::conflict(
                "duplicate",
                duplicates::body(app, caller, layout, &found),
            ));
        }
    }
    let Draft {
        row: wanted,
        shown,
        extra,
        ..
    } = draft;
    let new = store(app, caller, layout, row, &wanted, sets_changed)?;
    let links = links::write_sets(app, layout, &new, &create::with(&input, extra), false);
    create::write_stubs(app, layout, &new, body);
    hooks::after_save(app, layout, &new, Some(row), &input)?;
    app.raise(
        caller,
        &Event::Changed {
            layout,
            old: row,
            new: &new,
            input: &input,
            links: &links,
            before: &before,
        },
    );
    let row = app.store.table(layout.index).live(&new.id).unwrap_or(new);
    Ok(Changed {
        row: (*row).clone(),
        shown,
        before,
    })
}

/// Stores the changes, and marks the record as modified.
fn store(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    wanted: &Row,
    sets_changed: bool,
) -> Result<Arc<Row>> {
    // The response contains the changes of a deleted record, but they are not stored.
    if row.deleted {
        let mut changed = wanted.clone();
        mark_modified(app, caller, layout, &mut changed);
        return Ok(Arc::new(changed));
    }
    let touched: Vec<usize> = (0..layout.slots)
        .filter(|s| wanted.get(*s) != row.get(*s))
        .collect();
    let modified = layout.always_modified || sets_changed || !touched.is_empty();
    app.store
        .table(layout.index)
        .update(&row.id, |r| {
            // Only the changes of this request are stored, because another request may have changed other values
            // meanwhile.
            for slot in &touched {
                r.values[*slot] = wanted.get(*slot).clone();
            }
            if modified {
                mark_modified(app, caller, layout, r);
            } else {
                count_version(layout, r);
            }
            true
        })
        .ok_or_else(Refusal::internal)
}

/// Marks a row as modified by the caller, now.
pub(crate) fn mark_modified(app: &App, caller: &Caller, layout: &Layout, row: &mut Row) {
    for (attr, v) in [
        ("modifiedAt", Value::text(app.clock.datetime())),
        ("modifiedById", Value::Text(caller.acl.user_id.clone())),
    ] {
        if let Some(slot) = layout.slot(attr) {
            row.values[slot] = v;
        }
    }
    count_version(layout, row);
}

fn count_version(layout: &Layout, row: &mut Row) {
    if let Some(slot) = layout.slot("versionNumber") {
        let n = row.get(slot).as_f64().unwrap_or(0.0) as i64;
        row.values[slot] = Value::Int(n + 1);
    }
}

/// Attributes that are loaded before a save and not again after it: sets, followers, and attributes that are part of
/// the row.
fn loaded_before(app: &App, caller: &Caller, layout: &Layout, row: &Row) -> AttrMap<Value> {
    let mut before = AttrMap::default();
    for ix in &layout.read_plan {
        let attr = &layout.attrs[*ix];
        let loaded = match &attr.source {
            Source::Ids(_) | Source::Names(_) | Source::Columns(_) | Source::Types(_) => true,
            Source::FollowersIds | Source::FollowersNames => true,
            Source::Special => rules::comes_with_the_row(layout, &attr.name),
            Source::Converted { .. } => created::is_part(app, layout, *ix),
            // The name of the record itself is composed again, the name of another person is not.
            Source::Person(_) => attr.name != "name",
            _ => false,
        };
        if loaded {
            before.insert(*ix, view::value(app, layout, row, *ix, caller.user_id()));
        }
    }
    before
}

/// Whether the body changes the members or columns of a set.
fn sets_differ(layout: &Layout, input: &Input, before: &AttrMap<Value>) -> bool {
    let members = |list: &[Json]| {
        let mut ids: Vec<String> = list.iter().map(Json::to_string).collect();
        ids.sort_unstable();
        ids
    };
    input
        .iter()
        .any(|(ix, raw)| match (&layout.attrs[*ix].source, raw) {
            (Source::Ids(_), Json::Array(list)) => before
                .get(ix)
                .is_none_or(|old| members(old.as_list().unwrap_or_default()) != members(list)),
            (Source::Ids(_), _) => true,
            (Source::Columns(_), raw) => before.get(ix).is_none_or(|old| old.to_json() != *raw),
            _ => false,
        })
}

/// Whether two values are equal; the order of a set does not matter.
fn same_members(old: &Value, new: &Value) -> bool {
    match (old.as_list(), new.as_list()) {
        (Some(old), Some(new)) => {
            old.len() == new.len() && old.iter().all(|item| new.contains(item))
        }
        _ => old == new,
    }
}

/// Rejects a stale version if the update changes any value.
fn check_version(
    app: &App,
    layout: &Layout,
    row: &Row,
    shown: &AttrMap<Value>,
    version: Option<i64>,
) -> Result<()> {
    let (Some(sent), Some(slot)) = (version, layout.slot("versionNumber")) else {
        return Ok(());
    };
    if !app.layouts.entity(layout).optimistic_concurrency_control {
        return Ok(());
    }
    let stored = row.get(slot).as_f64().unwrap_or(0.0) as i64;
    if stored == sent {
        return Ok(());
    }
    let mut values = Map::new();
    for (ix, new) in shown {
        let attr = &layout.attrs[*ix];
        let old = view::value(app, layout, row, *ix, "");
        let is_set = matches!(attr.source, Source::Ids(_) | Source::Columns(_));
        let is_list = attr.name.ends_with("Data") && new.as_list().is_some();
        if !(attr.stored || is_set || is_list)
            || same_members(&old, new)
            || (old.as_f64().is_some() && old.as_f64() == new.as_f64())
        {
            continue;
        }
        // The response contains the whole field, with all its parts.
        let entity = app.layouts.entity(layout);
        let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
        let field = field.map(|f| {
            let whole = f.composite_of.as_ref().and_then(|of| entity.fields.get(of));
            whole.unwrap_or(f)
        });
        for name in field.map(|f| f.attributes.as_slice()).unwrap_or_default() {
            if let Some(ix) = layout.find(name) {
                values.insert(
                    name.clone(),
                    view::value(app, layout, row, ix, "").to_json(),
                );
            }
        }
        if field.is_none() {
            values.insert(attr.name.clone(), old.to_json());
        }
    }
    if values.is_empty() {
        return Ok(());
    }
    Err(Refusal::conflict(
        "modified",
        json!({"values": values, "versionNumber": stored}),
    ))
}

/// Returns the response: every attribute of a read, with the values of the body as they are in memory. Derived values
/// may be stale, as on a real server.
fn answer(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    old: &Row,
    changed: &Changed,
    nulled: &[AttrIx],
) -> Reply {
    let Changed {
        row: new,
        shown,
        before,
    } = changed;
    // Up to 9.3, addresses are loaded before the save and are not reloaded.
    let stale = app.version < Version::V10_0;
    let in_inbox = layout.name == "Email" && email::in_inbox(app, layout, new, caller.user_id());
    let mut out = app.out();
    out.open_object();
    for (ix, attr) in layout.attrs.iter().enumerate() {
        let in_read = layout.attrs[ix].in_read;
        if attr.write_only || attr.filter_only || !create::readable(app, caller, layout, ix) {
            continue;
        }
        let in_read = in_read || (in_inbox && rules::of_inbox(&attr.name));
        let named =
            matches!(&attr.source, Source::Names(link) if sent_members(layout, shown, link));
        if (!in_read || rules::lacks_folder(layout, new, &attr.name))
            && !named
            && !shown.contains_key(&ix)
        {
            continue;
        }
        if !create::follow_open(caller, layout, &attr.source) {
            continue;
        }
        let current = |row: &Row| view::value(app, layout, row, ix, caller.user_id());
        let v = match (&attr.source, shown.get(&ix)) {
            (Source::Slot(_), Some(v)) if stale || !v.is_null() || !created::is_data(attr) => {
                v.clone()
            }
            (Source::Slot(_), _) if !stale && created::is_data(attr) => {
                created::list_or_empty(current(new))
            }
            // Loaded before the save and not reloaded.
            (Source::Slot(_), None)
                if attr.name == "emailAddressData" || attr.name == "phoneNumberData" =>
            {
                created::list_or_empty(current(old))
            }
            (Source::Slot(_), None)
                if attr.name.ends_with("IsOptedOut") || attr.name.ends_with("IsInvalid") =>
            {
                current(old)
            }
            // A call reloads its attendees if attendees other than users changed.
            (Source::Ids(_) | Source::Names(_) | Source::Columns(_), _)
                if rules::reloads_members(&layout.name, |attr| {
                    layout.find(attr).is_some_and(|ix| shown.contains_key(&ix))
                }) =>
            {
                current(new)
            }
            // Null is returned; values that are not lists were ignored.
            (Source::Ids(_) | Source::Columns(_), Some(v))
                if !v.is_null() || nulled.contains(&ix) =>
            {
                v.clone()
            }
            // Set by a rule; a body cannot contain names.
            (Source::Names(_), Some(v)) => v.clone(),
            (Source::Names(link), _) if sent_ids(layout, shown, link) => current(new),
            (Source::Names(link), _) if ignored_ids(layout, shown, link) => Value::json(json!({})),
            (Source::LinkName(_), Some(v)) if current(new).is_null() => v.clone(),
            // The name of a removed parent is still loaded.
            (Source::LinkName(link), _) if layout.is_parent(link) && current(new).is_null() => {
                current(old)
            }
            (Source::LinkName(_), _) => current(new),
            (_, Some(v)) => v.clone(),
            (_, None) => before.get(&ix).cloned().unwrap_or_else(|| current(new)),
        };
        if v.is_null() && attr.name == "secretKey" && layout.name == "User" {
            continue;
        }
        out.key(&attr.name);
        out.value(&v);
    }
    out.close_object();
    Reply::json(out.into_bytes())
}

/// Whether the body set the members of a set.
fn sent_ids(layout: &Layout, shown: &AttrMap<Value>, link: &str) -> bool {
    let ids = layout.find(&format!("{link}Ids"));
    ids.is_some_and(|ix| shown.get(&ix).is_some_and(|v| !v.is_null()))
}

/// Whether the body set members of a set.
fn sent_members(layout: &Layout, shown: &AttrMap<Value>, link: &str) -> bool {
    let ids = layout.find(&format!("{link}Ids"));
    ids.is_some_and(|ix| {
        shown
            .get(&ix)
            .is_some_and(|v| v.as_list().is_some_and(|l| !l.is_empty()))
    })
}

/// Whether the body contained a value for a set that is not a list.
fn ignored_ids(layout: &Layout, shown: &AttrMap<Value>, link: &str) -> bool {
    let ids = layout.find(&format!("{link}Ids"));
    ids.is_some_and(|ix| shown.get(&ix).is_some_and(Value::is_null))
}

/// `DELETE {Entity}/{id}`
pub(crate) fn delete(app: &App, caller: &Caller, layout: &Layout, id: &str) -> Result<Reply> {
    caller.acl.check_scope(&layout.name, Action::Delete)?;
    let row = app
        .store
        .table(layout.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found(format!("Record {id} not found.")))?;
    if !caller.acl.record(&app.store, layout, &row, Action::Delete) {
        return Err(Refusal::forbidden("No delete access."));
    }
    rules::check_removal(app, layout, &row)?;
    remove(app, caller, layout, &row);
    Ok(Reply::bool(true))
}

/// Deletes a record; a soft delete if there is a `deleted` attribute.
pub(crate) fn remove(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    let table = app.store.table(layout.index);
    let entity = app.layouts.entity(layout);
    // Nodes of a tree are deleted permanently.
    let is_node = entity.scope.type_.as_deref() == Some("CategoryTree");
    if entity.no_deleted_attribute || is_node {
        table.erase(&row.id);
    } else {
        let modified = [
            ("modifiedAt", Value::text(app.clock.datetime())),
            ("modifiedById", Value::Text(caller.acl.user_id.clone())),
        ];
        table.update(&row.id, |r| {
            r.deleted = true;
            if let Some(slot) = layout.slot("deleteId") {
                r.values[slot] = Value::Text(r.id.clone());
            }
            for (attr, value) in &modified {
                if let Some(s) = layout.slot(attr) {
                    r.values[s] = value.clone();
                }
            }
            true
        });
    }
    app.raise(caller, &Event::Removed { layout, row });
}
