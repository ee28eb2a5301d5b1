//! Routes of the application and its users: metadata, settings, layouts, preferences, keys, passwords, inbox marks.

use crate::common::{Talk, base64, narrow, send, sim};
use serde_json::{Value as Json, json};

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_complete_only_for_administrators() {
    let sim = narrow().await;
    let (admin, narrow) = (Talk::admin(&sim), Talk::key(&sim, "narrow"));
    let whole = admin.get("Metadata").ok();
    let part = narrow.get("Metadata").ok();
    assert!(
        whole["entityDefs"]["Contact"].is_object() && part["entityDefs"].get("Contact").is_none()
    );
    assert!(part["entityDefs"]["Account"]["fields"]["name"].is_object());
    let links = |m: &serde_json::Value| {
        m["entityDefs"]["Account"]["links"]
            .as_object()
            .expect("links")
            .clone()
    };
    assert!(
        links(&whole).contains_key("opportunities") && !links(&part).contains_key("opportunities")
    );
    assert_eq!(
        narrow
            .get("Metadata?key=entityDefs.Account.fields.name.type")
            .text(),
        "varchar"
    );
    assert_eq!(narrow.get("Metadata?key=entityDefs.Contact").text(), "");
    assert_eq!(admin.get("Metadata?key=a.b.c").text(), "");
    assert_eq!(narrow.get("Metadata/action/get").status, 403);
    assert!(
        admin
            .get("Metadata/action/get?key=entityDefs.Contact")
            .ok()
            .is_object()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_reduced_without_a_login() {
    let sim = sim().await;
    let public = send(&sim, "GET", "Settings", &[], None)
        .expect("a response")
        .ok();
    let known = Talk::api(&sim).get("Settings").ok();
    assert!(public.get("currencyList").is_none() && known["currencyList"].is_array());
    assert_eq!(
        Talk::api(&sim)
            .put("Settings", json!({"siteUrl": "x"}))
            .status,
        403
    );
    let set = Talk::admin(&sim)
        .put(
            "Settings",
            json!({"currencyList": ["USD", "EUR"], "custom": 1}),
        )
        .ok();
    assert_eq!(
        (&set["currencyList"], &set["custom"]),
        (&json!(["USD", "EUR"]), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn layouts_follow_the_metadata_until_one_is_set() {
    let sim = sim().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    assert_eq!(
        api.get("Account/layout/list").ok()[0],
        json!({"name": "name", "link": true})
    );
    assert!(api.get("Account/layout/detail").ok()[0]["rows"].is_array());
    let missing = api.get("Account/layout/noSuch");
    assert_eq!(
        (missing.status, missing.reason()),
        (404, "Layout Account:noSuch is not found.")
    );
    let layout = json!([{"name": "website"}]);
    assert_eq!(api.put("Account/layout/list", layout.clone()).status, 403);
    assert_eq!(
        admin.put("Account/layout/list", layout.clone()).ok(),
        layout
    );
    assert_eq!(api.get("Account/layout/list").ok(), layout);
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_stored_and_reset() {
    let sim = sim().await;
    let admin = Talk::admin(&sim);
    let id = sim.users().admin().expect("an admin").id.clone();
    let path = format!("Preferences/{id}");
    let before = admin.get(&path).ok();
    assert_eq!(before["id"], json!(id));
    assert_eq!(
        admin.put(&path, json!({"theme": "Dark"})).ok()["theme"],
        json!("Dark")
    );
    assert_eq!(admin.get(&path).ok()["theme"], json!("Dark"));
    assert_eq!(admin.delete(&path).ok()["theme"], before["theme"]);
    assert_eq!(Talk::api(&sim).get(&path).status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_invalidate_old_ones() {
    let sim = sim().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let user = sim
        .users()
        .find(|u| u.user_name == "api-key")
        .expect("the user")
        .id
        .clone();
    assert_eq!(
        api.post("UserSecurity/apiKey/generate", json!({"id": user}))
            .status,
        403
    );
    let key = admin
        .post("UserSecurity/apiKey/generate", json!({"id": user}))
        .ok()["apiKey"]
        .as_str()
        .expect("a key")
        .to_owned();
    assert_eq!(api.get("App/user").status, 401);
    let again = send(&sim, "GET", "App/user", &[("X-Api-Key", &key)], None).expect("a response");
    assert_eq!(again.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_a_password_requires_the_old_one() {
    let sim = sim().await;
    let admin = Talk::admin(&sim);
    let old = sim
        .users()
        .admin()
        .and_then(|a| a.password.clone())
        .expect("a password");
    assert_eq!(
        admin
            .put(
                "UserSecurity/password",
                json!({"currentPassword": "wrong", "password": "new-pass-1"})
            )
            .status,
        403
    );
    assert_eq!(
        admin
            .put(
                "UserSecurity/password",
                json!({"currentPassword": old, "password": "new-pass-1"})
            )
            .ok(),
        json!(true)
    );
    assert_eq!(admin.get("App/user").status, 401);
    let pair = format!(
        "{}:new-pass-1",
        sim.users().admin().expect("an admin").user_name
    );
    let header = base64(pair);
    assert_eq!(
        send(
            &sim,
            "GET",
            "App/user",
            &[("Espo-Authorization", &header)],
            None
        )
        .expect("a response")
        .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_are_marked_read_for_their_user() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let me = sim
        .users()
        .find(|u| u.user_name == "api-key")
        .expect("the user")
        .id
        .clone();
    let mail = api.create("Email", json!({"name": "S", "subject": "S", "status": "Archived", "from": "a@b.example", "to": "c@d.example", "dateSent": "2030-01-01 00:00:00"}));
    Talk::admin(&sim)
        .post(&format!("Email/{mail}/users"), json!({"id": me}))
        .ok();
    assert_eq!(api.get("Email/inbox/notReadCounts").ok()["inbox"], json!(1));
    assert_eq!(
        api.post("Email/inbox/read", json!({"ids": [mail]})).ok(),
        json!(true)
    );
    assert_eq!(api.get("Email/inbox/notReadCounts").ok()["inbox"], json!(0));
    api.call("DELETE", "Email/inbox/read", Some(json!({"id": mail})))
        .ok();
    api.post("Email/inbox/read", json!({"all": true})).ok();
    assert_eq!(api.get("Email/inbox/notReadCounts").ok()["inbox"], json!(0));
    assert_eq!(api.post("Email/inbox/read", json!({})).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_names_real_paths() {
    let sim = sim().await;
    let document = Talk::admin(&sim).get("OpenApi").ok();
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|v| v.starts_with("3."))
    );
    assert!(
        document["paths"]
            .as_object()
            .is_some_and(|p| p.keys().any(|k| k.contains("Account")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_can_read_their_permissions() {
    let sim = narrow().await;
    let (admin, narrow) = (Talk::admin(&sim), Talk::key(&sim, "narrow"));
    let rights = admin.get("User/u-narrow/acl").ok();
    assert_eq!(
        (
            &rights["table"]["Account"]["read"],
            &rights["table"]["Contact"]
        ),
        (&json!("all"), &Json::Null),
        "closed scopes are left out"
    );
    let hidden = json!({"read": "no", "edit": "no"});
    assert_eq!(rights["fieldTable"]["User"]["password"], hidden);
    let read = &rights["fieldTableQuickAccess"]["ActionHistoryRecord"]["attributes"]["read"];
    assert!(
        read["no"]
            .as_array()
            .unwrap()
            .contains(&json!("authTokenId"))
    );
    let session = admin.get("App/user").ok();
    assert_eq!(session["preferences"]["id"], session["user"]["id"]);
    assert!(session["preferences"]["dashboardLayout"].is_array());
    let acl = session["acl"].clone();
    for (scope, rights) in [
        ("Import", json!(true)),
        ("Stream", json!(true)),
        (
            "Job",
            json!({"create": "no", "read": "all", "edit": "no", "delete": "all", "stream": "no"}),
        ),
    ] {
        assert_eq!(acl["table"][scope], rights, "{scope}");
    }
    assert_eq!(acl["mentionPermission"], json!("yes"));
    assert_eq!(narrow.get("User/u-narrow/acl").status, 200);
    let other = sim.users().admin().expect("an admin").id.clone();
    assert_eq!(narrow.get(&format!("User/{other}/acl")).status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_a_user_requires_the_exact_content_type() {
    let sim = sim().await;
    let admin = sim.users().admin().expect("an admin");
    let header = base64(format!(
        "{}:{}",
        admin.user_name,
        admin.password.as_deref().unwrap_or_default()
    ));
    let make = |content_type: &str, name: &str| {
        let body = json!({"userName": name, "lastName": "U", "type": "regular"}).to_string();
        let headers = [
            ("Espo-Authorization", header.as_str()),
            ("Content-Type", content_type),
        ];
        send(&sim, "POST", "User", &headers, Some(body.as_bytes()))
            .expect("a response")
            .status
    };
    assert_eq!(
        (
            make("application/json; charset=utf-8", "u1"),
            make("application/json", "u2")
        ),
        (400, 200)
    );
    assert_eq!(
        Talk::admin(&sim)
            .call("PATCH", "Settings", Some(json!({})))
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_with_access_can_read_the_record() {
    let sim = narrow().await;
    let admin = Talk::admin(&sim);
    let id = admin.create("Account", json!({"name": "A"}));
    let users = admin.get(&format!("Account/{id}/usersAccess")).ok();
    let admin_id = &sim.users().admin().expect("an admin").id;
    let list = users["list"].as_array().expect("a list");
    assert!(list.iter().any(|u| u["id"] == json!(admin_id)), "{users}");
}

#[tokio::test(flavor = "multi_thread")]
async fn controller_names_may_start_in_lower_case_but_not_actions() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let id = api.create("account", json!({"name": "A"}));
    assert_eq!(api.get(&format!("account/{id}/stream")).status, 200);
    assert_eq!(
        api.post(
            "note",
            json!({"parentType": "Account", "parentId": id, "post": "p"})
        )
        .ok()["type"],
        json!("Post")
    );
    assert_eq!(api.get("globalSearch?q=a").status, 404);
}
