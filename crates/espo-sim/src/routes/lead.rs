//! Lead conversion.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::Action;
use crate::app::events::Event;
use crate::app::events::Input;
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, Source};
use crate::record::{create, duplicates, links, update};
use crate::store::Row;
use crate::value::Value;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::POST, "Lead/action/getConvertAttributes", attributes),
    Fixed::controller(Method::POST, "Lead/action/convert", convert),
];

/// Targets in the order of conversion, with the lead's link to the created record.
const TARGETS: &[(&str, &str)] = &[
    ("Account", "createdAccountId"),
    ("Contact", "createdContactId"),
    ("Opportunity", "createdOpportunityId"),
];

/// Fields of the targets that are copied from a field of the lead with another name (`convertFields` of a stock
/// instance).
const FIELDS: &[(&str, &str, &str)] = &[
    ("Account", "name", "accountName"),
    ("Account", "billingAddress", "address"),
    ("Opportunity", "amount", "opportunityAmount"),
    ("Opportunity", "leadSource", "source"),
];

/// Fields that are copied to every target that has them.
const SAME: &[&str] = &[
    "industry",
    "website",
    "emailAddress",
    "phoneNumber",
    "description",
    "assignedUser",
    "teams",
    "campaign",
    "targetLists",
    "name",
    "title",
    "address",
    "doNotCall",
];

fn lead<'a>(
    call: &Call<'a>,
    body: &Map<String, Json>,
    action: Action,
) -> Result<(&'a Layout, std::sync::Arc<Row>)> {
    let layout = call.app.layout("Lead")?;
    let Some(id) = body.get("id").and_then(Json::as_str) else {
        return Err(Refusal::bad_request(""));
    };
    let row = call.app.live(layout, id)?;
    let may = |action| {
        call.caller
            .acl
            .record(&call.app.store, layout, &row, action)
    };
    if !may(Action::Read) {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    if !may(action) {
        return Err(Refusal::forbidden_silently());
    }
    Ok((layout, row))
}

/// `POST Lead/action/getConvertAttributes`: the initial attributes of each target.
fn attributes(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    let (layout, row) = lead(call, &body, Action::Read)?;
    let mut answer = Map::new();
    for (entity, _) in TARGETS {
        if let Some(target) = call.app.layouts.find(entity)
            && call.caller.acl.check_scope(entity, Action::Create).is_ok()
        {
            answer.insert(
                (*entity).to_owned(),
                Json::Object(target_attributes(call, layout, &row, target)),
            );
        }
    }
    Ok(call.app.json(&Json::Object(answer)))
}

fn target_attributes(
    call: &Call,
    layout: &Layout,
    row: &Row,
    target: &Layout,
) -> Map<String, Json> {
    let app = call.app;
    let mut out = Map::new();
    let (from, to) = (app.layouts.entity(layout), app.layouts.entity(target));
    for field in to.fields.values() {
        let mapped = FIELDS
            .iter()
            .find(|(e, f, _)| *e == target.name && *f == field.name)
            .map(|(_, _, s)| *s);
        let same = SAME.contains(&field.name.as_str())
            && from
                .fields
                .get(&field.name)
                .is_some_and(|f| f.kind == field.kind);
        let Some(source) = mapped
            .or(same.then_some(field.name.as_str()))
            .and_then(|s| from.fields.get(s))
        else {
            continue;
        };
        for (theirs, ours) in field.attributes.iter().zip(&source.attributes) {
            let Some(ix) = layout.find(ours) else {
                continue;
            };
            let attr = &layout.attrs[ix];
            if attr.filter_only || ours.ends_with("Map") || ours.ends_with("Converted") {
                continue;
            }
            let loaded = layout.attrs[ix].in_read
                || !matches!(
                    attr.source,
                    Source::Ids(_) | Source::Names(_) | Source::Columns(_)
                );
            let value = if loaded {
                view::value(app, layout, row, ix, call.caller.user_id()).to_json()
            } else {
                Json::Null
            };
            let value = if value.is_null() && ours.ends_with("Data") {
                json!([])
            } else {
                value
            };
            out.insert(theirs.clone(), value);
        }
        if field.kind == espo_schema::FieldKind::LinkMultiple {
            out.entry(format!("{}Columns", field.name))
                .or_insert(Json::Null);
        }
    }
    for attr in ["createdByName", "streamUpdatedAt"] {
        if let Some(ix) = layout.find(attr) {
            out.insert(
                attr.to_owned(),
                view::value(app, layout, row, ix, "").to_json(),
            );
        }
    }
    out
}

/// `POST Lead/action/convert`: creates the targets in `records`, and marks the lead as converted.
fn convert(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let (layout, row) = lead(call, &body, Action::Edit)?;
    let records = body
        .get("records")
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default();
    let skip = body.get("skipDuplicateCheck") == Some(&Json::Bool(true));
    let chosen: Vec<(&Layout, &str, Map<String, Json>)> = TARGETS
        .iter()
        .filter_map(|(entity, key)| {
            let values = records.get(*entity)?.as_object()?.clone();
            Some((app.layouts.find(entity)?, *key, values))
        })
        .collect();
    if !skip {
        let found = possible_duplicates(call, &chosen);
        if !found.is_empty() {
            return Err(Refusal::conflict("duplicate", Json::Array(found)));
        }
    }
    let mut made = Map::new();
    for (target, key, mut values) in chosen {
        caller.acl.check_scope(&target.name, Action::Create)?;
        if target.name != "Account"
            && let Some(account) = made.get("createdAccountId").cloned()
        {
            values.entry("accountId").or_insert(account);
        }
        if target.name == "Opportunity"
            && let Some(contact) = made.get("createdContactId").cloned()
        {
            values.entry("contactId").or_insert(contact.clone());
            values
                .entry("contactsIds")
                .or_insert_with(|| Json::Array(vec![contact]));
        }
        let (created, _) = create::insert(app, caller, target, &values, true)?;
        made.insert(key.to_owned(), Json::from(created.id.as_str()));
    }
    let now = app.clock.datetime();
    // The time of the first conversion is kept.
    let converted = layout.slot("convertedAt").map(|s| row.get(s).clone());
    let converted = converted.filter(|v| !v.is_null());
    app.store.table(layout.index).update(&row.id, |r| {
        for (attr, value) in made
            .iter()
            .map(|(k, v)| (k.as_str(), Value::from_json(v)))
            .chain([
                ("status", "Converted".into()),
                (
                    "convertedAt",
                    converted
                        .clone()
                        .unwrap_or_else(|| Value::text(now.as_str())),
                ),
                ("modifiedAt", Value::text(now.as_str())),
                ("modifiedById", Value::Text(caller.acl.user_id.clone())),
            ])
        {
            if let Some(slot) = layout.slot(attr) {
                r.values[slot] = value;
            }
        }
        true
    });
    let new = app
        .store
        .table(layout.index)
        .live(&row.id)
        .ok_or_else(Refusal::internal)?;
    carry_over(call, layout, &new, &made);
    app.raise(
        caller,
        &Event::Changed {
            layout,
            old: &row,
            new: &new,
            input: &Input::default(),
            links: &[],
            before: &crate::layout::AttrMap::default(),
        },
    );
    let new = app.live(layout, &row.id)?;
    let reply = crate::record::read::record_reply(app, caller, layout, &new);
    let mut record: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    // Names that were loaded before the conversion.
    for name in ["createdContactName", "createdOpportunityName"] {
        if let Some(ix) = layout.find(name).filter(|_| record.get(name).is_some()) {
            record[name] = view::value(app, layout, &row, ix, "").to_json();
        }
    }
    Ok(app.json(&record))
}

/// Moves meetings, calls and emails of the lead to the created records.
fn carry_over(call: &Call, layout: &Layout, row: &Row, made: &Map<String, Json>) {
    let app = call.app;
    // They are moved to the opportunity, or to the account if there is no opportunity.
    let parent = ["Opportunity", "Account"].iter().find_map(|entity| {
        let (_, key) = TARGETS.iter().find(|(e, _)| e == entity)?;
        Some((*entity, made.get(*key)?.clone()))
    });
    for link in ["meetings", "calls"] {
        let Some(target) = view::target(app, layout, link) else {
            continue;
        };
        for other in view::linked(app, layout, row, link) {
            let owner = view::key(app, target, &other, "parent");
            if let Some((entity, id)) = &parent
                && owner.is_none_or(|(l, id)| l.name == layout.name && id == row.id)
            {
                let body = Map::from_iter([
                    ("parentType".to_owned(), json!(entity)),
                    ("parentId".to_owned(), id.clone()),
                ]);
                // A record that cannot be changed stays where it is.
                let _ = update::change(app, call.caller, target, &other, &body);
            }
        }
    }
    for (entity, key) in TARGETS.iter().filter(|(e, _)| *e != "Opportunity") {
        let (Some(target), Some(id)) = (
            app.layouts.find(entity),
            made.get(*key).and_then(Json::as_str),
        ) else {
            continue;
        };
        let Some(new) = app.store.table(target.index).live(id) else {
            continue;
        };
        for link in ["meetings", "calls"] {
            let Some(def) = target
                .links
                .get(link)
                .filter(|l| matches!(l.kind, crate::layout::LinkKind::Many { .. }))
            else {
                continue;
            };
            for other in view::linked(app, layout, row, link) {
                links::link_one(app, target, &new, def, &other.id);
            }
        }
    }
}

/// Returns records that the new ones may duplicate, with their entity types.
fn possible_duplicates(call: &Call, chosen: &[(&Layout, &str, Map<String, Json>)]) -> Vec<Json> {
    let app = call.app;
    let mut found = Vec::new();
    for (target, _, values) in chosen {
        for other in duplicates::find_like(app, call.caller, target, values) {
            found.push(json!({
                "id": other.id.as_str(),
                "name": view::name(app, target, &other, "name").to_json(),
                "_entityType": target.name,
            }));
        }
    }
    found
}
