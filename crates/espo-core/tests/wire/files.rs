//! Uploads, downloads, and files in fields.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use espo_core::attachments::{Place, Upload};
use serde_json::json;

use crate::server::{Act, Server, builder, bytes, empty, json};

/// Produces one byte after another without storing them.
struct Pattern {
    left: u64,
    next: u8,
}

impl tokio::io::AsyncRead for Pattern {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        // Odd lengths, so that a chunk takes several reads.
        let count = buffer.remaining().min(777).min(self.left as usize);
        for _ in 0..count {
            buffer.put_slice(&[self.next]);
            self.next = self.next.wrapping_mul(31).wrapping_add(7);
        }
        self.left -= count as u64;
        std::task::Poll::Ready(Ok(()))
    }
}

fn pattern(size: u64) -> Pattern {
    Pattern {
        left: size,
        next: 1,
    }
}

fn file_server() -> impl Future<Output = Server> {
    Server::start(|seen, _| match seen.path() {
        "/api/v1/Attachment" => json(
            200,
            r#"{"id":"a1","name":"x","type":"text/plain","size":1}"#,
        ),
        _ => json(200, "true"),
    })
}

fn upload() -> Upload {
    Upload::new(
        "звіт 日.bin",
        "application/octet-stream",
        Place::file("Document", "file"),
    )
}

#[tokio::test]
async fn small_files_are_uploaded_in_one_request() {
    let server = file_server().await;
    let attachment = server
        .client()
        .untyped("Attachment")
        .upload(&upload(), b"Hello Espo\n")
        .await
        .unwrap();
    assert_eq!(attachment["id"], "a1");
    assert_eq!(
        server.last().json(),
        json!({
            "name": "звіт 日.bin", "type": "application/octet-stream", "role": "Attachment",
            "relatedType": "Document", "field": "file", "size": 11,
            "file": "data:application/octet-stream;base64,SGVsbG8gRXNwbwo=",
        })
    );
}

#[tokio::test]
async fn readers_are_uploaded_completely_in_chunks() {
    let server = file_server().await;
    let size = 10_000;
    server
        .client()
        .untyped("Attachment")
        .upload_reader(&upload().chunk_size(4_096), size, pattern(size))
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].json()["isBeingUploaded"], true);
    assert_eq!(seen[0].json()["size"], size);
    let mut arrived = Vec::new();
    let mut sizes = Vec::new();
    for chunk in &seen[1..] {
        assert_eq!(chunk.path(), "/api/v1/Attachment/chunk/a1");
        let text = std::str::from_utf8(&chunk.body).unwrap();
        let data = text.split_once(";base64,").unwrap().1;
        let part = STANDARD.decode(data).unwrap();
        sizes.push(part.len());
        arrived.extend(part);
    }
    assert_eq!(sizes, [4_096, 4_096, 1_808]);
    let mut expected = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut pattern(size), &mut expected)
        .await
        .unwrap();
    assert_eq!(arrived, expected);
}

#[tokio::test]
async fn readers_with_a_wrong_length_are_cleaned_up() {
    for (announced, held) in [(10, 9), (10, 11), (10, 30)] {
        let server = file_server().await;
        let error = server
            .client()
            .untyped("Attachment")
            .upload_reader(&upload().chunk_size(4), announced, pattern(held))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("announced"), "{error}");
        assert_eq!(server.last().method, "DELETE");
        assert_eq!(server.last().path(), "/api/v1/Attachment/a1");
    }
}

#[tokio::test]
async fn failed_chunks_are_not_sent_twice() {
    let server = Server::start(|seen, number| match (seen.path(), number) {
        ("/api/v1/Attachment", _) => json(200, r#"{"id":"a1"}"#),
        (_, 2) => Act::Cut(Vec::new()),
        _ => json(200, "true"),
    })
    .await;
    let result = server
        .client()
        .untyped("Attachment")
        .upload_reader(&upload().chunk_size(4), 12, pattern(12))
        .await;
    assert!(result.is_err());
    let methods: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.method.clone())
        .collect();
    assert_eq!(methods, ["POST", "POST", "POST", "DELETE"]);
}

#[tokio::test]
async fn downloads_are_streams_without_a_size_limit() {
    let content: Vec<u8> = (0..300_000u32).map(|number| number as u8).collect();
    let sent = content.clone();
    let server = Server::start(move |_, _| {
        let name = "Content-Disposition: attachment; filename=\"звіт.bin\"\r\n";
        Act::Write(bytes(200, "text/plain;charset=UTF-8", name, &sent))
    })
    .await;
    let client = builder(&server.url())
        .max_response_size(1_000)
        .build()
        .unwrap();
    let download = client
        .untyped("Attachment")
        .record("a1")
        .download()
        .await
        .unwrap();
    assert_eq!(download.size(), Some(300_000));
    assert_eq!(download.media_type(), Some("text/plain"));
    assert_eq!(download.file_name().as_deref(), Some("звіт.bin"));
    let mut arrived = Vec::new();
    assert_eq!(download.write_to(&mut arrived).await.unwrap(), 300_000);
    assert_eq!(arrived, content);
    assert_eq!(server.last().path(), "/api/v1/Attachment/file/a1");
}

#[tokio::test]
async fn interrupted_downloads_return_an_error() {
    let server = Server::start(|_, _| {
        let mut answer = bytes(200, "text/plain", "", &[b'x'; 1_000]);
        answer.truncate(answer.len() - 500);
        Act::Cut(answer)
    })
    .await;
    let download = server
        .client()
        .untyped("Attachment")
        .record("a1")
        .download()
        .await
        .unwrap();
    let error = download.write_to(&mut Vec::new()).await.unwrap_err();
    assert!(
        error.to_string().contains("the connection broke"),
        "{error}"
    );
}

#[tokio::test]
async fn added_files_keep_concurrently_added_ones() {
    let puts = Arc::new(Mutex::new(0));
    let server = Server::start(move |seen, _| match seen.method.as_str() {
        "GET" if *puts.lock().unwrap() == 0 => {
            json(200, r#"{"id":"1","filesIds":["f1"],"versionNumber":3}"#)
        }
        "GET" => json(
            200,
            r#"{"id":"1","filesIds":["f1","other"],"versionNumber":4}"#,
        ),
        _ => {
            *puts.lock().unwrap() += 1;
            match seen.header("X-Version-Number") {
                Some("3") => Act::Write(bytes(
                    409,
                    "application/json",
                    "X-Status-Reason: modified\r\n",
                    br#"{"values":{},"versionNumber":4}"#,
                )),
                _ => json(200, r#"{"id":"1"}"#),
            }
        }
    })
    .await;
    let files = server.client();
    files
        .untyped("Case")
        .record("1")
        .add_files(Place::multiple("Case", "files"), ["f2"])
        .await
        .unwrap();
    assert_eq!(
        server.last().json(),
        json!({"filesIds": ["f1", "other", "f2"]})
    );
    assert_eq!(server.last().header("X-Version-Number"), Some("4"));
}

#[tokio::test]
async fn fields_with_unreadable_files_are_not_changed() {
    let server = Server::answering(r#"{"id":"1"}"#).await;
    let client = server.client();
    let error = client
        .untyped("Case")
        .record("1")
        .add_files(Place::multiple("Case", "files"), ["f2"])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nothing was written"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn rejected_file_types_are_reported_with_a_reason() {
    let server =
        Server::start(|_, _| empty(403, "X-Status-Reason: Not allowed file type.\r\n")).await;
    let error = server
        .client()
        .untyped("Attachment")
        .upload(&upload(), b"x")
        .await
        .unwrap_err();
    assert!(error.is_forbidden() && error.to_string().contains("Not allowed file type."));
}
