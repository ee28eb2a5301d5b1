//! The stream: notes that changes write, posts, followers, stars.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Body, Outcome, skip};
use crate::test::Test;

/// A post on a record.
async fn post(t: &Test, account: &Body, values: Value) -> Outcome<Body> {
    let note =
        json!({"type": "Post", "post": "Hello", "parentType": "Account", "parentId": account.id()});
    t.create("Note", &crate::test::merged(note, values)).await
}

/// The notes on a record.
async fn notes(t: &Test, entity: &str, record: &Body, query: &str) -> Outcome<Body> {
    t.get(&format!("{entity}/{}/stream{query}", record.id()))
        .await?
        .ok()
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = written();
    behaviours.extend(posts());
    behaviours.extend(followers());
    behaviours
}

fn written() -> Vec<Behaviour> {
    vec![
        check("shape", async |t| {
            let account = t.account(json!({})).await?;
            notes(t, "Account", &account, "")
                .await?
                .only("", &["total", "list", "pinnedList"])
                .map(drop)
        }),
        check("create-is-noted", async |t| {
            let account = t.account(json!({})).await?;
            let list = notes(t, "Account", &account, "").await?;
            let first = list.has("total", 1)?.first()?;
            first
                .has("type", "Create")?
                .has("parentId", account.id())?
                .has("parentType", "Account")
                .map(drop)
        }),
        check("status-is-noted", async |t| {
            let case = t.make("Case", json!({})).await?;
            t.update("Case", &case, &json!({"status": "Pending"}))
                .await?;
            notes(t, "Case", &case, "")
                .await?
                .first()?
                .that("type", "Status or Update", |kind| {
                    kind == "Status" || kind == "Update"
                })
                .map(drop)
        }),
        check("unaudited-changes-are-not", async |t| {
            let account = t.account(json!({})).await?;
            t.update("Account", &account, &json!({"sicCode": "7"}))
                .await?;
            notes(t, "Account", &account, "")
                .await?
                .has("total", 1)
                .map(drop)
        }),
        check("audited-changes-are-noted", async |t| {
            let account = t.account(json!({})).await?;
            t.update("Account", &account, &json!({"type": "Customer"}))
                .await?;
            let note = notes(t, "Account", &account, "").await?.first()?;
            note.has("type", "Update")?
                .has("/data/fields", json!(["type"]))?
                .has("/data/attributes/was/type", Value::Null)?
                .has("/data/attributes/became/type", "Customer")
                .map(drop)
        })
        .since(9, 3),
        check("assignment-is-noted", async |t| {
            let (account, somebody) = (t.account(json!({})).await?, t.assignee().await?);
            t.update("Account", &account, &json!({"assignedUserId": somebody}))
                .await?;
            notes(t, "Account", &account, "")
                .await?
                .first()?
                .has("type", "Assign")
                .map(drop)
        }),
        check("youngest-first", async |t| {
            let account = t.account(json!({})).await?;
            post(t, &account, json!({})).await?;
            let list = notes(t, "Account", &account, "").await?;
            let number = |n: usize| {
                list.rows()
                    .get(n)
                    .and_then(|row| row["number"].as_i64())
                    .unwrap_or_default()
            };
            list.has("/list/0/type", "Post")?
                .that("list", "falling numbers", |_| number(0) > number(1))
                .map(drop)
        }),
        check("after", async |t| {
            let account = t.account(json!({})).await?;
            notes(t, "Account", &account, "?after=2001-01-01%2000%3A00%3A00")
                .await?
                .count(1)?;
            notes(t, "Account", &account, "?after=2200-01-01%2000%3A00%3A00")
                .await?
                .count(0)
                .map(drop)
        }),
        check("own-stream-has-no-total", async |t| {
            let stream = t.get("Stream?maxSize=1").await?.ok()?;
            stream
                .that("total", "-1 or -2", |v| v == &json!(-1) || v == &json!(-2))?
                .that("list", "a list", Value::is_array)?;
            if t.at_least(9, 0) {
                stream
                    .holds("reactionsCheckDate")?
                    .holds("updatedReactions")
                    .map(drop)
            } else {
                Ok(())
            }
        }),
        check("attachments-of-the-stream", async |t| {
            let account = t.account(json!({})).await?;
            let path = format!("Account/{}/streamAttachments", account.id());
            t.get(&path)
                .await?
                .ok()?
                .only("", &["total", "list"])?
                .has("total", 0)
                .map(drop)
        })
        .since(9, 1),
        check("users-with-access", async |t| {
            let account = t.account(json!({})).await?;
            let path = format!("Account/{}/usersAccess", account.id());
            t.get(&path)
                .await?
                .ok()?
                .that("list", "a list", Value::is_array)
                .map(drop)
        })
        .since(9, 0),
        check("of-an-unknown-record", async |t| {
            t.get("Account/0123456789abcdef0/stream")
                .await?
                .is(404)
                .map(drop)
        }),
    ]
}

fn posts() -> Vec<Behaviour> {
    vec![
        check("post", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            note.has("type", "Post")?
                .has("post", "Hello")?
                .has("parentName", account.text("name"))?
                .has("data", json!({}))
                .map(drop)
        }),
        check("post-filter", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            notes(t, "Account", &account, "?filter=posts")
                .await?
                .rows_are(&[note.id()])
                .map(drop)
        }),
        check("posts-route", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            t.get(&format!("Account/{}/posts", account.id()))
                .await?
                .ok()?
                .rows_are(&[note.id()])
                .map(drop)
        }),
        check("type-is-always-post", async |t| {
            let account = t.account(json!({})).await?;
            post(t, &account, json!({"type": "Update"}))
                .await?
                .has("type", "Post")
                .map(drop)
        }),
        check("empty-post", async |t| {
            let account = t.account(json!({})).await?;
            post(t, &account, json!({"post": ""}))
                .await?
                .null("post")
                .map(drop)
        }),
        check("mention", async |t| {
            let user = t.as_regular()?.get("App/user").await?.ok()?;
            let mention = format!("@{}", user.text("/user/userName"));
            let account = t.account(json!({})).await?;
            // Names are compared without case. A full stop is part of a name.
            for spelling in [mention.clone(), mention.to_uppercase()] {
                let body = json!({"post": format!("Hello {spelling}")});
                post(t, &account, body).await?.has(
                    &format!("/data/mentions/{spelling}/id"),
                    user.text("/user/id"),
                )?;
            }
            let other = json!({"post": format!("Hello {mention}.")});
            post(t, &account, other)
                .await?
                .has("data", json!({}))
                .map(drop)
        }),
        check("post-of-a-number", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({"post": 5})).await?;
            note.has("post", "5").map(drop)
        }),
        check("post-with-a-missing-file", async |t| {
            let account = t.account(json!({})).await?;
            let note = json!({"type": "Post", "parentType": "Account", "parentId": account.id(), "attachmentsIds": ["0123456789abcdef0"]});
            t.post("Note", &note).await?.is(403).map(drop)
        }),
        check("edit", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            t.update("Note", &note, &json!({"post": "edited"}))
                .await?
                .has("post", "edited")
                .map(drop)
        }),
        check("delete", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            t.delete(&format!("Note/{}", note.id())).await?.yes()?;
            notes(t, "Account", &account, "?filter=posts")
                .await?
                .has("total", 0)
                .map(drop)
        }),
        check("pin", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            let path = format!("Note/{}", note.id());
            t.delete(&format!("{path}/pin")).await?.yes()?;
            t.get(&path).await?.ok()?.null("modifiedById")?;
            t.post(&format!("Note/{}/pin", note.id()), &json!({}))
                .await?
                .yes()?;
            notes(t, "Account", &account, "")
                .await?
                .has("/pinnedList/0/id", note.id())?;
            t.delete(&format!("Note/{}/pin", note.id())).await?.yes()?;
            notes(t, "Account", &account, "")
                .await?
                .has("pinnedList", json!([]))
                .map(drop)
        }),
        check("reaction", async |t| {
            let account = t.account(json!({})).await?;
            let note = post(t, &account, json!({})).await?;
            t.post(&format!("Note/{}/myReactions/Like", note.id()), &json!({}))
                .await?
                .yes()?;
            t.delete(&format!("Note/{}/myReactions/Like", note.id()))
                .await?
                .yes()
        })
        .since(9, 0),
        check("post-to-oneself", async |t| {
            t.create("Note", &json!({"type": "Post", "post": t.name("self")}))
                .await?
                .null("parentName")
                .map(drop)
        }),
        check("post-on-what-is-missing", async |t| {
            let note = json!({"type": "Post", "post": "x", "parentType": "Account", "parentId": "0123456789abcdef0"});
            let answer = t.post("Note", &note).await?;
            if answer.status == 404 {
                Ok(())
            } else {
                answer.is(403).map(drop)
            }
        }),
    ]
}

fn followers() -> Vec<Behaviour> {
    vec![
        check("follow", async |t| {
            let account = t.account(json!({})).await?;
            let path = format!("Account/{}/subscription", account.id());
            t.put(&path, &json!({})).await?.yes()?;
            t.put(&path, &json!({})).await?.yes()?;
            t.read("Account", &account)
                .await?
                .has("isFollowed", true)?
                .that("followersIds", "one follower", |v| {
                    v.as_array().is_some_and(|ids| ids.len() == 1)
                })
                .map(drop)
        }),
        check("unfollow", async |t| {
            let account = t.account(json!({})).await?;
            let path = format!("Account/{}/subscription", account.id());
            t.put(&path, &json!({})).await?.yes()?;
            t.delete(&path).await?.yes()?;
            t.delete(&path).await?.yes()?;
            t.read("Account", &account)
                .await?
                .has("isFollowed", false)
                .map(drop)
        }),
        check("follow-what-is-missing", async |t| {
            t.put("Account/0123456789abcdef0/subscription", &json!({}))
                .await?
                .is(404)?
                .no_reason()
                .map(drop)
        }),
        check("api-users-are-no-listed-followers", async |t| {
            let api = t.as_api()?;
            let account = api.account(json!({})).await?;
            api.put(
                &format!("Account/{}/subscription", account.id()),
                &json!({}),
            )
            .await?
            .yes()?;
            api.get(&format!("Account/{}/followers", account.id()))
                .await?
                .ok()?
                .has("total", 0)
                .map(drop)
        }),
        check("people-are", async |t| {
            let (account, person) = (t.account(json!({})).await?, t.as_regular()?);
            person
                .put(
                    &format!("Account/{}/subscription", account.id()),
                    &json!({}),
                )
                .await?
                .yes()?;
            person
                .get(&format!("Account/{}/followers", account.id()))
                .await?
                .ok()?
                .has("total", 1)
                .map(drop)
        }),
        check("add-a-follower", async |t| {
            let account = t.account(json!({})).await?;
            let user = t
                .as_regular()?
                .get("App/user")
                .await?
                .ok()?
                .text("/user/id")
                .to_owned();
            let path = format!("Account/{}/followers", account.id());
            let answer = t.post(&path, &json!({"ids": [user]})).await?;
            if answer.status == 403 {
                return skip("the user may not manage followers");
            }
            answer.yes()?;
            t.get(&path).await?.ok()?.rows_are(&[&user])?;
            t.unlink(&path, &json!({"ids": [user]})).await?.yes()?;
            t.get(&path).await?.ok()?.count(0).map(drop)
        }),
        check("api-users-cannot-star", async |t| {
            let api = t.as_api()?;
            let account = api.account(json!({})).await?;
            let answer = api
                .put(
                    &format!("Account/{}/starSubscription", account.id()),
                    &json!({}),
                )
                .await?;
            answer
                .is(403)?
                .reason("Not allowed for non-internal users.")?
                .html("")
                .map(drop)
        }),
        check("people-can-star", async |t| {
            let (account, person) = (t.account(json!({})).await?, t.as_regular()?);
            let path = format!("Account/{}/starSubscription", account.id());
            person.put(&path, &json!({})).await?.yes()?;
            person
                .read("Account", &account)
                .await?
                .has("isStarred", true)?;
            person.delete(&path).await?.yes()?;
            person
                .read("Account", &account)
                .await?
                .has("isStarred", false)
                .map(drop)
        }),
        check("the-assigned-user-follows", async |t| {
            let user = t
                .as_regular()?
                .get("App/user")
                .await?
                .ok()?
                .text("/user/id")
                .to_owned();
            t.account(json!({"assignedUserId": user}))
                .await?
                .has("followersIds", json!([user]))
                .map(drop)
        }),
    ]
}
