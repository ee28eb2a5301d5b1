//! All authentication schemes, the shared login, and the effect of a rejection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use espo_core::http::Method;
use espo_core::{Auth, Client, Outcome, Request};

use crate::server::{Act, Seen, Server, builder, bytes, empty, json};

const LOGIN: &str = r#"{"user":{"id":"1","userName":"bob"},"token":"t0ken"}"#;

fn plain(seen: &Seen, header: &str) -> String {
    let value = seen.header(header).expect(header);
    let value = value.strip_prefix("Basic ").unwrap_or(value);
    String::from_utf8(STANDARD.decode(value).unwrap()).unwrap()
}

fn client(server: &Server, auth: impl Into<Auth>) -> Client {
    builder(&server.url()).auth(auth).build().unwrap()
}

async fn read(client: &Client) -> Result<(), espo_core::Error> {
    client
        .send(Request::new(Method::GET, &["Account", "a b"]).query("x", 1))
        .await
        .map(drop)
}

#[tokio::test]
async fn each_scheme_sends_its_header() {
    let server = Server::answering("{}").await;
    read(&client(&server, Auth::api_key("k3y"))).await.unwrap();
    assert_eq!(server.last().header("X-Api-Key"), Some("k3y"));

    read(&client(&server, Auth::basic("bob", "pä:ss")))
        .await
        .unwrap();
    assert_eq!(plain(&server.last(), "Authorization"), "bob:pä:ss");

    read(&client(
        &server,
        Auth::password("bob", "pass").on_every_request(),
    ))
    .await
    .unwrap();
    assert_eq!(plain(&server.last(), "Espo-Authorization"), "bob:pass");
    assert_eq!(server.last().header("Espo-Authorization-By-Token"), None);

    let token = Auth::token("bob", "t0ken", Some("cook1e".into()));
    read(&client(&server, token)).await.unwrap();
    assert_eq!(plain(&server.last(), "Espo-Authorization"), "bob:t0ken");
    assert_eq!(
        server.last().header("Espo-Authorization-By-Token"),
        Some("true")
    );
    assert_eq!(
        server.last().header("Cookie"),
        Some("auth-token-secret=cook1e")
    );

    read(&client(&server, Auth::basic("root", "p").acting_as("bob")))
        .await
        .unwrap();
    assert_eq!(server.last().header("X-Another-User"), Some("bob"));

    read(&client(&server, Auth::none())).await.unwrap();
    for name in [
        "X-Api-Key",
        "Authorization",
        "Espo-Authorization",
        "X-Hmac-Authorization",
    ] {
        assert_eq!(server.last().header(name), None);
    }
}

#[tokio::test]
async fn hmac_signs_the_path_as_sent_without_the_query() {
    let server = Server::answering("{}").await;
    read(&client(&server, Auth::hmac("key", "secret")))
        .await
        .unwrap();
    assert_eq!(server.last().target, "/api/v1/Account/a%20b?x=1");
    // printf 'GET /Account/a%20b' | openssl dgst -sha256 -hmac secret
    assert_eq!(
        plain(&server.last(), "X-Hmac-Authorization"),
        format!("key:{SIGNED}")
    );
}

#[tokio::test]
async fn concurrent_tasks_log_in_once_per_token() {
    let log_ins = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&log_ins);
    let server = Server::start(move |seen, _| {
        if seen.path() == "/api/v1/App/user" {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let body = format!(r#"{{"user":{{"userName":"bob"}},"token":"t{number}"}}"#);
            return json(200, &body);
        }
        // The first token has expired; a POST may be retried because it was rejected.
        match plain(seen, "Espo-Authorization").as_str() {
            "bob:t1" => json(200, "true"),
            _ => Act::Write(bytes(401, "text/html", "", b"")),
        }
    })
    .await;
    let client = client(&server, Auth::password("bob", "pass"));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        tasks.spawn(async move { client.send(Request::new(Method::POST, &["Note"])).await });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(log_ins.load(Ordering::SeqCst), 2);
    let with_password = server
        .seen()
        .iter()
        .filter(|seen| plain(seen, "Espo-Authorization") == "bob:pass")
        .count();
    assert_eq!(with_password, 2, "only logins send the password");
}

#[tokio::test]
async fn rejected_new_tokens_are_not_retried() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/App/user" => json(200, LOGIN),
        _ => empty(401, ""),
    })
    .await;
    let client = client(&server, Auth::password("bob", "pass"));
    assert!(read(&client).await.unwrap_err().is_unauthorized());
    let requests = server.seen().len();
    assert_eq!(requests, 4, "two logins, two attempts");
    assert!(read(&client).await.unwrap_err().is_unauthorized());
    assert_eq!(server.seen().len(), requests);
}

#[tokio::test]
async fn the_token_secret_comes_from_the_cookie() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/App/user" => Act::Write(bytes(
            200,
            "application/json",
            "Set-Cookie: auth-token-secret=s3c; path=/; HttpOnly; SameSite=Lax\r\n",
            LOGIN.as_bytes(),
        )),
        _ => json(200, "{}"),
    })
    .await;
    read(&client(
        &server,
        Auth::password("bob", "pass").with_token_secret(),
    ))
    .await
    .unwrap();
    let seen = server.seen();
    assert_eq!(
        seen[0].header("Espo-Authorization-Create-Token-Secret"),
        Some("true")
    );
    assert_eq!(seen[1].header("Cookie"), Some("auth-token-secret=s3c"));
    assert_eq!(plain(&seen[1], "Espo-Authorization"), "bob:t0ken");
}

#[tokio::test]
async fn second_factor_codes_are_sent_once() {
    let server =
        Server::start(
            |seen, _| match (seen.path(), seen.header("Espo-Authorization-Code")) {
                ("/api/v1/App/user", Some("123456")) => json(200, LOGIN),
                ("/api/v1/App/user", _) => Act::Write(bytes(
                    401,
                    "application/json",
                    "X-Status-Reason: second-step-required\r\n",
                    br#"{"status":"secondStepRequired","message":"enterTotpCode"}"#,
                )),
                _ => json(200, "{}"),
            },
        )
        .await;
    let client = client(&server, Auth::password("bob", "pass"));
    let error = client.log_in().await.unwrap_err();
    assert!(error.is_second_factor_required(), "{error}");
    assert!(error.to_string().contains("second-factor code"), "{error}");
    assert!(read(&client).await.is_err(), "not sent");
    assert_eq!(server.seen().len(), 1);
    client.log_in_with_code("123456").await.unwrap();
    read(&client).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn logging_out_destroys_the_token() {
    let server = Server::start(|seen, _| match seen.path() {
        "/api/v1/App/user" => json(200, LOGIN),
        _ => json(200, "true"),
    })
    .await;
    let client = client(&server, Auth::password("bob", "pass"));
    assert!(!client.log_out().await.unwrap(), "there was no token");
    client.log_in().await.unwrap();
    assert!(client.log_out().await.unwrap());
    assert_eq!(server.last().path(), "/api/v1/App/destroyAuthToken");
    assert_eq!(server.last().json()["token"], "t0ken");
    read(&client).await.unwrap();
    let log_ins = server
        .seen()
        .iter()
        .filter(|seen| seen.path().ends_with("App/user"))
        .count();
    assert_eq!(log_ins, 2);
}

#[tokio::test]
async fn rejected_credentials_are_sent_only_once() {
    for auth in [
        Auth::api_key("wrong"),
        Auth::hmac("wrong", "wrong").into(),
        Auth::basic("bob", "wrong").into(),
        Auth::password("bob", "wrong").into(),
        Auth::token("bob", "wrong", None).into(),
    ] {
        let server = Server::start(|_, _| Act::Write(bytes(401, "text/html", "", b""))).await;
        let client = client(&server, auth);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            tasks.spawn(async move { read(&client).await.unwrap_err() });
        }
        let mut not_sent = 0;
        while let Some(error) = tasks.join_next().await {
            let error = error.unwrap();
            assert!(error.is_unauthorized());
            not_sent += usize::from(error.outcome() == Outcome::NotSent);
        }
        assert_eq!(server.seen().len(), 1);
        assert!(not_sent >= 49);

        client.forget_refusal();
        assert!(read(&client).await.is_err());
        assert_eq!(
            server.seen().len(),
            2,
            "it tries again after forget_refusal"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn verified_credentials_allow_concurrent_requests() {
    // Both requests must arrive before either receives a response.
    let gate = Arc::new(std::sync::Barrier::new(2));
    let server = Server::start(move |_, number| {
        if number > 0 {
            tokio::task::block_in_place(|| gate.wait());
        }
        json(200, "{}")
    })
    .await;
    let client = server.client();
    read(&client).await.unwrap();
    let (a, b) = tokio::join!(read(&client), read(&client));
    a.unwrap();
    b.unwrap();
}

const SIGNED: &str = "eeb0c6bcf46ae890a3cd1712faf6e336e5a088eddf86dbc534f9c2f47b8be52a";

#[tokio::test]
async fn bearer_tokens_use_the_authorization_header() {
    let server = Server::answering("{}").await;
    read(&client(&server, Auth::bearer("t0ken"))).await.unwrap();
    assert_eq!(server.last().header("Authorization"), Some("Bearer t0ken"));
}

/// A server with one user whose password can be changed, which ends the user's tokens.
async fn with_password() -> Server {
    let state = Arc::new(std::sync::Mutex::new(("old".to_owned(), 0)));
    Server::start(move |seen, _| {
        let mut state = state.lock().unwrap();
        let given = plain(
            seen,
            if seen.header("Authorization").is_some() {
                "Authorization"
            } else {
                "Espo-Authorization"
            },
        );
        let by_token = seen.header("Espo-Authorization-By-Token").is_some();
        let good = match by_token {
            true => given == format!("bob:t{}", state.1),
            false => given == format!("bob:{}", state.0),
        };
        if !good {
            return empty(401, "");
        }
        match seen.path() {
            "/api/v1/UserSecurity/password" => {
                state.0 = seen.json()["password"].as_str().unwrap().to_owned();
                state.1 += 1;
                json(200, "true")
            }
            _ => json(
                200,
                &format!(r#"{{"user":{{"userName":"bob"}},"token":"t{}"}}"#, state.1),
            ),
        }
    })
    .await
}

#[tokio::test]
async fn clients_keep_working_after_changing_the_password() {
    let schemes: [Auth; 4] = [
        Auth::password("bob", "old").into(),
        Auth::password("bob", "old").on_every_request().into(),
        Auth::basic("bob", "old").into(),
        Auth::token("bob", "t0", None).into(),
    ];
    for auth in schemes {
        let server = with_password().await;
        let client = client(&server, auth.clone());
        read(&client).await.unwrap();
        client
            .change_password(&"old".into(), &"new".into())
            .await
            .unwrap();
        read(&client)
            .await
            .unwrap_or_else(|error| panic!("{auth:?}: {error}"));
    }
}

#[tokio::test]
async fn exported_sessions_are_reused_and_renewed() {
    let server = with_password().await;
    let first = client(&server, Auth::password("bob", "old"));
    assert!(first.session().is_none());
    read(&first).await.unwrap();
    let session = first.session().unwrap();
    assert!(!format!("{session:?} {:?}", session.expose()).contains("t0"));
    let stored = serde_json::to_string(&session.expose()).unwrap();
    assert_eq!(stored, r#"{"user":"bob","token":"t0"}"#);
    let stored: espo_core::auth::ExposedSession = serde_json::from_str(&stored).unwrap();

    let before = server.seen().len();
    let reuse = |session| client(&server, Auth::password("bob", "old").reuse(Some(session)));
    read(&reuse(stored.clone().into())).await.unwrap();
    assert_eq!(server.seen().len(), before + 1, "no login");
    assert_eq!(plain(&server.last(), "Espo-Authorization"), "bob:t0");
    read(&client(&server, Auth::session(stored.into())))
        .await
        .unwrap();

    let expired = espo_core::auth::Session::new("bob", "t9", None);
    read(&reuse(expired.clone())).await.unwrap();
    let error = read(&client(&server, Auth::session(expired)))
        .await
        .unwrap_err();
    assert!(error.is_unauthorized());
}
