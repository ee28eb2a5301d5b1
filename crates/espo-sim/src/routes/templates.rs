//! Composing emails: filling in templates, and the addresses of a record.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::search::get;
use super::{Call, Fixed, attachment_sources};
use crate::acl::Action;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::store::Row;
use crate::value::Value;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[Fixed::action(
    Method::POST,
    "EmailTemplate/:id/prepare",
    prepare,
)];

/// A record that placeholders refer to, with the name used in placeholders.
type Named<'a> = (&'a str, &'a Layout, Arc<Row>);

/// Entity types of persons: what `{Person.…}` stands for.
const PERSONS: &[&str] = &["Contact", "Lead", "User"];

/// `POST EmailTemplate/{id}/prepare`: subject and body with their placeholders filled in, attachments as copies.
fn prepare(call: &Call) -> Result<Reply> {
    let (app, acl) = (call.app, &call.caller.acl);
    let layout = app.layout("EmailTemplate")?;
    let row = app.store.table(layout.index).live(call.params[0]);
    let row = row.ok_or_else(Refusal::not_found_silently)?;
    if !acl.record(&app.store, layout, &row, Action::Read) {
        return Err(Refusal::forbidden_silently());
    }
    let body = call.request.json_body()?;
    let named = named(call, &body)?;
    let fill = |attr: &str| filled(call, &named, get(layout, &row, attr).unwrap_or_default());
    let files = attachment_sources::copies(call, &view::linked(app, layout, &row, "attachments"));
    let is_html = layout.slot("isHtml").is_some_and(|s| row.get(s).is_true());
    Ok(app.json(&json!({
        "subject": fill("subject"),
        "body": fill("body"),
        "isHtml": is_html,
        "attachmentsIds": files["ids"],
        "attachmentsNames": files["names"],
    })))
}

/// Returns the records whose values a template uses: parent, related record, the person with the address, the caller.
fn named<'a>(call: &Call<'a>, body: &Map<String, Json>) -> Result<Vec<Named<'a>>> {
    let (app, acl) = (call.app, &call.caller.acl);
    let text = |key: &str| body.get(key).and_then(Json::as_str);
    let mut named: Vec<Named> = Vec::new();
    for (type_, id) in [("parentType", "parentId"), ("relatedType", "relatedId")] {
        let (Some(type_), Some(id)) = (text(type_), text(id)) else {
            continue;
        };
        let layout = app.layout(type_)?;
        let row = app.store.table(layout.index).live(id);
        let row = row.ok_or_else(Refusal::not_found_silently)?;
        // Attributes that the caller may not read are not filled in.
        if acl.record(&app.store, layout, &row, Action::Read) {
            named.push((&layout.name, layout, row));
        }
    }
    if let Some(address) = text("emailAddress").filter(|a| !a.is_empty()) {
        for layout in ["Contact", "Lead", "User", "Account"]
            .iter()
            .filter_map(|e| app.layouts.find(e))
        {
            let rows = app.store.table(layout.index).snapshot();
            let holder = rows.iter().find(|r| {
                !r.deleted
                    && get(layout, r, "emailAddress")
                        .is_some_and(|a| a.eq_ignore_ascii_case(address))
                    && acl.record(&app.store, layout, r, Action::Read)
            });
            named.extend(holder.map(|r| (layout.name.as_str(), layout, Arc::clone(r))));
        }
    }
    let person = named.iter().find(|(name, ..)| PERSONS.contains(name));
    let person = person.map(|(_, layout, row)| ("Person", *layout, Arc::clone(row)));
    named.extend(person);
    let users = app.layout("User")?;
    let caller = app.store.table(users.index).live(call.caller.user_id());
    named.extend(caller.map(|row| ("User", users, row)));
    Ok(named)
}

/// Replaces each known placeholder `{Name.attribute}`; others are kept.
fn filled(call: &Call, named: &[Named], text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest[1..].find(['}', '{']).map(|at| at + 1);
        match end.filter(|end| rest.as_bytes()[*end] == b'}') {
            Some(end) => {
                match value(call, named, &rest[1..end]) {
                    Some(value) => out.push_str(&value),
                    None => out.push_str(&rest[..=end]),
                }
                rest = &rest[end + 1..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn value(call: &Call, named: &[Named], placeholder: &str) -> Option<String> {
    let now = call.app.clock.datetime();
    match placeholder {
        "today" => return Some(now[..10].to_owned()),
        "now" => return Some(now),
        "currentYear" => return Some(now[..4].to_owned()),
        _ => {}
    }
    let (name, attr) = placeholder.split_once('.')?;
    let (_, layout, row) = named.iter().find(|(n, ..)| *n == name)?;
    let ix = layout.find(attr)?;
    Some(
        match view::value(call.app, layout, row, ix, call.caller.user_id()) {
            Value::Null => String::new(),
            Value::Text(text) => text.to_string(),
            other => other.to_json().to_string(),
        },
    )
}
