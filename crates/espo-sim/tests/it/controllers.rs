//! The checks before a handler: the web server's own errors, headers of a login, controllers and the order of checks.

use crate::common::{Talk, base64, narrow, raw, send, sim};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn controllers_reject_users_before_they_look_for_the_action() {
    let sim = narrow().await;
    let (admin, api, narrow) = (
        Talk::admin(&sim),
        Talk::api(&sim),
        Talk::key(&sim, "narrow"),
    );
    for closed in ["Formula", "LabelManager/x", "Admin/x/y", "EntityManager"] {
        let answer = api.get(closed);
        assert_eq!((answer.status, answer.reason()), (403, ""), "{closed}");
        assert_eq!(admin.get(closed).status, 404, "{closed}");
    }
    for (path, action, controller) in [
        ("Formula", "index", "Formula"),
        ("Formula/x", "read", "Formula"),
        ("Formula/x/y", "listLinked", "Formula"),
        ("Formula/action/run2", "run2", "Formula"),
        ("Preferences", "index", "Preferences"),
        ("UserSecurity", "index", "UserSecurity"),
    ] {
        assert_eq!(
            admin.get(path).reason(),
            format!("Action GET '{action}' does not exist in controller '{controller}'."),
        );
    }
    assert_eq!(api.get("UserSecurity").status, 403);
    assert_eq!(narrow.get("Pdf").status, 404);
    assert_eq!(
        narrow.post("DataPrivacy/action/erase", json!({})).status,
        403
    );
    assert_eq!(
        api.post("App/action/destroyAuthToken", json!({"token": "x"}))
            .reason(),
        "Controller 'App' does not exist."
    );
    assert_eq!(api.get("Portal").status, 200);
    assert_eq!(narrow.get("Portal").reason(), "No access to 'Portal'.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_server_rejects_what_the_application_never_sees() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    for (method, path, status) in [
        ("GET2", "Account", 400),
        ("get", "Nosuch", 400),
        ("GET", "Account/%00", 400),
        ("TRACE", "Account", 405),
        ("TRACE", "x/y/z/w", 405),
        ("OPTIONS", "/", 405),
        ("OPTIONS", "Account/%2e%2e", 405),
        ("DELETE", "", 405),
    ] {
        let answer = api.call(method, path, None);
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!answer.headers.contains_key("allow"), "{method} {path}");
    }
    let key = sim.api_key();
    let long = "a".repeat(9_000);
    for (path, headers, status) in [
        ("Account", "", "400"),
        ("Account", "Host: a\r\nHost: a\r\n", "400"),
        ("Account", "Host: a b\r\n", "400"),
        ("Account", "Host:\r\n", "400"),
        ("Account", &format!("Host: a\r\nX-A: {long}\r\n"), "400"),
        ("Account/%zz", "Host: a\r\n", "400"),
        ("Account/%a", "Host: a\r\n", "400"),
        ("Account?x=%zz", "Host: a\r\n", "200"),
        ("app/user", "Host: a\r\n", "404"),
        ("i18n", "Host: a\r\n", "404"),
        ("APP/user", "Host: a\r\n", "404"),
        ("account", "Host: a\r\n", "200"),
    ] {
        let request = format!(
            "GET /api/v1/{path} HTTP/1.1\r\n{headers}X-Api-Key: {key}\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(sim.address(), request.as_bytes()).expect("a response");
        let line = String::from_utf8_lossy(&answer);
        assert_eq!(line.split(' ').nth(1), Some(status), "{path} {headers}");
    }
    assert_eq!(api.call("PURGE", "Account", None).status, 405);
    assert_eq!(
        api.call("PURGE", "Kanban/order", None).headers["allow"],
        "PUT, GET, DELETE, PATCH"
    );
    assert_eq!(
        api.call("PURGE", "Account/layout/list", None).headers["allow"],
        "GET, POST, DELETE, PUT"
    );
    assert_eq!(api.call("OPTIONS", "Account", None).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_their_tokens_are_recorded() {
    let sim = sim().await;
    let admin = Talk::admin(&sim);
    let token = admin.get("App/user").ok()["token"].clone();
    let wrong = base64("admin:wrong");
    let denied = send(
        &sim,
        "GET",
        "Account",
        &[("Espo-Authorization", &wrong)],
        None,
    );
    assert_eq!(denied.expect("a response").status, 401);
    let log = admin.get("AuthLogRecord?orderBy=createdAt&order=asc&where[0][type]=isTrue&where[0][attribute]=isDenied");
    let log = log.ok();
    assert_eq!(log["total"], json!(1));
    let record = &log["list"][0];
    assert_eq!(
        (&record["username"], &record["denialReason"]),
        (&json!("admin"), &json!("CREDENTIALS"))
    );
    admin
        .post("App/destroyAuthToken", json!({"token": token}))
        .ok();
    let ended = admin
        .get("AuthToken?where[0][type]=isFalse&where[0][attribute]=isActive")
        .ok();
    assert_eq!(ended["total"], json!(1));
    assert_eq!(ended["list"][0]["userName"], json!("admin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_login_needs_a_name_and_a_password() {
    let sim = sim().await;
    let admin = sim.users().admin().expect("an admin").clone();
    let pair = format!(
        "{}:{}",
        admin.user_name,
        admin.password.as_deref().unwrap_or_default()
    );
    let of = |header: &str, value: &str| {
        let value = format!("Basic {}", base64(value));
        send(&sim, "GET", "Account", &[(header, &value)], None).expect("a response")
    };
    for header in [
        "Authorization",
        "Espo-Cgi-Auth",
        "Redirect-Http-Espo-Cgi-Auth",
    ] {
        assert_eq!(of(header, &pair).status, 200, "{header}");
        for incomplete in ["admin", "admin:", ":x", ""] {
            let answer = of(header, incomplete);
            assert_eq!(answer.status, 401, "{header} {incomplete}");
            assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"\"");
        }
        let wrong = of(header, "nobody:x");
        assert_eq!(wrong.status, 401);
        assert!(!wrong.headers.contains_key("www-authenticate"));
        assert_eq!(of(header, &format!("{}:x", "a".repeat(101))).status, 500);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_zero_does_not_exist_and_methods_can_be_named_as_actions() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    for (method, path) in [
        ("GET", "Account/0"),
        ("PUT", "Task/0"),
        ("DELETE", "Account/0"),
        ("GET", "Account/0/contacts"),
        ("GET", "Account/action/read"),
    ] {
        let answer = api.call(method, path, (method == "PUT").then(|| json!({})));
        assert_eq!((answer.status, answer.reason()), (400, "No ID."), "{path}");
    }
    let id = api.create("Account", json!({"name": "A"}));
    assert_eq!(
        api.get("Account/action/list").ok()["list"][0]["id"],
        json!(id)
    );
    let made = api.post("Account/action/create", json!({"name": "B"})).ok();
    assert_eq!(made["name"], json!("B"));
    assert_eq!(
        api.get("Settings/x").ok()["currencyList"],
        api.get("Settings").ok()["currencyList"]
    );
    assert_eq!(api.call("HEAD", "Account/layout/list", None).status, 400);
    assert_eq!(
        api.get("Nosuch/layout/list").ok(),
        json!([{"name": "name", "link": true}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_check_access_then_input_then_the_record() {
    let sim = narrow().await;
    let (api, narrow) = (Talk::api(&sim), Talk::key(&sim, "narrow"));
    let action = |talk: &Talk, entity: &str, action: &str, data: serde_json::Value| {
        let body = json!({"entityType": entity, "id": "nosuch", "action": action, "data": data});
        let answer = talk.post("Action", body);
        (answer.status, answer.reason().to_owned())
    };
    let refused = |status: u16, reason: &str| (status, reason.to_owned());
    assert_eq!(
        action(&narrow, "Contact", "nosuch", json!({})),
        refused(403, "")
    );
    assert_eq!(
        action(&narrow, "Account", "nosuch", json!({})),
        refused(404, "Action 'nosuch' not found.")
    );
    assert_eq!(
        action(&narrow, "Account", "merge", json!({})),
        refused(403, "")
    );
    assert_eq!(action(&api, "Nosuch", "merge", json!({})).0, 500);
    let ids = json!({"sourceIdList": []});
    assert_eq!(
        action(&api, "Account", "merge", json!({})),
        refused(400, "No 'sourceIdList'.")
    );
    assert_eq!(
        action(&api, "Account", "merge", ids),
        refused(400, "No 'attributes'.")
    );
    let whole = json!({"sourceIdList": [], "attributes": {}});
    assert_eq!(
        action(&api, "Account", "merge", whole),
        refused(404, "Record not found.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deferred_mass_actions_are_checked_when_they_run() {
    let sim = narrow().await;
    let (api, narrow) = (Talk::api(&sim), Talk::key(&sim, "narrow"));
    let id = api.create("Account", json!({"name": "A"}));
    let body = |entity: &str, action: &str, idle: bool| json!({"entityType": entity, "action": action, "idle": idle, "params": {"ids": [id]}, "data": {"name": "B"}});
    for action in ["update", "delete", "nosuch", "convertCurrency"] {
        let job = narrow
            .post("MassAction", body("Account", action, true))
            .ok()["id"]
            .clone();
        let path = format!("MassAction/{}/status", job.as_str().expect("an ID"));
        let status = loop {
            let status = narrow.get(&path).ok()["status"].clone();
            if status != "Pending" && status != "Running" {
                break status;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(status, json!("Failed"), "{action}");
    }
    assert_eq!(api.get(&format!("Account/{id}")).ok()["name"], json!("A"));
    let jobs = Talk::admin(&sim).get("Job?select=status,targetType").ok();
    assert_eq!(jobs["list"][0]["targetType"], json!("MassAction"));
    let none = json!({"entityType": "Account", "action": "update", "params": {"ids": []}, "data": {"values": {}}});
    assert_eq!(
        api.post("MassAction", none).ok(),
        json!({"count": 0, "ids": []})
    );
    let answer = narrow.post("MassAction", body("Contact", "nosuch", true));
    assert_eq!((answer.status, answer.reason()), (403, ""));
    let answer = narrow.post("MassAction", body("Account", "nosuch", false));
    assert_eq!(answer.reason(), "Mass action 'nosuch' not found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_of_ids_exports_all_and_others_cannot_download_the_file() {
    let sim = sim().await;
    let (api, regular) = (Talk::api(&sim), Talk::regular(&sim));
    let id = api.create("Account", json!({"name": "A"}));
    let body =
        json!({"entityType": "Account", "format": "csv", "ids": [], "attributeList": ["id"]});
    let file = api.post("Export", body).ok()["id"].clone();
    let path = format!("Attachment/file/{}", file.as_str().expect("an ID"));
    assert_eq!(api.get(&path).text(), format!("id\n{id}\n"));
    let answer = regular.get(&path);
    assert_eq!((answer.status, answer.reason()), (403, "No 'read' access."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_cannot_set_its_password_in_its_record() {
    let sim = sim().await;
    let regular = Talk::regular(&sim);
    let id = regular.get("App/user").ok()["user"]["id"].clone();
    let path = format!("User/{}", id.as_str().expect("an ID"));
    assert_eq!(regular.put(&path, json!({"password": "x"})).status, 200);
    assert_eq!(regular.get("App/about").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_passwords_are_reset_without_a_login() {
    let sim = sim().await;
    let path = "User/passwordChangeRequest";
    let ask = |body: &str| {
        let headers = [("Content-Type", "application/json")];
        send(&sim, "POST", path, &headers, Some(body.as_bytes())).expect("a response")
    };
    assert_eq!(ask("{}").status, 400);
    let nobody = r#"{"userName": "nobody", "emailAddress": "n@example.com"}"#;
    assert_eq!(ask(nobody).status, 404);
    Talk::admin(&sim).create(
        "User",
        json!({"userName": "forgetful", "lastName": "F", "emailAddress": "f@example.com"}),
    );
    let known = r#"{"userName": "forgetful", "emailAddress": "f@example.com"}"#;
    assert_eq!(ask(known).status, 200);
    let mails = sim.mails();
    assert!(mails.iter().any(|m| m.to == ["f@example.com"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_is_erased_field_by_field() {
    let sim = sim().await;
    let admin = Talk::admin(&sim);
    let id = admin.create(
        "Contact",
        json!({"firstName": "A", "lastName": "B", "description": "d"}),
    );
    let body = json!({"entityType": "Contact", "id": id, "fieldList": ["description"]});
    assert_eq!(
        admin.post("DataPrivacy/action/erase", body).ok(),
        json!(true)
    );
    let contact = admin.get(&format!("Contact/{id}")).ok();
    assert_eq!(
        (&contact["description"], &contact["lastName"]),
        (&json!(null), &json!("B"))
    );
}
