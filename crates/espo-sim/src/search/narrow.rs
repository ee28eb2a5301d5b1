//! Candidate rows of a search from an index, if there is one for a condition. All conditions are still evaluated on
//! them, so an index affects the duration of a search but not its result.

use std::collections::BTreeSet;
use std::sync::Arc;

use espo_schema::FieldKind;
use serde_json::Value as Json;

use super::params::SearchParams;
use super::where_::attribute;
use crate::app::App;
use crate::collate;
use crate::layout::{Layout, Source, TextKey, Ty};
use crate::store::{Find, How, Row, is_plain};

/// Above this fraction of a table, a scan by column is as fast.
const SHARE: usize = 4;
/// Tables with at most this number of rows are always scanned.
const FEW: usize = 1_000;

/// Returns live rows that include all matches of a search, without duplicates; `None` if no index is suitable.
pub(crate) fn candidates(
    app: &App,
    layout: &Layout,
    params: &SearchParams,
) -> Option<Vec<Arc<Row>>> {
    let most = (app.store.table(layout.index).len() / SHARE).max(FEW);
    let items = params.where_.iter();
    items
        .filter_map(|item| by_item(app, layout, item, most))
        .next()
        .or_else(|| by_text(app, layout, params.text_filter.as_deref()?, most))
}

/// Whether a pattern matches a string literally.
fn plain_text(text: &str) -> bool {
    !text.is_empty() && !text.contains(['%', '_', '\\', '*'])
}

/// Returns rows that can match an item: by ID, key, string or prefix.
fn by_item(app: &App, layout: &Layout, item: &Json, most: usize) -> Option<Vec<Arc<Row>>> {
    let type_ = item.get("type").and_then(Json::as_str)?;
    let name = attribute(item)?;
    let value = item.get("value")?;
    let table = app.store.table(layout.index);
    let attr = layout.attr(name)?;
    let Source::Slot(slot) = attr.source else {
        return None;
    };
    let (how, text) = match (type_, attr.ty, value) {
        ("equals" | "in", Ty::Id, _) => {
            let ids = match value {
                Json::Array(list) => list.iter().map(Json::as_str).collect::<Option<Vec<_>>>()?,
                one => vec![one.as_str()?],
            };
            // Comparisons ignore the case of a key, but this lookup does not.
            let plain = |id: &&str| !id.is_empty() && is_plain(id);
            if !ids.iter().all(plain) || (name == "id" && table.has_odd_ids()) {
                return None;
            }
            if name != "id" && !layout.indexed.contains(&slot) {
                return None;
            }
            // Each ID once: a row that is found twice would be listed twice.
            let ids: BTreeSet<&str> = ids.into_iter().collect();
            let rows = ids.iter().flat_map(|id| match name {
                "id" => table.live(id).into_iter().collect(),
                _ => table.by_key(slot, id),
            });
            let rows: Vec<_> = rows.collect();
            return (rows.len() <= most).then_some(rows);
        }
        // There are few options, and each matches many rows.
        _ if attr.options.is_some() => return None,
        ("equals", Ty::Text, Json::String(text)) if !text.trim().is_empty() => {
            (How::Whole, collate::needle(text))
        }
        ("startsWith", Ty::Text, Json::String(text)) if plain_text(text) => {
            (How::Start, collate::needle(text))
        }
        ("endsWith", Ty::Text, Json::String(text)) if plain_text(text) && !text.ends_with(' ') => {
            (How::End, collate::needle(text))
        }
        _ => return None,
    };
    let keys = keys(layout, name, slot).into_iter();
    let wanted: Vec<_> = keys.map(|key| (key, how, text.as_str())).collect();
    table.by_text(&wanted, most)
}

/// The lookups for a string attribute: its column, and for an address also the list of all addresses.
fn keys(layout: &Layout, name: &str, slot: usize) -> Vec<TextKey> {
    let items = match name {
        "emailAddress" => Some("lower"),
        "phoneNumber" => Some("phoneNumber"),
        _ => None,
    };
    let items = items.and_then(|field| {
        let slot = layout.slot(&format!("{name}Data"))?;
        Some(TextKey::Items(slot, field))
    });
    [TextKey::Folded(slot)].into_iter().chain(items).collect()
}

/// Returns the rows that a text filter finds by a prefix or suffix. `None` if one of its fields is searched in
/// another way.
pub(crate) fn by_text(
    app: &App,
    layout: &Layout,
    text: &str,
    most: usize,
) -> Option<Vec<Arc<Row>>> {
    let asked = super::text::searched(text);
    // A single leading wildcard means a suffix.
    let (how, text) = match asked.strip_prefix('*') {
        Some(rest) => (How::End, rest),
        None => (How::Start, asked),
    };
    if !plain_text(text) {
        return None;
    }
    let entity = app.layouts.entity(layout);
    if entity.collection.full_text_search {
        return None;
    }
    let inside = super::text::looks_inside(app, asked);
    let folded = collate::fold(text);
    // A name is composed of its parts: the first word of the text is at the start of a part, the last word at the end
    // of one.
    let word = match how {
        How::End => folded.rsplit(' ').next(),
        How::Start | How::Whole => folded.split(' ').next(),
    };
    let word = word.unwrap_or_default();
    let mut wanted: Vec<Find> = Vec::new();
    for name in super::text::fields(entity) {
        let Some(attr) = layout.attr(name) else {
            continue;
        };
        match (
            entity.fields.get(name).map(|f| f.kind),
            attr.ty,
            &attr.source,
        ) {
            (Some(FieldKind::Email), _, _) if text.contains(' ') => {}
            (Some(FieldKind::Phone), ..) | (_, Ty::Int, _) => return None,
            (_, Ty::LongText, _) if inside => return None,
            (_, Ty::Text, Source::Slot(slot)) => {
                let keys = keys(layout, name, *slot).into_iter();
                wanted.extend(keys.map(|key| (key, how, &*folded)));
            }
            (_, _, Source::Person(parts)) => {
                // For leads and users without a name, other attributes replace the name (`rules::person_name`).
                let others = ["emailAddress", "phoneNumber", "accountName", "userName"];
                let others = others.iter().filter_map(|a| layout.slot(a));
                let others = others.filter(|_| matches!(&*layout.name, "Lead" | "User"));
                let slots = parts.iter().copied().flatten().chain(others);
                wanted.extend(slots.map(|slot| (TextKey::Folded(slot), how, word)));
            }
            _ => return None,
        }
    }
    app.store.table(layout.index).by_text(&wanted, most)
}
