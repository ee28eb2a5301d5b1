//! Attachments: uploads in one piece and in chunks, and downloads.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use espo_schema::FieldKind;
use http::Method;
use serde_json::Value as Json;

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::input::php_number;
use crate::record::references::may_read;
use crate::record::{create, created, read};
use crate::store::Row;
use crate::value::{Id, Value};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Attachment", list),
    Fixed::controller(Method::POST, "Attachment", upload),
    Fixed::action(Method::POST, "Attachment/chunk/:id", chunk),
    Fixed::action(Method::GET, "Attachment/file/:id", file),
];

/// Image types by extension.
pub(super) const IMAGES: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("svg", "image/svg+xml"),
    ("avif", "image/avif"),
];

/// Accepted file types of a stock document, if the metadata does not specify them.
const DOCUMENTS: &[&str] = &[
    ".pdf", ".odt", ".ods", ".odp", ".docx", ".xlsx", ".pptx", ".doc", ".xls", ".ppt", ".rtf",
    ".csv", ".md", ".txt",
];

/// Maximum size of a file in bytes: 256 MB.
pub(super) const MAX_SIZE: u64 = 256 * 1024 * 1024;

/// Stores a file that the server itself creates. Returns its ID.
pub(super) fn store(
    app: &App,
    caller: &Caller,
    name: &str,
    type_: &str,
    role: &str,
    contents: Vec<u8>,
) -> String {
    let Some(layout) = app.layouts.find("Attachment") else {
        return String::new();
    };
    let mut row = Row {
        id: Id::from(app.ids.next(&app.clock)),
        deleted: false,
        values: vec![Value::Null; layout.slots].into(),
    };
    let now = Value::text(app.clock.datetime());
    for (attr, value) in [
        ("name", Value::text(name)),
        ("type", Value::text(type_)),
        ("role", Value::text(role)),
        ("size", Value::Int(contents.len() as i64)),
        ("storage", "EspoUploadDir".into()),
        ("isBeingUploaded", Value::Bool(false)),
        ("global", Value::Bool(false)),
        ("createdAt", now.clone()),
        ("modifiedAt", now),
        ("createdById", Value::Text(caller.acl.user_id.clone())),
    ] {
        if let Some(slot) = layout.slot(attr) {
            row.values[slot] = value;
        }
    }
    let row = app.store.table(layout.index).insert(row);
    app.extras
        .files
        .0
        .write()
        .insert(row.id.clone(), contents.into());
    row.id.to_string()
}

/// Returns the bytes of a file.
pub(super) fn contents(app: &App, id: &str) -> Option<Bytes> {
    app.extras.files.0.read().get(id).cloned()
}

/// `GET Attachment`, for administrators.
fn list(call: &Call) -> Result<Reply> {
    call.caller.require_admin()?;
    read::list(
        call.app,
        call.caller,
        call.app.layout("Attachment")?,
        call.request,
        call.no_total,
    )
}

/// `POST Attachment`
fn upload(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let layout = app.layout("Attachment")?;
    let mut body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
    };
    let being_uploaded = body.get("isBeingUploaded") == Some(&Json::Bool(true));
    let role = match body.get("role") {
        None => "Attachment".to_owned(),
        Some(Json::Null) => return Err(Refusal::validation("Attachment", "role", "valid")),
        Some(role) => role.as_str().unwrap_or_default().to_owned(),
    };
    let file = text("file");
    if !body.contains_key("file") && !being_uploaded {
        return Err(Refusal::bad_request("No file contents."));
    }
    if file.is_none() && !being_uploaded {
        return Err(Refusal::bad_request("Non-string file contents."));
    }
    let (field, owner) = (
        text("field"),
        text("parentType").or_else(|| text("relatedType")),
    );
    let (Some(field), Some(owner)) = (field, owner) else {
        return Err(Refusal::bad_request("No `field` and `parentType`."));
    };
    if let Some(size) = body.get("size").filter(|v| !v.is_null()) {
        match php_number(size) {
            Some(n) if n < 0.0 => return Err(Refusal::validation("Attachment", "size", "min")),
            Some(_) => {}
            None => return Err(Refusal::validation("Attachment", "size", "valid")),
        }
    }
    let contents = match file.filter(|_| !being_uploaded) {
        None => None,
        Some(file) => {
            let Some((_, data)) = file.split_once(',') else {
                return Err(Refusal::bad_request("Bad file contents."));
            };
            Some(decoded(data))
        }
    };
    if !matches!(role.as_str(), "Attachment" | "Inline Attachment") {
        return Err(Refusal::forbidden("Role not allowed."));
    }
    check_field(app, caller, &field, &owner, &role)?;
    if text("name").is_none() && body.contains_key("name") {
        return Err(Refusal::validation("Attachment", "name", "required"));
    }
    check_type(
        app,
        &field,
        &owner,
        &role,
        &text("name").unwrap_or_default(),
        text("type").as_deref(),
    )?;
    check_contents(
        app,
        &field,
        &owner,
        &role,
        &text("name").unwrap_or_default(),
        contents.as_deref(),
    )?;
    let size = match &contents {
        Some(c) => c.len() as u64,
        None => body.get("size").and_then(Json::as_u64).unwrap_or(0),
    };
    if size > MAX_SIZE {
        return Err(Refusal::bad_request("File size should not exceed 256 Mb."));
    }
    if body.contains_key("parentType") {
        body.remove("relatedType");
    }
    for key in [
        "file",
        "parentId",
        "relatedId",
        "contents",
        "storage",
        "storageFilePath",
        "global",
    ] {
        body.remove(key);
    }
    body.insert("role".to_owned(), Json::from(role));
    body.insert("size".to_owned(), Json::from(size));
    let (row, mut shown) = create::insert(app, caller, layout, &body, true)?;
    let row = app
        .store
        .table(layout.index)
        .update(&row.id, |r| {
            if let Some(slot) = layout.slot("storage") {
                r.values[slot] = "EspoUploadDir".into();
            }
            true
        })
        .ok_or_else(Refusal::internal)?;
    if let Some(ix) = layout.find("storage") {
        shown.insert(ix, "EspoUploadDir".into());
    }
    app.extras
        .files
        .0
        .write()
        .insert(row.id.clone(), contents.unwrap_or_default().into());
    Ok(created::answer(app, caller, layout, &row, &shown))
}

/// Decodes base64 as PHP does, which ignores invalid characters.
fn decoded(data: &str) -> Vec<u8> {
    let mut clean: String = data
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))
        .collect();
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    STANDARD_NO_PAD.decode(clean).unwrap_or_default()
}

/// The first bytes of images, by their type.
const MAGIC: &[(&str, &[u8])] = &[
    ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
    ("image/svg+xml", b"<"),
    ("image/avif", b"\0\0\0"),
];

/// Checks that the type of an image matches its name.
fn check_contents(
    app: &App,
    field: &str,
    owner: &str,
    role: &str,
    name: &str,
    contents: Option<&[u8]>,
) -> Result<()> {
    let def = app.layouts.schema.field(owner, field);
    let is_image = role == "Inline Attachment" || def.is_some_and(|d| d.kind == FieldKind::Image);
    let Some(contents) = contents.filter(|_| is_image) else {
        return Ok(());
    };
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    let mime = IMAGES
        .iter()
        .find(|(e, _)| Some(*e) == extension.as_deref())
        .map(|(_, m)| *m);
    let fits = MAGIC
        .iter()
        .any(|(m, start)| Some(*m) == mime && contents.starts_with(start));
    if fits {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "Detected mime type does not correspond to extension.",
    ))
}

/// Checks that the field accepts files and that the caller may write the entity type.
pub(super) fn check_field(
    app: &App,
    caller: &Caller,
    field: &str,
    owner: &str,
    role: &str,
) -> Result<()> {
    let layout = app.layouts.find(owner);
    let def = layout.and_then(|l| app.layouts.entity(l).fields.get(field));
    let Some(def) = def else {
        return Err(Refusal::forbidden(format!(
            "Field '{field}' does not exist."
        )));
    };
    let suitable = match Some(def.kind) {
        Some(FieldKind::File | FieldKind::Image | FieldKind::AttachmentMultiple) => {
            role == "Attachment"
        }
        Some(FieldKind::Wysiwyg) => role == "Inline Attachment",
        _ => false,
    };
    if !suitable {
        return Err(Refusal::forbidden(format!(
            "Field type '{}' is not allowed for {role}.",
            def.type_
        )));
    }
    let writable = [Action::Create, Action::Edit]
        .iter()
        .any(|a| caller.acl.level(owner, *a) != Level::No);
    if !writable || !caller.acl.may_edit_field(owner, field) {
        return Err(Refusal::forbidden(format!("No access to {owner}.")));
    }
    Ok(())
}

/// Checks that the field accepts the type of the file.
pub(super) fn check_type(
    app: &App,
    field: &str,
    owner: &str,
    role: &str,
    name: &str,
    type_: Option<&str>,
) -> Result<()> {
    let extension = name
        .rsplit_once('.')
        .map(|(_, e)| e.to_ascii_lowercase())
        .unwrap_or_default();
    let def = app.layouts.schema.field(owner, field);
    let is_image = def.is_some_and(|d| d.kind == FieldKind::Image) || role == "Inline Attachment";
    if is_image {
        let Some((_, mime)) = IMAGES.iter().find(|(e, _)| *e == extension) else {
            return Err(Refusal::forbidden("Not allowed file type."));
        };
        if type_.is_some_and(|t| t != *mime) {
            return Err(Refusal::forbidden(
                "Passed type does not correspond to extension.",
            ));
        }
    }
    let accept: Vec<&str> = match def.and_then(|d| d.raw.get("accept")) {
        Some(list) => list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect(),
        None if (owner, field) == ("Document", "file") => DOCUMENTS.to_vec(),
        None => Vec::new(),
    };
    if !accept.is_empty() {
        let fits = accept.iter().any(|a| match a.strip_prefix('.') {
            Some(e) => e.eq_ignore_ascii_case(&extension),
            None => type_
                .is_some_and(|t| t == *a || a.strip_suffix('*').is_some_and(|p| t.starts_with(p))),
        });
        if !fits {
            return Err(Refusal::forbidden("Not allowed file type."));
        }
    }
    Ok(())
}

pub(super) fn attachment<'a>(call: &Call<'a>) -> Result<(&'a Layout, std::sync::Arc<Row>)> {
    let layout = call.app.layout("Attachment")?;
    let row = call.app.live(layout, call.params[0])?;
    Ok((layout, row))
}

/// `POST Attachment/chunk/{id}`: the next piece, as a data URI in a raw body.
fn chunk(call: &Call) -> Result<Reply> {
    if call.request.body.is_empty() {
        return Err(Refusal::bad_request(""));
    }
    let (layout, row) = attachment(call)?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, Action::Edit)
    {
        return Err(Refusal::forbidden_silently());
    }
    let flag = layout
        .slot("isBeingUploaded")
        .ok_or_else(Refusal::internal)?;
    if !row.get(flag).is_true() {
        return Err(Refusal::forbidden("Attachment is not being-uploaded."));
    }
    let text = String::from_utf8_lossy(&call.request.body);
    let Some((_, data)) = text.split_once(";base64,") else {
        return Err(Refusal::bad_request("Bad file contents."));
    };
    let piece = STANDARD
        .decode(data.trim())
        .map_err(|_| Refusal::bad_request("Bad file contents."))?;
    let size = layout
        .slot("size")
        .and_then(|s| row.get(s).as_f64())
        .unwrap_or_default() as usize;
    let mut files = call.app.extras.files.0.write();
    let whole = files.entry(row.id.clone()).or_default();
    let joined = [&whole[..], &piece[..]].concat();
    if joined.len() > size {
        return Err(Refusal {
            reason: Some("File size mismatch.".to_owned()),
            ..Refusal::internal()
        });
    }
    let finished = joined.len() == size;
    *whole = joined.into();
    drop(files);
    if finished {
        call.app.store.table(layout.index).update(&row.id, |r| {
            r.values[flag] = Value::Bool(false);
            true
        });
    }
    Ok(Reply::bool(true))
}

/// `GET Attachment/file/{id}`
fn file(call: &Call) -> Result<Reply> {
    let (layout, row) = attachment(call)?;
    if !may_read(call.app, call.caller, layout, &row) {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    let text = |attr: &str| {
        layout
            .slot(attr)
            .and_then(|s| row.get(s).non_empty())
            .map(str::to_owned)
    };
    let contents = call
        .app
        .extras
        .files
        .0
        .read()
        .get(&row.id)
        .cloned()
        .ok_or_else(Refusal::not_found_silently)?;
    let name = text("name").unwrap_or_default();
    let mut reply = Reply::json(contents).header(
        "content-disposition",
        &format!("attachment; filename=\"{name}\""),
    );
    reply.content_type = text("type")
        .unwrap_or_else(|| "application/octet-stream".to_owned())
        .into();
    reply.sized = true;
    Ok(reply)
}
