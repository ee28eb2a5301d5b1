//! The response to a create: the attributes in memory and those that loaders add.

use espo_schema::FieldKind;
use serde_json::{Map, Value as Json};

use super::create::{follow_open, readable};
use super::rules;
use crate::app::{App, Caller};
use crate::http::Reply;
use crate::http::json::Out;
use crate::layout::{Attr, AttrIx, AttrMap, Layout, LinkKind, Source, Ty};
use crate::store::Row;
use crate::value::Value;
use crate::view;
use crate::view::email::{OF_INBOX, in_inbox};

/// Returns the response: the attributes in memory and those that loaders add. Other attributes are omitted.
pub(crate) fn answer(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    shown: &AttrMap<Value>,
) -> Reply {
    Reply::json(write(app, caller, layout, row, shown).into_bytes())
}

/// Returns the attributes of the response.
pub(crate) fn attributes(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    row: &Row,
    shown: &AttrMap<Value>,
) -> Map<String, Json> {
    let json = write(app, caller, layout, row, shown).into_bytes();
    serde_json::from_slice(&json).unwrap_or_default()
}

fn write(app: &App, caller: &Caller, layout: &Layout, row: &Row, shown: &AttrMap<Value>) -> Out {
    let in_inbox = layout.name == "Email" && in_inbox(app, layout, row, caller.user_id());
    let mut out = app.out();
    out.open_object();
    for (ix, attr) in layout.attrs.iter().enumerate() {
        if attr.write_only || attr.filter_only || !readable(app, caller, layout, ix) {
            continue;
        }
        let in_read = attr.in_read || (in_inbox && OF_INBOX.contains(&attr.name.as_str()));
        let v = match &attr.source {
            Source::Slot(_) if attr.name == "id" => Some(Value::Text(row.id.clone())),
            // Links that were just set by ID are loaded with their names.
            Source::Slot(_) if is_data(attr) || (attr.name == "reminders" && in_read) => Some(
                list_or_empty(view::value(app, layout, row, ix, caller.user_id())),
            ),
            Source::Slot(_) if is_flag(&attr.name) => {
                match view::value(app, layout, row, ix, caller.user_id()) {
                    // Without an address, the flag keeps the value that was sent.
                    Value::Null => Some(shown.get(&ix).cloned().unwrap_or(Value::Bool(false))),
                    v => Some(v),
                }
            }
            Source::Slot(slot) => shown.get(&ix).cloned().or_else(|| {
                (matches!(attr.name.as_str(), "emailAddress" | "phoneNumber")
                    && !row.get(*slot).is_null())
                .then(|| row.get(*slot).clone())
            }),
            Source::LinkName(_) if shown.get(&ix).is_some_and(Value::is_null) => Some(Value::Null),
            Source::LinkName(link) => {
                let no_field_name = layout
                    .links
                    .get(link)
                    .is_none_or(|l| !matches!(l.kind, LinkKind::Unknown));
                (in_read && no_field_name)
                    .then(|| view::value(app, layout, row, ix, caller.user_id()))
            }
            // Values that were set are included, although reads do not load them.
            Source::Ids(_) if !in_read => shown.get(&ix).cloned(),
            Source::Names(link) if !in_read => {
                let ids = layout
                    .find(&format!("{link}Ids"))
                    .and_then(|ids| shown.get(&ids));
                let has_members = ids.is_some_and(|l| l.as_list().is_some_and(|l| !l.is_empty()));
                let loaded = || view::value(app, layout, row, ix, caller.user_id());
                shown.get(&ix).cloned().or_else(|| has_members.then(loaded))
            }
            Source::Ids(_) | Source::Names(_) | Source::Columns(_) | Source::Types(_) => {
                in_read.then(|| view::value(app, layout, row, ix, caller.user_id()))
            }
            Source::IsFollowed
            | Source::IsStarred
            | Source::FollowersIds
            | Source::FollowersNames => (in_read && follow_open(caller, layout, &attr.source))
                .then(|| view::value(app, layout, row, ix, caller.user_id())),
            Source::Person(_) => person(app, layout, row, ix, shown),
            // The parts of a range are converted only when the record is read.
            Source::Converted { .. } if is_part(app, layout, ix) => None,
            Source::Converted { amount, .. } => (!row.get(*amount).is_null()
                || sent_amount(layout, &attr.name, shown))
            .then(|| view::value(app, layout, row, ix, caller.user_id())),
            // Set for links that the body set, but not for system links.
            Source::Foreign { link, .. } if link == "createdBy" || link == "modifiedBy" => None,
            Source::Foreign { link, .. } if is_unloaded(layout, link, shown) => None,
            Source::Foreign { link, .. } => view::key(app, layout, row, link)
                .map(|_| view::value(app, layout, row, ix, caller.user_id())),
            Source::HasOneName(link) => {
                let id = layout
                    .find(&format!("{link}Id"))
                    .and_then(|ix| shown.get(&ix));
                let is_set = id.is_some_and(|v| v.non_empty().is_some());
                let loaded = || view::value(app, layout, row, ix, caller.user_id());
                shown.get(&ix).cloned().or_else(|| is_set.then(loaded))
            }
            Source::HasOneId(_) | Source::Numeric(_) => shown.get(&ix).cloned(),
            Source::Special
                if attr.name.ends_with("IsOptedOut") || attr.name.ends_with("IsInvalid") =>
            {
                Some(Value::Bool(false))
            }
            Source::Special => match loaded_on_create(app, layout, ix, in_read) {
                // Computed by the save itself, or returned as sent.
                true if attr.name == "amountWeightedConverted" || is_sender(layout, &attr.name) => {
                    shown
                        .get(&ix)
                        .cloned()
                        .or_else(|| Some(view::value(app, layout, row, ix, caller.user_id())))
                }
                true => Some(view::value(app, layout, row, ix, caller.user_id())),
                false => shown.get(&ix).cloned(),
            },
            Source::Nothing => shown.get(&ix).cloned(),
        };
        let nothing_signed = layout.name == "User" && attr.name == "secretKey";
        if let Some(v) = v.filter(|v| !(nothing_signed && v.is_null())) {
            out.key(&attr.name);
            out.value(&v);
        }
    }
    out.close_object();
    out
}

/// Whether the amount of a converted amount was sent, possibly empty.
fn sent_amount(layout: &Layout, converted: &str, shown: &AttrMap<Value>) -> bool {
    converted
        .strip_suffix("Converted")
        .and_then(|base| layout.find(base))
        .is_some_and(|ix| shown.contains_key(&ix))
}

/// Whether an attribute belongs to a part of a composite field.
pub(super) fn is_part(app: &App, layout: &Layout, ix: AttrIx) -> bool {
    let entity = app.layouts.entity(layout);
    let base = layout.attrs[ix].name.strip_suffix("Converted");
    base.and_then(|b| entity.fields.get(b))
        .is_none_or(|f| f.composite_of.is_some())
}

/// Whether the record of a link that the save itself set is not loaded.
fn is_unloaded(layout: &Layout, link: &str, shown: &AttrMap<Value>) -> bool {
    let id = layout
        .find(&format!("{link}Id"))
        .and_then(|ix| shown.get(&ix));
    let name = layout
        .find(&format!("{link}Name"))
        .and_then(|ix| shown.get(&ix));
    id.is_some_and(|v| !v.is_null()) && name.is_some()
}

/// Whether an attribute is the sender of an email, which the response contains as sent, even if it is not an address.
fn is_sender(layout: &Layout, attr: &str) -> bool {
    layout.name == "Email" && attr == "from"
}

/// Whether an attribute is the list behind an email or phone field.
pub(crate) fn is_data(attr: &Attr) -> bool {
    attr.ty == Ty::List && attr.name.ends_with("Data")
}

fn is_flag(name: &str) -> bool {
    matches!(
        name,
        "emailAddressIsOptedOut"
            | "emailAddressIsInvalid"
            | "phoneNumberIsOptedOut"
            | "phoneNumberIsInvalid"
    )
}

pub(super) fn list_or_empty(v: Value) -> Value {
    if v.is_null() {
        Value::json(Json::Array(Vec::new()))
    } else {
        v
    }
}

/// Attributes that a loader or a hook sets immediately: all attributes of a read without a column, except those that
/// are part of the row (a custom `select`).
fn loaded_on_create(app: &App, layout: &Layout, ix: AttrIx, in_read: bool) -> bool {
    let attr = &layout.attrs[ix];
    let field = attr
        .field
        .as_deref()
        .and_then(|f| app.layouts.entity(layout).fields.get(f));
    if field.is_some_and(|f| {
        matches!(
            f.kind,
            FieldKind::Email | FieldKind::Phone | FieldKind::CurrencyConverted
        )
    }) {
        return false;
    }
    in_read && !rules::comes_with_the_row(layout, &attr.name)
}

/// The response contains a person's name if both parts were sent, even if it is empty; a lead and a user fall back to
/// what they have.
fn person(
    app: &App,
    layout: &Layout,
    row: &Row,
    ix: AttrIx,
    shown: &AttrMap<Value>,
) -> Option<Value> {
    if layout.attrs[ix].name != "name" {
        return shown.get(&ix).cloned();
    }
    let given = |attr: &str| layout.find(attr).is_some_and(|ix| shown.contains_key(&ix));
    if let Some(sent) = shown.get(&ix).filter(|v| !v.is_null()) {
        return Some(sent.clone());
    }
    if given("firstName") && given("lastName") {
        return Some(view::value(app, layout, row, ix, ""));
    }
    crate::view::values::stand_ins(layout)
        .iter()
        .find_map(|a| layout.slot(a).and_then(|s| row.get(s).non_empty()))
        .map(Value::text)
}
