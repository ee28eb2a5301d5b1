//! Adds records without validation, rules and events.

use espo_schema::FieldKind;
use serde_json::{Map, Value as Json};

use crate::Error;
use crate::app::App;
use crate::layout::Source;
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;

/// Adds a record without processing.
pub(crate) fn insert_record(
    app: &App,
    entity_type: &str,
    attributes: &Map<String, Json>,
) -> Result<String, Error> {
    let layout = app.layouts.find(entity_type).ok_or_else(|| {
        Error::Declaration(format!(
            "cannot create records of `{entity_type}`: the metadata has no such entity type"
        ))
    })?;
    let id = attributes
        .get("id")
        .and_then(Json::as_str)
        .map_or_else(|| Id::from(app.ids.next(&app.clock)), Id::from);
    let mut row = Row {
        id: id.clone(),
        deleted: false,
        values: vec![Value::Null; layout.slots].into(),
    };
    for (ix, attr) in layout.attrs.iter().enumerate() {
        let Source::Slot(slot) = attr.source else {
            continue;
        };
        if attr.ty == crate::layout::Ty::Bool && attr.stored {
            row.values[slot] = Value::Bool(false);
        }
        if app.version >= Version::V10_0 && layout.empty_lists.contains(&slot) {
            row.values[slot] = Value::json(serde_json::json!([]));
        }
        if let Some(v) = attributes.get(&attr.name) {
            row.values[slot] = super::input::coerce(app, layout, ix, v);
        }
    }
    let now = Value::text(app.clock.datetime());
    for attr in ["createdAt", "modifiedAt", "streamUpdatedAt"] {
        if let Some(slot) = layout.slot(attr).filter(|s| row.values[*s].is_null()) {
            row.values[slot] = now.clone();
        }
    }
    if let Some(slot) = layout
        .slot("versionNumber")
        .filter(|s| row.values[*s].is_null())
    {
        row.values[slot] = Value::Int(1);
    }
    let table = app.store.table(layout.index);
    for field in app.layouts.entity(layout).fields.values() {
        if let Some(slot) = layout
            .slot(&field.name)
            .filter(|s| field.kind == FieldKind::Autoincrement && row.values[*s].is_null())
        {
            row.values[slot] = Value::Int(table.count_up(slot));
        }
    }
    let row = table.insert(row);
    let input = attributes
        .iter()
        .filter_map(|(k, v)| Some((layout.find(k)?, v.clone())))
        .collect();
    super::links::write_sets(app, layout, &row, &input, true);
    Ok(id.to_string())
}
