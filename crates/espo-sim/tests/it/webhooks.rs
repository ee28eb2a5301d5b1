//! Webhooks: their records, and the delivery of changes with signatures, batches and retries.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::common::Talk;
use base64::Engine;
use espo_sim::{Sim, User, Users};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;

/// A request as a receiver got it.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> String {
        let found = self
            .head
            .lines()
            .filter_map(|l| l.split_once(':'))
            .find(|(k, _)| k.eq_ignore_ascii_case(name));
        found.map(|(_, v)| v.trim().to_owned()).unwrap_or_default()
    }

    fn items(&self) -> Vec<Json> {
        serde_json::from_slice(&self.body).expect("an array")
    }
}

/// Listens and responds to successive requests with these statuses; the last one is used for all further requests.
fn receiver(statuses: &'static [u16]) -> (SocketAddr, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            let received = loop {
                let n = stream.read(&mut buffer).expect("a request");
                bytes.extend_from_slice(&buffer[..n]);
                let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
                    continue;
                };
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let r = Received {
                    head,
                    body: bytes[end + 4..].to_vec(),
                };
                if r.body.len() >= r.header("content-length").parse().expect("a length") {
                    break r;
                }
            };
            let status = statuses[n.min(statuses.len() - 1)];
            let _ = stream.write_all(
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            );
            if send.send(received).is_err() {
                return;
            }
        }
    });
    (address, receive)
}

fn next(from: &Receiver<Received>) -> Received {
    from.recv_timeout(Duration::from_secs(20))
        .expect("a delivery")
}

async fn start() -> Sim {
    Sim::builder()
        .background_delay(Duration::from_millis(100))
        .webhook_retry(Duration::from_millis(10))
        .start()
        .await
        .expect("a server")
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_created_with_201_and_a_secret() {
    let sim = start().await;
    let api = Talk::api(&sim);
    let answer = api.post(
        "Webhook",
        json!({"event": "Account.fieldUpdate.assignedUser", "url": "http://127.0.0.1:9/x"}),
    );
    assert_eq!(answer.status, 201);
    let hook = answer.json();
    assert_eq!(
        (&hook["entityType"], &hook["type"], &hook["field"]),
        (
            &json!("Account"),
            &json!("fieldUpdate"),
            &json!("assignedUser")
        )
    );
    assert_eq!(hook["secretKey"].as_str().map(str::len), Some(32));
    let id = hook["id"].as_str().expect("an id");
    api.put(
        &format!("Webhook/{id}"),
        json!({"event": "Account.delete", "isActive": false}),
    )
    .ok();
    let read = api.get(&format!("Webhook/{id}")).ok();
    assert_eq!(
        (&read["event"], &read["isActive"]),
        (&json!("Account.fieldUpdate.assignedUser"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_events_and_addresses_are_rejected() {
    let sim = start().await;
    let api = Talk::api(&sim);
    let url = "http://127.0.0.1:9/";
    for (body, status, reason) in [
        (
            json!({"event": "Nothing.create", "url": url}),
            403,
            "Entity type is not available for Webhooks.",
        ),
        (
            json!({"event": "Account.boil", "url": url}),
            403,
            "Not supported event.",
        ),
        (
            json!({"event": "Account", "url": url}),
            403,
            "Not supported event.",
        ),
        (
            json!({"event": "Account.create"}),
            400,
            "Field validation failure; entityType: Webhook, field: url, type: required.",
        ),
        (
            json!({"event": "Account.create", "url": "http://10.1.2.3/"}),
            400,
            "Field validation failure; entityType: Webhook, field: url, type: notInternal.",
        ),
    ] {
        let answer = api.post("Webhook", body.clone());
        assert_eq!((answer.status, answer.reason()), (status, reason), "{body}");
    }
    assert_eq!(sim.count("Webhook"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_delivered_in_one_batch_with_both_signatures() {
    let sim = start().await;
    let api = Talk::api(&sim);
    let (address, received) = receiver(&[200]);
    let hook = api
        .post(
            "Webhook",
            json!({"event": "Account.create", "url": format!("http://{address}/hook?a=1")}),
        )
        .json();
    api.create("Account", json!({"name": "One/1"}));
    api.create("Account", json!({"name": "Two"}));
    let request = next(&received);
    assert!(
        request.head.starts_with("POST /hook?a=1 HTTP/1.1"),
        "{}",
        request.head
    );
    let names: Vec<Json> = request.items().iter().map(|i| i["name"].clone()).collect();
    assert_eq!(names, [json!("One/1"), json!("Two")]);
    assert!(
        String::from_utf8_lossy(&request.body).contains("One\\/1"),
        "PHP escapes slashes"
    );

    let (id, secret) = (
        hook["id"].as_str().expect("an id"),
        hook["secretKey"].as_str().expect("a secret"),
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(&request.body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD;
    assert_eq!(
        request.header("signature"),
        base64.encode(format!("{id}:{hex}"))
    );
    let raw: Vec<u8> = id
        .bytes()
        .chain(*b":")
        .chain(digest.iter().copied())
        .collect();
    assert_eq!(request.header("x-signature"), base64.encode(raw));
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_send_changed_attributes_and_deletes_send_the_id() {
    let sim = start().await;
    let api = Talk::api(&sim);
    let (address, received) = receiver(&[200]);
    let url = format!("http://{address}/");
    let id = api.create("Account", json!({"name": "Before", "industry": "Finance"}));
    api.post("Webhook", json!({"event": "Account.update", "url": url}));
    api.put(
        &format!("Account/{id}"),
        json!({"name": "After", "industry": "Finance"}),
    )
    .ok();
    let items = next(&received).items();
    assert_eq!(items[0]["id"], json!(id));
    assert_eq!(items[0]["name"], json!("After"));
    for absent in ["industry", "modifiedAt", "versionNumber"] {
        assert!(items[0].get(absent).is_none(), "{absent}: {}", items[0]);
    }
    api.post("Webhook", json!({"event": "Account.delete", "url": url}));
    api.delete(&format!("Account/{id}"));
    assert_eq!(next(&received).items(), [json!({"id": id})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_retried_and_status_410_ends_the_webhook() {
    let sim = start().await;
    let api = Talk::api(&sim);
    let (address, received) = receiver(&[503, 500, 404, 200]);
    api.post(
        "Webhook",
        json!({"event": "Account.create", "url": format!("http://{address}/")}),
    );
    let id = api.create("Account", json!({"name": "Again"}));
    for _ in 0..4 {
        assert_eq!(next(&received).items()[0]["id"], json!(id));
    }
    let (gone, told) = receiver(&[410]);
    let hook = api
        .post(
            "Webhook",
            json!({"event": "Lead.create", "url": format!("http://{gone}/")}),
        )
        .json();
    api.create("Lead", json!({"lastName": "L"}));
    next(&told);
    let path = format!("Webhook/{}", hook["id"].as_str().expect("an id"));
    // The sender receives the response shortly after this.
    let removed = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        api.get(&path).status == 404
    });
    assert!(removed, "410 removes the webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn own_changes_are_skipped_if_requested() {
    let sim = start().await;
    let api = Talk::api(&sim);
    let (address, received) = receiver(&[200]);
    api.post(
        "Webhook",
        json!({"event": "Account.create", "url": format!("http://{address}/"), "skipOwn": true}),
    );
    api.create("Account", json!({"name": "Mine"}));
    Talk::admin(&sim).create("Account", json!({"name": "Theirs"}));
    let names: Vec<Json> = next(&received)
        .items()
        .iter()
        .map(|i| i["name"].clone())
        .collect();
    assert_eq!(names, [json!("Theirs")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_users_have_own_webhooks_and_regular_users_have_none() {
    let mut users = Users::sample();
    let other = users
        .users
        .iter()
        .find(|u| u.user_name == "api-key")
        .cloned()
        .expect("the user");
    users.users.push(User {
        id: "second".to_owned(),
        user_name: "second".to_owned(),
        api_key: Some("2".repeat(32)),
        ..other
    });
    let sim = Sim::builder().users(users).start().await.expect("a server");
    let (first, second) = (Talk::api(&sim), Talk::key(&sim, "second"));
    let hook = first
        .post(
            "Webhook",
            json!({"event": "Account.create", "url": "http://127.0.0.1:9/"}),
        )
        .json();
    let path = format!("Webhook/{}", hook["id"].as_str().expect("an id"));
    assert_eq!(
        (first.get(&path).status, second.get(&path).status),
        (200, 403)
    );
    assert_eq!(second.get("Webhook").ok()["total"], json!(0));
    assert_eq!(second.delete(&path).status, 403);
    assert_eq!(Talk::admin(&sim).get("Webhook").ok()["total"], json!(1));
}
