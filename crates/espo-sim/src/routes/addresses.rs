//! Addresses to write to: those of records around a record, and a search for addresses.

use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};

use super::search::get;
use super::{Call, Fixed, activities};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::store::Row;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Case/action/emailAddressList", of_case),
    Fixed::controller(
        Method::GET,
        "Opportunity/action/emailAddressList",
        of_opportunity,
    ),
    Fixed::action(
        Method::GET,
        "Activities/:Entity/:id/composeEmailAddressList",
        around,
    ),
    Fixed::action(Method::GET, "EmailAddress/search", search),
];

/// Links to records whose addresses are offered for an email about a record.
const AROUND: &[&str] = &["account", "contact"];
/// Shorter search strings find no records.
const MIN_LENGTH: usize = 2;

/// Addresses of records, each once.
#[derive(Default)]
struct Found(Vec<Json>);

impl Found {
    fn add(&mut self, call: &Call, layout: &Layout, row: &Row) {
        let readable = call
            .caller
            .acl
            .record(&call.app.store, layout, row, Action::Read);
        let Some(address) = get(layout, row, "emailAddress").filter(|_| readable) else {
            return;
        };
        if !self.0.iter().any(|f| f["emailAddress"] == address) {
            self.0.push(json!({
                "emailAddress": address,
                "name": view::name(call.app, layout, row, "name").to_json(),
                "entityId": row.id.as_str(),
                "entityType": layout.name,
            }));
        }
    }

    fn add_linked(&mut self, call: &Call, layout: &Layout, row: &Row, link: &str) {
        if let Some(target) = view::target(call.app, layout, link) {
            for other in view::linked(call.app, layout, row, link) {
                self.add(call, target, &other);
            }
        }
    }
}

/// Addresses of the contacts of a record, else that of its account.
fn of_contacts(call: &Call, layout: &Layout, row: &Row) -> Reply {
    let mut found = Found::default();
    found.add_linked(call, layout, row, "contacts");
    if found.0.is_empty() {
        found.add_linked(call, layout, row, "account");
    }
    call.app.json(&Json::Array(found.0))
}

fn id<'a>(call: &Call<'a>) -> Result<&'a str> {
    let id = call.request.param("id").filter(|v| !v.is_empty());
    id.ok_or_else(|| Refusal::bad_request(""))
}

/// `GET Case/action/emailAddressList?id=`
fn of_case(call: &Call) -> Result<Reply> {
    let layout = call.app.layout("Case")?;
    if call.caller.acl.level(&layout.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let row = call.app.store.table(layout.index).live(id(call)?);
    let row = row.ok_or_else(Refusal::internal_page)?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden_silently());
    }
    Ok(of_contacts(call, layout, &row))
}

/// `GET Opportunity/action/emailAddressList?id=`
fn of_opportunity(call: &Call) -> Result<Reply> {
    let layout = call.app.layout("Opportunity")?;
    let row = call.app.live(layout, id(call)?)?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    Ok(of_contacts(call, layout, &row))
}

/// `GET Activities/{Entity}/{id}/composeEmailAddressList`: addresses of records that it belongs to.
fn around(call: &Call) -> Result<Reply> {
    let (layout, row) = activities::readable(call)?;
    let mut found = Found::default();
    for link in AROUND {
        found.add_linked(call, layout, &row, link);
    }
    if let Some((target, id)) = view::key(call.app, layout, &row, "parent")
        && let Some(other) = call.app.store.table(target.index).live(&id)
    {
        found.add(call, target, &other);
    }
    Ok(call.app.json(&Json::Array(found.0)))
}

/// `GET EmailAddress/search?q&entityType`: records of a type whose address or name begins so. Without a type, the address
/// book of the user is searched, which is empty.
fn search(call: &Call) -> Result<Reply> {
    let app = call.app;
    if call.caller.acl.level("Email", Action::Create) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let q = call.request.param("q").map(str::to_lowercase);
    let q = q.filter(|q| !q.is_empty());
    let q = q.ok_or_else(|| Refusal::bad_request("No `q` parameter."))?;
    let limit = call
        .request
        .param("maxSize")
        .and_then(|m| m.parse::<usize>().ok());
    let layout = call
        .request
        .param("entityType")
        .and_then(|t| app.layouts.find(t));
    let Some(layout) = layout.filter(|_| q.chars().count() >= MIN_LENGTH) else {
        return Ok(app.json(&json!([])));
    };
    let found = |row: &Arc<Row>| {
        let address = get(layout, row, "emailAddress")?;
        let name = view::name(app, layout, row, "name");
        let name = name.as_str().unwrap_or_default();
        let begins = |text: &str| text.to_lowercase().starts_with(&q);
        (begins(address) || begins(name)).then(|| {
            json!({
                "emailAddress": address,
                "entityName": name,
                "entityType": layout.name,
                "entityId": row.id.as_str(),
            })
        })
    };
    let rows = app.store.table(layout.index).snapshot();
    let readable =
        |r: &&Arc<Row>| !r.deleted && call.caller.acl.record(&app.store, layout, r, Action::Read);
    let list = rows.iter().filter(readable).filter_map(found);
    Ok(app.json(&list.take(limit.unwrap_or(5).min(200)).collect()))
}
