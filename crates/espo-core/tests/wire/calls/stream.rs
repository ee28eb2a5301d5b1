//! Notes and notifications.

use espo_core::Total;
use espo_core::actions::stream::{NewPost, StreamQuery};
use serde_json::{Value, json};

use super::{Bench, object};

const NOTES: &str = r#"{"total":1,"list":[{"id":"n1","number":5,"type":"Update","data":{"fields":["a"]},"isPinned":false}],"pinnedList":[{"id":"n2","type":"Post","post":"Hi","data":null}]}"#;

#[tokio::test]
async fn reading_streams() {
    let bench = Bench::new().await;
    let plain = StreamQuery::new();
    let after: jiff::Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
    let query = StreamQuery::new()
        .max_size(5)
        .after(after)
        .before_number(9)
        .posts()
        .skip_own();
    let page = bench.gives(NOTES).stream().own(&query).await.unwrap();
    bench.sent(
        "GET Stream?maxSize=5&after=2026-01-31%2008%3A00%3A00&beforeNumber=9&filter=posts&skipOwn=true",
        Value::Null,
    );
    assert_eq!(
        (page.list[0].number, page.list[0].kind.as_str()),
        (Some(5), "Update")
    );
    assert_eq!(page.list[0].other["isPinned"], false);
    assert_eq!(page.pinned_list[0].post.as_deref(), Some("Hi"));

    bench.gives(NOTES).stream().global(&plain).await.unwrap();
    bench.sent("GET GlobalStream", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .by_user("u", &plain.clone().offset(3).updates())
        .await
        .unwrap();
    bench.sent("GET User/u/stream/own?offset=3&filter=updates", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .of("Case", "1", &plain)
        .await
        .unwrap();
    bench.sent("GET Case/1/stream", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .posts_of("Case", "1", &plain)
        .await
        .unwrap();
    bench.sent("GET Case/1/posts", Value::Null);
    bench
        .gives(NOTES)
        .stream()
        .updates_of("Case", "1", &plain)
        .await
        .unwrap();
    bench.sent("GET Case/1/updateStream", Value::Null);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .stream()
        .attachments_of("Case", "1", 0, 5)
        .await
        .unwrap();
    bench.sent(
        "GET Case/1/streamAttachments?offset=0&maxSize=5",
        Value::Null,
    );
}

#[tokio::test]
async fn writing_notes() {
    let bench = Bench::new().await;
    let note = r#"{"id":"n1","type":"Post","post":"Hi"}"#;
    let post = NewPost::on("Case", "1", "Hi @bob")
        .internal()
        .attachments(["a1"]);
    assert_eq!(
        bench.gives(note).stream().post(&post).await.unwrap().id,
        "n1"
    );
    bench.sent(
        "POST Note",
        json!({"type": "Post", "post": "Hi @bob", "parentType": "Case", "parentId": "1",
               "isInternal": true, "attachmentsIds": ["a1"]}),
    );
    for (post, members) in [
        (NewPost::to_all("x"), json!({"targetType": "all"})),
        (NewPost::to_self("x"), json!({"targetType": "self"})),
        (
            NewPost::to_users("x", ["u"]),
            json!({"targetType": "users", "usersIds": ["u"]}),
        ),
        (
            NewPost::to_teams("x", ["t"]),
            json!({"targetType": "teams", "teamsIds": ["t"]}),
        ),
        (
            NewPost::to_portals("x", ["p"]),
            json!({"targetType": "portals", "portalsIds": ["p"]}),
        ),
    ] {
        bench.gives(note).stream().post(&post).await.unwrap();
        let mut expected = object(json!({"type": "Post", "post": "x"}));
        expected.extend(object(members));
        bench.sent("POST Note", Value::Object(expected));
    }
    bench.gives(note).stream().read("n1").await.unwrap();
    bench.sent("GET Note/n1", Value::Null);
    bench.gives(note).stream().edit("n1", "Ho").await.unwrap();
    bench.sent("PUT Note/n1", json!({"post": "Ho"}));
    bench.gives("true").stream().delete("n1").await.unwrap();
    bench.sent("DELETE Note/n1", Value::Null);
    bench.gives("true").stream().pin("n1").await.unwrap();
    bench.sent("POST Note/n1/pin", Value::Null);
    bench.gives("true").stream().unpin("n1").await.unwrap();
    bench.sent("DELETE Note/n1/pin", Value::Null);
    bench
        .gives("true")
        .stream()
        .react("n1", "Like")
        .await
        .unwrap();
    bench.sent("POST Note/n1/myReactions/Like", Value::Null);
    bench
        .gives("true")
        .stream()
        .unreact("n1", "Like")
        .await
        .unwrap();
    bench.sent("DELETE Note/n1/myReactions/Like", Value::Null);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .stream()
        .reactors("n1", "Like")
        .await
        .unwrap();
    bench.sent("GET Note/n1/reactors/Like", Value::Null);
}

#[tokio::test]
async fn notifications() {
    let bench = Bench::new().await;
    let page = bench
        .gives(r#"{"total":-2,"list":[]}"#)
        .notifications()
        .list(0, 20)
        .await
        .unwrap();
    bench.sent("GET Notification?offset=0&maxSize=20", Value::Null);
    assert_eq!(page.total, Total::NoMore);
    assert_eq!(
        bench
            .gives("7")
            .notifications()
            .unread_count()
            .await
            .unwrap(),
        7
    );
    bench.sent("GET Notification/action/notReadCount", Value::Null);
    bench
        .gives("true")
        .notifications()
        .mark_all_read()
        .await
        .unwrap();
    bench.sent("POST Notification/action/markAllRead", json!({}));
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .notifications()
        .group("x")
        .await
        .unwrap();
    bench.sent("GET Notification/x/group", Value::Null);
}
