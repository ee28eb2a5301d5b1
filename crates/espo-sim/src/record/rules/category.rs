//! Category trees: the position among siblings, and the rejection of deleting categories in use.

use serde_json::json;

use crate::app::App;
use crate::http::{Refusal, Result};
use crate::layout::{Layout, LinkKind, Slot};
use crate::record::hooks::Draft;
use crate::store::Row;
use crate::value::Value;
use crate::view;

/// Returns the key of the parent if records of an entity type form a tree of categories.
fn parent_key(layout: &Layout) -> Option<Slot> {
    let parent = layout.links.get("parent")?;
    match parent.kind {
        LinkKind::BelongsTo { key } if parent.target == Some(layout.index) => Some(key),
        _ => None,
    }
}

/// Places a new category after its siblings, and rejects a category below itself.
pub(super) fn save(d: &mut Draft) -> Result<()> {
    if let (Some(key), Some(old)) = (parent_key(d.layout), d.old) {
        let table = d.app.store.table(d.layout.index);
        let mut above = d.row.get(key).non_empty().map(str::to_owned);
        // A chain cannot be longer than the number of records.
        for _ in 0..=table.len() {
            let Some(id) = above else { break };
            if old.id == id.as_str() {
                return Err(Refusal::forbidden_silently());
            }
            let row = table.live(&id);
            above = row.and_then(|r| r.get(key).non_empty().map(str::to_owned));
        }
    }
    let (Some(key), Some(order), None) = (parent_key(d.layout), d.layout.slot("order"), d.old)
    else {
        return Ok(());
    };
    let rows = d.app.store.table(d.layout.index).snapshot();
    let siblings = rows
        .iter()
        .filter(|r| !r.deleted && r.get(key) == d.row.get(key));
    let last = siblings
        .filter_map(|r| r.get(order).as_f64())
        .max_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, reason = "positions are integers")]
    let place = last.map_or(1, |n| n as i64 + 1);
    d.set("order", Value::Int(place));
    Ok(())
}

/// Rejects the deletion of a category that contains categories or records.
pub(crate) fn check_removal(app: &App, layout: &Layout, row: &Row) -> Result<()> {
    if parent_key(layout).is_none() {
        return Ok(());
    }
    let used = |wanted: bool| {
        layout.links.values().any(|link| {
            let inside = matches!(link.kind, LinkKind::HasMany { .. } | LinkKind::Many { .. });
            let children = link.target == Some(layout.index);
            let filled = || !view::linked_through(app, layout, row, link).is_empty();
            // Teams define the access to a category and are not part of its contents.
            inside && link.name != "teams" && children == wanted && filled()
        })
    };
    let label = if used(true) {
        "cannotRemoveCategoryWithChildCategory"
    } else if used(false) {
        "cannotRemoveNotEmptyCategory"
    } else {
        return Ok(());
    };
    Err(Refusal::forbidden(label).translated(label, json!({})))
}
