//! Processing of request bodies: attributes are dropped, sanitised or coerced.

use std::borrow::Cow;
use std::str::FromStr;

use espo_schema::{AttributeRole, FieldKind};
use jiff::civil::{Date, DateTime};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value as Json};

use super::rules;
use crate::app::events::Input;
use crate::app::{App, Caller};
use crate::http::json::php_text;
use crate::layout::{Attr, AttrIx, Layout, Ordering, Source, Ty};
use crate::value::Value;

/// Attributes that cannot be set by a request body.
const SYSTEM: &[&str] = &[
    "id",
    "deleted",
    "createdAt",
    "createdById",
    "createdByName",
    "modifiedAt",
    "modifiedById",
    "modifiedByName",
    "versionNumber",
];

/// Takes the writable attributes and silently drops the rest.
pub(crate) fn take(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    body: &Map<String, Json>,
    creating: bool,
) -> Input {
    let entity = app.layouts.entity(layout);
    let mut input = Input::default();
    let mut body = Cow::Borrowed(body);
    rules::complete(&layout.name, &mut body, creating);
    for (key, value) in body.iter() {
        let Some(ix) = layout.find(key) else { continue };
        let attr = &layout.attrs[ix];
        if SYSTEM.contains(&key.as_str())
            || !attr.writable
            || attr.access.read_only
            || (attr.access.read_only_for_most && !caller.acl.is_admin())
            || (attr.create_only && !creating)
            || attr.filter_only
        {
            continue;
        }
        if matches!(attr.role, AttributeRole::Names | AttributeRole::Types) {
            continue;
        }
        if let Some(field) = attr.field.as_deref().and_then(|f| entity.fields.get(f)) {
            let parent = field.composite_of.as_deref().unwrap_or(&field.name);
            if field.disabled
                || !caller.acl.may_edit_field(&layout.name, &field.name)
                || !caller.acl.may_edit_field(&layout.name, parent)
            {
                continue;
            }
        }
        input.insert(ix, sanitise(app, layout, attr, value));
    }
    input
}

/// The person's name in a body. It is composed from its parts and not stored, but the response contains it as sent,
/// unless an update contains a part of the name.
pub(crate) fn sent_name(
    layout: &Layout,
    body: &Map<String, Json>,
    creating: bool,
) -> Option<(AttrIx, Value)> {
    let ix = layout.find("name")?;
    let Source::Person(parts) = &layout.attrs[ix].source else {
        return None;
    };
    let is_part = |key: &String| {
        let slot = layout.slot(key);
        slot.is_some() && parts.contains(&slot)
    };
    let name = body.get("name").filter(|v| !v.is_null())?;
    let sent = body.keys().filter(|key| is_part(key)).count();
    // One part alone does not compose the name of a new record.
    let most = usize::from(creating);
    (sent <= most).then(|| (ix, Value::text(php_text(name))))
}

/// Values of a body that are set in memory only: they are in the response and not stored, unless a loader replaces
/// them.
pub(crate) fn echoed(app: &App, layout: &Layout, body: &Map<String, Json>) -> Vec<(AttrIx, Value)> {
    let fields = &app.layouts.entity(layout).fields;
    let of_body = body
        .iter()
        .filter_map(|(key, v)| Some((layout.find(key)?, v)));
    let is_echoed = |ix: &AttrIx| {
        let attr = &layout.attrs[*ix];
        let field = attr.field.as_deref().and_then(|f| fields.get(f));
        let read_only = attr.access.read_only || field.is_some_and(|f| f.read_only || f.disabled);
        let in_memory = match attr.source {
            // The name of a joined record is part of the query.
            Source::LinkName(_) => attr.query.order != Ordering::IfSelected,
            Source::Nothing => attr.role == AttributeRole::Name,
            Source::Person(_) => attr.name != "name",
            Source::FollowersIds | Source::IsFollowed | Source::IsStarred => true,
            Source::Converted { .. } => super::created::is_part(app, layout, *ix),
            _ => false,
        };
        in_memory && !read_only && !SYSTEM.contains(&attr.name.as_str())
    };
    of_body
        .filter(|(ix, _)| is_echoed(ix))
        .map(|(ix, v)| (ix, coerce(app, layout, ix, v)))
        .collect()
}

fn kind_of(app: &App, layout: &Layout, attr: &Attr) -> FieldKind {
    let entity = app.layouts.entity(layout);
    attr.field
        .as_deref()
        .and_then(|f| entity.fields.get(f))
        .map_or(FieldKind::Other, |f| f.kind)
}

/// Trims and normalises a value before validation, and converts empty values to null.
fn sanitise(app: &App, layout: &Layout, attr: &Attr, value: &Json) -> Json {
    let kind = kind_of(app, layout, attr);
    match (attr.ty, value) {
        (Ty::Date, Json::String(s)) => Json::String(normal_date(s).unwrap_or_else(|| s.clone())),
        (Ty::DateTime, Json::String(s)) => {
            Json::String(normal_datetime(s).unwrap_or_else(|| s.clone()))
        }
        (Ty::Text, Json::String(s)) => match kind {
            FieldKind::Phone if attr.role == AttributeRole::Value => Json::String(normal_phone(s)),
            FieldKind::Enum => Json::String(s.clone()),
            _ => Json::String(trimmed(s).to_owned()),
        },
        (Ty::List, Json::Null) if is_choice(kind) => Json::Array(Vec::new()),
        (Ty::List, Json::Array(list)) if kind == FieldKind::Phone => {
            let items = list.iter().map(|item| {
                let mut item = item.clone();
                if let Some(Json::String(s)) = item.get_mut("phoneNumber") {
                    *s = normal_phone(s);
                }
                item
            });
            Json::Array(items.collect())
        }
        (Ty::List, Json::Array(list)) if is_choice(kind) => Json::Array(
            list.iter()
                .map(|v| {
                    v.as_str()
                        .map_or_else(|| v.clone(), |s| Json::from(trimmed(s)))
                })
                .collect(),
        ),
        _ => value.clone(),
    }
}

/// The value as it is stored and returned.
pub(crate) fn coerce(app: &App, layout: &Layout, ix: AttrIx, raw: &Json) -> Value {
    let attr = &layout.attrs[ix];
    let kind = kind_of(app, layout, attr);
    match attr.ty {
        _ if raw.is_null() => Value::Null,
        // A link without a column accepts any value, and a parent accepts a boolean or a number.
        Ty::Id if !attr.stored && (raw.is_number() || raw.is_boolean()) => Value::from_json(raw),
        Ty::Id | Ty::Type if kind == FieldKind::LinkParent && raw.is_boolean() => {
            Value::from_json(raw)
        }
        Ty::Id if kind == FieldKind::LinkParent && raw.is_i64() => Value::from_json(raw),
        Ty::Text | Ty::LongText | Ty::Id | Ty::Type => {
            let text = php_text(raw);
            // An empty string is not a value, but the empty string that `false` is converted to is one, except as an
            // address.
            let kept = raw.is_boolean() && !matches!(kind, FieldKind::Email | FieldKind::Phone);
            if text.is_empty() && kind != FieldKind::Enum && !kept {
                Value::Null
            } else {
                Value::text(text)
            }
        }
        Ty::Date | Ty::DateTime => match raw.as_str() {
            Some("") | None => Value::Null,
            Some(s) => Value::text(s),
        },
        Ty::Bool => Value::Bool(match raw {
            Json::Bool(b) => *b,
            Json::Number(n) => n.as_i64() == Some(1),
            Json::String(s) => matches!(s.as_str(), "1" | "true"),
            _ => false,
        }),
        #[allow(clippy::cast_possible_truncation, reason = "PHP truncates")]
        Ty::Int => Value::Int(php_float_of(raw) as i64),
        Ty::Float => Value::Float(php_float_of(raw)),
        Ty::Decimal => match raw {
            Json::String(s) if s.is_empty() => Value::Null,
            _ => {
                let text = php_text(raw);
                Value::text(decimal(&text).unwrap_or(text))
            }
        },
        Ty::List => match raw {
            Json::Array(_) => Value::json(raw.clone()),
            Json::String(s) => match serde_json::from_str::<Json>(s) {
                Ok(v @ Json::Array(_)) => Value::json(v),
                _ => Value::Null,
            },
            _ => Value::Null,
        },
        Ty::Object => match raw {
            Json::Object(_) => Value::json(raw.clone()),
            Json::String(s) => match serde_json::from_str::<Json>(s) {
                Ok(v @ Json::Object(_)) => Value::json(v),
                _ => Value::Null,
            },
            _ => Value::Null,
        },
        Ty::Any => Value::from_json(raw),
    }
}

/// Converts any value to a number: strings are parsed as far as they are numeric. Other values are not treated as
/// missing, because validation rejects them.
fn php_float_of(v: &Json) -> f64 {
    match v {
        Json::Bool(b) => f64::from(u8::from(*b)),
        Json::Number(n) => n.as_f64().unwrap_or_default(),
        Json::String(s) => crate::value::leading_number(s),
        Json::Null => 0.0,
        Json::Array(list) => f64::from(u8::from(!list.is_empty())),
        Json::Object(_) => 1.0,
    }
}

/// Removes ordinary whitespace at both ends; a no-break space is kept.
fn trimmed(s: &str) -> &str {
    s.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0B'])
}

/// Whether the validation of a value fails with an error on the server: a list or an object instead of an ID, a date
/// or a phone number, or a date with a NUL character.
pub(super) fn unusable(app: &App, layout: &Layout, attr: &Attr, value: &Json) -> bool {
    if let (Ty::Date | Ty::DateTime, Json::String(s)) = (attr.ty, value) {
        return s.contains('\0');
    }
    if !value.is_array() && !value.is_object() {
        return false;
    }
    match attr.ty {
        Ty::Id | Ty::Date | Ty::DateTime => true,
        Ty::Text => {
            kind_of(app, layout, attr) == FieldKind::Phone && attr.role == AttributeRole::Value
        }
        _ => false,
    }
}

/// Returns the value of a number or of a numeric string (PHP's `is_numeric`).
pub(crate) fn php_number(v: &Json) -> Option<f64> {
    match v {
        Json::Number(n) => n.as_f64(),
        Json::String(s) => {
            let t = s.trim();
            if t.is_empty() || t.ends_with(|c: char| c.is_alphabetic()) {
                None
            } else {
                t.parse().ok()
            }
        }
        _ => None,
    }
}

/// Whether the values of a field are lists of strings.
fn is_choice(kind: FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::MultiEnum | FieldKind::Array | FieldKind::Checklist | FieldKind::UrlMultiple
    )
}

/// Returns a decimal as its column stores it; other values are unchanged.
pub(crate) fn stored(attr: &Attr, value: &Value) -> Value {
    match (attr.ty, value) {
        (Ty::Decimal, Value::Text(s)) => decimal(s).map_or_else(|| value.clone(), Value::text),
        _ => value.clone(),
    }
}

/// Length of a colour's column, which no rule validates.
const COLOUR: usize = 7;

/// Whether a value is too large for its column: a colour, or a decimal, which has nine digits before the point.
pub(crate) fn overflows(app: &App, layout: &Layout, ix: AttrIx, value: &Value) -> bool {
    let attr = &layout.attrs[ix];
    if kind_of(app, layout, attr) == FieldKind::Colorpicker {
        return value.as_str().is_some_and(|s| s.chars().count() > COLOUR);
    }
    attr.ty == Ty::Decimal
        && stored(attr, value).as_str().is_some_and(|s| {
            let whole = s.trim_start_matches('-').split('.').next();
            whole.is_some_and(|digits| digits.len() > 9)
        })
}

/// Formats a decimal with four places, the scale of a stock instance.
fn decimal(s: &str) -> Option<String> {
    let d = Decimal::from_str(s).ok()?;
    let mut d = d.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
    d.rescale(4);
    Some(d.to_string())
}

/// `YYYY-MM-DD` from a date or from an RFC 3339 date-time.
fn normal_date(s: &str) -> Option<String> {
    if s.len() > 10 && s.as_bytes().get(10) == Some(&b'T') {
        let date: Date = s[..10].parse().ok()?;
        s.parse::<jiff::Timestamp>().ok()?;
        return Some(date.to_string());
    }
    None
}

/// `YYYY-MM-DD HH:MM:SS` in UTC from an RFC 3339 date-time.
fn normal_datetime(s: &str) -> Option<String> {
    if s.as_bytes().get(10) == Some(&b'T') && !s.contains('.') {
        let t: jiff::Timestamp = s.parse().ok()?;
        return Some(crate::clock::format_datetime(t));
    }
    None
}

/// Whether a string is a calendar date.
pub(crate) fn is_date(s: &str) -> bool {
    s.len() == 10 && s.parse::<Date>().is_ok()
}

/// Whether a string is a point in time, with or without seconds.
pub(crate) fn is_datetime(s: &str) -> bool {
    let full = match s.len() {
        16 => format!("{s}:00"),
        19 => s.to_owned(),
        _ => return false,
    };
    // Leap seconds do not exist.
    full.as_bytes()[10] == b' ' && !full.ends_with(":60") && full.parse::<DateTime>().is_ok()
}

/// A phone number without spaces, dashes and brackets, if the result can be a phone number.
fn normal_phone(s: &str) -> String {
    let t: String = s
        .trim()
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/'))
        .collect();
    if t.starts_with('+') && t[1..].bytes().all(|b| b.is_ascii_digit()) {
        t
    } else {
        s.trim().to_owned()
    }
}
