//! Emails: addresses as strings and as records, the text without markup, and the users in whose inbox they are.

use serde_json::{Map, Value as Json, json};

use super::event::has_twice;
use crate::app::App;
use crate::html;
use crate::http::json::php_text;
use crate::http::{Refusal, Result};
use crate::layout::Layout;
use crate::record::address_book::{self, Kind};
use crate::record::hooks::Draft;
use crate::record::links;
use crate::record::patterns::is_email;
use crate::store::Row;
use crate::value::Value;
use crate::view::{self, email};

/// Copies between name and subject, which have the same value; requests may contain either.
pub(super) fn complete(body: &mut Map<String, Json>, creating: bool) {
    // The subject takes precedence if both are sent. An update validates the attribute that was sent.
    if let Some(subject) = body.get("subject").cloned() {
        body.remove("name");
        if creating {
            body.insert("name".to_owned(), subject);
        }
    } else if let Some(name) = body.get("name").cloned() {
        body.insert("subject".to_owned(), name);
    }
}

/// Returns the addresses in a string. PHP treats `0` as an empty string.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    let is_empty = text == "0";
    text.split(';').filter(move |a| !a.is_empty() && !is_empty)
}

/// Sends a stored email, which fails because no outgoing email account is configured.
pub(crate) fn send(layout: &Layout, row: &Row, old: Option<&Row>) -> Result<()> {
    let status =
        |row: &Row| layout.slot("status").and_then(|s| row.get(s).as_str()) == Some("Sending");
    match layout.name == "Email" && status(row) && !old.is_some_and(status) {
        true => Err(Refusal::internal()),
        false => Ok(()),
    }
}

pub(super) fn save(d: &mut Draft) -> Result<()> {
    if d.sent("subject")
        && let Some(subject) = d.layout.find("subject").and_then(|ix| d.shown.get(&ix))
    {
        d.set("name", subject.clone());
    }
    let is_draft = d.get("status").as_str() == Some("Draft");
    if d.sent("sendAt") && !d.get("sendAt").is_null() && !is_draft {
        return Err(Refusal::bad_request(
            "Cannot set send-at if status is not Draft.",
        ));
    }
    let teams = d.layout.find("teamsIds").and_then(|ix| d.input.get(&ix));
    if d.old.is_none() && teams.and_then(Json::as_array).is_some_and(|l| has_twice(l)) {
        return Err(Refusal::internal());
    }
    // The time of sending cannot be set later for a draft.
    if d.old.is_some() && is_draft && d.sent("dateSent") {
        d.set("dateSent", Value::Null);
    }
    // Archived emails stay archived.
    if let Some(old) = d.old
        && let Some(slot) = d.layout.slot("status")
        && old.get(slot).as_str() == Some("Archived")
    {
        d.set("status", Value::text("Archived"));
    }
    for (attr, link) in email::ADDRESSES {
        addresses(d, attr, link);
    }
    if d.old.is_none() && d.get("messageId").is_null() {
        let id = format!("dummy:{}", d.app.ids.secret());
        d.set("messageId", Value::text(id));
    }
    // A plain text body needs no separate plain version.
    if d.sent("body") && d.get("isHtml").is_true() {
        let body = d.get("body");
        let plain = body
            .as_str()
            .map(html::to_markdown)
            .filter(|text| !matches!(text.as_str(), "" | "0"));
        d.set("bodyPlain", plain.map_or(Value::Null, Value::text));
    }
    // The response contains the parts of these strings once they are set.
    for (attr, parts) in [
        ("fromString", ["fromName", "fromAddress"]),
        ("replyToString", ["replyToName", "replyToAddress"]),
    ] {
        if d.sent(attr) {
            for ix in parts.iter().filter_map(|p| d.layout.find(p)) {
                let name = &d.layout.attrs[ix].name;
                let value = email::value(d.app, d.layout, &d.row, name, d.caller.user_id());
                d.shown.insert(ix, value.unwrap_or_default());
            }
        }
    }
    // The users with the email in their inbox are loaded, but not the names of those who get it.
    for (attr, names) in [("usersIds", false), ("usersNames", true)] {
        if let Some(ix) = d.layout.find(attr) {
            let value = match (d.old, names) {
                (None, true) => Value::json(json!({})),
                (old, _) => {
                    let row = old.unwrap_or(&d.row);
                    view::value(d.app, d.layout, row, ix, d.caller.user_id())
                }
            };
            d.shown.insert(ix, value);
        }
    }
    if d.changed("assignedUserId")
        && let Some(user) = d.get("assignedUserId").non_empty()
        && let Some(ix) = d.layout.find("usersIds")
    {
        let mut ids: Vec<Json> = match d.old {
            Some(old) => view::linked(d.app, d.layout, old, "users")
                .iter()
                .map(|u| json!(u.id.as_str()))
                .collect(),
            None => Vec::new(),
        };
        if !ids.contains(&json!(user)) {
            ids.push(json!(user));
        }
        d.shown.insert(ix, Value::json(Json::Array(ids.clone())));
        d.extra.insert(ix, Json::Array(ids));
    }
    Ok(())
}

fn addresses(d: &mut Draft, attr: &str, link: &str) {
    let Some(sent) = d.layout.find(attr).and_then(|ix| d.input.get(&ix)) else {
        return;
    };
    let text = php_text(sent);
    // Sender and recipient of replies keep their address if the new one is invalid.
    let single = matches!(attr, "from" | "replyTo");
    if single && d.old.is_some() && !text.is_empty() && !split(&text).all(is_email) {
        if let (Some(ix), Some(old)) = (d.layout.find(attr), d.old) {
            let kept = view::value(d.app, d.layout, old, ix, d.caller.user_id());
            d.shown.insert(ix, kept);
        }
        return;
    }
    // Emptied lists of recipients are empty strings.
    if attr != "from"
        && matches!(text.as_str(), "" | "0")
        && let Some(ix) = d.layout.find(attr)
    {
        d.shown.insert(ix, Value::text(""));
    }
    let ids: Vec<Json> = split(&text)
        .filter(|a| is_email(a))
        .filter_map(|a| address_book::id_of(d.app, Kind::Email, a))
        .map(|id| json!(id.as_str()))
        .collect();
    if attr == "from" {
        match ids.first() {
            Some(id) => d.set("fromEmailAddressId", Value::from_json(id)),
            None if d.old.is_some() => d.set("fromEmailAddressId", Value::Null),
            None => {}
        }
    } else if let Some(ix) = d.layout.find(&format!("{link}Ids")) {
        d.shown.insert(ix, Value::json(Json::Array(ids.clone())));
        d.extra.insert(ix, Json::Array(ids));
    }
}

/// Marks an email as read when a user reads it in the inbox.
pub(crate) fn mark_read(app: &App, emails: &Layout, row: &Row, user: &str) {
    let users = email::users_relation(emails).filter(|_| emails.name == "Email");
    let Some((relation, forward)) = users else {
        return;
    };
    let table = app.store.relation(relation);
    let columns = &app.layouts.relations[relation].columns;
    let at = columns.iter().position(|c| c.name == "isRead");
    let pair = table
        .of(&row.id, forward)
        .into_iter()
        .find(|p| p.id == user);
    if let (Some(at), Some(pair)) = (at, pair) {
        let mut values = links::columns_of(app, relation, &pair);
        values[at] = Value::Bool(true);
        table.link(&row.id, forward, user, values.into());
    }
}
