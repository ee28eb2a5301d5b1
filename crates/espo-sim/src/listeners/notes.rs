//! Stream notes that are created by changes: created, updated, assigned, related.

use std::sync::Arc;

use espo_schema::FieldKind;
use serde_json::{Map, Value as Json, json};

use crate::app::events::Event;
use crate::app::events::Input;
use crate::app::{App, Caller};
use crate::layout::{AttrMap, Layout, LinkKind};
use crate::record::update;
use crate::store::Row;
use crate::value::{Id, Value};
use crate::view;

/// Links whose new members cause a note in the stream of their owner (`audited` of a stock instance).
const AUDITED_LINKS: &[(&str, &[&str])] = &[
    ("Account", &["calls", "documents", "meetings"]),
    ("Case", &["articles", "calls", "meetings", "tasks"]),
    ("Contact", &["calls", "documents", "meetings", "tasks"]),
    (
        "Lead",
        &["calls", "cases", "documents", "meetings", "tasks"],
    ),
    ("Opportunity", &["calls", "documents", "meetings", "tasks"]),
];

/// Fields whose changes cause a note (`audited` of a stock instance).
const AUDITED_FIELDS: &[(&str, &[&str])] = &[
    ("Account", &["name", "type"]),
    ("Case", &["priority", "status", "type"]),
    ("Lead", &["doNotCall", "opportunityAmount", "status"]),
    ("Meeting", &["dateStart", "status"]),
    (
        "Opportunity",
        &[
            "account",
            "amount",
            "campaign",
            "closeDate",
            "leadSource",
            "stage",
        ],
    ),
    ("Task", &["dateEnd", "priority", "status"]),
];

fn audited_field(layout: &Layout, field: &espo_schema::Field) -> bool {
    field.audited
        || AUDITED_FIELDS
            .iter()
            .any(|(e, fields)| *e == layout.name && fields.contains(&field.name.as_str()))
}

fn audited_link(app: &App, layout: &Layout, link: &str) -> bool {
    let raw = app
        .layouts
        .entity(layout)
        .links
        .get(link)
        .and_then(|l| l.raw.get("audited"));
    match raw {
        Some(v) => *v == Json::Bool(true),
        None => AUDITED_LINKS
            .iter()
            .any(|(e, links)| *e == layout.name && links.contains(&link)),
    }
}

/// Stores a note without raising an event.
pub(crate) fn store(app: &App, user: &str, attributes: &[(&str, Value)]) -> Option<Arc<Row>> {
    let layout = app.layouts.find("Note")?;
    let mut row = Row {
        id: Id::from(app.ids.next(&app.clock)),
        deleted: false,
        values: vec![Value::Null; layout.slots].into(),
    };
    let now = Value::text(app.clock.datetime());
    let base = [
        ("createdAt", now.clone()),
        ("modifiedAt", now),
        ("createdById", Value::text(user)),
        ("isInternal", Value::Bool(false)),
        ("isGlobal", Value::Bool(false)),
        ("isPinned", Value::Bool(false)),
        ("data", Value::json(json!({}))),
    ];
    for (attr, value) in base.iter().chain(attributes) {
        if let Some(slot) = layout.slot(attr) {
            row.values[slot] = value.clone();
        }
    }
    let table = app.store.table(layout.index);
    if let Some(slot) = layout.slot("number") {
        row.values[slot] = Value::Int(table.count_up(slot));
    }
    Some(table.insert(row))
}

/// Stores a note and raises its event.
fn write(app: &App, caller: &Caller, attributes: &[(&str, Value)]) {
    if let Some(row) = store(app, caller.user_id(), attributes) {
        touch(app, &row);
        announce(app, caller, &row);
    }
}

/// Stores the time of the last change of a record's stream.
pub(crate) fn touch(app: &App, note: &Row) {
    let Some(notes) = app.layouts.find("Note") else {
        return;
    };
    for link in ["parent", "superParent"] {
        let Some((parent, id)) = view::key(app, notes, note, link) else {
            continue;
        };
        let Some(slot) = parent.slot("streamUpdatedAt") else {
            continue;
        };
        let now = Value::text(app.clock.datetime());
        app.store.table(parent.index).update(&id, |r| {
            let moved = *r.get(slot) != now;
            if moved {
                r.values[slot] = now;
            }
            moved
        });
    }
}

/// Raises the event of a new note.
pub(crate) fn announce(app: &App, caller: &Caller, row: &Row) {
    if let Some(layout) = app.layouts.find("Note") {
        app.raise(
            caller,
            &Event::Created {
                layout,
                row,
                input: &Input::default(),
                links: &[],
            },
        );
    }
}

/// The account of a record. Its stream also contains the record's notes.
pub(crate) fn super_parent(app: &App, layout: &Layout, row: &Row) -> (Value, Value) {
    if layout.name == "Account" {
        return (Value::Null, Value::Null);
    }
    if let Some((parent, id)) = view::key(app, layout, row, "parent")
        && parent.name == "Account"
    {
        return (Value::text("Account"), Value::Text(id));
    }
    match layout
        .slot("accountId")
        .and_then(|s| row.get(s).non_empty())
    {
        Some(id) => (Value::text("Account"), Value::text(id)),
        None => (Value::Null, Value::Null),
    }
}

/// Writes the notes for an event.
pub(super) fn hear(app: &App, caller: &Caller, event: &Event) {
    match *event {
        Event::Created { layout, .. } if layout.name == "Note" => {}
        Event::Created { layout, row, .. } => created(app, caller, layout, row),
        Event::Changed {
            layout,
            old,
            new,
            input,
            before,
            links,
        } => {
            let sets = sets(app, layout, new, input, before);
            updated(app, caller, layout, (old, new), &sets);
            let assigned = layout.slot("assignedUserId");
            if assigned.is_some_and(|s| old.get(s) != new.get(s))
                || links.iter().any(|c| c.link == "teams")
            {
                touch_above(app, caller, layout, new);
            }
            for change in links {
                let target = view::target(app, layout, &change.link);
                let other = target.and_then(|t| app.store.table(t.index).live(&change.other));
                if let Some(other) = other {
                    related(app, caller, layout, new, &change.link, &other, change.now);
                }
            }
        }
        Event::Linked {
            layout,
            row,
            link,
            other,
            now,
        } => related(app, caller, layout, row, link, other, now),
        Event::Removed { .. } => {}
    }
}

/// After a create, writes a note on the record itself and on owners whose link is audited.
fn created(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    let stream = app.layouts.entity(layout).scope.stream;
    if stream {
        let (super_type, super_id) = super_parent(app, layout, row);
        write(
            app,
            caller,
            &[
                ("type", "Create".into()),
                ("parentType", layout.name.as_str().into()),
                ("parentId", Value::Text(row.id.clone())),
                ("superParentType", super_type),
                ("superParentId", super_id),
                ("data", Value::json(created_data(app, layout, row))),
            ],
        );
    }
    for link in layout.links.values() {
        let (LinkKind::BelongsTo { .. } | LinkKind::Parent { .. }, Some((owner, id))) =
            (link.kind, view::key(app, layout, row, &link.name))
        else {
            continue;
        };
        if !app.layouts.entity(owner).scope.stream {
            continue;
        }
        let reverse = owner
            .links
            .values()
            .find(|l| l.target == Some(layout.index) && l.foreign.as_deref() == Some(&link.name));
        if reverse.is_some_and(|l| audited_link(app, owner, &l.name))
            && let Some(record) = app.store.table(owner.index).live(&id)
        {
            related_note(app, caller, "CreateRelated", owner, &record, layout, row);
        }
    }
    for link in layout
        .links
        .values()
        .filter(|l| matches!(l.kind, LinkKind::Many { .. }))
    {
        let (Some(other), Some(foreign)) =
            (link.target.map(|t| &app.layouts.entities[t]), &link.foreign)
        else {
            continue;
        };
        if app.layouts.entity(other).scope.stream && audited_link(app, other, foreign) {
            for record in view::linked_through(app, layout, row, link) {
                related_note(app, caller, "CreateRelated", other, &record, layout, row);
            }
        }
    }
}

/// Writes a note in the stream of `owner` about a record that now belongs to it.
fn related_note(
    app: &App,
    caller: &Caller,
    type_: &str,
    owner: &Layout,
    record: &Row,
    layout: &Layout,
    row: &Row,
) {
    // Only the creation of a record causes a note for its account.
    let (super_type, super_id) = match type_ {
        "CreateRelated" => super_parent(app, layout, row),
        _ => (Value::Null, Value::Null),
    };
    write(
        app,
        caller,
        &[
            ("type", type_.into()),
            ("parentType", owner.name.as_str().into()),
            ("parentId", Value::Text(record.id.clone())),
            ("superParentType", super_type),
            ("superParentId", super_id),
            ("relatedType", layout.name.as_str().into()),
            ("relatedId", Value::Text(row.id.clone())),
            ("data", Value::Null),
        ],
    );
}

fn created_data(app: &App, layout: &Layout, row: &Row) -> Json {
    let mut data = Map::new();
    let get = |attr: &str| layout.slot(attr).and_then(|s| row.get(s).non_empty());
    if let Some(user) = get("assignedUserId") {
        data.insert("assignedUserId".to_owned(), Json::from(user));
        data.insert(
            "assignedUserName".to_owned(),
            view::name(app, layout, row, "assignedUserName").to_json(),
        );
    }
    if let Some(field) = app.layouts.entity(layout).scope.status_field.as_deref()
        && let Some(status) = get(field)
    {
        data.insert("statusField".to_owned(), Json::from(field));
        data.insert("statusValue".to_owned(), Json::from(status));
    }
    Json::Object(data)
}

/// An audited set whose members or columns were changed by an update: its attributes before and after.
struct SetChange {
    field: String,
    was: Map<String, Json>,
    became: Map<String, Json>,
}

/// Audited sets that an update changed.
fn sets(
    app: &App,
    layout: &Layout,
    row: &Row,
    input: &Input,
    before: &AttrMap<Value>,
) -> Vec<SetChange> {
    let entity = app.layouts.entity(layout);
    let fields = entity
        .fields
        .values()
        .filter(|f| f.kind == FieldKind::LinkMultiple && audited_field(layout, f));
    fields
        .filter_map(|field| {
            let (mut was, mut became) = (Map::new(), Map::new());
            let mut changed = false;
            for part in ["Ids", "Columns", "Names"] {
                let Some(ix) = layout.find(&format!("{}{part}", field.name)) else {
                    continue;
                };
                let old = before.get(&ix).map_or(Json::Null, Value::to_json);
                let new = match input.get(&ix).filter(|v| !v.is_null()) {
                    Some(sent) => {
                        changed |= *sent != old;
                        sent.clone()
                    }
                    None if part == "Columns" => old.clone(),
                    None => view::value(app, layout, row, ix, "").to_json(),
                };
                was.insert(layout.attrs[ix].name.clone(), old);
                became.insert(layout.attrs[ix].name.clone(), new);
            }
            changed.then(|| SetChange {
                field: field.name.clone(),
                was,
                became,
            })
        })
        .collect()
}

/// After an update, writes notes about changed audited fields and about a new assignment.
fn updated(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    (old, new): (&Row, &Row),
    sets: &[SetChange],
) {
    let entity = app.layouts.entity(layout);
    if !entity.scope.stream {
        return;
    }
    let (mut fields, mut was, mut became) = (Vec::new(), Map::new(), Map::new());
    // The status is stored as the value of the note, in addition to the other fields.
    let status = entity.scope.status_field.as_deref();
    let mut value = None;
    for field in entity.fields.values().filter(|f| audited_field(layout, f)) {
        let mut changed = false;
        for attr in &field.actual_attributes {
            let Some(slot) = layout.slot(attr) else {
                continue;
            };
            if old.get(slot) != new.get(slot) {
                changed = true;
            }
        }
        if changed && status == Some(field.name.as_str()) {
            value = layout.slot(&field.name).map(|s| new.get(s).to_json());
        } else if changed {
            fields.push(Json::from(field.name.as_str()));
            for attr in &field.actual_attributes {
                if let Some(slot) = layout.slot(attr) {
                    was.insert(attr.clone(), old.get(slot).to_json());
                    became.insert(attr.clone(), new.get(slot).to_json());
                }
            }
        }
    }
    for set in sets {
        fields.push(Json::from(set.field.as_str()));
        was.extend(set.was.clone());
        became.extend(set.became.clone());
    }
    let note = |type_: &str, data: Json, more: &[(&str, Value)]| {
        let mut attributes = vec![
            ("type", type_.into()),
            ("parentType", layout.name.as_str().into()),
            ("parentId", Value::Text(new.id.clone())),
            ("data", Value::json(data)),
        ];
        attributes.extend_from_slice(more);
        write(app, caller, &attributes);
    };
    if let Some(slot) = layout.slot("assignedUserId")
        && old.get(slot) != new.get(slot)
    {
        let mut data = json!({"assignedUserId": new.get(slot).to_json()});
        if !new.get(slot).is_null() {
            data["assignedUserName"] = view::name(app, layout, new, "assignedUserName").to_json();
        }
        let (super_type, super_id) = super_parent(app, layout, new);
        let above = [("superParentType", super_type), ("superParentId", super_id)];
        note("Assign", data, &above);
    }
    if !fields.is_empty() || value.is_some() {
        let mut data = json!({"fields": fields, "attributes": {"was": was, "became": became}});
        if let Some(value) = value {
            data["value"] = value;
        }
        note("Update", data, &[]);
    }
}

/// Users and teams that may see the notes in an account's stream follow those of the record: if these change, so do the
/// notes.
fn touch_above(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    let Some(notes) = app.layouts.find("Note") else {
        return;
    };
    let slots = ["parentId", "parentType", "superParentId"].map(|a| notes.slot(a));
    let [Some(id), Some(parent), Some(above)] = slots else {
        return;
    };
    let table = app.store.table(notes.index);
    for note in table.by_key(id, &row.id) {
        let is_of_record = note.get(parent).as_str() == Some(layout.name.as_str());
        if is_of_record && !note.get(above).is_null() {
            table.update(&note.id, |r| {
                update::mark_modified(app, caller, notes, r);
                true
            });
        }
    }
}

/// After a request linked or unlinked two records, writes a note on each side whose link is audited.
fn related(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    link: &str,
    other: &Row,
    linked: bool,
) {
    let Some(def) = layout.links.get(link) else {
        return;
    };
    let Some(target) = def.target.map(|t| &app.layouts.entities[t]) else {
        return;
    };
    let type_ = if linked { "Relate" } else { "Unrelate" };
    if app.layouts.entity(layout).scope.stream && audited_link(app, layout, link) {
        related_note(app, caller, type_, layout, row, target, other);
    }
    if let Some(foreign) = &def.foreign
        && app.layouts.entity(target).scope.stream
        && audited_link(app, target, foreign)
    {
        related_note(app, caller, type_, target, other, layout, row);
    }
}
