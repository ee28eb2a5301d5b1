//! Linking and unlinking, and the checks that can reject them.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::acl::Action;
use crate::app::events::Input;
use crate::app::events::LinkChange;
use crate::app::{App, Caller};
use crate::facts;
use crate::http::{Refusal, Result};
use crate::layout::{Layout, LinkDef, LinkKind, Source};
use crate::store::{Pair, Row};
use crate::value::{Id, Value};
use crate::view;

/// Columns of a new pair.
pub(crate) fn default_columns(app: &App, relation: usize) -> Arc<[Value]> {
    app.layouts.relations[relation]
        .columns
        .iter()
        .map(|c| c.default.clone())
        .collect()
}

/// All columns of an existing pair.
pub(crate) fn columns_of(app: &App, relation: usize, pair: &Pair) -> Vec<Value> {
    if pair.columns.is_empty() {
        default_columns(app, relation).to_vec()
    } else {
        pair.columns.to_vec()
    }
}

/// Writes `{link}Ids`, `{link}Id` of a link whose key is in the other record, and `{link}Columns` of a body: the set
/// is replaced, and columns are merged into those of linked records. Returns the linked and unlinked records.
pub(crate) fn write_sets(
    app: &App,
    layout: &Layout,
    row: &Row,
    input: &Input,
    creating: bool,
) -> Vec<LinkChange> {
    let mut changes = Vec::new();
    for (ix, raw) in input {
        let attr = &layout.attrs[*ix];
        let (Source::Ids(link) | Source::HasOneId(link)) = &attr.source else {
            continue;
        };
        let Some(def) = layout.links.get(link) else {
            continue;
        };
        let ids: Vec<Id> = if matches!(attr.source, Source::HasOneId(_)) {
            raw.as_str()
                .filter(|id| !id.is_empty())
                .map(Id::from)
                .into_iter()
                .collect()
        } else {
            // A value that is not a list has no effect.
            let Some(list) = raw.as_array() else { continue };
            list.iter().filter_map(Json::as_str).map(Id::from).collect()
        };
        let current: Vec<Id> = if creating {
            Vec::new()
        } else {
            view::linked_through(app, layout, row, def)
                .iter()
                .map(|r| r.id.clone())
                .collect()
        };
        let mut change = |other: &Id, now: bool| {
            changes.push(LinkChange {
                link: link.clone(),
                other: other.clone(),
                now,
            });
        };
        for id in current.iter().filter(|id| !ids.contains(id)) {
            unlink_one(app, layout, row, def, id);
            change(id, false);
        }
        for id in ids.iter().filter(|id| !current.contains(id)) {
            link_one(app, layout, row, def, id);
            change(id, true);
        }
    }
    write_columns(app, layout, row, input);
    changes
}

/// Writes `{link}Columns`; columns for records that are not linked are ignored.
fn write_columns(app: &App, layout: &Layout, row: &Row, input: &Input) {
    for (ix, raw) in input {
        let Source::Columns(link) = &layout.attrs[*ix].source else {
            continue;
        };
        let Some(def) = layout.links.get(link) else {
            continue;
        };
        let (LinkKind::Many { relation, forward }, Some(map)) = (def.kind, raw.as_object()) else {
            continue;
        };
        let defs = &app.layouts.relations[relation].columns;
        let table = app.store.relation(relation);
        for (id, columns) in map {
            let Some(pair) = table
                .of(&row.id, forward)
                .into_iter()
                .find(|p| p.id == id.as_str())
            else {
                continue;
            };
            let mut values = columns_of(app, relation, &pair);
            for (name, value) in columns.as_object().into_iter().flatten() {
                if let Some(at) = defs.iter().position(|c| c.name == *name) {
                    values[at] = if defs[at].is_bool {
                        Value::Bool(value == &Json::Bool(true))
                    } else {
                        Value::from_json(value)
                    };
                }
            }
            table.link(&row.id, forward, id, values.into());
        }
    }
}

/// Links one record without checks.
pub(crate) fn link_one(app: &App, layout: &Layout, row: &Row, def: &LinkDef, other: &str) {
    let Some(target) = def.target.map(|t| &app.layouts.entities[t]) else {
        return;
    };
    match def.kind {
        LinkKind::Many { relation, forward } => {
            let table = app.store.relation(relation);
            if !table.has(&row.id, forward, other) {
                table.link(&row.id, forward, other, default_columns(app, relation));
            }
        }
        LinkKind::HasMany { key } | LinkKind::HasOne { key } => {
            if matches!(def.kind, LinkKind::HasOne { .. }) {
                for old in app.store.table(target.index).by_key(key, &row.id) {
                    set_key(app, target, &old.id, key, Value::Null);
                }
            }
            set_key(app, target, other, key, Value::Text(row.id.clone()));
        }
        LinkKind::Children { id, type_ } => {
            app.store.table(target.index).update(other, |r| {
                r.values[id] = Value::Text(row.id.clone());
                r.values[type_] = Value::text(layout.name.as_str());
                true
            });
        }
        LinkKind::BelongsTo { key } => set_key(app, layout, &row.id, key, Value::text(other)),
        LinkKind::Parent { .. } | LinkKind::Dangling | LinkKind::Unknown => {}
    }
}

/// Unlinks one record without checks.
pub(crate) fn unlink_one(app: &App, layout: &Layout, row: &Row, def: &LinkDef, other: &str) {
    let Some(target) = def.target.map(|t| &app.layouts.entities[t]) else {
        return;
    };
    match def.kind {
        LinkKind::Many { relation, forward } => {
            app.store.relation(relation).unlink(&row.id, forward, other);
            // The primary account is removed together with its link.
            if layout.name == "Account" && def.name == "contacts" {
                clear_key(app, target, other, "accountId", &row.id);
            }
        }
        LinkKind::HasMany { key } | LinkKind::HasOne { key } => {
            app.store.table(target.index).update(other, |r| {
                let mine = r.get(key).as_str() == Some(row.id.as_str());
                if mine {
                    r.values[key] = Value::Null;
                }
                mine
            });
        }
        LinkKind::Children { id, type_ } => {
            app.store.table(target.index).update(other, |r| {
                let mine = r.get(id).as_str() == Some(row.id.as_str())
                    && r.get(type_).as_str() == Some(&layout.name);
                if mine {
                    r.values[id] = Value::Null;
                    r.values[type_] = Value::Null;
                }
                mine
            });
        }
        LinkKind::BelongsTo { key } => set_key(app, layout, &row.id, key, Value::Null),
        LinkKind::Parent { .. } | LinkKind::Dangling | LinkKind::Unknown => {}
    }
}

fn set_key(app: &App, layout: &Layout, id: &str, key: usize, value: Value) {
    app.store.table(layout.index).update(id, |r| {
        r.values[key] = value;
        true
    });
}

fn clear_key(app: &App, layout: &Layout, id: &str, attr: &str, value: &str) {
    let Some(slot) = layout.slot(attr) else {
        return;
    };
    app.store.table(layout.index).update(id, |r| {
        let mine = r.get(slot).as_str() == Some(value);
        if mine {
            r.values[slot] = Value::Null;
        }
        mine
    });
}

/// Returns the link and the record of a link or unlink request, after all checks that can reject it.
pub(crate) fn request_target<'a>(
    app: &'a App,
    caller: &Caller,
    layout: &'a Layout,
    id: &str,
    link: &str,
) -> Result<(Arc<Row>, &'a LinkDef, &'a Layout)> {
    let row = || {
        let row = app.store.table(layout.index).live(id);
        row.ok_or_else(|| Refusal::not_found(""))
    };
    let Some(def) = layout.links.get(link) else {
        let row = row()?;
        if !caller.acl.record(&app.store, layout, &row, Action::Edit) {
            return Err(no_record_access(layout, link));
        }
        return Err(Refusal::not_found(format!(
            "Entity {} does not have link {link}.",
            layout.name
        )));
    };
    let linkable = matches!(
        def.kind,
        LinkKind::Many { .. }
            | LinkKind::HasMany { .. }
            | LinkKind::Children { .. }
            | LinkKind::Dangling
    );
    let target = def.target.map(|t| &app.layouts.entities[t]);
    let (true, Some(target)) = (linkable, target) else {
        return Err(Refusal::forbidden(
            "Only manyMany, hasMany & hasChildren relations are allowed.",
        ));
    };
    let row = row()?;
    let access = facts::link_access(&app.layouts.schema, &layout.name, link);
    if access.read_only
        || ((def.read_only || (access.read_only_for_most || access.admin_only))
            && !caller.acl.is_admin())
    {
        return Err(Refusal::forbidden_silently());
    }
    if !caller.acl.record(&app.store, layout, &row, Action::Edit) {
        return Err(no_record_access(layout, link));
    }
    // The column that would hold the ID does not exist.
    if def.kind == LinkKind::Dangling {
        return Err(Refusal::internal());
    }
    Ok((row, def, target))
}

fn no_record_access(layout: &Layout, link: &str) -> Refusal {
    Refusal::forbidden(format!(
        "No record access for link operation ({}:{link}).",
        layout.name
    ))
    .translated("noAccessToRecord", json!({"action": "edit"}))
}

/// Links whose first member becomes the primary one of the other record: entity type, link, attribute of the other
/// record.
const PRIMARY_THERE: &[(&str, &str, &str)] = &[
    ("Account", "contacts", "accountId"),
    ("Contact", "opportunities", "contactId"),
];

/// Sets or clears this record as the primary one of the other record, which is saved in both cases.
fn set_primary_there(
    app: &App,
    caller: &Caller,
    (layout, row): (&Layout, &Row),
    def: &LinkDef,
    target: &Layout,
    id: &str,
    linked: bool,
) {
    let entry = PRIMARY_THERE
        .iter()
        .find(|(e, l, _)| *e == layout.name && *l == def.name);
    let Some(slot) = entry.and_then(|(.., attr)| target.slot(attr)) else {
        return;
    };
    app.store.table(target.index).update(id, |r| {
        let due = match linked {
            true => r.get(slot).is_null(),
            false => r.get(slot).as_str() == Some(row.id.as_str()),
        };
        if due {
            r.values[slot] = match linked {
                true => Value::Text(row.id.clone()),
                false => Value::Null,
            };
            super::update::mark_modified(app, caller, target, r);
        }
        due
    });
}

/// Returns the record at the other end, if the caller may link or unlink it.
fn other_end(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    def: &LinkDef,
    target: &Layout,
    id: &str,
) -> Result<Arc<Row>> {
    let Some(other) = app.store.table(target.index).live(id) else {
        return Err(Refusal::not_found(""));
    };
    // Linking requires edit access on both sides. For some links, read access to the other side is sufficient; teams
    // and users require more.
    let stated = facts::required_foreign_access(&app.layouts.schema, &layout.name, &def.name);
    let action = match (stated.as_deref(), def.kind) {
        (Some("read"), _) => Action::Read,
        (Some("edit"), _) => Action::Edit,
        (_, LinkKind::Many { .. }) if !matches!(target.name.as_str(), "Team" | "User") => {
            Action::Read
        }
        _ => Action::Edit,
    };
    if !caller.acl.record(&app.store, target, &other, action) {
        return Err(Refusal::forbidden(format!(
            "No foreign record access for link operation ({}:{}).",
            layout.name, def.name
        ))
        .translated("noAccessToForeignRecord", json!({"action": action.name()})));
    }
    Ok(other)
}

/// Links one record after all checks.
pub(crate) fn link_checked(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    def: &LinkDef,
    target: &Layout,
    id: &str,
) -> Result<()> {
    let other = other_end(app, caller, layout, def, target, id)?;
    if facts::only_not_linked(&app.layouts.schema, &layout.name, &def.name)
        && let LinkKind::HasMany { key } = def.kind
        && other.get(key).non_empty().is_some()
    {
        return Err(Refusal::forbidden(format!(
            "Cannot link as the record is already linked ({}:{}).",
            layout.name, def.name
        ))
        .translated("cannotLinkAlreadyLinked", json!({})));
    }
    link_one(app, layout, row, def, id);
    set_primary_there(app, caller, (layout, row), def, target, id, true);
    Ok(())
}

/// Unlinks one record after all checks.
pub(crate) fn unlink_checked(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    def: &LinkDef,
    target: &Layout,
    id: &str,
) -> Result<()> {
    other_end(app, caller, layout, def, target, id)?;
    if let (LinkKind::HasMany { .. } | LinkKind::Children { .. }, Some(foreign)) =
        (def.kind, &def.foreign)
        && app
            .layouts
            .entity(target)
            .fields
            .get(foreign)
            .is_some_and(|f| f.required)
    {
        return Err(Refusal::forbidden(format!(
            "Cannot unrelate as the link is required on the other side ({}:{foreign}}}).",
            target.name
        ))
        .translated("cannotUnrelateRequiredLink", json!({})));
    }
    set_primary_there(app, caller, (layout, row), def, target, id, false);
    unlink_one(app, layout, row, def, id);
    Ok(())
}
