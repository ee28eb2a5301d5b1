//! Common rules of tasks, meetings, calls and emails.

use serde_json::{Value as Json, json};

use crate::record::hooks::Draft;
use crate::value::Value;
use crate::view;

/// Sets the completion date of a task.
pub(super) fn complete(d: &mut Draft) {
    if !d.changed("status") {
        return;
    }
    let done = d.get("status").as_str() == Some("Completed");
    let when = if done {
        Value::text(d.app.clock.datetime())
    } else {
        Value::Null
    };
    d.set("dateCompleted", when);
}

/// Sets the account of activities, and the contact of tasks, to those of their parent.
pub(super) fn parent(d: &mut Draft) {
    if !d.sent("parentId") && !d.sent("parentType") {
        return;
    }
    let parent = view::key(d.app, d.layout, &d.row, "parent");
    let (mut account, mut contact) = (Value::Null, Value::Null);
    if let Some((layout, id)) = parent
        && let Some(row) = d.app.store.table(layout.index).live(&id)
    {
        let of = |attr: &str| {
            layout
                .slot(attr)
                .map_or(Value::Null, |s| row.get(s).clone())
        };
        match layout.name.as_str() {
            "Account" => account = Value::Text(id),
            "Contact" => {
                account = of("accountId");
                contact = Value::Text(id);
            }
            "Lead" => {}
            _ => {
                account = of("accountId");
                contact = of("contactId");
            }
        }
    }
    for (attr, value) in [("accountId", account), ("contactId", contact)] {
        // For a new task, a missing account is set to null; for a new event, it is not set.
        let nothing_new = d.old.is_none() && value.is_null() && d.layout.name != "Task";
        if !d.sent(attr) && d.layout.slot(attr).is_some() && !nothing_new {
            d.set(attr, value);
        }
    }
}

/// Adds assigned users to the collaborators (since 10.0, if the scope has collaborators). Earlier collaborators are
/// kept.
pub(super) fn collaborators(d: &mut Draft) {
    let scope = &d.app.layouts.entity(d.layout).scope.raw;
    if scope.get("collaborators") != Some(&json!(true)) || !d.changed("assignedUserId") {
        return;
    }
    let (Some(ix), Some(user)) = (
        d.layout.find("collaboratorsIds"),
        d.get("assignedUserId").non_empty().map(str::to_owned),
    ) else {
        return;
    };
    let mut ids = match (d.input.get(&ix), d.old) {
        (Some(Json::Array(sent)), _) => sent.clone(),
        (_, Some(old)) => view::linked(d.app, d.layout, old, "collaborators")
            .iter()
            .map(|u| json!(u.id.as_str()))
            .collect(),
        _ => Vec::new(),
    };
    if !ids.contains(&json!(user)) {
        ids.push(json!(user));
    }
    d.shown.insert(ix, Value::json(Json::Array(ids.clone())));
    d.extra.insert(ix, Json::Array(ids));
}
