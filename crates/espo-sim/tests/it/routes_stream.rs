//! The stream: notes about changes, posts, following, stars.

use crate::common::Talk;
use espo_sim::{Sim, Version};
use serde_json::{Value as Json, json};

async fn sim() -> Sim {
    Sim::start().await.expect("a server")
}

/// Types of the notes of a record, newest first.
fn types(talk: &Talk, path: &str) -> Vec<String> {
    let stream = talk.get(path).ok();
    stream["list"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| n["type"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_noted_newest_first_with_growing_numbers() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let id = api.create("Account", json!({"name": "A", "type": "Customer"}));
    api.put(&format!("Account/{id}"), json!({"type": "Partner"}))
        .ok();
    // Changes of fields that are not audited create no note.
    api.put(
        &format!("Account/{id}"),
        json!({"website": "https://a.example"}),
    )
    .ok();
    api.post(
        "Note",
        json!({"type": "Update", "parentType": "Account", "parentId": id, "post": "hello"}),
    )
    .ok();
    assert_eq!(
        types(&api, &format!("Account/{id}/stream")),
        ["Post", "Update", "Create"]
    );
    assert_eq!(types(&api, &format!("Account/{id}/posts")), ["Post"]);
    let stream = api.get(&format!("Account/{id}/stream")).ok();
    let numbers: Vec<i64> = stream["list"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|n| n["number"].as_i64())
        .collect();
    assert!(
        numbers.windows(2).all(|w| w[0] > w[1]) && numbers.len() == 3,
        "{numbers:?}"
    );
    let updates = api.get(&format!("Account/{id}/updateStream")).ok();
    let data = &updates["list"][0]["data"];
    assert_eq!(data["fields"], json!(["type"]));
    assert_eq!(
        (
            &data["attributes"]["was"]["type"],
            &data["attributes"]["became"]["type"]
        ),
        (&json!("Customer"), &json!("Partner"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn related_records_are_noted_where_the_link_is_audited() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let account = api.create("Account", json!({"name": "A"}));
    let user = sim.users().admin().expect("an admin").id.clone();
    let meeting = api.create("Meeting", json!({
        "name": "M", "assignedUserId": user, "dateStart": "2030-01-01 10:00:00", "dateEnd": "2030-01-01 11:00:00",
    }));
    api.post(
        &format!("Account/{account}/meetings"),
        json!({"id": meeting}),
    )
    .ok();
    let stream = api.get(&format!("Account/{account}/stream?maxSize=1")).ok();
    let note = &stream["list"][0];
    assert_eq!(
        (&note["type"], &note["relatedId"], &note["relatedName"]),
        (&json!("Relate"), &json!(meeting), &json!("M"))
    );
    // Again: it was linked already.
    api.post(
        &format!("Account/{account}/meetings"),
        json!({"id": meeting}),
    )
    .ok();
    assert_eq!(
        types(&api, &format!("Account/{account}/stream"))
            .iter()
            .filter(|t| *t == "Relate")
            .count(),
        1
    );
    api.call(
        "DELETE",
        &format!("Account/{account}/meetings"),
        Some(json!({"id": meeting})),
    )
    .ok();
    assert_eq!(
        types(&api, &format!("Account/{account}/stream"))[0],
        "Unrelate"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_mention_can_be_edited_pinned_and_reacted_to() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let account = api.create("Account", json!({"name": "A"}));
    let note = api
        .post(
            "Note",
            json!({"parentType": "Account", "parentId": account, "post": "ask @admin"}),
        )
        .ok();
    assert_eq!(note["data"]["mentions"]["@admin"]["_scope"], json!("User"));
    let id = note["id"].as_str().expect("an id");
    let edited = api
        .put(
            &format!("Note/{id}"),
            json!({"post": "never mind", "type": "Create", "parentType": "Lead"}),
        )
        .ok();
    assert_eq!(
        (&edited["post"], &edited["type"], &edited["parentType"]),
        (&json!("never mind"), &json!("Post"), &json!("Account"))
    );
    assert_eq!(
        api.post(&format!("Note/{id}/pin"), json!({})).ok(),
        json!(true)
    );
    let pinned = api.get(&format!("Account/{account}/stream")).ok()["pinnedList"].clone();
    assert_eq!(pinned[0]["id"], json!(id));
    api.delete(&format!("Note/{id}/pin")).ok();
    assert_eq!(
        api.get(&format!("Account/{account}/stream")).ok()["pinnedList"],
        json!([])
    );
    api.post(&format!("Note/{id}/myReactions/Like"), json!({}))
        .ok();
    let read = api.get(&format!("Note/{id}")).ok();
    assert_eq!(
        (&read["reactionCounts"], &read["myReactions"]),
        (&json!({"Like": 1}), &json!(["Like"]))
    );
    api.delete(&format!("Note/{id}/myReactions/Like")).ok();
    assert_eq!(
        api.get(&format!("Note/{id}")).ok()["myReactions"],
        json!([])
    );
    api.delete(&format!("Note/{id}")).ok();
    assert_eq!(api.get(&format!("Note/{id}")).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixth_pin_is_rejected() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let account = api.create("Account", json!({"name": "A"}));
    let pins: Vec<u16> = (0..6)
        .map(|n| {
            let id = api.create(
                "Note",
                json!({"parentType": "Account", "parentId": account, "post": n.to_string()}),
            );
            api.post(&format!("Note/{id}/pin"), json!({})).status
        })
        .collect();
    assert_eq!(pins, [200, 200, 200, 200, 200, 403]);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_stream_contains_followed_records_only() {
    let sim = sim().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let [followed, other] = ["F", "O"].map(|name| api.create("Account", json!({"name": name})));
    assert_eq!(
        api.call("PUT", &format!("Account/{followed}/subscription"), None)
            .ok(),
        json!(true)
    );
    let read = api.get(&format!("Account/{followed}")).ok();
    assert_eq!(read["isFollowed"], json!(true));
    for id in [&followed, &other] {
        admin
            .post(
                "Note",
                json!({"parentType": "Account", "parentId": id, "post": "news"}),
            )
            .ok();
    }
    let stream = api.get("Stream?filter=posts").ok();
    let parents: Vec<&Json> = stream["list"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| &n["parentId"])
        .collect();
    assert_eq!(parents, [&json!(followed)]);
    assert_eq!(stream["total"], json!(-2));
    assert!(
        stream["list"][0].get("deleted").is_none() && stream["list"][0]["parentName"] == json!("F")
    );
    // The administrator follows what it posts on; an API user is not listed among the followers.
    assert_eq!(
        api.get(&format!("Account/{followed}/followers")).ok()["total"],
        json!(1)
    );
    api.delete(&format!("Account/{followed}/subscription")).ok();
    assert_eq!(api.get("Stream?filter=posts").ok()["list"], json!([]));
    assert_eq!(api.get("Stream?maxSize=201").status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_global_stream_contains_readable_notes_and_pages_by_number() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    for name in ["A", "B", "C"] {
        api.create("Account", json!({"name": name}));
    }
    let first = api.get("GlobalStream?maxSize=2").ok();
    assert_eq!(
        (
            first["total"].as_i64(),
            first["list"].as_array().map(Vec::len)
        ),
        (Some(-1), Some(2))
    );
    let before = &first["list"][1]["number"];
    let rest = api.get(&format!("GlobalStream?beforeNumber={before}")).ok();
    assert_eq!(
        (rest["total"].as_i64(), &rest["list"][0]["parentName"]),
        (Some(-2), &json!("A"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn api_users_cannot_star() {
    let sim = sim().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let id = api.create("Account", json!({"name": "A"}));
    let refused = api.call("PUT", &format!("Account/{id}/starSubscription"), None);
    assert_eq!(
        (refused.status, refused.reason()),
        (403, "Not allowed for non-internal users.")
    );
    assert_eq!(
        admin
            .call("PUT", &format!("Account/{id}/starSubscription"), None)
            .ok(),
        json!(true)
    );
    assert_eq!(
        admin.get(&format!("Account/{id}")).ok()["isStarred"],
        json!(true)
    );
    assert_eq!(
        api.get(&format!("Account/{id}")).ok()["isStarred"],
        json!(false)
    );
    admin.delete(&format!("Account/{id}/starSubscription")).ok();
    assert_eq!(
        admin.get(&format!("Account/{id}")).ok()["isStarred"],
        json!(false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_checked_and_converted_like_other_records() {
    let sim = sim().await;
    let (api, regular) = (Talk::api(&sim), Talk::regular(&sim));
    let account = api.create("Account", json!({"name": "A"}));
    let post = |talk: &Talk, mut body: Json| {
        for (key, value) in [
            ("parentType", json!("Account")),
            ("parentId", json!(account)),
        ] {
            let map = body.as_object_mut().expect("an object");
            map.entry(key).or_insert(value);
        }
        talk.post("Note", body)
    };
    for (text, shown) in [
        (json!(5), json!("5")),
        (json!(["x"]), json!("Array")),
        (json!(true), json!("1")),
        (json!(""), json!(null)),
    ] {
        assert_eq!(
            post(&api, json!({"post": text})).ok()["post"],
            shown,
            "{text}"
        );
    }
    for (body, status, reason) in [
        (json!({"parentId": "nosuch"}), 403, "No create access."),
        (
            json!({"parentId": ""}),
            400,
            "Field validation failure; entityType: Note, field: parent, type: pattern.",
        ),
        (
            json!({"targetType": "bad"}),
            400,
            "Field validation failure; entityType: Note, field: targetType, type: valid.",
        ),
        (json!({"targetType": "users"}), 400, "No user IDs."),
        (
            json!({"attachmentsIds": ["nosuch"]}),
            403,
            "Can't relate with non-existing record. entity type: Note, link: attachments.",
        ),
        (
            json!({"usersIds": ["nosuch"]}),
            403,
            "Can't relate with non-existing record. entity type: Note, link: users.",
        ),
    ] {
        let answer = post(&api, body.clone());
        assert_eq!((answer.status, answer.reason()), (status, reason), "{body}");
    }
    let name = &sim
        .users()
        .find(|u| u.type_ == "regular")
        .expect("a user")
        .user_name;
    for (text, mentions, author_counts) in [
        (format!("x@{}", name.to_uppercase()), true, true),
        (format!("(@{name}),"), true, true),
        (format!("@{name}."), false, false),
        (format!("@{name}@admin"), false, false),
    ] {
        let note = post(&api, json!({"post": text})).ok();
        assert_eq!(note["data"]["mentions"].is_object(), mentions, "{text}");
        assert_eq!(note["notifiedUserIdList"].is_array(), mentions, "{text}");
        let own = post(&regular, json!({"post": text})).ok();
        assert_eq!(own["data"]["mentions"].is_object(), author_counts, "{text}");
        assert!(
            own.get("notifiedUserIdList").is_none(),
            "the author is not notified: {text}"
        );
    }
    let plain = post(&api, json!({"post": "x"})).ok()["id"].clone();
    let path = format!("Note/{}", plain.as_str().expect("an ID"));
    let unread = || regular.get("Notification/action/notReadCount").ok();
    let before = unread().as_i64();
    for (text, notified) in [("@admin", true), ("@admin again", false)] {
        let note = api
            .put(&path, json!({"post": format!("{text} @{name}")}))
            .ok();
        assert_eq!(note["notifiedUserIdList"].is_array(), notified, "{text}");
    }
    assert_eq!(
        unread().as_i64(),
        before.map(|n| n + 1),
        "new mentions alone are notified"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mentioned_users_are_notified() {
    let sim = sim().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    assert_eq!(admin.get("Notification/action/notReadCount").ok(), json!(0));
    let note = api.create(
        "Note",
        json!({"post": "@admin and @api-key", "targetType": "self"}),
    );
    assert_eq!(admin.get("Notification/action/notReadCount").ok(), json!(1));
    let list = admin.get("Notification").ok();
    assert_eq!(
        (&list["list"][0]["type"], &list["list"][0]["relatedId"]),
        (&json!("MentionInPost"), &json!(note))
    );
    assert_eq!(
        admin.get("Notification/action/notReadCount").ok(),
        json!(0),
        "what was listed counts as read"
    );
    assert_eq!(
        admin
            .post("Notification/action/markAllRead", json!({}))
            .ok(),
        json!(true)
    );
    assert_eq!(admin.get("Notification/action/notReadCount").ok(), json!(0));
    assert_eq!(api.get("Notification").ok()["list"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn note_numbers_continue_after_a_snapshot() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("snapshot.json");
    let sim = sim().await;
    let id = Talk::api(&sim).create("Account", json!({"name": "A"}));
    Talk::api(&sim)
        .put(&format!("Account/{id}"), json!({"type": "Partner"}))
        .ok();
    sim.save_snapshot(&file).expect("a snapshot");
    let sim = Sim::builder()
        .snapshot(&file)
        .start()
        .await
        .expect("a server");
    let api = Talk::api(&sim);
    api.put(&format!("Account/{id}"), json!({"type": "Reseller"}))
        .ok();
    let stream = api.get(&format!("Account/{id}/stream")).ok();
    let numbers: Vec<i64> = stream["list"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|n| n["number"].as_i64())
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn grouped_notifications_are_read_and_deleted_together_since_10_0() {
    let sim = Sim::builder()
        .version(Version::V10_0)
        .start()
        .await
        .expect("a server");
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let mut groups = Vec::new();
    for name in ["a", "b"] {
        let id = api.create("Account", json!({"name": name}));
        admin
            .put(&format!("Account/{id}/subscription"), json!({}))
            .ok();
        for post in ["one", "two"] {
            let note = json!({"parentType": "Account", "parentId": id, "post": post});
            api.post("Note", note).ok();
        }
        groups.push(format!("Record_Account_{id}"));
    }
    let unread = || admin.get("Notification/action/notReadCount").ok();
    let listed = || -> Vec<String> {
        let list = admin.get("Notification").ok();
        let rows = list["list"].as_array().expect("a list").iter();
        rows.map(|r| r["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!((unread(), listed().len()), (json!(2), 2));
    let path = |at: usize| format!("Notification/group/{}", groups[at]);
    let one = admin
        .get(&format!("Notification/group?type=Record&id={}", groups[0]))
        .ok();
    assert_eq!(one["list"].as_array().map(Vec::len), Some(2));
    admin.post(&format!("{}/markRead", path(0)), json!({})).ok();
    assert_eq!(unread(), json!(1));
    admin.delete(&path(1)).ok();
    assert_eq!((unread(), listed()), (json!(0), vec![groups[0].clone()]));
    let bad = admin.delete("Notification/group/x");
    assert_eq!((bad.status, bad.reason()), (400, "Bad ID."));
    let nameless = admin.get("Notification/group");
    assert_eq!((nameless.status, nameless.reason()), (400, "No `type`."));

    let older = Sim::builder()
        .version(Version::V9_3)
        .start()
        .await
        .expect("a server");
    assert_eq!(Talk::admin(&older).delete(&path(0)).status, 404);
}
