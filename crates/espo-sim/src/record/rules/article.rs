//! Articles of the knowledge base: the position in the order, and the text without markup.

use crate::html;
use crate::record::hooks::Draft;
use crate::value::Value;

/// The position of the first article; each new one is placed before all others.
const FIRST_PLACE: i64 = 9998;

pub(super) fn save(d: &mut Draft) {
    if d.old.is_none()
        && let Some(slot) = d.layout.slot("order")
    {
        let rows = d.app.store.table(d.layout.index).snapshot();
        let live = rows.iter().filter(|r| !r.deleted);
        let least = live
            .filter_map(|r| r.get(slot).as_f64())
            .min_by(f64::total_cmp);
        #[allow(clippy::cast_possible_truncation, reason = "positions are integers")]
        let place = least.map_or(FIRST_PLACE, |n| n as i64 - 1);
        d.set("order", Value::Int(place));
    }
    if d.sent("body") {
        let body = d.get("body");
        let plain = body
            .as_str()
            .map(html::to_markdown)
            .filter(|text| !matches!(text.as_str(), "" | "0"));
        d.set("bodyPlain", plain.map_or(Value::Null, Value::text));
    }
}
