//! Values of emails: addresses as strings, and marks of the users in whose inbox an email is.

use serde_json::{Value as Json, json};

use crate::app::App;
use crate::collate;
use crate::layout::{Layout, LinkKind, TextKey};
use crate::store::{How, Row};
use crate::value::Value;
use crate::view;

/// Attributes that hold addresses, with the link to their records; `from` has one address, the others any number.
pub(crate) const ADDRESSES: &[(&str, &str)] = &[
    ("from", "fromEmailAddress"),
    ("to", "toEmailAddresses"),
    ("cc", "ccEmailAddresses"),
    ("bcc", "bccEmailAddresses"),
    ("replyTo", "replyToEmailAddresses"),
];

/// Marks of an email that exist only in a user's inbox.
pub(crate) const OF_INBOX: &[&str] = &["isImportant", "inTrash", "inArchive"];

/// The relation between emails and the users in whose inbox they are, and its direction from the email.
pub(crate) fn users_relation(emails: &Layout) -> Option<(usize, bool)> {
    match emails.links.get("users")?.kind {
        LinkKind::Many { relation, forward } => Some((relation, forward)),
        _ => None,
    }
}

/// Returns a mark of an email for one user. Outside the user's inbox, it counts as read and has no other marks.
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
            // Linked before the columns existed, so there are no marks.
            None => columns[at].default.clone(),
        },
        _ => otherwise,
    }
}

/// Values of emails without a column.
pub(crate) fn value(
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
        "isUsersSent" | "isJustSent" | "isBeingImported" => Value::Bool(false),
        "isNotReplied" => {
            let replied = emails.slot("isReplied").map(|s| row.get(s));
            Value::Bool(!replied.is_some_and(Value::is_true))
        }
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
        "fromName" | "fromAddress" => part_of(emails, row, "fromString", attr == "fromName"),
        "replyToName" | "replyToAddress" => {
            part_of(emails, row, "replyToString", attr == "replyToName")
        }
        "personStringData" => person(app, emails, row),
        _ => {
            let (_, link) = ADDRESSES.iter().find(|(a, _)| *a == attr)?;
            let texts = texts(app, emails, row, link);
            match attr {
                "from" if texts.is_empty() => Value::Null,
                _ => Value::text(texts.join(";")),
            }
        }
    })
}

/// Returns name or address from `Name <address>`; a string without brackets is an address.
fn part_of(emails: &Layout, row: &Row, attr: &str, name: bool) -> Value {
    let Some(text) = emails.slot(attr).and_then(|s| row.get(s).as_str()) else {
        return Value::Null;
    };
    let (before, address) = match text.split_once('<') {
        Some((before, rest)) => (before, rest.split('>').next().unwrap_or_default()),
        // A sender without a name has no name; a reply-to address without a name has an empty one.
        None if name && attr == "fromString" => return Value::Null,
        None => ("", text),
    };
    Value::text(if name {
        before.trim().trim_matches('"')
    } else {
        address.trim()
    })
}

/// Whether an email is in a user's inbox.
pub(crate) fn in_inbox(app: &App, emails: &Layout, row: &Row, user: &str) -> bool {
    users_relation(emails)
        .is_some_and(|(relation, forward)| app.store.relation(relation).has(&row.id, forward, user))
}

/// The addresses behind a link.
pub(crate) fn texts(app: &App, emails: &Layout, row: &Row, link: &str) -> Vec<String> {
    let Some(addresses) = app.layouts.find("EmailAddress") else {
        return Vec::new();
    };
    let mut texts: Vec<String> = view::linked(app, emails, row, link)
        .iter()
        .filter_map(|a| {
            view::name(app, addresses, a, "name")
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    texts.sort_by(|a, b| collate::cmp(a, b));
    texts
}

/// Returns the person or company that has an address; if there are several, the latest.
fn holder<'a>(app: &'a App, address: &str) -> Option<(&'a Layout, std::sync::Arc<Row>)> {
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

/// The person shown in a list of emails: the sender.
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
