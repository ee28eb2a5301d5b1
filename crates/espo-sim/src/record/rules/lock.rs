//! Locked records (since 10.0): if the scope is lockable, a locked record can be neither changed nor deleted.

use serde_json::{Map, json};

use crate::app::App;
use crate::http::{Refusal, Result};
use crate::layout::Layout;
use crate::record::hooks::Draft;
use crate::store::Row;
use crate::view;

/// Attributes that every save sets.
const OF_EVERY_SAVE: &[&str] = &[
    "modifiedAt",
    "modifiedById",
    "streamUpdatedAt",
    "versionNumber",
    "isLocked",
];

/// Whether records of an entity type can be locked.
pub(crate) fn is_lockable(app: &App, layout: &Layout) -> bool {
    let scope = &app.layouts.entity(layout).scope.raw;
    scope.get("lockable") == Some(&json!(true)) && layout.slot("isLocked").is_some()
}

/// Whether a record is locked.
pub(crate) fn is_locked(app: &App, layout: &Layout, row: &Row) -> bool {
    is_lockable(app, layout)
        && layout
            .slot("isLocked")
            .is_some_and(|s| row.get(s).is_true())
}

/// Rejects changes of a locked record, except for fields that locking does not affect.
pub(super) fn check(d: &Draft) -> Result<()> {
    let Some(old) = d.old.filter(|old| is_locked(d.app, d.layout, old)) else {
        return Ok(());
    };
    let entity = d.app.layouts.entity(d.layout);
    for (ix, attr) in d.layout.attrs.iter().enumerate() {
        if OF_EVERY_SAVE.contains(&attr.name.as_str()) {
            continue;
        }
        let changed = match (d.layout.slot(&attr.name), d.input.get(&ix)) {
            (Some(slot), _) => old.get(slot) != d.row.get(slot),
            (None, Some(sent)) => {
                let loaded = d.layout.attrs[ix].in_read;
                let was = view::value(d.app, d.layout, old, ix, d.caller.user_id()).to_json();
                !loaded || was != *sent
            }
            (None, None) => false,
        };
        let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
        let whole = field
            .and_then(|f| f.composite_of.as_ref())
            .and_then(|of| entity.fields.get(of))
            .or(field);
        let Some(field) = whole.filter(|_| changed) else {
            continue;
        };
        if field.raw.get("notLockable") != Some(&json!(true)) {
            return Err(refused(
                "cannotModifyLockedRecord",
                Map::from_iter([("field".to_owned(), json!(label(&field.name)))]),
            ));
        }
    }
    Ok(())
}

/// Rejects the deletion of a locked record.
pub(crate) fn check_removal(app: &App, layout: &Layout, row: &Row) -> Result<()> {
    if is_locked(app, layout, row) {
        return Err(refused("cannotRemoveLockedRecord", Map::new()));
    }
    Ok(())
}

fn refused(label: &str, data: Map<String, serde_json::Value>) -> Refusal {
    Refusal {
        status: 409,
        ..Refusal::forbidden(label).translated(label, json!(data))
    }
}

/// The English label of a stock field.
fn label(field: &str) -> String {
    match field {
        "emailAddress" => return "Email".to_owned(),
        "phoneNumber" => return "Phone".to_owned(),
        _ => {}
    }
    let mut out = String::with_capacity(field.len() + 4);
    for c in field.chars() {
        if out.is_empty() {
            out.extend(c.to_uppercase());
        } else {
            if c.is_uppercase() {
                out.push(' ');
            }
            out.push(c);
        }
    }
    out
}
