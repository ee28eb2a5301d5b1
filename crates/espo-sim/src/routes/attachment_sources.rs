//! Attachments that come from elsewhere: from another attachment, or from an image's address.

use http::Method;
use serde_json::{Map, Value as Json};

use super::attachments::{
    IMAGES, MAX_SIZE, attachment, check_field, check_type, copy_row, may_read,
};
use super::{Call, Fixed, delivery};
use crate::http::{Image, Refusal, Reply, Request, Result};
use crate::record::{create, created};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "Attachment/copy/:id", copy),
    Fixed::action(Method::POST, "Attachment/fromImageUrl", from_image_url),
];

/// Fetches the image that a request is about, before its handler runs. As webhooks, only loopback addresses are reached.
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
        return Err(Refusal::bad_request("No `url`, `field` or `parentType`."));
    };
    check_field(app, caller, field, owner, "Attachment")?;
    let Some(image) = &call.request.image else {
        return Err(Refusal::forbidden("Could not load the image."));
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
    let (layout, row) = attachment(call)?;
    if !may_read(call, layout, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let request = call.request.json_body()?;
    let (new, shown) = copy_row(call, layout, &row, &request)?;
    Ok(created::answer(call.app, call.caller, layout, &new, &shown))
}
