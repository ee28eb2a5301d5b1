//! Email addresses and phone numbers of a record.

use serde_json::{Value as Json, json};

use super::address_book::{self, Kind};
use super::hooks::Draft;
use crate::app::App;
use crate::layout::Layout;
use crate::value::Value;
use crate::version::Version;

/// Keys of an entry that the shared row also has.
const SHARED: &[&str] = &["type", "optOut", "invalid"];

/// Synchronises the list of email addresses or phone numbers with the primary one.
pub(super) fn addresses(d: &mut Draft, kind: Kind) {
    let (field, key) = (kind.key(), kind.key());
    let data_attr = format!("{field}Data");
    let (Some(slot), Some(data_slot)) = (d.layout.slot(field), d.layout.slot(&data_attr)) else {
        return;
    };
    let flags = [
        (format!("{field}IsOptedOut"), "optOut"),
        (format!("{field}IsInvalid"), "invalid"),
    ];
    let touched = [field.to_owned(), data_attr.clone()]
        .iter()
        .any(|a| d.sent(a))
        || flags.iter().any(|(a, _)| d.sent(a));
    if !touched {
        if d.old.is_none() {
            // Opting out requires an address.
            for slot in flags.iter().filter_map(|(a, _)| d.layout.slot(a)) {
                d.row.values[slot] = Value::Null;
            }
        }
        return;
    }
    let mut items: Vec<Json> = d
        .old
        .and_then(|o| o.get(data_slot).as_list())
        .map(<[Json]>::to_vec)
        .unwrap_or_default();
    let sent = d
        .layout
        .find(&data_attr)
        .and_then(|ix| d.input.get(&ix))
        .and_then(Json::as_array);
    // The request's values for the shared row of the primary entry; the list contains all values of each entry.
    let mut stated: Vec<&str> = Vec::new();
    if let Some(list) = sent {
        let mut made: Vec<(Json, Vec<&str>)> = list
            .iter()
            .filter_map(|raw| {
                // The flags count as sent even if the request omits them.
                let given = SHARED
                    .iter()
                    .copied()
                    .filter(|k| *k != "type" || raw.get(k).is_some());
                Some((item(raw, kind, d.app, d.layout)?, given.collect()))
            })
            .collect();
        for (one, _) in made.iter().filter(|(i, _)| i.get("lower").is_some()) {
            // A new spelling of a known address applies to all records that have it.
            let text = one[key].as_str().unwrap_or_default();
            if address_book::find(d.app, kind, text).is_some() {
                address_book::respell(d.app, kind, text);
            }
        }
        if !made.is_empty() && !made.iter().any(|(i, _)| i["primary"] == json!(true)) {
            made[0].0["primary"] = json!(true);
        }
        made.sort_by_key(|(i, _)| i["primary"] != json!(true));
        for (one, given) in &mut made {
            address_book::settle(d.app, kind, one, given);
        }
        items = made.into_iter().map(|(i, _)| i).collect();
        // The response contains the primary address in lower case.
        let lower = items.first().and_then(|i| i.get("lower")).cloned();
        if let (Some(lower), Some(ix)) = (lower, d.layout.find(field))
            && !d.sent(field)
        {
            d.shown.insert(ix, Value::from_json(&lower));
        }
    } else if d.sent(field) {
        match d.row.get(slot).as_str().map(str::to_owned) {
            None => clear_primary(&mut items, d.app.version >= Version::V10_0),
            Some(text) => {
                let before = items.first().and_then(|i| i[key].as_str());
                let another = before.is_none_or(|b| !b.eq_ignore_ascii_case(&text));
                set_primary(d, kind, &mut items, &text);
                if another {
                    // A different address gets the flags of the record.
                    for (attr, flag) in &flags {
                        let set = d.layout.slot(attr).is_some_and(|s| d.row.get(s).is_true());
                        items[0][*flag] = Json::Bool(set);
                    }
                    stated.extend(["optOut", "invalid"]);
                }
            }
        }
    }
    for (attr, flag) in &flags {
        if d.sent(attr)
            && let (Some(first), Some(s)) = (items.first_mut(), d.layout.slot(attr))
        {
            first[*flag] = Json::Bool(d.row.get(s).is_true());
            stated.push(flag);
        }
    }
    if sent.is_none()
        && let Some(first) = items.first_mut()
    {
        address_book::settle(d.app, kind, first, &stated);
    }
    let primary = items.first().filter(|i| i["primary"] == json!(true));
    d.row.values[slot] = primary
        .and_then(|p| p[key].as_str())
        .map_or(Value::Null, Value::text);
    address_book::set_flags(d.layout, kind, &mut d.row, primary);
    d.row.values[data_slot] = Value::json(Json::Array(items));
}

/// Removes the primary entry. Since 10.0, the next entry becomes the primary one.
fn clear_primary(items: &mut Vec<Json>, next: bool) {
    items.retain(|i| i["primary"] != json!(true));
    if next && let Some(first) = items.first_mut() {
        first["primary"] = json!(true);
    }
}

/// Replaces the primary entry by this string.
fn set_primary(d: &Draft, kind: Kind, items: &mut Vec<Json>, text: &str) {
    let key = kind.key();
    let known = items.iter().position(|i| {
        i[key]
            .as_str()
            .is_some_and(|s| s.eq_ignore_ascii_case(text))
    });
    let mut made = match known {
        Some(at) => items.remove(at),
        None => {
            items.retain(|i| i["primary"] != json!(true));
            let raw = json!({key: text, "primary": true});
            item(&raw, kind, d.app, d.layout).unwrap_or(Json::Null)
        }
    };
    made[key] = Json::from(text);
    made["primary"] = json!(true);
    for other in items.iter_mut() {
        other["primary"] = json!(false);
    }
    items.insert(0, made);
}

/// One entry of `…Data`, completed.
fn item(raw: &Json, kind: Kind, app: &App, layout: &Layout) -> Option<Json> {
    let text = raw.get(kind.key())?.as_str()?;
    let flag = |name: &str| Json::Bool(raw.get(name) == Some(&Json::Bool(true)));
    Some(match kind {
        Kind::Email => json!({
            "emailAddress": text,
            "lower": text.to_lowercase(),
            "primary": flag("primary"),
            "optOut": flag("optOut"),
            "invalid": flag("invalid"),
        }),
        Kind::Phone => json!({
            "phoneNumber": text,
            "type": raw
                .get("type")
                .and_then(Json::as_str)
                .unwrap_or_else(|| default_type(app, layout)),
            "primary": flag("primary"),
            "optOut": flag("optOut"),
            "invalid": flag("invalid"),
        }),
    })
}

/// The default type of a number (`defaultType` of the field).
fn default_type<'a>(app: &'a App, layout: &Layout) -> &'a str {
    let field = app.layouts.entity(layout).fields.get("phoneNumber");
    let stated = field.and_then(|f| f.raw.get("defaultType")?.as_str());
    stated.unwrap_or(match layout.name.as_str() {
        "Contact" | "Lead" | "User" => "Mobile",
        _ => "Office",
    })
}
