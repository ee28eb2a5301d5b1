//! Where items, one by one: which records of the world each of them finds.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Answer, Outcome, differs};
use crate::test::Test;

/// Demands that an item finds, of the world's records of a type, those with these labels.
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

/// The refusal of a where item: a status that changed in 9.2, and the reason, said twice since.
pub(super) async fn forbidden(t: &Test, item: Value, reason: &str) -> Outcome {
    let answer = asked(t, item).await?;
    if t.at_least(9, 2) {
        answer.refused(400, &format!("{reason} {reason}"))
    } else {
        answer.refused(403, reason)
    }
}

/// A behaviour that is one item and what it finds.
macro_rules! find {
    ($name:literal, $fact:literal, $entity:literal, $item:tt, [$($label:literal),*]) => {
        check($name, $fact, async |t| finds(t, $entity, json!($item), &[$($label),*]).await)
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
        find!("equals", "E2", "Account", {"type": "equals", "attribute": "type", "value": "Customer"}, ["alpha", "delta"]),
        find!("equals-list", "E2", "Account", {"type": "equals", "attribute": "type", "value": ["Customer", "Partner"]}, ["alpha", "beta", "delta"]),
        find!("equals-null", "E2, QUIRKS 5", "Account", {"type": "equals", "attribute": "type", "value": null}, ["gamma"]),
        find!("equals-without-value", "E2, QUIRKS 5", "Account", {"type": "equals", "attribute": "type"}, ["gamma"]),
        find!("equals-number", "E2", "Opportunity", {"type": "equals", "attribute": "probability", "value": 20}, ["mid"]),
        find!("equals-number-as-text", "E2", "Opportunity", {"type": "equals", "attribute": "probability", "value": "20"}, ["mid"]),
        find!("equals-currency", "E2", "Opportunity", {"type": "equals", "attribute": "amount", "value": 500.5}, ["mid"]),
        find!("equals-converted", "E2, B2 currency", "Opportunity", {"type": "equals", "attribute": "amountConverted", "value": 500.5}, ["mid"]),
        find!("field-is-an-alias", "E2", "Account", {"type": "equals", "field": "sicCode", "value": "9"}, ["delta"]),
        find!("not-equals", "E2", "Opportunity", {"type": "notEquals", "attribute": "stage", "value": "Prospecting"}, ["mid", "won", "lost"]),
        find!("not-equals-list", "E2", "Opportunity", {"type": "notEquals", "attribute": "stage", "value": ["Prospecting", "Qualification"]}, ["won", "lost"]),
        find!("in", "E2", "Account", {"type": "in", "attribute": "sicCode", "value": ["10", "9", "11"]}, ["alpha", "delta"]),
        find!("in-nothing", "E2, QUIRKS 5", "Account", {"type": "in", "attribute": "type", "value": []}, []),
        find!("not-in-nothing", "E2", "Account", {"type": "notIn", "attribute": "type", "value": []}, ["alpha", "beta", "gamma", "delta"]),
        find!("not-in", "E2", "Opportunity", {"type": "notIn", "attribute": "stage", "value": ["Closed Won", "Closed Lost"]}, ["big", "mid"]),
        find!("greater-than", "E2", "Opportunity", {"type": "greaterThan", "attribute": "probability", "value": 20}, ["won"]),
        find!("less-than", "E2", "Opportunity", {"type": "lessThan", "attribute": "probability", "value": 20}, ["big", "lost"]),
        find!("greater-than-or-equals", "E2", "Opportunity", {"type": "greaterThanOrEquals", "attribute": "amount", "value": 500.5}, ["big", "mid"]),
        find!("less-than-or-equals", "E2", "Opportunity", {"type": "lessThanOrEquals", "attribute": "amountConverted", "value": 100}, ["won", "lost"]),
        find!("between", "E2", "Opportunity", {"type": "between", "attribute": "probability", "value": [10, 20]}, ["big", "mid"]),
        find!("is-true", "E2", "Contact", {"type": "isTrue", "attribute": "doNotCall"}, ["ann"]),
        find!("is-false", "E2", "Contact", {"type": "isFalse", "attribute": "doNotCall"}, ["bob"]),
        find!("equals-true", "E2, QUIRKS 5", "Contact", {"type": "equals", "attribute": "doNotCall", "value": true}, ["ann"]),
        find!("any", "E2", "Account", {"type": "any", "attribute": "type"}, ["alpha", "beta", "gamma", "delta"]),
        find!("none", "E2", "Account", {"type": "none", "attribute": "type"}, []),
        find!("deleted-are-never-found", "F6", "Account", {"type": "equals", "attribute": "deleted", "value": true}, []),
        find!("array-item-on-a-text", "E2", "Account", {"type": "arrayAnyOf", "attribute": "sicCode", "value": ["10"]}, []),
        check("in-scalar", "E2, QUIRKS 5", async |t| {
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
        check("bracket-true-finds-the-false", "QUIRKS 5", async |t| {
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
        find!("equals-in-any-case", "QUIRKS 5", "Account", {"type": "equals", "attribute": "billingAddressCity", "value": "paris"}, ["alpha", "delta"]),
        find!("equals-without-accents", "QUIRKS 5", "Account", {"type": "equals", "attribute": "billingAddressCity", "value": "zurich"}, ["beta"]),
        find!("equals-with-trailing-blanks", "QUIRKS 5", "Account", {"type": "equals", "attribute": "billingAddressCity", "value": "Paris  "}, ["alpha", "delta"]),
        find!("contains", "E2", "Account", {"type": "contains", "attribute": "description", "value": "TWO"}, ["alpha"]),
        find!("contains-percent", "E2, QUIRKS 5", "Account", {"type": "contains", "attribute": "description", "value": "o%t"}, ["alpha"]),
        find!("contains-underscore", "E2, QUIRKS 5", "Account", {"type": "contains", "attribute": "description", "value": "t_o"}, ["alpha"]),
        find!("starts-with", "E2", "Account", {"type": "startsWith", "attribute": "billingAddressCountry", "value": "fr"}, ["alpha", "delta"]),
        find!("starts-with-nothing", "E2", "Account", {"type": "startsWith", "attribute": "billingAddressCountry", "value": ""}, ["alpha", "beta", "delta"]),
        find!("ends-with", "E2", "Account", {"type": "endsWith", "attribute": "billingAddressCountry", "value": "land"}, ["beta"]),
        find!("like", "E2", "Account", {"type": "like", "attribute": "billingAddressCity", "value": "P_r%"}, ["alpha", "delta"]),
        find!("like-is-anchored", "E2", "Account", {"type": "like", "attribute": "billingAddressCity", "value": "ari"}, []),
        find!("contains-in-a-number", "E2", "Opportunity", {"type": "contains", "attribute": "probability", "value": "0"}, ["big", "mid", "won", "lost"]),
        check("email", "B2 email", async |t| {
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
        check("email-beside-the-primary", "B2 email", async |t| {
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
        find!("phone", "B2 phone", "Account", {"type": "equals", "attribute": "phoneNumber", "value": "+12025550143"}, ["alpha"]),
        check("person-name", "B2 personName", async |t| {
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
        check("text-filter-by-beginning", "E5", async |t| {
            let name = t.name("filter");
            let account = t.create("Account", &json!({"name": name})).await?;
            t.list("Account", &json!({"textFilter": name, "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])?;
            // Not from inside of a name.
            let inside = &name[4..];
            t.list("Account", &json!({"textFilter": inside, "select": ["id"]}))
                .await?
                .ok()?
                .count(0)
                .map(drop)
        }),
        check("text-filter-star", "E5, QUIRKS 5", async |t| {
            let name = t.name("filter");
            let account = t.create("Account", &json!({"name": name})).await?;
            let filter = format!("*{}", &name[4..]);
            t.list("Account", &json!({"textFilter": filter, "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        check("text-filter-email", "E5", async |t| {
            let address = t.email();
            let account = t.account(json!({"emailAddress": address})).await?;
            t.list("Account", &json!({"textFilter": address, "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        check("text-filter-as-an-item", "E2", async |t| {
            let name = t.name("filter");
            let account = t.create("Account", &json!({"name": name})).await?;
            let item = json!({"type": "textFilter", "value": name});
            t.list("Account", &json!({"where": [item], "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[account.id()])
                .map(drop)
        }),
        check("primary-as-an-item", "E2", async |t| {
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
        find!("null-not-equals", "QUIRKS 5, E2", "Account", {"type": "notEquals", "attribute": "type", "value": "Customer"}, ["beta"]),
        find!("null-not-in", "QUIRKS 5, E2", "Account", {"type": "notIn", "attribute": "type", "value": ["Customer"]}, ["beta"]),
        find!("null-not-contains", "QUIRKS 5", "Account", {"type": "notContains", "attribute": "description", "value": "zzz"}, ["alpha", "beta", "delta"]),
        find!("null-not-like", "QUIRKS 5", "Account", {"type": "notLike", "attribute": "billingAddressCity", "value": "P%"}, ["beta"]),
        find!("null-not-on", "QUIRKS 5", "Campaign", {"type": "notOn", "attribute": "startDate", "value": "1999-01-01"},
            ["year-ago", "last-month", "days-ago", "now", "soon", "next-month", "far"]),
        find!("null-not-equals-null", "E2", "Account", {"type": "notEquals", "attribute": "type", "value": null}, ["alpha", "beta", "delta"]),
        find!("null-less-than", "E2", "Account", {"type": "lessThan", "attribute": "sicCode", "value": "2"}, ["alpha"]),
        find!("is-null", "E2", "Account", {"type": "isNull", "attribute": "billingAddressCity"}, ["gamma"]),
        find!("is-not-null", "E2", "Account", {"type": "isNotNull", "attribute": "billingAddressCity"}, ["alpha", "beta", "delta"]),
        find!("ever", "E2", "Campaign", {"type": "ever", "attribute": "startDate"},
            ["year-ago", "last-month", "days-ago", "now", "soon", "next-month", "far"]),
        find!("bool-is-never-null", "B2 bool", "Contact", {"type": "isNull", "attribute": "doNotCall"}, []),
        find!("id-is-null", "E2", "Opportunity", {"type": "isNull", "attribute": "accountId"}, ["won", "lost"]),
    ]
}

fn groups() -> Vec<Behaviour> {
    vec![
        find!("or", "E2", "Account", {"type": "or", "value": [
            {"type": "equals", "attribute": "sicCode", "value": "9"}, {"type": "isNull", "attribute": "type"}]}, ["gamma", "delta"]),
        find!("or-of-nothing", "QUIRKS 5", "Account", {"type": "or", "value": []}, ["alpha", "beta", "gamma", "delta"]),
        find!("and-of-nothing", "E2", "Account", {"type": "and", "value": []}, ["alpha", "beta", "gamma", "delta"]),
        find!("nested", "E2", "Account", {"type": "and", "value": [
            {"type": "or", "value": [{"type": "equals", "attribute": "sicCode", "value": "9"}, {"type": "equals", "attribute": "sicCode", "value": "20"}]},
            {"type": "isNotNull", "attribute": "type"}, {"type": "equals", "attribute": "billingAddressCountry", "value": "France"}]}, ["delta"]),
        check("not-is-refused", "E2, E3, QUIRKS 5", async |t| {
            let item = json!({"type": "not", "value": [{"type": "equals", "attribute": "name", "value": "x"}]});
            forbidden(t, item, "Sub-queries are forbidden in where.").await
        }),
        check("sub-query-is-refused", "E2, E3", async |t| {
            let item = json!({"type": "subQueryIn", "value": [{"type": "equals", "attribute": "name", "value": "x"}]});
            forbidden(t, item, "Sub-queries are forbidden in where.").await
        }),
        check("through-a-link-is-refused", "E3, N4", async |t| {
            let item = json!({"type": "equals", "attribute": "contacts.lastName", "value": "x"});
            forbidden(t, item, "Complex expressions are forbidden in where.").await
        }),
        check("expression-is-refused", "E3, QUIRKS 5", async |t| {
            let item = json!({"type": "equals", "attribute": "LOWER:(name)", "value": "x"});
            forbidden(t, item, "Complex expressions are forbidden in where.").await
        }),
        check("unknown-attribute", "E3", async |t| {
            let item = json!({"type": "equals", "attribute": "noSuch", "value": 1});
            asked(t, item)
                .await?
                .refused(400, "Not existing attribute 'noSuch' in where.")
        }),
        check("field-that-is-no-attribute", "E3, N7", async |t| {
            let item = json!({"type": "equals", "attribute": "billingAddress", "value": "x"});
            asked(t, item)
                .await?
                .refused(400, "Not existing attribute 'billingAddress' in where.")
        }),
        check("unknown-type", "E2", async |t| {
            let item = json!({"type": "noSuchType", "attribute": "name", "value": 1});
            asked(t, item)
                .await?
                .refused(400, "Unknown where item type 'noSuchType'.")
        }),
        check("item-without-type", "E2, QUIRKS 5", async |t| {
            asked(t, json!({"attribute": "name", "value": "x"}))
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("item-without-attribute", "E2, QUIRKS 5", async |t| {
            asked(t, json!({"type": "equals", "value": "x"}))
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
        check("any-without-attribute", "QUIRKS 5", async |t| {
            asked(t, json!({"type": "any"}))
                .await?
                .is(500)?
                .empty()
                .map(drop)
        }),
    ]
}
