//! Ensuring exactly one webhook for an event and a URL.

use std::sync::{Arc, Mutex};

use espo_core::webhook::Event;
use serde_json::{Value, json};

use crate::server::{Act, Server, json as answer};

const URL: &str = "https://hooks.example.com/Espo";

/// A server that stores webhooks.
async fn server(hooks: Vec<Value>) -> (Server, Arc<Mutex<Vec<Value>>>) {
    let kept = Arc::new(Mutex::new(hooks));
    let store = Arc::clone(&kept);
    let server = Server::start(move |seen, _| -> Act {
        let mut hooks = store.lock().unwrap();
        let id = seen
            .path()
            .strip_prefix("/api/v1/Webhook/")
            .map(str::to_owned);
        match (seen.method.as_str(), id) {
            ("GET", None) => {
                let mut list = hooks.clone();
                for hook in &mut list {
                    hook.as_object_mut().unwrap().remove("secretKey");
                }
                answer(200, &json!({"total": list.len(), "list": list}).to_string())
            }
            ("GET", Some(id)) => {
                let hook = hooks.iter().find(|hook| hook["id"] == id.as_str()).unwrap();
                answer(200, &hook.to_string())
            }
            ("POST", None) => {
                let mut hook = seen.json();
                hook["id"] = json!(format!("n{}", hooks.len()));
                hook["secretKey"] = json!("k3y");
                hook["isActive"] = json!(true);
                hooks.push(hook.clone());
                answer(201, &hook.to_string())
            }
            ("PUT", Some(id)) => {
                let hook = hooks
                    .iter_mut()
                    .find(|hook| hook["id"] == id.as_str())
                    .unwrap();
                hook["isActive"] = seen.json()["isActive"].clone();
                answer(200, &hook.to_string())
            }
            (_, id) => {
                hooks.retain(|hook| Some(hook["id"].as_str().unwrap()) != id.as_deref());
                answer(200, "true")
            }
        }
    })
    .await;
    (server, kept)
}

fn hook(id: &str, url: &str, active: bool) -> Value {
    json!({"id": id, "event": "Account.update", "url": url, "isActive": active, "secretKey": "k3y"})
}

fn ids(of: &Mutex<Vec<Value>>) -> Vec<String> {
    of.lock()
        .unwrap()
        .iter()
        .map(|hook| hook["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn ensure_creates_a_missing_webhook_once() {
    let (server, kept) = server(vec![hook("a", "https://other.example", true)]).await;
    let client = server.client();
    let event = Event::new("Account.update");
    for _ in 0..2 {
        let ensured = client.untyped("Webhook").ensure(&event, URL).await.unwrap();
        assert_eq!(ensured["id"], "n1");
        assert_eq!(ensured["secretKey"], "k3y");
    }
    assert_eq!(ids(&kept), ["a", "n1"]);
}

#[tokio::test]
async fn ensure_keeps_one_active_webhook() {
    let (server, kept) = server(vec![
        hook("c", URL, true),
        hook("a", URL, false),
        hook("b", URL, true),
        // The database finds it because it ignores case; it is a different address.
        hook("d", &URL.to_lowercase(), true),
    ])
    .await;
    let client = server.client();
    let ensured = client
        .untyped("Webhook")
        .ensure(&Event::new("Account.update"), URL)
        .await
        .unwrap();
    assert_eq!(
        (&ensured["id"], &ensured["isActive"]),
        (&json!("a"), &json!(true))
    );
    assert_eq!(ids(&kept), ["a", "d"]);
}
