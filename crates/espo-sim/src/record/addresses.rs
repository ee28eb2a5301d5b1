//! E-mail addresses and phone numbers of a record.

use serde_json::{Value as Json, json};

use super::hooks::Draft;
use crate::layout::Layout;
use crate::value::Value;

/// E-mail addresses or phone numbers: the list and the primary one follow each other (ESPO-API.md B3).
pub(super) fn addresses(d: &mut Draft, field: &str, key: &str) {
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
            // Without an address there is nothing to opt out of.
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
    if let Some(list) = sent {
        items = list.iter().filter_map(|i| item(i, key, d.layout)).collect();
        // Written through the list, an address is kept in small letters (QUIRKS 4).
        for one in items.iter_mut().filter(|i| i.get("lower").is_some()) {
            one[key] = one["lower"].clone();
        }
        if !items.is_empty() && !items.iter().any(|i| i["primary"] == json!(true)) {
            items[0]["primary"] = json!(true);
        }
        items.sort_by_key(|i| i["primary"] != json!(true));
    } else if d.sent(field) {
        let new = d.row.get(slot).as_str().map(str::to_owned);
        match new {
            None => {
                items.retain(|i| i["primary"] != json!(true));
                if let Some(first) = items.first_mut() {
                    first["primary"] = json!(true);
                }
            }
            Some(text) => {
                let known = items.iter().position(|i| {
                    i[key]
                        .as_str()
                        .is_some_and(|s| s.eq_ignore_ascii_case(&text))
                });
                let made = json!({key: text, "primary": true});
                let mut made = item(&made, key, d.layout).unwrap_or(Json::Null);
                if let Some(at) = known {
                    let old = items.remove(at);
                    made["optOut"] = old["optOut"].clone();
                    made["invalid"] = old["invalid"].clone();
                } else {
                    items.retain(|i| i["primary"] != json!(true));
                }
                for other in &mut items {
                    other["primary"] = json!(false);
                }
                items.insert(0, made);
            }
        }
    }
    for (attr, flag) in &flags {
        if d.sent(attr)
            && let (Some(first), Some(s)) = (items.first_mut(), d.layout.slot(attr))
        {
            first[*flag] = Json::Bool(d.row.get(s).is_true());
        }
    }
    let primary = items.first();
    d.row.values[slot] = primary
        .and_then(|p| p[key].as_str())
        .map_or(Value::Null, Value::text);
    for (attr, flag) in &flags {
        if let Some(s) = d.layout.slot(attr) {
            d.row.values[s] = primary.map_or(Value::Null, |p| Value::Bool(p[*flag] == json!(true)));
        }
    }
    d.row.values[data_slot] = Value::json(Json::Array(items));
}

/// One entry of `…Data`, completed.
fn item(raw: &Json, key: &str, layout: &Layout) -> Option<Json> {
    let text = raw.get(key)?.as_str()?;
    let flag = |name: &str| Json::Bool(raw.get(name) == Some(&Json::Bool(true)));
    Some(if key == "emailAddress" {
        json!({
            "emailAddress": text,
            "lower": text.to_lowercase(),
            "primary": flag("primary"),
            "optOut": flag("optOut"),
            "invalid": flag("invalid"),
        })
    } else {
        let default = if layout.name == "Contact" || layout.name == "Lead" || layout.name == "User"
        {
            "Mobile"
        } else {
            "Office"
        };
        json!({
            "phoneNumber": text,
            "type": raw.get("type").and_then(Json::as_str).unwrap_or(default),
            "primary": flag("primary"),
            "optOut": flag("optOut"),
            "invalid": flag("invalid"),
        })
    })
}
