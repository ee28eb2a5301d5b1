//! E-mails: addresses as texts and as records, the text without mark-up, in whose inbox they are.

use serde_json::{Map, Value as Json, json};

use crate::app::App;
use crate::html;
use crate::http::{Refusal, Result};
use crate::layout::{Layout, LinkKind};
use crate::record::address_book::{self, Kind};
use crate::record::hooks::Draft;
use crate::record::view;
use crate::store::Row;
use crate::value::Value;

/// Attributes that hold addresses, with the link to their records; `from` has one address, the others any number.
const ADDRESSES: &[(&str, &str)] = &[
    ("from", "fromEmailAddress"),
    ("to", "toEmailAddresses"),
    ("cc", "ccEmailAddresses"),
    ("bcc", "bccEmailAddresses"),
    ("replyTo", "replyToEmailAddresses"),
];

/// Marks that an e-mail has in a user's inbox only.
pub(crate) const OF_INBOX: &[&str] = &["isImportant", "inTrash", "inArchive"];

/// Name and subject are one value; either may be sent alone.
pub(super) fn complete(body: &mut Map<String, Json>) {
    for (this, that) in [("subject", "name"), ("name", "subject")] {
        if !body.contains_key(that)
            && let Some(value) = body.get(this).cloned()
        {
            body.insert(that.to_owned(), value);
        }
    }
}

/// The addresses of a text.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').filter(|a| !a.is_empty())
}

pub(super) fn save(d: &mut Draft) -> Result<()> {
    // Nothing is set up to send with.
    if d.changed("status") && d.get("status").as_str() == Some("Sending") {
        return Err(Refusal::internal());
    }
    for (attr, link) in ADDRESSES {
        addresses(d, attr, link);
    }
    if d.old.is_none() && d.get("messageId").is_null() {
        let id = format!("dummy:{}", d.app.ids.secret());
        d.set("messageId", Value::text(id));
    }
    if d.sent("body") {
        let body = d.get("body");
        let is_html = d.get("isHtml").is_true();
        let plain = body.as_str().map(|text| match is_html {
            true => html::to_markdown(text),
            false => text.to_owned(),
        });
        d.set("bodyPlain", plain.map_or(Value::Null, Value::text));
    }
    if d.old.is_none() {
        for (attr, value) in [("usersIds", json!([])), ("usersNames", json!({}))] {
            if let Some(ix) = d.layout.find(attr) {
                d.shown.insert(ix, Value::json(value));
            }
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
    let text = sent.as_str().unwrap_or_default();
    let ids: Vec<Json> = split(text)
        .filter_map(|a| address_book::id_of(d.app, Kind::Email, a.trim()))
        .map(|id| json!(id.as_str()))
        .collect();
    if attr == "from" {
        let id = ids.first().map_or(Value::Null, Value::from_json);
        d.set("fromEmailAddressId", id);
    } else if let Some(ix) = d.layout.find(&format!("{link}Ids")) {
        d.extra.insert(ix, Json::Array(ids));
    }
}

/// The relation of e-mails and the users in whose inbox they are, and its direction from the e-mail.
pub(crate) fn users_relation(emails: &Layout) -> Option<(usize, bool)> {
    match emails.links.get("users")?.kind {
        LinkKind::Many { relation, forward } => Some((relation, forward)),
        _ => None,
    }
}

/// A mark that an e-mail carries for each user apart. In nobody's inbox it counts as read and has no other mark.
pub(crate) fn mark(app: &App, emails: &Layout, row: &Row, column: &str, user: &str) -> Value {
    let otherwise = if column == "isRead" {
        Value::Bool(true)
    } else {
        Value::Null
    };
    let Some((relation, forward)) = users_relation(emails) else {
        return otherwise;
    };
    let columns = &app.layouts.relations[relation].columns;
    let at = columns.iter().position(|c| c.name == column);
    let pairs = app.store.relation(relation).of(&row.id, forward);
    let pair = pairs.iter().find(|p| p.id == user);
    match (pair, at) {
        (Some(pair), Some(at)) => match pair.columns.get(at) {
            Some(value) => value.clone(),
            // Linked before there were columns: nothing was marked.
            None => columns[at].default.clone(),
        },
        _ => otherwise,
    }
}

/// Values of e-mails that have no column.
pub(super) fn value(
    app: &App,
    emails: &Layout,
    row: &Row,
    attr: &str,
    user: &str,
) -> Option<Value> {
    let all = || {
        ADDRESSES
            .iter()
            .flat_map(|(_, link)| texts(app, emails, row, link))
    };
    Some(match attr {
        "subject" => view::name(app, emails, row, "name"),
        "isRead" | "isImportant" | "inTrash" | "inArchive" | "folderId" => {
            mark(app, emails, row, attr, user)
        }
        "isNotRead" => Value::Bool(!mark(app, emails, row, "isRead", user).is_true()),
        "isUsers" => Value::Bool(in_inbox(app, emails, row, user)),
        "isUsersSent" | "isJustSent" | "isBeingImported" | "isNotReplied" => Value::Bool(false),
        "nameHash" | "typeHash" | "idHash" => {
            let entries = all().filter_map(|address| {
                let (layout, found) = holder(app, &address)?;
                let value = match attr {
                    "nameHash" => view::name(app, layout, &found, "name").to_json(),
                    "typeHash" => json!(layout.name),
                    _ => json!(found.id.as_str()),
                };
                Some((address, value))
            });
            Value::json(Json::Object(entries.collect()))
        }
        "personStringData" => person(app, emails, row),
        _ => {
            let (_, link) = ADDRESSES.iter().find(|(a, _)| *a == attr)?;
            Value::text(texts(app, emails, row, link).join(";"))
        }
    })
}

fn in_inbox(app: &App, emails: &Layout, row: &Row, user: &str) -> bool {
    users_relation(emails)
        .is_some_and(|(relation, forward)| app.store.relation(relation).has(&row.id, forward, user))
}

/// The addresses behind a link.
fn texts(app: &App, emails: &Layout, row: &Row, link: &str) -> Vec<String> {
    let Some(addresses) = app.layouts.find("EmailAddress") else {
        return Vec::new();
    };
    view::linked(app, emails, row, link)
        .iter()
        .filter_map(|a| {
            view::name(app, addresses, a, "name")
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

/// The person or company that has an address: of several, the latest.
fn holder<'a>(app: &'a App, address: &str) -> Option<(&'a Layout, std::sync::Arc<Row>)> {
    use crate::layout::TextKey;
    use crate::search::collate;
    use crate::store::How;
    let lower = address.to_lowercase();
    let needle = collate::needle(&lower);
    ["User", "Contact", "Lead", "Account"]
        .iter()
        .find_map(|entity| {
            let layout = app.layouts.find(entity)?;
            let slot = layout.slot("emailAddressData")?;
            let key = TextKey::Items(slot, "lower");
            let table = app.store.table(layout.index);
            let found = table.by_text(&[(key, How::Whole, needle.as_ref())], usize::MAX)?;
            let has = |row: &Row| {
                let items = row.get(slot).as_list().unwrap_or_default();
                items.iter().any(|i| i["lower"] == json!(lower))
            };
            found
                .into_iter()
                .rev()
                .find(|row| has(row))
                .map(|row| (layout, row))
        })
}

/// Who stands in a list of e-mails: the sender.
fn person(app: &App, emails: &Layout, row: &Row) -> Value {
    let from = texts(app, emails, row, "fromEmailAddress");
    match from.first() {
        Some(address) => match holder(app, address) {
            Some((layout, found)) => view::name(app, layout, &found, "name"),
            None => Value::text(address.as_str()),
        },
        None => Value::Null,
    }
}
