//! Routes for parts that an instance has to set up first (OAuth accounts, templates, mail merge): they validate their
//! input and return no results. The erasure of personal data is implemented completely.

use http::Method;
use serde_json::{Map, Value as Json};

use super::{Call, Fixed};
use crate::acl::Action;
use crate::http::{Refusal, Reply, Result};
use crate::record::update;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "OAuth/:id/connection", |c| {
        let body = c.request.json_body()?;
        match text(&body, "code") {
            Some(_) => Err(Refusal::not_found_silently()),
            None => Err(Refusal::bad_request("No code.")),
        }
    }),
    Fixed::action(Method::DELETE, "OAuth/:id/connection", |_| {
        Err(Refusal::not_found_silently())
    }),
    Fixed::controller(Method::POST, "Pdf/action/massPrint", |c| {
        let body = c.request.json_body()?;
        let ids = body.get("idList").and_then(Json::as_array);
        match (text(&body, "entityType"), text(&body, "templateId"), ids) {
            (Some(_), Some(_), Some(_)) => Err(Refusal::not_found_silently()),
            _ => Err(Refusal::bad_request("")),
        }
    }),
    Fixed::action(Method::POST, "Campaign/:id/generateMailMerge", mail_merge),
    Fixed::controller(Method::POST, "DataPrivacy/action/erase", erase),
];

fn text<'b>(body: &'b Map<String, Json>, key: &str) -> Option<&'b str> {
    body.get(key)
        .and_then(Json::as_str)
        .filter(|s| !s.is_empty())
}

/// `POST Campaign/{id}/generateMailMerge {link}`: there is no template to fill in.
fn mail_merge(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    if text(&body, "link").is_none() {
        return Err(Refusal::bad_request("No `link`."));
    }
    let app = call.app;
    let layout = app.layout("Campaign")?;
    let row = app.live(layout, call.params[0])?;
    if !call
        .caller
        .acl
        .record(&app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden_silently());
    }
    let is_mail = layout
        .slot("type")
        .is_some_and(|s| row.get(s).as_str() == Some("Mail"));
    Err(Refusal {
        reason: (!is_mail).then(|| "Could not mail merge campaign not of Mail type.".to_owned()),
        ..Refusal::internal()
    })
}

/// `POST DataPrivacy/action/erase {entityType, id, fieldList}`: empties fields of a record.
fn erase(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    if !caller.acl.permission("dataPrivacyPermission") {
        return Err(Refusal::forbidden_silently());
    }
    let body = call.request.json_body()?;
    let fields = body.get("fieldList").and_then(Json::as_array);
    let (Some(entity), Some(id), Some(fields)) =
        (text(&body, "entityType"), text(&body, "id"), fields)
    else {
        return Err(Refusal::bad_request(""));
    };
    let layout = app.layouts.find(entity).ok_or_else(Refusal::internal)?;
    let row = app.live(layout, id)?;
    if !caller.acl.record(&app.store, layout, &row, Action::Edit) {
        return Err(Refusal::forbidden_silently());
    }
    let entity = app.layouts.entity(layout);
    let values = fields
        .iter()
        .filter_map(|f| entity.fields.get(f.as_str()?))
        .flat_map(|f| f.attributes.iter().map(|a| (a.clone(), Json::Null)))
        .collect();
    update::change(app, caller, layout, &row, &values)?;
    Ok(Reply::bool(true))
}
