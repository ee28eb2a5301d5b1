//! Users, their history and the records of an administrator.

use espo_sim::{Role, Sim, Team, Users};
use serde_json::{Value as Json, json};

use crate::common::Talk;

async fn start() -> Sim {
    Sim::start().await.expect("the server starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_on_a_record_is_in_the_history_of_its_user() {
    let sim = start().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let id = api.create("Account", json!({"name": "A"}));
    api.get(&format!("Account/{id}")).ok();
    api.put(&format!("Account/{id}"), json!({"name": "B"})).ok();
    api.delete(&format!("Account/{id}"));
    api.post("Note", json!({"post": "x"})).ok();
    admin.create("Team", json!({"name": "T"}));
    let history = |talk: &Talk| {
        let list = talk.get("ActionHistoryRecord").ok();
        assert_eq!(list["total"], json!(-2));
        list["list"].as_array().expect("a list").clone()
    };
    let actions: Vec<(Json, Json)> = history(&api)
        .iter()
        .map(|e| (e["action"].clone(), e["targetType"].clone()))
        .collect();
    let expected = ["create", "delete", "update", "read", "create"];
    let types = ["Note", "Account", "Account", "Account", "Account"];
    let expected: Vec<(Json, Json)> = expected
        .iter()
        .zip(types)
        .map(|(a, t)| (json!(a), json!(t)))
        .collect();
    assert_eq!(actions, expected);
    // An administrator sees what all users did, a user its own actions.
    let all = history(&admin);
    assert_eq!(all.len(), 6);
    assert_eq!(
        (&all[0]["targetType"], &all[0]["number"]),
        (&json!("Team"), &json!(6))
    );
    let one = format!(
        "ActionHistoryRecord/{}",
        all[0]["id"].as_str().expect("an ID")
    );
    assert_eq!(admin.get(&one).ok()["targetName"], "T");
    assert_eq!(api.get(&one).status, 404);
    let reads = api.get(
        "ActionHistoryRecord?where[0][type]=equals&where[0][attribute]=action&where[0][value]=read",
    );
    assert_eq!(reads.ok()["list"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn user_names_are_lower_case_and_belong_to_one_user() {
    let sim = start().await;
    let admin = Talk::admin(&sim);
    let user = |name: &str| json!({"userName": name, "lastName": "N", "password": "Passw0rd!1"});
    let first = admin.create("User", user("some-one"));
    for name in ["Some", "a b", "a/b", "ä"] {
        let answer = admin.post("User", user(name));
        assert_eq!(answer.status, 400, "{name}");
        assert!(
            answer.reason().contains("field: userName, type: valid"),
            "{}",
            answer.reason()
        );
    }
    let answer = admin.post("User", user("some-one"));
    assert_eq!(
        (answer.status, answer.reason(), answer.text().as_str()),
        (409, "userNameExists", "")
    );
    let other = admin.create("User", user("other"));
    let renamed = admin.put(&format!("User/{other}"), json!({"userName": "some-one"}));
    assert_eq!(renamed.status, 409);
    // The name of a deleted user is free.
    admin.delete(&format!("User/{first}"));
    admin
        .put(&format!("User/{other}"), json!({"userName": "some-one"}))
        .ok();
    let api = admin
        .post("User", json!({"userName": "robot", "type": "api"}))
        .ok();
    assert_eq!(
        (&api["lastName"], api["apiKey"].as_str().map(str::len)),
        (&json!("robot"), Some(32))
    );
    let team = admin.create("Team", json!({"name": "T"}));
    let answer = admin.put(&format!("User/{other}"), json!({"defaultTeamId": team}));
    assert!(
        answer
            .reason()
            .contains("field: defaultTeam, type: isUserTeam"),
        "{}",
        answer.reason()
    );
    admin
        .put(
            &format!("User/{other}"),
            json!({"defaultTeamId": team, "teamsIds": [team]}),
        )
        .ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_required_while_their_condition_applies() {
    let sim = start().await;
    let admin = Talk::admin(&sim);
    let campaign = admin.create("Campaign", json!({"name": "C"}));
    let missing = |answer: crate::common::Answer, field: &str| {
        let expected = format!("field: {field}, type: required.");
        assert!(
            answer.reason().ends_with(&expected),
            "{} {}",
            answer.status,
            answer.reason()
        );
    };
    let link = json!({"name": "L", "campaignId": campaign});
    missing(admin.post("CampaignTrackingUrl", link), "url");
    let id = admin.create(
        "CampaignTrackingUrl",
        json!({"name": "L", "campaignId": campaign, "url": "https://a.example"}),
    );
    let path = format!("CampaignTrackingUrl/{id}");
    assert_eq!(
        admin.get(&path).ok()["urlToUse"],
        format!("{{trackingUrl:{id}}}")
    );
    missing(admin.put(&path, json!({"url": null})), "url");
    missing(
        admin.put(&path, json!({"action": "Show Message"})),
        "message",
    );
    admin
        .put(
            &path,
            json!({"action": "Show Message", "message": "Hello", "url": null}),
        )
        .ok();
    missing(
        admin.post(
            "EmailFilter",
            json!({"name": "F", "subject": "x", "action": "Skip"}),
        ),
        "parent",
    );
    admin.create(
        "EmailFilter",
        json!({"name": "F", "subject": "x", "action": "Skip", "isGlobal": true}),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_team_have_its_roles() {
    let mut users = Users::sample();
    let all = users.roles.remove(0).id;
    users.roles.push(Role {
        id: all.clone(),
        name: "Cases".to_owned(),
        data: json!({"Case": {"create": "yes", "read": "all", "edit": "no", "delete": "no", "stream": "no"}}),
        ..Role::default()
    });
    users.teams = vec![Team {
        id: "6500000000000b009".to_owned(),
        name: "Support".to_owned(),
        roles_ids: vec![all],
    }];
    for user in &mut users.users {
        user.roles_ids.clear();
        user.teams_ids = vec!["6500000000000b009".to_owned()];
    }
    let sim = Sim::builder()
        .users(users)
        .start()
        .await
        .expect("the server starts");
    let api = Talk::api(&sim);
    let id = api.create("Case", json!({"name": "N"}));
    let edited = api.put(&format!("Case/{id}"), json!({"name": "M"}));
    assert_eq!((edited.status, edited.reason()), (403, "No edit access."));
    assert_eq!(api.get("Account").reason(), "No read access.");
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_are_found_by_the_folder_of_their_reader() {
    let sim = start().await;
    let (api, regular) = (Talk::api(&sim), Talk::regular(&sim));
    let user = sim
        .users()
        .find(|u| u.type_ == "regular")
        .expect("a user")
        .id
        .clone();
    let email = json!({"subject": "S", "from": "a@x.example", "to": "b@x.example", "status": "Archived",
        "dateSent": "2026-01-01 10:00:00", "assignedUserId": user});
    let id = api.create("Email", email);
    let found = |folder: &str| {
        let path = format!(
            "Email?where[0][type]=inFolder&where[0][attribute]=folderId&where[0][value]={folder}"
        );
        regular.get(&path).ok()["list"].as_array().map(Vec::len)
    };
    let folders = [
        "inbox",
        "all",
        "important",
        "trash",
        "archive",
        "sent",
        "drafts",
        "nosuch",
    ];
    assert_eq!(folders.map(found), [1, 1, 0, 0, 0, 0, 0, 0].map(Some));
    regular
        .post("Email/inbox/important", json!({"ids": [id]}))
        .ok();
    regular
        .post("Email/inbox/inTrash", json!({"ids": [id]}))
        .ok();
    assert_eq!(folders.map(found), [0, 0, 0, 1, 0, 0, 0, 0].map(Some));
    // An invalid address changes nothing.
    let path = format!("Email/{id}");
    assert_eq!(
        api.put(&path, json!({"from": "<b>"})).ok()["from"],
        "a@x.example"
    );
    assert_eq!(api.get(&path).ok()["from"], "a@x.example");
    let answer = api.put(&path, json!({"sendAt": "2099-01-01 10:00:00"}));
    assert_eq!(
        answer.reason(),
        "Cannot set send-at if status is not Draft."
    );
}
