//! Attachments: upload in one piece and in chunks, and download.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::Outcome;
use crate::test::{Test, merged};

/// Values of a text file for a document; these values override the defaults.
fn text(values: Value) -> Value {
    let file = json!({
        "name": "hello.txt", "type": "text/plain", "role": "Attachment", "relatedType": "Document", "field": "file",
        "file": "data:text/plain;base64,SGVsbG8gRXNwbwo=",
    });
    merged(file, values)
}

/// The same values without some keys.
fn without(keys: &[&str]) -> Value {
    let mut values = text(json!({}));
    if let Some(map) = values.as_object_mut() {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
    values
}

/// One chunk of an upload.
async fn chunk(t: &Test, id: &str, base64: &str) -> Outcome<crate::answer::Answer> {
    let call = t.call("POST", &format!("Attachment/chunk/{id}"));
    call.raw(
        format!("data:application/octet-stream;base64,{base64}"),
        Some("application/octet-stream"),
    )
    .send()
    .await
}

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("upload", async |t| {
            let made = t.create("Attachment", &text(json!({}))).await?;
            made.has("name", "hello.txt")?
                .has("size", 11)?
                .has("type", "text/plain")?
                .has("role", "Attachment")?
                .lacks("contents")?
                .lacks("file")
                .map(drop)
        }),
        check("download", async |t| {
            let made = t.create("Attachment", &text(json!({}))).await?;
            let answer = t
                .get(&format!("Attachment/file/{}", made.id()))
                .await?
                .is(200)?
                .exactly("Hello Espo\n")?;
            let disposition = answer
                .header_text("content-disposition")
                .unwrap_or_default();
            if !disposition.contains("hello.txt") {
                return answer
                    .header(
                        "content-disposition",
                        Some("attachment; filename=\"hello.txt\""),
                    )
                    .map(drop);
            }
            answer.header("content-length", Some("11")).map(drop)
        }),
        check("download-has-the-type-of-the-file", async |t| {
            let made = t.create("Attachment", &text(json!({}))).await?;
            let answer = t
                .get(&format!("Attachment/file/{}", made.id()))
                .await?
                .is(200)?;
            if answer
                .header_text("content-type")
                .is_some_and(|kind| kind.starts_with("text/plain"))
            {
                return Ok(());
            }
            answer.header("content-type", Some("text/plain")).map(drop)
        }),
        check("download-what-is-missing", async |t| {
            t.get("Attachment/file/0123456789abcdef0")
                .await?
                .is(404)?
                .no_reason()
                .map(drop)
        }),
        check("without-field-and-type", async |t| {
            t.post("Attachment", &without(&["relatedType", "field"]))
                .await?
                .refused(400, "No `field` and `parentType`.")
        }),
        check("without-file", async |t| {
            t.post("Attachment", &without(&["file"]))
                .await?
                .is(400)?
                .empty()
                .map(drop)
        }),
        check("role-that-is-not-open", async |t| {
            t.post("Attachment", &text(json!({"role": "Export File"})))
                .await?
                .is(403)?
                .empty()
                .map(drop)
        }),
        check("type-that-the-field-does-not-take", async |t| {
            let values = json!({"name": "x.exe", "type": "application/x-msdownload", "relatedType": "User", "field": "avatar", "file": "data:application/x-msdownload;base64,eA=="});
            t.as_admin()?
                .post("Attachment", &text(values))
                .await?
                .refused(403, "Not allowed file type.")
        }),
        check("field-that-is-no-file", async |t| {
            t.post(
                "Attachment",
                &text(json!({"relatedType": "Account", "field": "name"})),
            )
            .await?
            .is(403)?
            .empty()
            .map(drop)
        }),
        check("for-a-list-of-files", async |t| {
            let values = merged(
                without(&["relatedType"]),
                json!({"parentType": "Task", "field": "attachments"}),
            );
            t.create("Attachment", &values)
                .await?
                .has("parentType", "Task")
                .map(drop)
        }),
        check("chunks", async |t| {
            let made = t
                .create(
                    "Attachment",
                    &merged(
                        without(&["file"]),
                        json!({"isBeingUploaded": true, "size": 12}),
                    ),
                )
                .await?;
            made.has("isBeingUploaded", true)?;
            chunk(t, made.id(), "aGVsbG8g").await?.yes()?;
            chunk(t, made.id(), "d29ybGQh").await?.yes()?;
            t.get(&format!("Attachment/file/{}", made.id()))
                .await?
                .is(200)?
                .exactly("hello world!")
                .map(drop)
        }),
        check("chunk-for-a-finished-one", async |t| {
            let made = t.create("Attachment", &text(json!({}))).await?;
            chunk(t, made.id(), "eA==")
                .await?
                .is(403)?
                .reason("Attachment is not being-uploaded.")
                .map(drop)
        }),
        check("document", async |t| {
            let file = t.create("Attachment", &text(json!({}))).await?;
            let document = t
                .make(
                    "Document",
                    json!({"fileId": file.id(), "publishDate": "2030-01-31"}),
                )
                .await?;
            t.read("Document", &document)
                .await?
                .has("fileId", file.id())?
                .has("fileName", "hello.txt")
                .map(drop)
        }),
        check("list-is-for-administrators", async |t| {
            t.as_api()?.get("Attachment").await?.is(403).map(drop)
        }),
    ]
}
