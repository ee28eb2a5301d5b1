//! Stream notes and notifications.

use espo_core::Total;
use espo_core::actions::GroupKind;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use super::{Bench, object};
use crate::server::{Server, json as answer};

const NOTES: &str = r#"{"total":1,"list":[{"id":"n1","number":5,"type":"Update","data":{"fields":["a"]},"isPinned":false}],"pinnedList":[{"id":"n2","type":"Post","post":"Hi","data":null}],"reactionsCheckDate":"2026-01-31 08:00:00"}"#;

#[tokio::test]
async fn streams_are_read_with_their_own_parameters() {
    let bench = Bench::new().await;
    let notes = || bench.gives(NOTES).untyped("Note");
    let after: jiff::Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
    let page = notes()
        .own_stream()
        .after(after)
        .only_posts()
        .skip_own()
        .max_size(5)
        .before_number(9)
        .await
        .unwrap();
    bench.sent(
        "GET Stream?after=2026-01-31%2008%3A00%3A00&filter=posts&skipOwn=true&maxSize=5&beforeNumber=9",
        Value::Null,
    );
    assert_eq!(page.notes[0]["number"], 5);
    assert_eq!(page.pinned[0]["post"], "Hi");
    assert_eq!(page.total, Total::Exact(1));
    let check_date = page.reactions_check_date.unwrap();
    notes()
        .own_stream()
        .reactions_after(&check_date)
        .await
        .unwrap();
    bench.sent(
        "GET Stream?reactionsAfter=2026-01-31%2008%3A00%3A00",
        Value::Null,
    );

    notes().global_stream().await.unwrap();
    bench.sent("GET GlobalStream", Value::Null);
    let user = bench.gives(NOTES).untyped("User").record("u");
    user.own_stream().only_updates().offset(3).await.unwrap();
    bench.sent("GET User/u/stream/own?filter=updates&offset=3", Value::Null);
    let case = bench.gives(NOTES).untyped("Case").record("1");
    case.stream().await.unwrap();
    bench.sent("GET Case/1/stream", Value::Null);
    case.posts().await.unwrap();
    bench.sent("GET Case/1/posts", Value::Null);
    case.updates().await.unwrap();
    bench.sent("GET Case/1/updateStream", Value::Null);
    case.stream_attachments()
        .offset(0)
        .max_size(5)
        .await
        .unwrap();
    bench.sent(
        "GET Case/1/streamAttachments?offset=0&maxSize=5",
        Value::Null,
    );
}

#[tokio::test]
async fn whole_streams_are_read_by_descending_numbers() {
    let server = Server::start(|seen, _| {
        let number = |at: usize| format!(r#"{{"id":"n{at}","number":{at}}}"#);
        let (_, query) = seen.target.split_once('?').unwrap();
        let rows = if query.contains("beforeNumber=5") {
            format!("[{},{}]", number(4), number(2))
        } else if query.contains("beforeNumber") {
            "[]".to_owned()
        } else {
            format!("[{},{}]", number(6), number(5))
        };
        answer(
            200,
            &format!(r#"{{"total":-1,"list":{rows},"pinnedList":[]}}"#),
        )
    })
    .await;
    let notes: Vec<_> = server
        .client()
        .untyped("Case")
        .record("1")
        .stream()
        .max_size(2)
        .stream()
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<_> = notes
        .iter()
        .map(|note| note["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["n6", "n5", "n4", "n2"]);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn whole_streams_end_if_numbers_do_not_descend() {
    let server = Server::answering(NOTES).await;
    let record = server.client().untyped("Case").record("1");
    let notes: Vec<_> = record.stream().stream().try_collect().await.unwrap();
    // The first page, and the second, which is the same: the server ignores the number.
    assert_eq!((notes.len(), server.seen().len()), (2, 2));
}

#[tokio::test]
async fn posts_name_their_record_or_recipients() {
    let bench = Bench::new().await;
    let note = r#"{"id":"n1","type":"Post","post":"Hi"}"#;
    let case = bench.gives(note).untyped("Case").record("1");
    let written = case
        .post("Hi @bob")
        .internal()
        .attach(["a1"])
        .await
        .unwrap();
    assert_eq!(written["id"], "n1");
    bench.sent(
        "POST Note",
        json!({"type": "Post", "post": "Hi @bob", "parentType": "Case", "parentId": "1",
               "isInternal": true, "attachmentsIds": ["a1"]}),
    );
    let notes = bench.gives(note).untyped("Note");
    for (post, members) in [
        (notes.post("x"), json!({"targetType": "all"})),
        (notes.post("x").to_self(), json!({"targetType": "self"})),
        (
            notes.post("x").to_users(["u"]),
            json!({"targetType": "users", "usersIds": ["u"]}),
        ),
        (
            notes.post("x").to_teams(["t"]),
            json!({"targetType": "teams", "teamsIds": ["t"]}),
        ),
        (
            notes.post("x").to_portals(["p"]),
            json!({"targetType": "portals", "portalsIds": ["p"]}),
        ),
    ] {
        post.await.unwrap();
        let mut expected = object(json!({"type": "Post", "post": "x"}));
        expected.extend(object(members));
        bench.sent("POST Note", Value::Object(expected));
    }
}

#[tokio::test]
async fn stream_notes_can_be_edited_pinned_and_reacted_to() {
    let bench = Bench::new().await;
    let note = |gives: &str| bench.gives(gives).untyped("Note").record("n1");
    note("{}").edit("Ho").await.unwrap();
    bench.sent("PUT Note/n1", json!({"post": "Ho"}));
    note("true").pin().await.unwrap();
    bench.sent("POST Note/n1/pin", Value::Null);
    note("true").unpin().await.unwrap();
    bench.sent("DELETE Note/n1/pin", Value::Null);
    note("true").react("Like").await.unwrap();
    bench.sent("POST Note/n1/myReactions/Like", Value::Null);
    note("true").unreact("Like").await.unwrap();
    bench.sent("DELETE Note/n1/myReactions/Like", Value::Null);
    note(r#"{"total":0,"list":[]}"#)
        .reactors("Like")
        .await
        .unwrap();
    bench.sent("GET Note/n1/reactors/Like", Value::Null);
}

#[tokio::test]
async fn notifications_are_counted_grouped_and_marked() {
    let bench = Bench::new().await;
    let page = r#"{"total":-2,"list":[]}"#;
    let notifications = |gives: &str| bench.gives(gives).untyped("Notification");
    let read = notifications(page).list().max_size(20).await.unwrap();
    assert_eq!(read.total, Total::NoMore);
    assert_eq!(notifications("7").unread_count().await.unwrap(), 7);
    bench.sent("GET Notification/action/notReadCount", Value::Null);
    notifications("true").mark_all_read().await.unwrap();
    bench.sent("POST Notification/action/markAllRead", json!({}));
    notifications(page).record("x").group().await.unwrap();
    bench.sent("GET Notification/x/group", Value::Null);
    notifications(page)
        .grouped(GroupKind::Note, "g")
        .await
        .unwrap();
    bench.sent("GET Notification/group?type=Note&id=g", Value::Null);
    notifications("true")
        .record("g")
        .mark_group_read()
        .await
        .unwrap();
    bench.sent("POST Notification/group/g/markRead", Value::Null);
    notifications("true")
        .record("g")
        .delete_group()
        .await
        .unwrap();
    bench.sent("DELETE Notification/group/g", Value::Null);
}
