//! The records of the world that each where item finds.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Answer, Outcome, differs};
use crate::test::Test;

/// Asserts that an item finds the world's records of a type with these labels, and no others.
pub(super) async fn finds(t: &Test, entity: &str, item: Value, labels: &[&str]) -> Outcome {
    let world = t.world().await?;
    let of_world = json!({"type": "in", "attribute": "id", "value": world.ids(entity)});
    let list = t
        .list(
            entity,
            &json!({"where": [item, of_world], "select": ["id"]}),
        )
        .await?
        .ok()?;
    let mut got: Vec<&str> = list.ids().into_iter().map(|id| world.label(id)).collect();
    let mut expected = labels.to_vec();
    got.sort_unstable();
    expected.sort_unstable();
    if got == expected {
        Ok(())
    } else {
        differs(&list.request, "records found", json!(expected), json!(got))
    }
}

/// A list of accounts with one where item.
pub(super) async fn asked(t: &Test, item: Value) -> Outcome<Answer> {
    t.list(
        "Account",
        &json!({"where": [item], "select": ["id"], "maxSize": 1}),
    )
    .await
}

/// The error for an invalid where item: the status changed in 9.2, and 9.2 and 9.3 send the reason twice.
pub(super) async fn forbidden(t: &Test, item: Value, reason: &str) -> Outcome {
    let answer = asked(t, item).await?;
    if t.at_least(10, 0) {
        answer.refused(400, reason)
    } else if t.at_least(9, 2) {
        answer.refused(400, &format!("{reason} {reason}"))
    } else {
        answer.refused(403, reason)
    }
}

/// Declares a check of one item and the records that it finds.
macro_rules! find {
    ($name:literal, $entity:literal, $item:tt, [$($label:literal),*]) => {
        check($name, async |t| finds(t, $entity, json!($item), &[$($label),*]).await)
    };
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = comparisons();
    behaviours.extend(texts());
    behaviours.extend(nulls());
    behaviours.extend(groups());
    behaviours
}

fn comparisons() -> Vec<Behaviour> {
    vec![
        find!("equals", "Account", {"type": "equals", "attribute": "type", "value": "Customer"}, ["alpha", "delta"]),
        find!("equals-list", "Account", {"type": "equals", "attribute": "type", "value": ["Customer", "Partner"]}, ["alpha", "beta", "delta"]),
        find!("equals-null", "Account", {"type": "equals", "attribute": "type", "value": null}, ["gamma"]),
        find!("equals-without-value", "Account", {"type": "equals", "attribute": "type"}, ["gamma"]),
        find!("equals-number", "Opportunity", {"type": "equals", "attribute": "probability", "value": 20}, ["mid"]),
        find!("equals-number-as-text", "Opportunity", {"type": "equals", "attribute": "probability", "value": "20"}, ["mid"]),
        find!("equals-currency", "Opportunity", {"type": "equals", "attribute": "amount", "value": 500.5}, ["mid"]),
        find!("equals-converted", "Opportunity", {"type": "equals", "attribute": "amountConverted", "value": 500.5}, ["mid"]),
        find!("field-is-an-alias", "Account", {"type": "equals", "field": "sicCode", "value": "9"}, ["delta"]),
        find!("not-equals", "Opportunity", {"type": "notEquals", "attribute": "stage", "value": "Prospecting"}, ["mid", "won", "lost"]),
        find!("not-equals-list", "Opportunity", {"type": "notEquals", "attribute": "stage", "value": ["Prospecting", "Qualification"]}, ["won", "lost"]),
        find!("in", "Account", {"type": "in", "attribute": "sicCode", "value": ["10", "9", "11"]}, ["alpha", "delta"]),
        find!("in-nothing", "Account", {"type": "in", "attribute": "type", "value": []}, []),
        find!("not-in-nothing", "Account", {"type": "notIn", "attribute": "type", "value": []}, ["alpha", "beta", "gamma", "delta"]),
        find!("not-in", "Opportunity", {"type": "notIn", "attribute": "stage", "value": ["Closed Won", "Closed Lost"]}, ["big", "mid"]),
        find!("greater-than", "Opportunity", {"type": "greaterThan", "attribute": "probability", "value": 20}, ["won"]),
        find!("less-than", "Opportunity", {"type": "lessThan", "attribute": "probability", "value": 20}, ["big", "lost"]),
        find!("greater-than-or-equals", "Opportunity", {"type": "greaterThanOrEquals", "attribute": "amount", "value": 500.5}, ["big", "mid"]),
        find!("less-than-or-equals", "Opportunity", {"type": "lessThanOrEquals", "attribute": "amountConverted", "value": 100}, ["won", "lost"]),
        find!("between", "Opportunity", {"type": "between", "attribute": "probability", "value": [10, 20]}, ["big", "mid"]),
        find!("is-true", "Contact", {"type": "isTrue", "attribute": "doNotCall"}, ["ann"]),
        find!("is-false", "Contact", {"type": "isFalse", "attribute": "doNotCall"}, ["bob"]),
        find!("equals-true", "Contact", {"type": "equals", "attribute": "doNotCall", "value": true}, ["ann"]),
        find!("any", "Account", {"type": "any", "attribute": "type"}, ["alpha", "beta", "gamma", "delta"]),
        find!("none", "Account", {"type": "none", "attribute": "type"}, []),
        find!("deleted-are-never-found", "Account", {"type": "equals", "attribute": "deleted", "value": true}, []),
        find!("array-item-on-a-text", "Account", {"type": "arrayAnyOf", "attribute": "sicCode", "value": ["10"]}, []),
        check("in-scalar", async |t| {
            let answer = t
                .query(
                    "Account",
                    &[
                        ("where[0][type]", "in"),
                        ("where[0][attribute]", "type"),
                        ("where[0][value]", "x"),
                    ],
                )
                .await?;
            answer.refused(400, "Bad where item 'in'.")
        }),
        check("bracket-true-finds-the-false", async |t| {
            let world = t.world().await?;
            let (ann, bob) = (world.id("ann"), world.id("bob"));
            let pairs = [
                ("where[0][type]", "equals"),
                ("where[0][attribute]", "doNotCall"),
                ("where[0][value]", "true"),
                ("where[1][type]", "in"),
                ("where[1][attribute]", "id"),
                ("where[1][value][]", &ann),
                ("where[1][value][]", &bob),
            ];
            t.query("Contact", &pairs)
                .await?
                .ok()?
                .rows_are(&[&bob])
                .map(drop)
        }),
    ]
}

fn texts() -> Vec<Behaviour> {
    vec![
        find!("equals-in-any-case", "Account", {"type": "equals", "attribute": "billingAddressCity", "value": "paris"}, ["alpha", "delta"]),
        find!("equals-without-accents", "Account", {"type": "equals", "attribute": "billingAddressCity", "value": "zurich"}, ["beta"]),
        find!("equals-with-trailing-blanks", "Account", {"type": "equals", "attribute": "billingAddressCity", "value": "Paris  "}, ["alpha", "delta"]),
        find!("contains", "Account", {"type": "contains", "attribute": "description", "value": "TWO"}, ["alpha"]),
        find!("contains-percent", "Account", {"type": "contains", "attribute": "description", "value": "o%t"}, ["alpha"]),
        find!("contains-underscore", "Account", {"type": "contains", "attribute": "description", "value": "t_o"}, ["alpha"]),
        find!("starts-with", "Account", {"type": "startsWith", "attribute": "billingAddressCountry", "value": "fr"}, ["alpha", "delta"]),
        find!("starts-with-nothing", "Account", {"type": "startsWith", "attribute": "billingAddressCountry", "value": ""}, ["alpha", "beta", "delta"]),
        find!("ends-with", "Account", {"type": "endsWith", "attribute": "billingAddressCountry", "value": "land"}, ["beta"]),
        find!("like", "Account", {"type": "like", "attribute": "billingAddressCity", "value": "P_r%"}, ["alpha", "delta"]),
        find!("like-is-anchored", "Account", {"type": "like", "attribute": "billingAddressCity", "value": "ari"}, []),
        find!("contains-in-a-number", "Opportunity", {"type": "contains", "attribute": "probability", "value": "0"}, ["big", "mid", "won", "lost"]),
        check("email", async |t| {
            let world = t.world().await?;
            let address = world
                .get("alpha")
                .map(|body| body.text("emailAddress").to_uppercase())
                .unwrap_or_default();
            finds(
                t,
                "Account",
                json!({"type": "equals", "attribute": "emailAddress", "value": address}),
                &["alpha"],
            )
            .await
        }),
        check("email-beside-the-primary", async |t| {
            let (first, second) = (t.email(), t.email());
            let data = json!([{"emailAddress": first, "primary": true}, {"emailAddress": second, "primary": false}]);
            let account = t.account(json!({"emailAddressData": data})).await?;
            let item = json!({"type": "equals", "attribute": "emailAddress", "value": second});
            t.list("Account", &json!({"where": [item], "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        find!("phone", "Account", {"type": "equals", "attribute": "phoneNumber", "value": "+12025550143"}, ["alpha"]),
        check("person-name", async |t| {
            let world = t.world().await?;
            let name = world
                .get("ann")
                .map(|body| body.text("name").to_owned())
                .unwrap_or_default();
            finds(
                t,
                "Contact",
                json!({"type": "equals", "attribute": "name", "value": name}),
                &["ann"],
            )
            .await
        }),
        check("text-filter-by-beginning", async |t| {
            let name = t.name("filter");
            let account = t.create("Account", &json!({"name": name})).await?;
            t.list("Account", &json!({"textFilter": name, "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])?;
            // A match must start at the beginning of a name.
            let inside = &name[4..];
            t.list("Account", &json!({"textFilter": inside, "select": ["id"]}))
                .await?
                .ok()?
                .count(0)
                .map(drop)
        }),
        check("text-filter-star", async |t| {
            let name = t.name("filter");
            let account = t.create("Account", &json!({"name": name})).await?;
            let filter = format!("*{}", &name[4..]);
            t.list("Account", &json!({"textFilter": filter, "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        check("text-filter-email", async |t| {
            let address = t.email();
            let account = t.account(json!({"emailAddress": address})).await?;
            t.list("Account", &json!({"textFilter": address, "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        check("text-filter-as-an-item", async |t| {
            let name = t.name("filter");
            let account = t.create("Account", &json!({"name": name})).await?;
            let item = json!({"type": "textFilter", "value": name});
            t.list("Account", &json!({"where": [item], "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        check("primary-as-an-item", async |t| {
            finds(
                t,
                "Opportunity",
                json!({"type": "primary", "value": "won"}),
                &["won"],
            )
            .await
        }),
    ]
}

/// Comparison with NULL is neither true nor false.
fn nulls() -> Vec<Behaviour> {
    vec![
        find!("null-not-equals", "Account", {"type": "notEquals", "attribute": "type", "value": "Customer"}, ["beta"]),
        find!("null-not-in", "Account", {"type": "notIn", "attribute": "type", "value": ["Customer"]}, ["beta"]),
        find!("address-not-equals", "Account", {"type": "notEquals", "attribute": "emailAddress", "value": "nobody@espo.example"}, ["alpha", "beta", "gamma", "delta"]).since(9, 2),
        find!("null-not-contains", "Account", {"type": "notContains", "attribute": "description", "value": "zzz"}, ["alpha", "beta", "delta"]),
        find!("null-not-like", "Account", {"type": "notLike", "attribute": "billingAddressCity", "value": "P%"}, ["beta"]),
        find!("null-not-on", "Campaign", {"type": "notOn", "attribute": "startDate", "value": "1999-01-01"},
            ["year-ago", "last-month", "days-ago", "now", "soon", "next-month", "far"]),
        find!("null-not-equals-null", "Account", {"type": "notEquals", "attribute": "type", "value": null}, ["alpha", "beta", "delta"]),
        find!("null-less-than", "Account", {"type": "lessThan", "attribute": "sicCode", "value": "2"}, ["alpha"]),
        find!("is-null", "Account", {"type": "isNull", "attribute": "billingAddressCity"}, ["gamma"]),
        find!("is-not-null", "Account", {"type": "isNotNull", "attribute": "billingAddressCity"}, ["alpha", "beta", "delta"]),
        find!("ever", "Campaign", {"type": "ever", "attribute": "startDate"},
            ["year-ago", "last-month", "days-ago", "now", "soon", "next-month", "far"]),
        find!("bool-is-never-null", "Contact", {"type": "isNull", "attribute": "doNotCall"}, []),
        find!("id-is-null", "Opportunity", {"type": "isNull", "attribute": "accountId"}, ["won", "lost"]),
    ]
}

fn groups() -> Vec<Behaviour> {
    vec![
        find!("or", "Account", {"type": "or", "value": [
            {"type": "equals", "attribute": "sicCode", "value": "9"}, {"type": "isNull", "attribute": "type"}]}, ["gamma", "delta"]),
        find!("or-of-nothing", "Account", {"type": "or", "value": []}, ["alpha", "beta", "gamma", "delta"]),
        find!("and-of-nothing", "Account", {"type": "and", "value": []}, ["alpha", "beta", "gamma", "delta"]),
        find!("nested", "Account", {"type": "and", "value": [
            {"type": "or", "value": [{"type": "equals", "attribute": "sicCode", "value": "9"}, {"type": "equals", "attribute": "sicCode", "value": "20"}]},
            {"type": "isNotNull", "attribute": "type"}, {"type": "equals", "attribute": "billingAddressCountry", "value": "France"}]}, ["delta"]),
        check("not-is-refused", async |t| {
            let item = json!({"type": "not", "value": [{"type": "equals", "attribute": "name", "value": "x"}]});
            forbidden(t, item, "Sub-queries are forbidden in where.").await
        }),
        check("sub-query-is-refused", async |t| {
            let item = json!({"type": "subQueryIn", "value": [{"type": "equals", "attribute": "name", "value": "x"}]});
            forbidden(t, item, "Sub-queries are forbidden in where.").await
        }),
        check("through-a-link-is-refused", async |t| {
            let item = json!({"type": "equals", "attribute": "contacts.lastName", "value": "x"});
            forbidden(t, item, "Complex expressions are forbidden in where.").await
        }),
        check("expression-is-refused", async |t| {
            let item = json!({"type": "equals", "attribute": "LOWER:(name)", "value": "x"});
            forbidden(t, item, "Complex expressions are forbidden in where.").await
        }),
        check("unknown-attribute", async |t| {
            let item = json!({"type": "equals", "attribute": "noSuch", "value": 1});
            asked(t, item)
                .await?
                .refused(400, "Not existing attribute 'noSuch' in where.")
        }),
        check("field-that-is-no-attribute", async |t| {
            let item = json!({"type": "equals", "attribute": "billingAddress", "value": "x"});
            asked(t, item)
                .await?
                .refused(400, "Not existing attribute 'billingAddress' in where.")
        }),
        check("unknown-type", async |t| {
            let item = json!({"type": "noSuchType", "attribute": "name", "value": 1});
            asked(t, item)
                .await?
                .refused(400, "Unknown where item type 'noSuchType'.")
        }),
        check("filter-item-without-a-value", async |t| {
            asked(t, json!({"type": "bool", "attribute": "name"}))
                .await?
                .refused(400, "Unknown where item type 'bool'.")
        }),
        check("group-of-an-unknown-attribute", async |t| {
            asked(t, json!({"type": "or", "attribute": "noSuch", "value": []}))
                .await?
                .refused(400, "Not existing attribute 'noSuch' in where.")
        }),
        check("time-zone-of-any-type", async |t| {
            let item = json!({"type": "isNull", "attribute": "name", "dateTime": true, "timeZone": "No/Zone"});
            asked(t, item).await?.refused(400, "Bad timezone")
        }),
        check("day-that-is-not-a-date", async |t| {
            let item =
                json!({"type": "on", "attribute": "createdAt", "value": "alpha", "dateTime": true});
            asked(t, item)
                .await?
                .refused(400, "Bad date value or timezone.")
        }),
        check("array-item-with-zero", async |t| {
            asked(
                t,
                json!({"type": "arrayAnyOf", "attribute": "name", "value": 0}),
            )
            .await?
            .refused(400, "Bad where item. No value.")
        }),
        find!("list-as-part-of-a-string", "Account", {"type": "notContains", "attribute": "name", "value": ["x"]}, ["alpha", "beta", "gamma", "delta"]),
        check("item-without-type", async |t| {
            asked(t, json!({"attribute": "name", "value": "x"}))
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("item-without-attribute", async |t| {
            asked(t, json!({"type": "equals", "value": "x"}))
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("any-without-attribute", async |t| {
            asked(t, json!({"type": "any"}))
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
    ]
}
