//! Streams, posts to users, reactions, notifications.

use espo_core::typed::RecordRef;
use espo_core::{Client, JsonObject, Total};
use espo_sim::{Sim, Version};
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::{admin, client, create, me, object, read, start};

fn weak(sim: &Sim) -> Client {
    let users = sim.users();
    let user = users.find(|user| user.user_name == "api-weak").unwrap();
    let auth = espo_core::Auth::api_key(user.api_key.as_deref().unwrap());
    crate::with(sim, auth).build().unwrap()
}

/// The note in the view of a client.
fn note(crm: &Client, note: &JsonObject) -> RecordRef<JsonObject> {
    crm.untyped("Note").record(note["id"].as_str().unwrap())
}

#[tokio::test]
async fn global_user_and_update_streams_are_read() {
    let (sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let patch = object(json!({"type": "Customer"}));
    crm.untyped("Account")
        .update(&account, patch)
        .await
        .unwrap();
    let record = crm.untyped("Account").record(&account);
    let post = record.post("Hello").await.unwrap();

    let boss = admin(&sim);
    let global = boss.untyped("Note").global_stream().await.unwrap();
    assert!(global.notes.iter().any(|listed| listed["id"] == post["id"]));
    let user = boss.untyped("User").record(me(&crm).await);
    let mine = user.own_stream().await.unwrap();
    assert!(mine.notes.iter().any(|listed| listed["id"] == post["id"]));
    let posts = user.own_stream().only_posts().await.unwrap();
    assert!(posts.notes.iter().all(|listed| listed["type"] == "Post"));
    let record = boss.untyped("Account").record(&account);
    let updates = record.updates().await.unwrap();
    assert!(!updates.notes.is_empty());
    assert!(
        updates
            .notes
            .iter()
            .all(|listed| listed["type"] == "Update")
    );
}

#[tokio::test]
async fn streams_are_complete_for_any_page_size() {
    let (_sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let record = crm.untyped("Account").record(&account);
    for number in 0..7 {
        record.post(format!("Post {number}")).await.unwrap();
    }
    let all = record.stream().await.unwrap().notes;
    for size in [1, 3, 8] {
        let notes: Vec<JsonObject> = record
            .stream()
            .max_size(size)
            .stream()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(notes, all, "{size}");
    }
}

#[tokio::test]
async fn posts_reach_their_recipients() {
    let (sim, crm) = start().await;
    let users = sim.users();
    let regular = users.find(|user| user.type_ == "regular").unwrap();
    let team = users.teams[0].id.clone();
    let notes = crm.untyped("Note");
    for (post, members) in [
        (notes.post("x"), json!({"targetType": "all"})),
        (notes.post("x").to_self(), json!({"targetType": "self"})),
        (
            notes.post("x").to_users([&regular.id]),
            json!({"usersIds": [regular.id]}),
        ),
        (
            notes.post("x").to_teams([&team]),
            json!({"teamsIds": [team]}),
        ),
    ] {
        let note = post.await.unwrap();
        let kept = read(&admin(&sim), "Note", note["id"].as_str().unwrap()).await;
        assert_eq!(kept["post"], "x");
        for (name, value) in object(members) {
            assert_eq!(note.get(&name).or(kept.get(&name)), Some(&value), "{name}");
        }
    }
    let nobody: [&str; 0] = [];
    let error = notes.post("x").to_portals(nobody).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);

    let boss = admin(&sim);
    let portal = create(&boss, "Portal", json!({"name": "Partners"})).await;
    let post = boss.untyped("Note").post("x").to_portals([&portal]);
    let note = post.await.unwrap();
    assert_eq!(note["portalsIds"], json!([portal]));
    assert_eq!(note["portalsNames"][&portal], "Partners");
    let kept = read(&boss, "Note", note["id"].as_str().unwrap()).await;
    assert_eq!(kept["targetType"], "portals");
}

#[tokio::test]
async fn users_who_reacted_are_listed() {
    let (sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let record = crm.untyped("Account").record(&account);
    let post = record.post("Hello").await.unwrap();
    let boss = admin(&sim);
    let seen = note(&boss, &post);
    let likes = async || {
        let page = seen.reactors("Like").await.unwrap();
        let names = page.records.iter().map(|user| user["userName"].to_string());
        names.collect::<Vec<_>>()
    };
    assert!(likes().await.is_empty());
    seen.react("Like").await.unwrap();
    assert_eq!(likes().await, ["\"admin\""]);
    seen.unreact("Like").await.unwrap();
    assert!(likes().await.is_empty());
    let none = boss.untyped("Note").record("none");
    let error = none.reactors("Like").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let private = boss.untyped("Note").post("x").to_self().await.unwrap();
    let error = note(&weak(&sim), &private).reactors("Like").await;
    assert!(error.unwrap_err().is_forbidden());
}

#[tokio::test]
async fn notifications_of_one_action_are_grouped_and_can_be_opened() {
    // Since 10.0, notifications are grouped by record.
    let sim = Sim::builder().version(Version::V9_3);
    let sim = sim.start().await.unwrap();
    let crm = client(&sim).build().unwrap();
    let me = me(&crm).await;
    let tell = |user: &str, action: Option<&str>, text: &str| {
        let record =
            json!({"userId": user, "actionId": action, "message": text, "type": "Message"});
        sim.insert("Notification", &object(record)).unwrap()
    };
    let alone = tell(&me, None, "alone");
    let first = tell(&me, Some("a1"), "first");
    let second = tell(&me, Some("a1"), "second");
    let others = tell("other", Some("a1"), "not mine");

    let notifications = crm.untyped("Notification");
    assert_eq!(notifications.unread_count().await.unwrap(), 3);
    let page = notifications.list().max_size(5).await.unwrap();
    assert_eq!((page.records.len(), page.total), (2, Total::NoMore));
    let one = notifications.list().max_size(1).await.unwrap();
    assert_eq!((one.records.len(), one.total), (1, Total::More));
    let grouped = page
        .records
        .iter()
        .find(|listed| listed["groupedCount"] == 2);
    let grouped = notifications.record(grouped.unwrap()["id"].as_str().unwrap());
    let mut ids: Vec<_> = grouped.group().await.unwrap().records;
    ids.sort_by_key(|listed| listed["message"].to_string());
    assert_eq!(
        [&ids[0]["id"], &ids[1]["id"]],
        [&json!(first), &json!(second)]
    );
    assert_eq!(ids.len(), 2);
    let group = async |id: &str| notifications.record(id).group().await;
    assert_eq!(group(&alone).await.unwrap().records.len(), 1);
    assert!(group(&others).await.unwrap_err().is_forbidden());
    assert!(group("none").await.unwrap_err().is_not_found());

    notifications.mark_all_read().await.unwrap();
    assert_eq!(notifications.unread_count().await.unwrap(), 0);
}
