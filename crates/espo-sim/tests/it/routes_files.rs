//! Attachments: upload in one piece, upload in chunks, and rejected files.

use crate::common::{Talk, base64, send};
use espo_sim::Sim;
use serde_json::{Value as Json, json};

async fn sim() -> Sim {
    Sim::start().await.expect("a server")
}

fn upload(extra: Json) -> Json {
    let mut body = json!({
        "name": "hello.txt", "type": "text/plain", "role": "Attachment", "relatedType": "Document", "field": "file",
        "file": format!("data:text/plain;base64,{}", base64("Hello")),
    });
    for (key, value) in extra.as_object().expect("an object") {
        if value.is_null() {
            body.as_object_mut().expect("an object").remove(key);
        } else {
            body[key] = value.clone();
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_downloaded_unchanged() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let made = api.post("Attachment", upload(json!({}))).ok();
    assert_eq!(
        (&made["size"], &made["isBeingUploaded"]),
        (&json!(5), &json!(false))
    );
    assert!(made.get("file").is_none() && made.get("contents").is_none());
    let id = made["id"].as_str().expect("an id");
    let file = api.get(&format!("Attachment/file/{id}"));
    assert_eq!((file.status, file.text().as_str()), (200, "Hello"));
    assert_eq!(
        file.headers["content-disposition"],
        "attachment; filename=\"hello.txt\""
    );
    assert_eq!(
        (
            file.headers["content-length"].as_str(),
            file.headers["content-type"].as_str()
        ),
        ("5", "text/plain")
    );
    let document = api.create(
        "Document",
        json!({"name": "D", "fileId": id, "publishDate": "2030-01-01", "status": "Active"}),
    );
    let read = api.get(&format!("Document/{document}")).ok();
    assert_eq!(
        (&read["fileId"], &read["fileName"]),
        (&json!(id), &json!("hello.txt"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_joined_until_the_size_is_reached() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let made = api
        .post(
            "Attachment",
            upload(json!({"file": null, "isBeingUploaded": true, "size": 11})),
        )
        .ok();
    let id = made["id"].as_str().expect("an id");
    let key = sim
        .users()
        .find(|u| u.user_name == "api-key")
        .and_then(|u| u.api_key.clone())
        .expect("a key");
    let chunk = |text: &str| {
        let body = format!("data:application/octet-stream;base64,{}", base64(text));
        let headers = [
            ("X-Api-Key", key.as_str()),
            ("Content-Type", "application/octet-stream"),
        ];
        send(
            &sim,
            "POST",
            &format!("Attachment/chunk/{id}"),
            &headers,
            Some(body.as_bytes()),
        )
        .expect("a response")
    };
    assert_eq!(chunk("hello ").ok(), json!(true));
    let long = chunk("world and more");
    assert_eq!((long.status, long.reason()), (500, "File size mismatch."));
    assert_eq!(chunk("world").ok(), json!(true));
    assert_eq!(
        api.get(&format!("Attachment/file/{id}")).text(),
        "hello world"
    );
    assert_eq!(
        api.get(&format!("Attachment/{id}")).ok()["isBeingUploaded"],
        json!(false)
    );
    let finished = chunk("x");
    assert_eq!(
        (finished.status, finished.reason()),
        (403, "Attachment is not being-uploaded.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_files_are_rejected() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    for (extra, status, reason) in [
        (json!({"field": null}), 400, "No `field` and `parentType`."),
        (
            json!({"relatedType": null}),
            400,
            "No `field` and `parentType`.",
        ),
        (
            json!({"name": "x.exe", "type": "application/x-msdownload"}),
            403,
            "Not allowed file type.",
        ),
        (json!({"role": "Export File"}), 403, ""),
        (json!({"field": "name"}), 403, ""),
        (json!({"file": "no comma"}), 400, ""),
    ] {
        let answer = api.post("Attachment", upload(extra.clone()));
        assert_eq!(answer.status, status, "{extra}");
        assert!(
            reason.is_empty() || answer.reason() == reason,
            "{extra}: {}",
            answer.reason()
        );
    }
    assert_eq!(sim.count("Attachment"), 0);
    assert_eq!(api.get("Attachment/file/0123456789abcdef0").status, 404);
    assert_eq!(
        api.get("Attachment").status,
        403,
        "the list is for administrators"
    );
    assert_eq!(Talk::admin(&sim).get("Attachment").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_can_have_attachments() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let account = api.create("Account", json!({"name": "A"}));
    let file = api.create(
        "Attachment",
        upload(json!({"relatedType": null, "parentType": "Note", "field": "attachments"})),
    );
    let note = api.post("Note", json!({"parentType": "Account", "parentId": account, "post": "see", "attachmentsIds": [file]})).ok();
    assert_eq!(note["attachmentsNames"][&file], json!("hello.txt"));
    let listed = api
        .get(&format!("Account/{account}/streamAttachments"))
        .ok();
    assert_eq!(
        (&listed["total"], &listed["list"][0]["id"]),
        (&json!(1), &json!(file))
    );
    let copy = api
        .post(
            &format!("Attachment/copy/{file}"),
            json!({"parentType": "Note", "field": "attachments"}),
        )
        .ok();
    assert_ne!(copy["id"], json!(file));
    assert_eq!(
        api.get(&format!(
            "Attachment/file/{}",
            copy["id"].as_str().expect("an id")
        ))
        .text(),
        "Hello"
    );
}
