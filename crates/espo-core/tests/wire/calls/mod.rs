//! Each typed call sends the request in the API's documentation and reads the server's response.

mod bulk;
mod crm;
mod stream;

use std::sync::{Arc, Mutex};

use espo_core::http::Method;
use espo_core::{Client, Error, JsonObject, Total};
use serde_json::{Value, json};

use crate::server::{Seen, Server, json as answer};

/// A client, and a server that returns the response set last.
struct Bench {
    server: Server,
    crm: Client,
    answer: Arc<Mutex<String>>,
}

impl Bench {
    async fn new() -> Self {
        let next = Arc::new(Mutex::new(String::new()));
        let given = Arc::clone(&next);
        let server = Server::start(move |_, _| answer(200, &given.lock().unwrap())).await;
        let crm = server.client();
        Self {
            server,
            crm,
            answer: next,
        }
    }

    fn gives(&self, body: &str) -> &Client {
        *self.answer.lock().unwrap() = body.to_owned();
        &self.crm
    }

    /// Checks the last request: `METHOD path?query` after the API base, and its body.
    #[track_caller]
    fn sent(&self, line: &str, body: Value) {
        let seen: Seen = self.server.last();
        let target = seen.target.strip_prefix("/api/v1/").unwrap();
        assert_eq!(format!("{} {target}", seen.method), line);
        if body.is_null() {
            assert!(
                seen.body.is_empty(),
                "{:?}",
                String::from_utf8_lossy(&seen.body)
            );
        } else {
            assert_eq!(seen.json(), body);
            assert_eq!(seen.header("Content-Type"), Some("application/json"));
        }
    }
}

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn calls_about_the_instance_match_the_api() {
    let bench = Bench::new().await;
    let user = bench
        .gives(r#"{"user":{"id":"1","userName":"bob","type":"admin","token":"t"},"token":"t","acl":{"table":{}},"language":"en_US"}"#)
        .app()
        .user::<JsonObject>()
        .await
        .unwrap();
    bench.sent("GET App/user", Value::Null);
    assert_eq!((user.id().as_str(), user.user_name()), ("1", Some("bob")));
    assert!(user.is_admin() && !user.user.contains_key("token"));

    let about = bench
        .gives(r#"{"text":"…","version":"9.3.10"}"#)
        .app()
        .about()
        .await
        .unwrap();
    bench.sent("GET App/about", Value::Null);
    assert_eq!(about.numbers(), Some((9, 3, 10)));

    bench.gives("{}").app().params().await.unwrap();
    bench.sent("GET App/appParams", Value::Null);
    bench
        .gives(r#"{"version":"9"}"#)
        .app()
        .settings()
        .await
        .unwrap();
    bench.sent("GET Settings", Value::Null);
    let values = object(json!({"timeZone": "UTC"}));
    bench
        .gives("{}")
        .app()
        .update_settings(&values)
        .await
        .unwrap();
    bench.sent("PUT Settings", json!({"timeZone": "UTC"}));
    bench.gives("{}").app().metadata().await.unwrap();
    bench.sent("GET Metadata", Value::Null);
    let at = bench
        .gives(r#"["a"]"#)
        .app()
        .metadata_at("entityDefs.Lead")
        .await
        .unwrap();
    bench.sent("GET Metadata?key=entityDefs.Lead", Value::Null);
    assert_eq!(at, Some(json!(["a"])));
    assert_eq!(
        bench.gives("").app().metadata_at("no.such").await.unwrap(),
        None
    );
    for (body, expected) in [
        ("varchar", json!("varchar")),
        ("[a-z]+", json!("[a-z]+")),
        ("249", json!(249)),
        ("true", json!(true)),
    ] {
        let at = bench.gives(body).app().metadata_at("a").await.unwrap();
        assert_eq!(at, Some(expected));
    }
    for broken in ["{\"a\": ", "[\"a", "<br />\n<b>Warning</b>: x"] {
        let error = bench.gives(broken).app().metadata_at("a").await;
        assert!(error.is_err(), "{broken}");
    }
    bench.gives("[]").app().i18n(true).await.unwrap();
    bench.sent("GET I18n?default=true", Value::Null);
    bench.gives("{}").app().open_api(true).await.unwrap();
    bench.sent("GET OpenApi?skipCustom=true", Value::Null);
    let found = bench
        .gives(r#"{"total":-1,"list":[{"id":"1","_scope":"Account"}]}"#)
        .global_search("a&b")
        .offset(0)
        .max_size(5)
        .await
        .unwrap();
    bench.sent("GET GlobalSearch?q=a%26b&offset=0&maxSize=5", Value::Null);
    assert_eq!(found.total, Total::More);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .app()
        .last_viewed()
        .await
        .unwrap();
    bench.sent("GET LastViewed", Value::Null);
}

#[tokio::test]
async fn user_and_preference_calls_match_the_api() {
    let bench = Bench::new().await;
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .preferences()
        .await
        .unwrap();
    bench.sent("GET Preferences/7", Value::Null);
    let values = object(json!({"language": "de_DE"}));
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .update_preferences(values)
        .await
        .unwrap();
    bench.sent("PUT Preferences/7", json!({"language": "de_DE"}));
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .reset_preferences()
        .await
        .unwrap();
    bench.sent("DELETE Preferences/7", Value::Null);
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .acl()
        .await
        .unwrap();
    bench.sent("GET User/7/acl", Value::Null);
    let secret = |text: &str| espo_core::secrecy::SecretString::from(text);
    bench
        .gives("true")
        .change_password(&secret("old"), &secret("new"))
        .await
        .unwrap();
    bench.sent(
        "PUT UserSecurity/password",
        json!({"currentPassword": "old", "password": "new"}),
    );
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .generate_api_key()
        .await
        .unwrap();
    bench.sent("POST UserSecurity/apiKey/generate", json!({"id": "7"}));
    bench
        .gives("true")
        .untyped("User")
        .record("7")
        .generate_password()
        .await
        .unwrap();
    bench.sent("POST UserSecurity/password/generate", json!({"id": "7"}));
    bench
        .gives("true")
        .untyped("User")
        .record("7")
        .send_password_link()
        .await
        .unwrap();
    bench.sent("POST UserSecurity/password/recovery", json!({"id": "7"}));
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .security()
        .await
        .unwrap();
    bench.sent("GET UserSecurity/7", Value::Null);
    let values = object(json!({"auth2FA": false}));
    bench
        .gives("{}")
        .untyped("User")
        .record("7")
        .update_security(&values)
        .await
        .unwrap();
    bench.sent("PUT UserSecurity/7", json!({"auth2FA": false}));
}

#[tokio::test]
async fn currency_rates_keep_their_digits_both_ways() {
    let bench = Bench::new().await;
    let rates = bench
        .gives(r#"{"USD":1,"EUR":1.1}"#)
        .currency_rates()
        .await
        .unwrap();
    bench.sent("GET CurrencyRate", Value::Null);
    assert_eq!(rates["EUR"].to_string(), "1.1");
    bench
        .gives("true")
        .set_currency_rates(&rates)
        .await
        .unwrap();
    assert_eq!(bench.server.last().body, br#"{"EUR":1.1,"USD":1}"#);
}

#[tokio::test]
async fn false_instead_of_true_is_an_error() {
    let bench = Bench::new().await;
    let error = bench
        .gives("false")
        .untyped("Meeting")
        .record("1")
        .send_invitations()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("did nothing"), "{error}");
    let error: Error = bench
        .gives("false")
        .untyped("Note")
        .record("n")
        .pin()
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 200);
}

#[tokio::test]
async fn other_calls_use_raw_requests() {
    let bench = Bench::new().await;
    let jobs: Value = bench
        .gives("[1]")
        .request(Method::GET, "Admin/jobs")
        .query("a", 1)
        .send_json()
        .await
        .unwrap();
    bench.sent("GET Admin/jobs?a=1", Value::Null);
    assert_eq!(jobs, json!([1]));
    bench
        .gives("true")
        .request(Method::PUT, ["Team", "1", "userPosition"])
        .json(&json!({"id": "2"}))
        .send()
        .await
        .unwrap();
    bench.sent("PUT Team/1/userPosition", json!({"id": "2"}));
}
