//! Creating a record and the attributes of the response.

use espo_schema::FieldKind;
use serde_json::{Map, Value as Json};

use super::hooks::{self, Draft};
use super::validate::{self, Candidate};
use super::{created, duplicates, input, links, references, rules};
use crate::acl::Action;
use crate::app::events::Event;
use crate::app::events::Input;
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Request, Result};
use crate::layout::{AttrIx, AttrMap, Layout, LinkKind, Source, Ty};
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view::email;

/// `POST {Entity}`: the response, and the ID of the new record.
pub(crate) fn create(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    request: &Request,
) -> Result<(Reply, Id)> {
    caller.acl.check_scope(&layout.name, Action::Create)?;
    let body = request.json_body()?;
    let skip = skips_duplicates(request, &body)?;
    let (row, shown) = insert(app, caller, layout, &body, skip)?;
    let reply = created::answer(app, caller, layout, &row, &shown);
    Ok((reply, row.id))
}

/// Whether the header or the body of a request switches off the duplicate check.
pub(super) fn skips_duplicates(request: &Request, body: &Map<String, Json>) -> Result<bool> {
    if request.flag("x-skip-duplicate-check") {
        return Ok(true);
    }
    match body.get("_skipDuplicateCheck") {
        Some(Json::Array(_) | Json::Object(_)) => Err(Refusal::internal_page()),
        Some(Json::String(text)) => Ok(text == "true"),
        value => Ok(value == Some(&Json::Bool(true))),
    }
}

/// Checks and stores a new record. Returns its row, and the values that the response contains as they are in memory.
pub(crate) fn insert(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    body: &Map<String, Json>,
    skip_duplicates: bool,
) -> Result<(Row, AttrMap<Value>)> {
    let body = &*references::with_owner(app, caller, layout, body);
    let input = input::take(app, caller, layout, body, true);
    let mut shown = layout.initial.get_or_init(|| initial(app, layout)).clone();
    for (ix, raw) in &input {
        shown.insert(*ix, input::coerce(app, layout, *ix, raw));
    }
    shown.extend(input::sent_name(layout, body, true));
    default_currencies(app, layout, &mut shown);
    show_counters(app, layout, body, &mut shown);
    rules::event::check_service(layout, &shown)?;
    let value = |ix: AttrIx| shown.get(&ix).cloned().unwrap_or_default();
    Candidate {
        app,
        layout,
        input: &input,
        value: &value,
        creating: true,
    }
    .check()?;
    rules::check_create(app, caller, layout, &shown)?;
    check_stubs(layout, body, true)?;
    references::check_assignment(app, caller, layout, &input, None)?;
    references::check_references(app, caller, layout, &input, None)?;
    for ix in input.keys() {
        if shown[ix].is_null() && validate::null_refused(app, layout, *ix)
            || input::overflows(app, layout, *ix, &shown[ix])
        {
            return Err(Refusal::internal());
        }
    }
    let now = Value::text(app.clock.datetime());
    let mut row = Row {
        id: Id::from(app.ids.next(&app.clock)),
        deleted: false,
        values: vec![Value::Null; layout.slots].into(),
    };
    if app.version >= Version::V10_0 {
        // The response to the create does not show it yet.
        for slot in &layout.empty_lists {
            row.values[*slot] = Value::json(Json::Array(Vec::new()));
        }
    }
    for (ix, v) in &shown {
        if let Source::Slot(slot) = layout.attrs[*ix].source {
            row.values[slot] = v.clone();
        }
    }
    shown.extend(input::echoed(app, layout, body));
    let mut draft = Draft {
        app,
        caller,
        layout,
        row,
        old: None,
        input: &input,
        extra: Input::default(),
        shown,
    };
    draft.set("createdAt", now.clone());
    if layout.find("modifiedAt").is_some() {
        draft.set("modifiedAt", now.clone());
    }
    draft.set("createdById", Value::Text(caller.acl.user_id.clone()));
    if app.layouts.entity(layout).scope.stream {
        draft.set("streamUpdatedAt", now);
    }
    draft.set("versionNumber", Value::Int(1));
    hooks::before_save(&mut draft)?;
    if !skip_duplicates {
        let found = duplicates::find(app, caller, layout, &draft.row, None);
        if !found.is_empty() {
            return Err(Refusal::conflict(
                "duplicate",
                duplicates::body(app, caller, layout, &found),
            ));
        }
    }
    numbers(&mut draft);
    let Draft {
        row, shown, extra, ..
    } = draft;
    let stored = app.store.table(layout.index).insert(row);
    let links = links::write_sets(app, layout, &stored, &with(&input, extra), true);
    write_stubs(app, layout, &stored, body);
    hooks::after_save(app, layout, &stored, None, &input)?;
    app.raise(
        caller,
        &Event::Created {
            layout,
            row: &stored,
            input: &input,
            links: &links,
        },
    );
    let row = app
        .store
        .table(layout.index)
        .get(&stored.id)
        .map_or_else(|| (*stored).clone(), |r| (*r).clone());
    Ok((row, shown))
}

/// Returns the values of a body and those that rules add.
pub(super) fn with(input: &Input, extra: Input) -> Input {
    let mut all = input.clone();
    all.extend(extra);
    all
}

/// The values that every new record starts with: `false`, and the defaults of the fields.
fn initial(app: &App, layout: &Layout) -> AttrMap<Value> {
    let mut initial = AttrMap::default();
    for (ix, attr) in layout.attrs.iter().enumerate() {
        let loaded = matches!(attr.source, Source::IsFollowed | Source::IsStarred)
            || attr.filter_only
            || attr.write_only;
        let of_inbox = layout.name == "Email" && email::OF_INBOX.contains(&attr.name.as_str());
        // An option of the request that is not stored.
        let of_request = layout.name == "User" && attr.name == "sendAccessInfo";
        if attr.ty == Ty::Bool && !loaded && !of_inbox && !of_request {
            initial.insert(ix, Value::Bool(false));
        }
        if let Some(default) = default_of(app, layout, ix).filter(|_| !of_inbox) {
            initial.insert(ix, default);
        }
    }
    initial
}

/// The response contains a counter as sent in the body, although the database continues its own numbering.
fn show_counters(app: &App, layout: &Layout, body: &Map<String, Json>, shown: &mut AttrMap<Value>) {
    for field in app.layouts.entity(layout).fields.values() {
        if field.kind == FieldKind::Autoincrement
            && let (Some(ix), Some(sent)) = (layout.find(&field.name), body.get(&field.name))
        {
            shown.insert(ix, input::coerce(app, layout, ix, sent));
        }
    }
}

/// Sets the default currency for an amount without a code.
fn default_currencies(app: &App, layout: &Layout, shown: &mut AttrMap<Value>) {
    for (amount, code) in layout.amounts.iter().copied() {
        let filled = shown.get(&amount).is_some_and(|v| !v.is_null());
        if filled && shown.get(&code).is_none_or(|v| v.non_empty().is_none()) {
            let default = app.config.read().default_currency.clone();
            shown.insert(code, Value::text(default));
        }
    }
}

/// Returns the default of an attribute, unless the browser evaluates it.
fn default_of(app: &App, layout: &Layout, ix: AttrIx) -> Option<Value> {
    let attr = &layout.attrs[ix];
    let entity = app.layouts.entity(layout);
    let field = entity.fields.get(attr.field.as_deref()?)?;
    if field.name != attr.name || attr.write_only {
        return None;
    }
    let default = field.raw.get("default")?;
    if default
        .as_str()
        .is_some_and(|s| s.starts_with("javascript:"))
    {
        return None;
    }
    if matches!(
        field.kind,
        FieldKind::Link | FieldKind::LinkMultiple | FieldKind::LinkParent
    ) {
        return None;
    }
    // An empty string is not a value.
    if default.as_str() == Some("") {
        return Some(Value::Null);
    }
    Some(input::coerce(app, layout, ix, default))
}

/// Sets counters: autoincrement values and formatted numbers.
fn numbers(draft: &mut Draft) {
    let entity = draft.app.layouts.entity(draft.layout);
    let table = draft.app.store.table(draft.layout.index);
    for field in entity.fields.values() {
        if !matches!(field.kind, FieldKind::Autoincrement | FieldKind::Number) {
            continue;
        }
        let Some(slot) = draft.layout.slot(&field.name) else {
            continue;
        };
        match field.kind {
            FieldKind::Autoincrement => {
                // The database assigns the value, so the response does not contain it yet.
                draft.row.values[slot] = Value::Int(table.count_up(slot));
            }
            FieldKind::Number => {
                let prefix = field
                    .raw
                    .get("prefix")
                    .and_then(Json::as_str)
                    .unwrap_or_default();
                let width = field
                    .raw
                    .get("padLength")
                    .and_then(Json::as_u64)
                    .unwrap_or(0) as usize;
                let n = table.count_up(slot);
                draft.set(&field.name, Value::text(format!("{prefix}{n:0width$}")));
            }
            _ => {}
        }
    }
}

/// Relates the record in `{link}Ids` of a link without a field; more than one is rejected.
pub(super) fn check_stubs(layout: &Layout, body: &Map<String, Json>, creating: bool) -> Result<()> {
    for (link, ids) in stubs(layout, body) {
        if ids.len() > 1 && !creating {
            return Err(Refusal::forbidden(format!(
                "Cannot set multiple IDs for link '{link}' as there's no link-multiple field."
            )));
        }
        if ids.len() > 1 {
            return Err(Refusal::forbidden(format!(
                "Relating with multiple records is not allowed. link: {link}."
            ))
            .translated(
                "cannotRelateForbiddenLink",
                serde_json::json!({"link": link}),
            ));
        }
    }
    Ok(())
}

pub(super) fn write_stubs(app: &App, layout: &Layout, row: &Row, body: &Map<String, Json>) {
    for (link, ids) in stubs(layout, body) {
        if let (Some(def), [id]) = (layout.links.get(&link), ids.as_slice()) {
            links::link_one(app, layout, row, def, id);
        }
    }
}

fn stubs(layout: &Layout, body: &Map<String, Json>) -> Vec<(String, Vec<String>)> {
    body.iter()
        .filter(|(key, _)| layout.find(key).is_none())
        .filter_map(|(key, value)| {
            let link = layout.links.get(key.strip_suffix("Ids")?)?;
            let many = matches!(
                link.kind,
                LinkKind::HasMany { .. } | LinkKind::Many { .. } | LinkKind::Children { .. }
            );
            let ids = value
                .as_array()?
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect();
            (link.field.is_none() && many).then(|| (link.name.clone(), ids))
        })
        .collect()
}

/// Whether the caller may see the followers, which requires access to the stream.
pub(crate) fn follow_open(caller: &Caller, layout: &Layout, source: &Source) -> bool {
    match source {
        Source::FollowersIds | Source::FollowersNames => {
            caller.acl.level(&layout.name, Action::Stream) != crate::acl::Level::No
        }
        _ => true,
    }
}

/// Whether the caller may see an attribute.
pub(crate) fn readable(app: &App, caller: &Caller, layout: &Layout, ix: AttrIx) -> bool {
    let attr = &layout.attrs[ix];
    if attr.access.hidden || (attr.access.admin_only && !caller.acl.is_admin()) {
        return false;
    }
    if !caller.acl.has_field_rules(&layout.name) {
        return true;
    }
    let Some(field) = attr.field.as_deref() else {
        return true;
    };
    let parent = app
        .layouts
        .entity(layout)
        .fields
        .get(field)
        .and_then(|f| f.composite_of.as_deref());
    caller.acl.may_read_field(&layout.name, field)
        && parent.is_none_or(|p| caller.acl.may_read_field(&layout.name, p))
}
