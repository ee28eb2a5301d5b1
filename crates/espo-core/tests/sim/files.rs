//! Attachments other than uploads: copies, images from URLs, fields of records.

use espo_core::attachments::{Place, Upload};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{create, object, read, start};

#[tokio::test]
async fn files_are_attached_copied_and_deleted() {
    let (_sim, crm) = start().await;
    let files = crm.untyped("Attachment");
    let place = Place::file("Document", "file");
    let upload = Upload::new("a.txt", "text/plain", place.clone());
    let first = files.upload(&upload, b"one").await.unwrap();
    let document = create(
        &crm,
        "Document",
        json!({"name": "D", "fileId": first["id"], "publishDate": "2026-01-31"}),
    )
    .await;

    let first = files.record(first["id"].as_str().unwrap());
    let copy = first.copy_to(place.clone()).await.unwrap();
    let copy = files.record(copy["id"].as_str().unwrap());
    assert_ne!(copy.id(), first.id());
    let mut content = Vec::new();
    let download = copy.download().await.unwrap();
    download.write_to(&mut content).await.unwrap();
    assert_eq!(content, b"one");

    let patch = object(json!({"fileId": copy.id()}));
    let changed = crm.untyped("Document").update(&document, patch).await;
    assert_eq!(changed.unwrap()["fileId"], copy.id().as_str());
    assert_eq!(
        read(&crm, "Document", &document).await["fileId"],
        copy.id().as_str()
    );
    // The server deletes a file that its field no longer refers to.
    assert!(first.read().await.unwrap_err().is_not_found());
    let none = files.record("none").copy_to(place).await;
    assert!(none.unwrap_err().is_not_found());
}

/// Responds to each request with these bytes and this media type.
async fn serve(type_: &'static str, content: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/logo.png?size=1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 4096]).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {type_}\r\nContent-Length: {}\r\n\r\n",
                content.len()
            );
            let _ = socket.write_all(&[head.as_bytes(), content].concat()).await;
        }
    });
    url
}

#[tokio::test]
async fn server_fetches_only_images() {
    let (_sim, crm) = start().await;
    let files = crm.untyped("Attachment");
    let place = Place::file("User", "avatar");
    let url = serve("image/png", b"\x89PNG\r\n").await;
    let image = files.from_image_url(&url, place.clone()).await.unwrap();
    assert_eq!(image["name"], "logo.png");
    let mut content = Vec::new();
    files
        .record(image["id"].as_str().unwrap())
        .download()
        .await
        .unwrap()
        .write_to(&mut content)
        .await
        .unwrap();
    assert_eq!(content, b"\x89PNG\r\n");

    let page = serve("text/html", b"<html>").await;
    let error = files
        .from_image_url(&page, place.clone())
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    let error = files
        .from_image_url("http://127.0.0.1:1/x.png", place)
        .await;
    assert!(error.unwrap_err().is_forbidden());
}
