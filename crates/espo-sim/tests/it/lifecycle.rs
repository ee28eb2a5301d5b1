//! The server as a test double: many instances, reproducible responses, a request log and faults.

use std::time::{Duration, Instant};

use crate::common::{Talk, raw};
use espo_sim::{FaultKind, FaultRule, Operation, Sim};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_servers_run_in_one_process_and_stop_when_dropped() {
    let mut sims = Vec::new();
    for _ in 0..200 {
        sims.push(Sim::start().await.unwrap());
    }
    let addresses: Vec<_> = sims.iter().map(Sim::address).collect();
    tokio::task::spawn_blocking(move || {
        for sim in &sims {
            Talk::api(sim).create("Account", json!({"name": "A"}));
            assert_eq!(sim.count("Account"), 1);
        }
    })
    .await
    .unwrap();
    // Dropped now: the ports are closed as soon as their tasks have seen it.
    for address in addresses {
        let closed = async {
            while tokio::net::TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), closed)
            .await
            .expect("the port closes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_and_clock_make_responses_reproducible() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let sim = Sim::builder()
            .seed(7)
            .clock("2026-01-02T03:04:05Z".parse().unwrap())
            .records("Account", 5)
            .start()
            .await
            .unwrap();
        answers.push(
            tokio::task::spawn_blocking(move || {
                let api = Talk::api(&sim);
                let created = api.post("Contact", json!({"lastName": "Doe"})).text();
                (created, api.get("Account").text())
            })
            .await
            .unwrap(),
        );
    }
    assert_eq!(answers[0], answers[1]);
    assert!(
        answers[0]
            .0
            .contains("\"createdAt\":\"2026-01-02 03:04:05\"")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_logged_and_snapshots_restore_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("snapshot.json");
    let sim = Sim::builder().records("Account", 3).start().await.unwrap();
    let path = file.clone();
    let (contact, account) = tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let account = api.create(
            "Account",
            json!({"name": "Kept", "teamsIds": [sim.users().teams[0].id]}),
        );
        let contact = api.create("Contact", json!({"lastName": "C", "accountId": account}));
        let deleted = api.create("Account", json!({"name": "Deleted"}));
        api.delete(&format!("Account/{deleted}"));
        let seen = sim.requests();
        assert_eq!(seen.len(), 4);
        assert_eq!(
            (
                seen[0].method.as_str(),
                seen[0].path.as_str(),
                seen[0].status
            ),
            ("POST", "Account", 200)
        );
        assert_eq!(seen[0].body.as_ref().unwrap()["name"], json!("Kept"));
        sim.save_snapshot(&path).unwrap();
        (contact, account)
    })
    .await
    .unwrap();
    let again = Sim::builder().snapshot(&file).start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&again);
        assert_eq!(again.count("Account"), 4);
        let read = api.get(&format!("Contact/{contact}")).ok();
        assert_eq!(
            (&read["accountName"], &read["accountsIds"]),
            (&json!("Kept"), &json!([account]))
        );
        assert_eq!(
            api.get(&format!("Account/{account}")).ok()["teamsIds"],
            json!([again.users().teams[0].id])
        );
    })
    .await
    .unwrap();
    std::fs::write(&file, "{}").unwrap();
    assert!(
        Sim::builder()
            .snapshot(&file)
            .start()
            .await
            .unwrap_err()
            .to_string()
            .contains("snapshot.json")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_affect_the_requests_of_their_rules() {
    let sim = Sim::builder()
        .seed(1)
        .records("Account", 5)
        .start()
        .await
        .unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let rule = |text: &str| text.parse::<FaultRule>().unwrap();
        let fails = |path: &str| crate::common::send(&sim, "GET", path, &[], None).is_err();

        sim.set_faults(vec![rule("list:#2:status 503 retry-after 7")]);
        let answers: Vec<_> = (0..3).map(|_| api.get("Account")).collect();
        assert_eq!(
            answers.iter().map(|a| a.status).collect::<Vec<_>>(),
            [200, 503, 200]
        );
        assert_eq!(
            answers[1].headers.get("retry-after").map(String::as_str),
            Some("7")
        );
        assert_eq!(api.get("App/user").status, 200);

        // Logins and documents are not operations on records.
        sim.set_faults(vec![rule("read:status 503"), rule("list:status 503")]);
        for path in ["App/user", "Metadata", "Settings", "I18n"] {
            assert_eq!(api.get(path).status, 200, "{path}");
        }
        assert_eq!(api.get("Account/x").status, 503);

        sim.set_faults(vec![rule("maintenance")]);
        let down = api.get("Account");
        assert_eq!(
            (down.status, down.reason()),
            (503, "Application is in maintenance mode.")
        );

        sim.set_faults(vec![rule("list:no-total")]);
        assert_eq!(api.get("Account?maxSize=2").ok()["total"], json!(-1));

        sim.set_faults(vec![FaultRule::always(Operation::Any, FaultKind::Reset)]);
        assert!(fails("Account"));

        sim.set_faults(vec![rule("reset-in-body 50%")]);
        assert!(fails("Settings"));

        sim.set_faults(vec![rule("truncate 50%")]);
        let cut = api.get("Account");
        assert_eq!(cut.status, 200);
        assert!(serde_json::from_slice::<serde_json::Value>(&cut.body).is_err());

        sim.set_faults(vec![rule("latency 60ms")]);
        let start = Instant::now();
        assert_eq!(api.get("Account").status, 200);
        assert!(
            start.elapsed() >= Duration::from_millis(60),
            "never sooner than asked for"
        );

        sim.set_faults(vec![rule("slow-body 64 1ms")]);
        assert_eq!(api.get("Account").ok()["total"], json!(5));

        sim.set_faults(Vec::new());
        assert_eq!(api.get("Account").status, 200);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_outside_the_api_get_an_http_response() {
    let sim = Sim::start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let key = sim
            .users()
            .api_key_user()
            .and_then(|u| u.api_key.clone())
            .unwrap();
        let ask = |line: &str| {
            let request = format!(
                "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: {key}\r\n\r\n"
            );
            crate::common::parse(
                &raw(sim.address(), request.as_bytes()).unwrap(),
                line.starts_with("HEAD"),
            )
            .unwrap()
        };
        assert_eq!(ask("GET /").status, 404);
        assert_eq!(ask("GET /api/v1/").text(), "\"EspoCRM REST API\"");
        assert_eq!(
            ask(&format!("GET /api/v1/Account?x={}", "a".repeat(9000))).status,
            414
        );
        for (line, status) in [
            ("GET /api/v1/Account/", 404),
            ("GET /api/v1//Account", 404),
            ("GET /api/v1/Account/a/b/c/d", 404),
            ("PUT /api/v1/Account", 405),
            ("POST /api/v1/Account/x", 405),
            ("OPTIONS /api/v1/Account", 200),
            ("HEAD /api/v1/Account", 404),
        ] {
            let answer = ask(line);
            assert_eq!(answer.status, status, "{line}");
            if status == 405 || line.starts_with("OPTIONS") {
                assert!(answer.headers.contains_key("allow"), "{line}");
            }
        }
        assert_eq!(
            ask("GET /api/v1/NoSuch").reason(),
            "Controller 'NoSuch' does not exist."
        );
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_restore_the_initial_state() {
    let sim = Sim::builder()
        .seed(7)
        .records("Lead", 2)
        .start()
        .await
        .unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let first = api.create("Account", json!({"name": "A"}));
        api.call(
            "DELETE",
            &format!(
                "Lead/{}",
                api.get("Lead").ok()["list"][0]["id"].as_str().unwrap()
            ),
            None,
        )
        .ok();
        sim.set_faults(vec!["status 500".parse().unwrap()]);
        sim.reset().unwrap();
        assert_eq!((sim.count("Account"), sim.count("Lead")), (0, 2));
        assert!(sim.requests().is_empty());
        // The same IDs are assigned again, the faults are removed, and the client's connection still works.
        assert_eq!(api.create("Account", json!({"name": "A"})), first);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setting_the_clock_changes_dates_and_filters() {
    let sim = Sim::start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        sim.set_clock("2030-05-05T10:00:00Z".parse().unwrap());
        api.create("Account", json!({"name": "A"}));
        let today = json!({"where": [{"type": "today", "attribute": "createdAt", "dateTime": true}], "select": ["name"]});
        assert_eq!(api.found("Account", today.clone()).len(), 1);
        sim.set_clock("2030-05-06T10:00:00Z".parse().unwrap());
        assert_eq!(api.found("Account", today).len(), 0);
    })
    .await
    .unwrap();
}
