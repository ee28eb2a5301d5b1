//! Attachments created from other sources: from another attachment, a record's files, or the URL of an image.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::attachments::{IMAGES, MAX_SIZE, attachment, check_field, check_type, contents, store};
use super::{Call, Fixed, delivery};
use crate::acl::Action;
use crate::acl::Level;
use crate::http::json::php_text;
use crate::http::{Image, Refusal, Reply, Request, Result};
use crate::layout::{AttrMap, Layout};
use crate::record::references::may_read;
use crate::record::{create, created};
use crate::store::Row;
use crate::value::Value;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "Attachment/copy/:id", copy),
    Fixed::action(Method::POST, "Attachment/fromImageUrl", from_image_url),
    Fixed::action(Method::POST, "Email/:id/attachments/copy", copy_of_email),
    Fixed::controller(
        Method::POST,
        "KnowledgeBaseArticle/action/getCopiedAttachments",
        |c| {
            let (row, layout) = with_files(c, "KnowledgeBaseArticle")?;
            Ok(c.app.json(&copies(
                c,
                &view::linked(c.app, layout, &row, "attachments"),
            )))
        },
    ),
    Fixed::controller(
        Method::POST,
        "Document/action/getAttachmentList",
        list_of_document,
    ),
];

/// Fetches the image of a request before its handler runs. As for webhooks, only loopback addresses are contacted.
pub(crate) async fn fetch(request: &Request) -> Option<Image> {
    if request.method != Method::POST || request.raw_path != "Attachment/fromImageUrl" {
        return None;
    }
    let body = request.json_body().ok()?;
    let (type_, contents) = delivery::fetch(body.get("url")?.as_str()?, MAX_SIZE).await?;
    Some(Image { type_, contents })
}

/// `POST Attachment/fromImageUrl {url, field, parentType or relatedType}`
fn from_image_url(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let request = call.request.json_body()?;
    let text = |key: &str| {
        request
            .get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let owner = text("parentType").or_else(|| text("relatedType"));
    let (Some(url), Some(field), Some(owner)) = (text("url"), text("field"), owner) else {
        return Err(Refusal::bad_request(match (text("url"), text("field")) {
            (Some(_), Some(_)) => "No `field` and `parentType`.",
            _ => "No `url` or `field`.",
        }));
    };
    check_field(app, caller, field, owner, "Attachment")?;
    let Some(image) = &call.request.image else {
        return Err(Refusal::forbidden("Not allowed URL."));
    };
    let Some((extension, type_)) = IMAGES.iter().find(|(_, type_)| *type_ == image.type_) else {
        return Err(Refusal::forbidden("Not allowed file type."));
    };
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let stem = path.rsplit('/').next().unwrap_or_default();
    let stem = stem.split('.').next().filter(|s| !s.is_empty());
    let name = format!("{}.{extension}", stem.unwrap_or("image"));
    check_type(app, field, owner, "Attachment", &name, Some(type_))?;
    let layout = app.layout("Attachment")?;
    let mut body = Map::from_iter([
        ("name".to_owned(), Json::from(name)),
        ("type".to_owned(), Json::from(*type_)),
        ("role".to_owned(), Json::from("Attachment")),
        ("size".to_owned(), Json::from(image.contents.len())),
        ("field".to_owned(), Json::from(field)),
    ]);
    let link = if text("parentType").is_some() {
        "parentType"
    } else {
        "relatedType"
    };
    body.insert(link.to_owned(), Json::from(owner));
    let (new, shown) = create::insert(app, caller, layout, &body, true)?;
    let files = &app.extras.files;
    files
        .0
        .write()
        .insert(new.id.clone(), image.contents.clone());
    Ok(created::answer(app, caller, layout, &new, &shown))
}

/// `POST Attachment/copy/{id}`: a new attachment with the same contents, for another field.
fn copy(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let request = call.request.json_body()?;
    let text = |key: &str| {
        let text = request.get(key).map(php_text);
        text.filter(|s| !s.is_empty())
    };
    let Some(field) = text("field") else {
        return Err(Refusal::bad_request("No `field`."));
    };
    let Some(owner) = text("parentType").or_else(|| text("relatedType")) else {
        return Err(Refusal::bad_request("No parentType and relatedType."));
    };
    check_field(app, caller, &field, &owner, "Attachment")?;
    let (layout, row) = attachment(call)?;
    if !may_read(call.app, call.caller, layout, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let (new, shown) = copy_row(call, layout, &row, &request)?;
    let mut map = created::attributes(app, caller, layout, &new, &shown);
    // The names of its links are not loaded.
    for link in ["parent", "related", "createdBy"] {
        map.shift_remove(&format!("{link}Name"));
    }
    Ok(app.json(&Json::Object(map)))
}

/// Copies of the files of a field for the field of another record: IDs and names.
pub(super) fn copies(call: &Call, files: &[Arc<Row>]) -> Json {
    let (mut ids, mut names) = (Vec::new(), Map::new());
    if let Some(layout) = call.app.layouts.find("Attachment") {
        let text = |row: &Row, attr: &str| {
            let slot = layout.slot(attr);
            let text = slot.and_then(|s| row.get(s).as_str());
            text.unwrap_or_default().to_owned()
        };
        for file in files {
            let Some(bytes) = contents(call.app, &file.id) else {
                continue;
            };
            let (name, type_) = (text(file, "name"), text(file, "type"));
            let bytes = bytes.to_vec();
            let id = store(call.app, call.caller, &name, &type_, "Attachment", bytes);
            names.insert(id.clone(), Json::from(name));
            ids.push(Json::from(id));
        }
    }
    json!({"ids": ids, "names": names})
}

/// The record of a request for copies of its files.
fn with_files<'a>(call: &Call<'a>, entity: &str) -> Result<(Arc<Row>, &'a Layout)> {
    let (app, acl) = (call.app, &call.caller.acl);
    let layout = app.layout(entity)?;
    if acl.level(entity, Action::Read) == Level::No {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|t| !t.is_empty())
    };
    let (Some(id), Some(_)) = (text("id"), text("field")) else {
        return Err(Refusal::bad_request("No `id` or `field`."));
    };
    let row = app.live(layout, id)?;
    if !acl.record(&app.store, layout, &row, Action::Read) {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    Ok((row, layout))
}

/// `POST Email/{id}/attachments/copy {field, parentType}`
fn copy_of_email(call: &Call) -> Result<Reply> {
    let (app, acl) = (call.app, &call.caller.acl);
    let layout = app.layout("Email")?;
    if acl.level("Email", Action::Read) == Level::No {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    let row = app.live(layout, call.params[0])?;
    if !acl.record(&app.store, layout, &row, Action::Read) {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    if call
        .request
        .json_body()?
        .get("field")
        .and_then(Json::as_str)
        .is_none()
    {
        return Err(Refusal::bad_request("No `field`."));
    }
    Ok(app.json(&copies(
        call,
        &view::linked(app, layout, &row, "attachments"),
    )))
}

/// `POST Document/action/getAttachmentList {id, field, parentType}`: a copy of the document's file.
fn list_of_document(call: &Call) -> Result<Reply> {
    let (row, layout) = with_files(call, "Document")?;
    let file = view::key(call.app, layout, &row, "file");
    let file = file.and_then(|(files, id)| call.app.store.table(files.index).live(&id));
    let files = call.app.layout("Attachment")?;
    let mut list = Vec::new();
    if let Some(file) = file {
        let body = call.request.json_body()?;
        let (new, shown) = copy_row(call, files, &file, &body)?;
        let reply = created::answer(call.app, call.caller, files, &new, &shown);
        let mut item: Map<String, Json> = serde_json::from_slice(&reply.body).unwrap_or_default();
        item.retain(|name, _| !name.ends_with("Name"));
        list.push(Json::Object(item));
    }
    Ok(call.app.json(&Json::Array(list)))
}

/// A new attachment with the contents of another one, for the field and entity type that a body names.
pub(super) fn copy_row(
    call: &Call,
    layout: &Layout,
    file: &Row,
    request: &Map<String, Json>,
) -> Result<(Row, AttrMap<Value>)> {
    let mut body = Map::new();
    for key in ["field", "parentType", "relatedType"] {
        if let Some(v) = request.get(key) {
            body.insert(key.to_owned(), v.clone());
        }
    }
    for attr in ["name", "type", "size", "role"] {
        if let Some(slot) = layout.slot(attr) {
            body.insert(attr.to_owned(), file.get(slot).to_json());
        }
    }
    let (new, mut shown) = create::insert(call.app, call.caller, layout, &body, true)?;
    for (attr, value) in [
        ("sourceId", Value::Text(file.id.clone())),
        ("storage", "EspoUploadDir".into()),
        ("storageFilePath", Value::Null),
    ] {
        if let Some(ix) = layout.find(attr) {
            shown.insert(ix, value.clone());
        }
        if let Some(slot) = layout.slot(attr) {
            call.app.store.table(layout.index).update(&new.id, |r| {
                r.values[slot] = value;
                true
            });
        }
    }
    for attr in ["parentType", "relatedType"] {
        if let Some(ix) = layout.find(attr) {
            shown.entry(ix).or_insert(Value::Null);
        }
    }
    let contents = contents(call.app, &file.id).unwrap_or_default();
    call.app
        .extras
        .files
        .0
        .write()
        .insert(new.id.clone(), contents);
    Ok((new, shown))
}
