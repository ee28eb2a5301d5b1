//! Streams, posts to people, reactions, notifications.

use espo_core::actions::stream::{NewPost, StreamQuery};
use espo_core::{Client, Total};
use espo_sim::Sim;
use serde_json::json;

use crate::{admin, create, me, object, read, start};

fn weak(sim: &Sim) -> Client {
    let users = sim.users();
    let user = users.find(|user| user.user_name == "api-weak").unwrap();
    let auth = espo_core::Auth::api_key(user.api_key.as_deref().unwrap());
    crate::with(sim, auth).build().unwrap()
}

#[tokio::test]
async fn streams_of_everything_of_a_user_and_of_changes() {
    let (sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let patch = object(json!({"type": "Customer"}));
    let accounts = crm.untyped("Account");
    accounts
        .update(espo_core::typed::Id::new(&account), patch)
        .await
        .unwrap();
    let note = NewPost::on("Account", &account, "Hello");
    let note = crm.stream().post(&note).await.unwrap();

    let boss = admin(&sim);
    let all = StreamQuery::new();
    let global = boss.stream().global(&all).await.unwrap();
    assert!(global.list.iter().any(|listed| listed.id == note.id));
    let me = me(&crm).await;
    let mine = boss.stream().by_user(&me, &all).await.unwrap();
    assert!(mine.list.iter().any(|listed| listed.id == note.id));
    let posts = boss
        .stream()
        .by_user(&me, &all.clone().posts())
        .await
        .unwrap();
    assert!(posts.list.iter().all(|listed| listed.kind == "Post"));
    let updates = boss
        .stream()
        .updates_of("Account", &account, &all)
        .await
        .unwrap();
    assert!(!updates.list.is_empty());
    assert!(updates.list.iter().all(|listed| listed.kind == "Update"));

    let one = all.clone().max_size(1);
    let first = boss.stream().of("Account", &account, &one).await.unwrap();
    let before = all.before_number(first.list[0].number.unwrap());
    let rest = boss
        .stream()
        .of("Account", &account, &before)
        .await
        .unwrap();
    assert!(rest.list.iter().all(|listed| listed.id != first.list[0].id));
}

#[tokio::test]
async fn posts_reach_whom_they_are_for() {
    let (sim, crm) = start().await;
    let users = sim.users();
    let regular = users.find(|user| user.type_ == "regular").unwrap();
    let team = users.teams[0].id.clone();
    let notes = crm.stream();
    for (post, members) in [
        (NewPost::to_all("x"), json!({"targetType": "all"})),
        (NewPost::to_self("x"), json!({"targetType": "self"})),
        (
            NewPost::to_users("x", [&regular.id]),
            json!({"usersIds": [regular.id]}),
        ),
        (NewPost::to_teams("x", [&team]), json!({"teamsIds": [team]})),
    ] {
        let note = notes.post(&post).await.unwrap();
        let kept = read(&admin(&sim), "Note", &note.id).await;
        assert_eq!(kept["post"], "x");
        for (name, value) in object(members) {
            assert_eq!(
                note.other.get(&name).or(kept.get(&name)),
                Some(&value),
                "{name}"
            );
        }
    }
    let nobody = NewPost::to_portals("x", Vec::<String>::new());
    let error = notes.post(&nobody).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);

    let boss = admin(&sim);
    let portal = create(&boss, "Portal", json!({"name": "Partners"})).await;
    let post = NewPost::to_portals("x", [&portal]);
    let note = boss.stream().post(&post).await.unwrap();
    assert_eq!(note.other["portalsIds"], json!([portal]));
    assert_eq!(note.other["portalsNames"][&portal], "Partners");
    let kept = read(&boss, "Note", &note.id).await;
    assert_eq!(kept["targetType"], "portals");
}

#[tokio::test]
async fn those_who_reacted_are_listed() {
    let (sim, crm) = start().await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let note = NewPost::on("Account", &account, "Hello");
    let note = crm.stream().post(&note).await.unwrap();
    let boss = admin(&sim);
    let likes = async || {
        let page = boss.stream().reactors(&note.id, "Like").await.unwrap();
        let names = page.list.iter().map(|user| user["userName"].to_string());
        names.collect::<Vec<_>>()
    };
    assert!(likes().await.is_empty());
    boss.stream().react(&note.id, "Like").await.unwrap();
    assert_eq!(likes().await, ["\"admin\""]);
    boss.stream().unreact(&note.id, "Like").await.unwrap();
    assert!(likes().await.is_empty());
    let error = boss.stream().reactors("none", "Like").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let private = boss.stream().post(&NewPost::to_self("x")).await.unwrap();
    let error = weak(&sim).stream().reactors(&private.id, "Like").await;
    assert!(error.unwrap_err().is_forbidden());
}

#[tokio::test]
async fn notifications_of_one_action_come_as_one_and_can_be_opened() {
    let (sim, crm) = start().await;
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

    let notifications = crm.notifications();
    assert_eq!(notifications.unread_count().await.unwrap(), 3);
    let page = notifications.list(0, 5).await.unwrap();
    assert_eq!((page.list.len(), page.total), (2, Total::NoMore));
    let one = notifications.list(0, 1).await.unwrap();
    assert_eq!((one.list.len(), one.total), (1, Total::More));
    let grouped = page.list.iter().find(|listed| listed["groupedCount"] == 2);
    let group = notifications.group(grouped.unwrap()["id"].as_str().unwrap());
    let mut ids: Vec<_> = group.await.unwrap().list;
    ids.sort_by_key(|listed| listed["message"].to_string());
    assert_eq!(
        [&ids[0]["id"], &ids[1]["id"]],
        [&json!(first), &json!(second)]
    );
    assert_eq!(ids.len(), 2);
    assert_eq!(notifications.group(&alone).await.unwrap().list.len(), 1);
    assert!(
        notifications
            .group(&others)
            .await
            .unwrap_err()
            .is_forbidden()
    );
    assert!(
        notifications
            .group("none")
            .await
            .unwrap_err()
            .is_not_found()
    );

    notifications.mark_all_read().await.unwrap();
    assert_eq!(notifications.unread_count().await.unwrap(), 0);
}
