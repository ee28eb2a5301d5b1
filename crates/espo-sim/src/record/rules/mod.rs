//! Rules of single entity types: values that a save computes and that the metadata does not describe.

mod activity;
mod article;
mod category;
mod contact;
mod email;
pub(crate) mod event;
mod lock;
mod note;
mod opportunity;
mod role;
pub(crate) mod user;

pub(crate) use opportunity::stage_probability;

pub(crate) use lock::{is_lockable, is_locked};

pub(crate) use note::mentioned;

pub(crate) use email::{mark_read, send, split as addresses};

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::hooks::Draft;
use crate::app::{App, Caller};
use crate::http::Result;
use crate::layout::{AttrMap, Layout};
use crate::store::Row;
use crate::value::Value;
use crate::view::email::OF_INBOX;

/// Attributes without a column that are part of the row, so that the response to a save does not compute them again.
const WITH_THE_ROW: &[(&str, &[&str])] = &[
    ("Contact", &["title", "accountIsInactive", "hasPortalUser"]),
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

/// Whether an attribute is the folder of a deleted email, which is not loaded.
pub(crate) fn lacks_folder(layout: &Layout, row: &Row, attr: &str) -> bool {
    layout.name == "Email" && attr == "folderId" && row.deleted
}

/// Whether an attribute without a column is part of the row.
pub(crate) fn comes_with_the_row(layout: &Layout, attr: &str) -> bool {
    let listed =
        |(entity, attrs): &(&str, &[&str])| *entity == layout.name && attrs.contains(&attr);
    (layout.is_event && attr == "duration") || WITH_THE_ROW.iter().any(listed)
}

/// Fields that contain a list of addresses and are validated as such.
pub(crate) fn is_address_list(entity: &str, field: &str) -> bool {
    entity == "Email" && matches!(field, "to" | "cc" | "bcc")
}

/// Whether a record in this status may lack the value of a required field: a draft needs no recipient.
pub(crate) fn is_optional(entity: &str, field: &str, status: &Value) -> bool {
    (entity, field) == ("Email", "to") && status.as_str() == Some("Draft")
}

/// Rejects the deletion of records that are locked or in use.
pub(crate) fn check_removal(app: &App, layout: &Layout, row: &Row) -> Result<()> {
    lock::check_removal(app, layout, row)?;
    category::check_removal(app, layout, row)
}

/// Checks the caller's access to a record that is being created, after its validation.
pub(crate) fn check_create(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    shown: &AttrMap<Value>,
) -> Result<()> {
    match layout.name.as_str() {
        "Note" => note::check_access(app, caller, layout, shown),
        _ => Ok(()),
    }
}

/// Renames alternative attributes of a body before it is processed.
pub(crate) fn complete(entity: &str, body: &mut Cow<Map<String, Json>>, creating: bool) {
    if entity == "Email" {
        email::complete(body.to_mut(), creating);
    }
}

/// A folder belongs to the user who created it, and comes after all others.
fn folder(d: &mut Draft) {
    if d.layout.slot("assignedUserId").is_some() && d.get("assignedUserId").is_null() {
        let creator = d.get("createdById");
        d.set("assignedUserId", creator);
    }
    if let Some(slot) = d.layout.slot("order").filter(|s| d.row.get(*s).is_null()) {
        let rows = d.app.store.table(d.layout.index).snapshot();
        let orders = rows.iter().filter(|r| !r.deleted);
        let last = orders
            .filter_map(|r| r.get(slot).as_f64())
            .fold(0.0, f64::max);
        d.set("order", Value::Int(last as i64 + 1));
    }
}

/// Runs before a record is stored.
pub(crate) fn before_save(d: &mut Draft) -> Result<()> {
    match d.layout.name.as_str() {
        "Opportunity" => opportunity::save(d),
        // The time of the first conversion is kept.
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
        _ if d.layout.is_event => event::save(d)?,
        "Email" => {
            activity::parent(d);
            email::save(d)?;
        }
        "Contact" => contact::save(d),
        "User" => user::save(d)?,
        "Note" => note::save(d)?,
        "KnowledgeBaseArticle" => article::save(d),
        "EmailFolder" | "GroupEmailFolder" if d.old.is_none() => folder(d),
        "EmailFilter" if d.old.is_none() => {
            for attr in [
                "parentId",
                "parentType",
                "emailFolderId",
                "groupEmailFolderId",
            ] {
                if let Some(ix) = d.layout.find(attr) {
                    d.shown.entry(ix).or_insert(Value::Null);
                }
            }
        }
        "Role" | "PortalRole" => role::check(d)?,
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
