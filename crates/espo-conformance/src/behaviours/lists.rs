//! Lists: size, total and errors.

use serde_json::json;

use super::{Behaviour, check};
use crate::answer::{Body, Outcome};
use crate::test::Test;

/// A list of the world's accounts with additional search parameters.
async fn accounts(t: &Test, more: serde_json::Value) -> Outcome<Body> {
    let world = t.world().await?;
    let item = json!({"type": "in", "attribute": "id", "value": world.ids("Account")});
    t.list(
        "Account",
        &crate::test::merged(json!({"where": [item], "select": ["id", "name"]}), more),
    )
    .await?
    .ok()
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = sizes();
    behaviours.extend(totals());
    behaviours.extend(parameters());
    behaviours
}

fn sizes() -> Vec<Behaviour> {
    vec![
        check("shape", async |t| {
            accounts(t, json!({}))
                .await?
                .only("", &["total", "list"])?
                .has("total", 4)?
                .count(4)
                .map(drop)
        }),
        check("max-size", async |t| {
            accounts(t, json!({"maxSize": 2}))
                .await?
                .has("total", 4)?
                .count(2)
                .map(drop)
        }),
        check("max-size-200", async |t| {
            t.get("Account?maxSize=200&select=id")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("max-size-over-the-limit", async |t| {
            t.get("Account?maxSize=201")
                .await?
                .refused(403, "Max size should not exceed 200. Use offset and limit.")
        }),
        check("max-size-over-the-limit-in-json", async |t| {
            let answer = t.list("Account", &json!({"maxSize": 201})).await?;
            answer.refused(403, "Max size should not exceed 200. Use offset and limit.")
        }),
        check("max-size-zero-counts", async |t| {
            accounts(t, json!({"maxSize": 0}))
                .await?
                .has("total", 4)?
                .count(0)
                .map(drop)
        }),
        check("max-size-of-text-is-zero", async |t| {
            t.get("Account?maxSize=abc").await?.ok()?.count(0).map(drop)
        }),
        check("max-size-negative", async |t| {
            t.get("Account?maxSize=-1")
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("max-size-text-in-json", async |t| {
            t.list("Account", &json!({"maxSize": "2"}))
                .await?
                .refused(400, "maxSize must be integer.")
        }),
        check("max-size-null-in-json", async |t| {
            accounts(t, json!({"maxSize": null}))
                .await?
                .count(4)
                .map(drop)
        }),
        check("max-size-empty", async |t| {
            t.get("Account?maxSize=&select=id")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("offset", async |t| {
            let ordered = json!({"orderBy": "name", "order": "asc"});
            let all = accounts(t, ordered.clone()).await?;
            let rest = accounts(t, crate::test::merged(ordered, json!({"offset": 3}))).await?;
            rest.has("total", 4)?
                .rows_are(&all.ids()[3.min(all.ids().len())..])
                .map(drop)
        }),
        check("offset-behind-the-end", async |t| {
            accounts(t, json!({"offset": 100}))
                .await?
                .has("total", 4)?
                .count(0)
                .map(drop)
        }),
        check("offset-negative", async |t| {
            t.get("Account?offset=-5&maxSize=2")
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("offset-text-in-json", async |t| {
            accounts(t, json!({"offset": "3", "maxSize": 5}))
                .await?
                .count(1)
                .map(drop)
        }),
    ]
}

fn totals() -> Vec<Behaviour> {
    vec![
        check("no-total-and-more", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "in", "attribute": "id", "value": world.ids("Account")});
            let parameters = json!({"where": [item], "select": ["id"], "maxSize": 2}).to_string();
            let call = t
                .call("GET", "Account")
                .query(&[("searchParams", &parameters)])
                .header("x-no-total", "true");
            call.send()
                .await?
                .ok()?
                .has("total", -1)?
                .count(2)
                .map(drop)
        }),
        check("no-total-and-no-more", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "in", "attribute": "id", "value": world.ids("Account")});
            let parameters = json!({"where": [item], "select": ["id"], "maxSize": 4}).to_string();
            let call = t
                .call("GET", "Account")
                .query(&[("searchParams", &parameters)])
                .header("x-no-total", "true");
            call.send()
                .await?
                .ok()?
                .has("total", -2)?
                .count(4)
                .map(drop)
        }),
        check("quick-search-has-no-total", async |t| {
            let name = t.name("quick");
            t.create("Account", &json!({"name": name})).await?;
            t.query("Account", &[("q", &name), ("select", "id,name")])
                .await?
                .ok()?
                .has("total", -2)?
                .count(1)
                .map(drop)
        }),
        check("quick-search-in-json-has-a-total", async |t| {
            let name = t.name("quick");
            t.create("Account", &json!({"name": name})).await?;
            t.list("Account", &json!({"q": name, "select": ["id"]}))
                .await?
                .ok()?
                .has("total", 1)?
                .count(1)
                .map(drop)
        }),
        check("related-lists-always-count", async |t| {
            let world = t.world().await?;
            let path = format!(
                "Account/{}/opportunities?select=id&maxSize=1",
                world.id("alpha")
            );
            t.call("GET", &path)
                .header("x-no-total", "true")
                .send()
                .await?
                .ok()?
                .has("total", 2)?
                .count(1)
                .map(drop)
        }),
        check("emails-are-not-counted", async |t| {
            let list = t.get("Email?maxSize=1&select=id").await?;
            if list.status == 403 {
                return crate::answer::skip("the user may not read emails");
            }
            list.ok()?
                .that("total", "-1 or -2", |v| v == &json!(-1) || v == &json!(-2))
                .map(drop)
        }),
        check("notifications-are-not-counted", async |t| {
            t.get("Notification?maxSize=1")
                .await?
                .ok()?
                .that("total", "-1 or -2", |v| v == &json!(-1) || v == &json!(-2))
                .map(drop)
        }),
    ]
}

fn parameters() -> Vec<Behaviour> {
    vec![
        check("search-params-come-alone", async |t| {
            let parameters = json!({"maxSize": 1, "select": ["id"]}).to_string();
            t.query(
                "Account",
                &[("searchParams", &parameters), ("maxSize", "201")],
            )
            .await?
            .ok()?
            .count(1)
            .map(drop)
        }),
        check("search-params-not-json", async |t| {
            t.query("Account", &[("searchParams", "{")])
                .await?
                .is(400)?
                .empty()
                .map(drop)
        }),
        check("search-params-scalar", async |t| {
            t.query("Account", &[("searchParams", "5")])
                .await?
                .is(500)?
                .html("Slim Application Error")
                .map(drop)
        }),
        check("search-params-select-text", async |t| {
            t.list("Account", &json!({"select": "id"}))
                .await?
                .is(400)
                .map(drop)
        }),
        check("search-params-unknown-keys", async |t| {
            t.list("Account", &json!({"maxSize": 1, "noSuchKey": [1]}))
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("where-object-in-json", async |t| {
            let item = json!({"type": "equals", "attribute": "name", "value": "x"});
            t.list("Account", &json!({"where": item}))
                .await?
                .is(500)?
                .html("Slim Application Error")
                .map(drop)
        }),
        check("where-text-is-ignored", async |t| {
            t.get("Account?where=abc&maxSize=1&select=id")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("where-of-texts", async |t| {
            t.query("Account", &[("where[0]", "abc")])
                .await?
                .is(500)?
                .html("Slim Application Error")
                .map(drop)
        }),
        check("where-group-is-an-alias", async |t| {
            let world = t.world().await?;
            let id = world.id("beta");
            let item = [
                ("whereGroup[0][type]", "equals"),
                ("whereGroup[0][attribute]", "id"),
                ("whereGroup[0][value]", &id),
            ];
            t.query("Account", &item)
                .await?
                .ok()?
                .has("total", 1)?
                .rows_are(&[&id])
                .map(drop)
        })
        .since(9, 0),
        check("bracket-lists", async |t| {
            let world = t.world().await?;
            let (a, b) = (world.id("alpha"), world.id("beta"));
            let item = [
                ("where[0][type]", "in"),
                ("where[0][attribute]", "id"),
                ("where[0][value][]", &a),
                ("where[0][value][]", &b),
            ];
            t.query("Account", &item)
                .await?
                .ok()?
                .has("total", 2)
                .map(drop)
        }),
        check("bracket-groups", async |t| {
            let world = t.world().await?;
            let (a, b) = (world.id("alpha"), world.id("beta"));
            let either = |n: usize, key: &str| format!("where[0][value][{n}][{key}]");
            let pairs = [
                ("where[0][type]".to_owned(), "or"),
                (either(0, "type"), "equals"),
                (either(0, "attribute"), "id"),
                (either(0, "value"), &a),
                (either(1, "type"), "equals"),
                (either(1, "attribute"), "id"),
                (either(1, "value"), &b),
            ];
            let pairs: Vec<(&str, &str)> = pairs
                .iter()
                .map(|(key, value)| (key.as_str(), *value))
                .collect();
            t.query("Account", &pairs)
                .await?
                .ok()?
                .has("total", 2)
                .map(drop)
        }),
        check("unknown-parameters", async |t| {
            t.get("Account?maxSize=1&select=id&foo=bar")
                .await?
                .ok()?
                .holds("list")
                .map(drop)
        }),
        check("primary-filter", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "in", "attribute": "id", "value": world.ids("Opportunity")});
            let list = t
                .list(
                    "Opportunity",
                    &json!({"where": [item], "primaryFilter": "open", "select": ["id"]}),
                )
                .await?
                .ok()?;
            list.has("total", 2).map(drop)
        }),
        check("primary-filter-unknown", async |t| {
            t.get("Account?primaryFilter=noSuch")
                .await?
                .refused(400, "No primary filter 'noSuch' for 'Account'.")
        }),
        check("bool-filter-unknown", async |t| {
            t.query("Account", &[("boolFilterList[]", "noSuch")])
                .await?
                .is(400)?
                .empty()
                .map(drop)
        }),
        check("bool-filter-only-my", async |t| {
            let person = t.as_regular()?;
            let mine = person
                .get("App/user")
                .await?
                .ok()?
                .text("/user/id")
                .to_owned();
            let account = t.account(json!({"assignedUserId": mine})).await?;
            let other = t.account(json!({})).await?;
            let item =
                json!({"type": "in", "attribute": "id", "value": [account.id(), other.id()]});
            let list = person
                .list(
                    "Account",
                    &json!({"where": [item], "boolFilterList": ["onlyMy"]}),
                )
                .await?
                .ok()?;
            list.rows_are(&[account.id()]).map(drop)
        }),
    ]
}
