//! Rules of single entity types: what a save computes, beyond what metadata says. They are few; each says where it is from.

mod activity;
mod article;
mod category;
mod email;
pub(crate) mod event;
mod lock;
mod opportunity;

pub(crate) use opportunity::stage_probability;

pub(crate) use lock::{is_lockable, is_locked};

pub(crate) use email::{mark_read, split as addresses};

use std::borrow::Cow;

use espo_schema::Field;
use serde_json::{Map, Value as Json};

use super::hooks::Draft;
use crate::app::App;
use crate::http::Result;
use crate::layout::Layout;
use crate::store::Row;
use crate::value::Value;
use crate::view::email::OF_INBOX;

/// Attributes without a column that come with the row itself, so that the response to a save does not compute them again.
const WITH_THE_ROW: &[(&str, &[&str])] = &[
    ("Contact", &["title", "accountIsInactive", "hasPortalUser"]),
    ("Meeting", &["duration"]),
    ("Call", &["duration"]),
    ("OAuthAccount", &["hasAccessToken"]),
    (
        "Email",
        &[
            "fromName",
            "fromAddress",
            "replyToName",
            "replyToAddress",
            "addressNameMap",
        ],
    ),
];

/// Whether an update reloads the attendees.
pub(crate) fn reloads_members(entity: &str, sent: impl Fn(&str) -> bool) -> bool {
    entity == "Call" && (sent("contactsIds") || sent("leadsIds"))
}

/// Whether an attribute is a mark of an email that exists only in a user's inbox.
pub(crate) fn of_inbox(attr: &str) -> bool {
    OF_INBOX.contains(&attr) || attr == "isUsersSent"
}

/// Whether an attribute without a column comes with the row itself.
pub(crate) fn comes_with_the_row(entity: &str, attr: &str) -> bool {
    WITH_THE_ROW
        .iter()
        .any(|(e, attrs)| *e == entity && attrs.contains(&attr))
}

/// Fields that hold addresses, one after the other, and are checked for it.
pub(crate) fn is_address_list(entity: &str, field: &str) -> bool {
    entity == "Email" && matches!(field, "to" | "cc" | "bcc")
}

/// `validatorClassNameList` of a stock instance, for metadata that leaves it out.
const VALIDATORS: &[(&str, &str, &str)] = &[
    ("Campaign", "startDate", "beforeEndDate"),
    ("Campaign", "endDate", "afterStartDate"),
    ("Email", "to", "valid"),
    ("Email", "cc", "valid"),
    ("Email", "bcc", "valid"),
    ("Email", "sendAt", "future"),
    ("Call", "reminders", "valid"),
    ("Meeting", "reminders", "valid"),
    ("Task", "reminders", "valid"),
];

/// Rules of a field that have classes of their own. They are called after the class.
pub(crate) fn validators(entity: &str, field: &Field) -> Vec<String> {
    if let Some(classes) = field
        .raw
        .get("validatorClassNameList")
        .and_then(Json::as_array)
    {
        let names = classes.iter().filter_map(Json::as_str);
        return names
            .filter_map(|class| {
                let mut name = class.rsplit('\\').next()?.to_owned();
                name.get_mut(0..1)?.make_ascii_lowercase();
                Some(name)
            })
            .collect();
    }
    VALIDATORS
        .iter()
        .filter(|(e, f, _)| *e == entity && *f == field.name)
        .map(|(.., rule)| (*rule).to_owned())
        .collect()
}

/// Rejects the deletion of records that are locked or in use.
pub(crate) fn check_removal(app: &App, layout: &Layout, row: &Row) -> Result<()> {
    lock::check_removal(app, layout, row)?;
    category::check_removal(app, layout, row)
}

/// Renames alternative attributes of a body before it is processed.
pub(crate) fn complete(entity: &str, body: &mut Cow<Map<String, Json>>) {
    if entity == "Email" {
        email::complete(body.to_mut());
    }
}

/// Runs before a record is stored.
pub(crate) fn before_save(d: &mut Draft) -> Result<()> {
    match d.layout.name.as_str() {
        "Opportunity" => opportunity::save(d),
        // The first conversion counts.
        "Lead"
            if d.changed("status")
                && d.get("status").as_str() == Some("Converted")
                && d.get("convertedAt").is_null() =>
        {
            let now = Value::text(d.app.clock.datetime());
            d.set("convertedAt", now);
        }
        "Task" => {
            activity::complete(d);
            activity::parent(d);
            event::days(d);
        }
        "Meeting" | "Call" => {
            activity::parent(d);
            event::keep_duration(d);
            event::timed(d);
            event::keep_days(d);
            event::days(d);
            event::save(d)?;
        }
        "Email" => {
            activity::parent(d);
            email::save(d)?;
        }
        "User" if d.old.is_none() => {
            for attr in ["authMethod", "lastAccess", "avatarId"] {
                if let Some(ix) = d.layout.find(attr) {
                    d.shown.entry(ix).or_insert(Value::Null);
                }
            }
        }
        "KnowledgeBaseArticle" => article::save(d),
        // A folder belongs to the user who created it.
        "EmailFolder" if d.old.is_none() && d.get("assignedUserId").is_null() => {
            let creator = d.get("createdById");
            d.set("assignedUserId", creator);
        }
        "LeadCapture" if d.old.is_none() => {
            for attr in ["apiKey", "formId"] {
                let secret = d.app.ids.secret();
                d.set(attr, Value::text(secret));
            }
        }
        _ => {}
    }
    category::save(d)?;
    activity::collaborators(d);
    lock::check(d)
}
