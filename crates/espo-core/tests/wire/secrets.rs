//! Secrets do not appear in `Debug`, `Display`, traces at the most detailed level, or hooks.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use espo_core::hooks::{Hook, Outgoing};
use espo_core::http::Method;
use espo_core::secrecy::SecretString;
use espo_core::webhook::Event;
use espo_core::{Auth, Client, Error, JsonObject, Request, Response};

use crate::server::{Act, Seen, Server, builder, bytes, json};

const SECRETS: [&str; 9] = [
    "s3cret-key",
    "s3cret-hmac",
    "s3cret-password",
    "s3cret-token",
    "s3cret-cookie",
    "s3cret-code",
    "s3cret-hook",
    "s3cret-capture",
    "s3cret-proxy",
];

/// All output that was written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn note(&self, what: impl std::fmt::Debug) {
        let mut text = String::new();
        writeln!(text, "{what:?} {what:#?}").unwrap();
        self.0.lock().unwrap().extend_from_slice(text.as_bytes());
    }

    fn note_error(&self, error: &Error) {
        self.note(error);
        self.note(error.to_string());
        self.note(error.decode_fault());
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Some of the libraries write to `log` instead of `tracing`.
impl log::Log for Sink {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.note(record.args());
    }

    fn flush(&self) {}
}

struct Look(Sink);

impl Hook for Look {
    fn before(&self, request: &mut Outgoing<'_>) {
        self.0.note(&*request);
    }

    fn after(&self, result: Result<&Response, &Error>) {
        match result {
            Ok(response) => self.0.note(response),
            Err(error) => self.0.note_error(error),
        }
    }
}

fn every_auth() -> Vec<Auth> {
    vec![
        Auth::api_key("s3cret-key"),
        Auth::hmac("s3cret-key", "s3cret-hmac").into(),
        Auth::hmac("s3cret-key", "s3cret-hmac").raw_digest().into(),
        Auth::basic("bob", "s3cret-password").into(),
        Auth::password("bob", "s3cret-password")
            .on_every_request()
            .into(),
        Auth::password("bob", "s3cret-password")
            .second_factor("s3cret-code")
            .with_token_secret()
            .into(),
        Auth::token("bob", "s3cret-token", Some("s3cret-cookie".into())).into(),
    ]
}

/// The possible responses of a server: successes, HTML, rejections and broken ones.
fn answer(round: usize, path: &str) -> Act {
    if path.ends_with("App/user") && round != 3 {
        return Act::Write(bytes(
            200,
            "application/json",
            "Set-Cookie: auth-token-secret=s3cret-cookie; path=/\r\n",
            br#"{"user":{"userName":"bob","token":"s3cret-token"},"token":"s3cret-token"}"#,
        ));
    }
    if path.contains("Webhook") {
        return json(
            200,
            r#"{"id":"1","secretKey":"s3cret-hook","event":"A.create"}"#,
        );
    }
    match round {
        0 => json(200, "true"),
        1 => Act::Write(bytes(200, "text/html", "", b"<html>")),
        2 => json(404, ""),
        3 => Act::Write(bytes(401, "text/html", "", b"")),
        4 => Act::Cut(Vec::new()),
        _ => Act::Write(bytes(
            302,
            "text/html",
            "Location: http://bob:s3cret-proxy@example.com/?x=s3cret-token\r\n",
            b"",
        )),
    }
}

async fn exercise(client: &Client, sink: &Sink) {
    let app = client.app().user::<JsonObject>().await;
    if let Err(error) = &app {
        sink.note_error(error);
    }
    sink.note(app.ok());
    let leads = client.untyped("Lead");
    let capture = leads.capture("s3cret-capture", JsonObject::new()).await;
    if let Err(error) = &capture {
        sink.note_error(error);
    }
    let secret = SecretString::from("s3cret-password");
    let changed = client.change_password(&secret, &secret).await;
    if let Err(error) = &changed {
        sink.note_error(error);
    }
    let webhooks = client.untyped("Webhook");
    let ensured = webhooks.ensure(&Event::new("A.create"), "https://x").await;
    if let Err(error) = &ensured {
        sink.note_error(error);
    }
    let request = Request::new(Method::POST, &["X"])
        .header("X-Mine", "s3cret-key")
        .query("k", "s3cret-key")
        .json("s3cret-password");
    sink.note(&request);
    match client.send(request).await {
        Ok(response) => {
            sink.note(&response);
            if let Err(error) = response.json::<u8>() {
                sink.note_error(&error);
            }
        }
        Err(error) => sink.note_error(&error),
    }
    if let Err(error) = client.log_out().await {
        sink.note_error(&error);
    }
    sink.note(client);
}

#[tokio::test]
async fn no_secret_is_written_anywhere() {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: with a subscriber for this thread only, a call in another test could cache that no
    // subscriber is interested.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log::set_boxed_logger(Box::new(sink.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    for round in 0..6 {
        for auth in every_auth() {
            let server = Server::start(move |seen, _| answer(round, seen.path())).await;
            sink.note(&auth);
            let settings = builder(&server.url()).auth(auth).hook(Look(sink.clone()));
            sink.note(&settings);
            exercise(&settings.build().unwrap(), &sink).await;
        }
    }
    // A proxy that is not reachable, and one with an invalid URL.
    for proxy in [
        "http://bob:s3cret-proxy@127.0.0.1:9",
        "bob:s3cret-proxy@:9:9",
    ] {
        let settings = builder("http://127.0.0.1:9").proxy(proxy);
        sink.note(&settings);
        match settings.build() {
            Ok(client) => exercise(&client, &sink).await,
            Err(error) => sink.note_error(&error),
        }
    }
    if let Err(error) = builder("https://bob:s3cret-password@example.com").build() {
        sink.note_error(&error);
    }

    let text = sink.text();
    assert!(text.contains("http.client.request"), "traces were captured");
    assert!(
        text.contains("http.response.status_code"),
        "with OpenTelemetry's names"
    );
    assert!(text.contains("/LeadCapture/…"));
    for secret in SECRETS {
        let encoded = [
            secret.to_owned(),
            base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                format!("bob:{secret}"),
            ),
        ];
        for form in encoded {
            let at = text.find(&form);
            assert!(at.is_none(), "{form} in …{}…", {
                let at = at.unwrap();
                text.get(at.saturating_sub(200)..at + 60).unwrap_or("?")
            });
        }
    }
}

/// Responds with everything that the client sent and with its credentials: in the reason, in bodies, in values.
fn echo(seen: &Seen, number: usize) -> Act {
    if seen.path().ends_with("App/user") && number == 0 {
        return Act::Write(bytes(
            200,
            "application/json",
            "Set-Cookie: auth-token-secret=s3cret-cookie; path=/\r\n",
            br#"{"user":{"userName":"bob"},"token":"s3cret-token"}"#,
        ));
    }
    let sent: Vec<&str> = seen
        .headers
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    let said = format!("{} {} for bob", sent.join(" "), SECRETS.join(" "));
    let reason = format!("X-Status-Reason: {said}\r\n");
    let quoted = serde_json::Value::from(said.clone()).to_string();
    match seen.path() {
        path if path.ends_with("Page") => {
            let row =
                format!(r#"{{"list":[{{"id":{quoted},"total":{quoted}}}],"total":{quoted}}}"#);
            Act::Write(bytes(200, "application/json", "", row.as_bytes()))
        }
        path if path.ends_with("Html") => Act::Write(bytes(200, "text/html", "", said.as_bytes())),
        path if path.ends_with("Away") => {
            let location = format!("Location: https://other/{}\r\n", SECRETS.join("/"));
            Act::Write(bytes(302, "text/html", &location, b""))
        }
        path if path.ends_with("Conflict") => {
            Act::Write(bytes(409, "application/json", &reason, quoted.as_bytes()))
        }
        _ => Act::Write(bytes(403, "application/json", &reason, quoted.as_bytes())),
    }
}

#[tokio::test]
async fn secrets_that_a_server_echoes_are_redacted() {
    for auth in every_auth() {
        let own = own_secrets(&auth);
        let server = Server::start(echo).await;
        let client = builder(&server.url())
            .auth(auth)
            .header("X-Gateway-Token", "s3cret-proxy")
            .header("X-Environment", "production")
            .build()
            .unwrap();
        for path in ["Page", "Html", "Away", "Conflict", "Refused"] {
            let request = Request::new(Method::GET, &[path]);
            let error = match client.send(request).await {
                Ok(response) => response
                    .json::<Vec<u8>>()
                    .expect_err("not a list of numbers"),
                Err(error) => error,
            };
            let shown = format!(
                "{error} {error:?} {} {:?} {:?}",
                error.report(),
                error.reason(),
                error.decode_fault(),
            );
            for secret in own.iter().chain(&["s3cret-proxy"]) {
                assert!(!shown.contains(secret), "{secret} in {shown}");
                let encoded = base64::Engine::encode(
                    &base64::engine::general_purpose::STANDARD,
                    format!("bob:{secret}"),
                );
                assert!(!shown.contains(&encoded), "{secret} encoded in {shown}");
            }
            if ["Conflict", "Refused"].contains(&path) {
                assert!(
                    shown.contains("for bob") && shown.contains("production"),
                    "{shown}"
                );
            }
        }
    }
}

/// The secrets of an authentication, as the client knows them.
fn own_secrets(auth: &Auth) -> Vec<&'static str> {
    let kind = format!("{auth:?}");
    let has = |name: &str| kind.contains(&format!("\"{name}\""));
    if has("api key") {
        vec!["s3cret-key"]
    } else if has("hmac") {
        vec!["s3cret-key", "s3cret-hmac"]
    } else if has("token") {
        vec!["s3cret-token", "s3cret-cookie"]
    } else {
        vec!["s3cret-password"]
    }
}

#[tokio::test]
async fn tokens_of_a_login_and_headers_of_a_request_are_redacted() {
    let server = Server::start(echo).await;
    let auth = Auth::password("bob", "s3cret-password").with_token_secret();
    let client = builder(&server.url()).auth(auth).build().unwrap();
    let request = Request::new(Method::GET, &["Refused"]).header("X-Mine-Key", "s3cret-capture");
    let error = client.send(request).await.expect_err("refused");
    let shown = format!("{error} {error:?}");
    for secret in [
        "s3cret-password",
        "s3cret-token",
        "s3cret-cookie",
        "s3cret-capture",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    // Not this client's.
    assert!(shown.contains("s3cret-hook"), "{shown}");
}

#[tokio::test]
async fn values_of_rejected_records_are_redacted() {
    let server = Server::answering(
        r#"{"list":[{"id":"1","name":"s3cret-key","meta":"s3cret-key"},{"id":2,"name":"s3cret-key"}],"total":2}"#,
    )
    .await;
    let client = builder(&server.url())
        .auth(Auth::api_key("s3cret-key"))
        .build()
        .unwrap();
    let page = client.untyped("X").list().send().await;
    let shown = format!("{page:?}");
    let rejected = match page {
        Ok(page) => format!("{:?}", page.rejected),
        Err(error) => error.to_string(),
    };
    assert!(!rejected.contains("s3cret-key"), "{shown}");
}
