//! The attributes of lists, the attributes that the database can search and order by, and the effects of updates.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Body, Outcome};
use crate::test::Test;

/// A list of a few records, with further parameters.
async fn among(t: &Test, entity: &str, records: &[&Body], mut params: Value) -> Outcome<Body> {
    let ids: Vec<&str> = records.iter().map(|r| r.id()).collect();
    let mut items = vec![json!({"type": "in", "attribute": "id", "value": ids})];
    if let Some(item) = params.get_mut("where").map(Value::take) {
        items.push(item);
    }
    params["where"] = Value::Array(items);
    t.list(entity, &params).await?.ok()
}

pub(super) fn lists() -> Vec<Behaviour> {
    vec![
        check("parent-name-needs-id-and-type", async |t| {
            let account = t.account(json!({})).await?;
            let task = t
                .task(json!({"parentType": "Account", "parentId": account.id()}))
                .await?;
            let bare = json!({"select": ["name", "parentName"]});
            let list = among(t, "Task", &[&task], bare).await?;
            list.first()?.null("parentName")?;
            let both = json!({"select": ["name", "parentId", "parentType"]});
            let list = among(t, "Task", &[&task], both).await?;
            list.first()?
                .has("parentName", account.text("name"))
                .map(drop)
        }),
        check("ordering-by-a-field-selects-it", async |t| {
            let made = t.account(json!({})).await?;
            let params = json!({"select": ["name"], "orderBy": "billingAddress"});
            let list = among(t, "Account", &[&made], params).await?;
            list.first()?
                .holds("billingAddressStreet")?
                .holds("billingAddressPostalCode")?
                .lacks("createdAt")
                .map(drop)
        }),
        check("ordering-by-an-amount-selects-its-code", async |t| {
            let made = t.opportunity(json!({})).await?;
            let params = json!({"select": ["name"], "orderBy": "amount"});
            let list = among(t, "Opportunity", &[&made], params).await?;
            list.first()?
                .holds("amountCurrency")?
                .lacks("amountConverted")
                .map(drop)
        }),
        check("campaigns-have-no-counts", async |t| {
            let made = t.make("Campaign", json!({})).await?;
            let list = among(t, "Campaign", &[&made], json!({})).await?;
            list.first()?.lacks("sentCount")?;
            let one = json!({"select": ["sentCount"]});
            let list = among(t, "Campaign", &[&made], one).await?;
            list.first()?
                .holds("openedCount")?
                .holds("revenue")
                .map(drop)
        })
        .since(9, 2),
    ]
}

pub(super) fn orders() -> Vec<Behaviour> {
    vec![
        check("empty-options-come-last", async |t| {
            let empty = t.account(json!({})).await?;
            let customer = t.account(json!({"type": "Customer"})).await?;
            let partner = t.account(json!({"type": "Partner"})).await?;
            let all = [&empty, &customer, &partner];
            for (direction, ids) in [
                ("asc", [&customer, &partner, &empty]),
                ("desc", [&partner, &customer, &empty]),
            ] {
                let params = json!({"orderBy": "type", "order": direction, "select": ["id"]});
                let ids = ids.map(|r| r.id());
                among(t, "Account", &all, params).await?.rows_are(&ids)?;
            }
            Ok(())
        }),
        check("joined-names-need-to-be-selected", async |t| {
            let by = |select: &str| json!({"orderBy": "createdByName", "select": [select], "maxSize": 1});
            t.list("Account", &by("id")).await?.is(500)?;
            t.list("Account", &by("createdByName"))
                .await?
                .ok()
                .map(drop)
        }),
        check("stars-cannot-be-ordered-by", async |t| {
            t.query("Account", &[("orderBy", "isFollowed"), ("maxSize", "1")])
                .await?
                .is(500)
                .map(drop)
        }),
        check("ids-of-links-cannot-be-ordered-by", async |t| {
            t.query("Account", &[("orderBy", "teamsIds"), ("maxSize", "1")])
                .await?
                .is(500)
                .map(drop)
        }),
    ]
}

/// Expects 500 for one where item.
async fn fails(t: &Test, entity: &str, item: Value) -> Outcome {
    t.list(entity, &json!({"where": [item], "select": ["id"]}))
        .await?
        .is(500)?
        .empty()
        .map(drop)
}

pub(super) fn searches() -> Vec<Behaviour> {
    let mut behaviours = vec![
        check("attributes-without-a-column-fail", async |t| {
            for (entity, attribute) in [
                ("Account", "isFollowed"),
                ("Account", "emailAddressData"),
                ("Meeting", "duration"),
                ("Task", "parentName"),
                ("Contact", "accountRole"),
            ] {
                let item = json!({"type": "equals", "attribute": attribute, "value": "x"});
                fails(t, entity, item).await?;
            }
            Ok(())
        }),
        check("addresses-cannot-be-compared", async |t| {
            let item = json!({"type": "greaterThan", "attribute": "emailAddress", "value": "a"});
            fails(t, "Account", item).await
        }),
        check("flags-of-addresses-are-true-or-false", async |t| {
            let item = |type_: &str| json!({"type": type_, "attribute": "emailAddressIsOptedOut"});
            fails(t, "Account", item("isNull")).await?;
            let params = json!({"where": [item("isFalse")], "maxSize": 1});
            t.list("Account", &params).await?.ok().map(drop)
        }),
        check("converted-amounts-have-no-texts", async |t| {
            let item = json!({"type": "contains", "attribute": "amountConverted", "value": "1"});
            fails(t, "Opportunity", item).await
        }),
        check("full-text-matches-words", async |t| {
            let made = t
                .make("Case", json!({"description": "zebrafinch melodies"}))
                .await?;
            for (text, count) in [("zebrafinch", 1), ("zebrafin", 0), ("other melodies", 1)] {
                let params = json!({"textFilter": text, "select": ["id"]});
                among(t, "Case", &[&made], params).await?.count(count)?;
            }
            Ok(())
        })
        .since(9, 2),
    ];
    behaviours.extend(names());
    behaviours
}

fn names() -> Vec<Behaviour> {
    vec![
        check("names-match-in-either-order", async |t| {
            let last = t.name("last");
            let made = t
                .contact(json!({"firstName": "Zoe", "lastName": last}))
                .await?;
            for (value, count) in [
                (format!("Zoe {last}"), 1),
                (format!("{last} Zoe"), 1),
                (last.clone(), 1),
                ("Zo".to_owned(), 0),
            ] {
                let item = json!({"type": "equals", "attribute": "name", "value": value});
                let params = json!({"where": item, "select": ["id"]});
                among(t, "Contact", &[&made], params).await?.count(count)?;
            }
            Ok(())
        }),
        check("names-are-in-no-list", async |t| {
            let made = t.contact(json!({})).await?;
            let item = json!({"type": "in", "attribute": "name", "value": [made.text("lastName")]});
            let params = json!({"where": item, "select": ["id"]});
            among(t, "Contact", &[&made], params)
                .await?
                .count(0)
                .map(drop)
        })
        .since(9, 3),
        check(
            "negated-names-leave-out-people-without-a-first-name",
            async |t| {
                let alone = t.contact(json!({"firstName": null})).await?;
                let both = t.contact(json!({"firstName": "Ann"})).await?;
                let item = json!({"type": "notEquals", "attribute": "name", "value": "nobody"});
                let params = json!({"where": item, "select": ["id"]});
                among(t, "Contact", &[&alone, &both], params)
                    .await?
                    .rows_are(&[both.id()])
                    .map(drop)
            },
        )
        .since(9, 3),
    ]
}

pub(super) fn updates() -> Vec<Behaviour> {
    vec![
        check("empty-update-counts-as-a-change", async |t| {
            let made = t.contact(json!({})).await?;
            t.update("Contact", &made, &json!({})).await?;
            let read = t.read("Contact", &made).await?;
            read.that("modifiedById", "an id", Value::is_string)
                .map(drop)
        }),
        check("null-leaves-a-set-as-it-is", async |t| {
            let account = t.account(json!({})).await?;
            let made = t.contact(json!({"accountsIds": [account.id()]})).await?;
            t.update("Contact", &made, &json!({"accountsIds": null}))
                .await?;
            let read = t.read("Contact", &made).await?;
            read.has("accountsIds", json!([account.id()]))?;
            t.update("Contact", &made, &json!({"accountsIds": []}))
                .await?;
            let read = t.read("Contact", &made).await?;
            read.has("accountsIds", json!([])).map(drop)
        }),
        check("probability-follows-the-stage", async |t| {
            let made = t
                .opportunity(json!({"stage": "Prospecting", "probability": 33}))
                .await?;
            made.has("probability", 33)?;
            t.update("Opportunity", &made, &json!({})).await?;
            let read = t.read("Opportunity", &made).await?;
            read.has("probability", 10).map(drop)
        }),
    ]
}
