//! The order of rows.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Outcome, differs};
use crate::test::{Test, merged};

/// Asserts the order of the world's records of a type.
async fn ordered(t: &Test, entity: &str, order: Value, labels: &[&str]) -> Outcome {
    let world = t.world().await?;
    let item = json!({"type": "in", "attribute": "id", "value": world.ids(entity)});
    let list = t
        .list(
            entity,
            &merged(json!({"where": [item], "select": ["id"]}), order),
        )
        .await?
        .ok()?;
    let got: Vec<&str> = list.ids().into_iter().map(|id| world.label(id)).collect();
    if got == labels {
        Ok(())
    } else {
        differs(&list.request, "order", json!(labels), json!(got))
    }
}

/// The error for an invalid order: the status changed in 9.2, and 9.2 and 9.3 send the reason twice.
async fn forbidden(t: &Test, field: &str, reason: &str) -> Outcome {
    let answer = t.query("Account", &[("orderBy", field)]).await?;
    if t.at_least(10, 0) {
        answer.refused(400, reason)
    } else if t.at_least(9, 2) {
        answer.refused(400, &format!("{reason} {reason}"))
    } else {
        answer.refused(403, reason)
    }
}

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("ascending", async |t| {
            ordered(
                t,
                "Account",
                json!({"orderBy": "name", "order": "asc"}),
                &["alpha", "beta", "delta", "gamma"],
            )
            .await
        }),
        check("descending-in-any-case", async |t| {
            ordered(
                t,
                "Account",
                json!({"orderBy": "name", "order": "DESC"}),
                &["gamma", "delta", "beta", "alpha"],
            )
            .await
        }),
        check("without-direction-ascending", async |t| {
            ordered(
                t,
                "Opportunity",
                json!({"orderBy": "probability"}),
                &["lost", "big", "mid", "won"],
            )
            .await
        }),
        check("direction-alone", async |t| {
            ordered(
                t,
                "Account",
                json!({"order": "asc"}),
                &["alpha", "beta", "gamma", "delta"],
            )
            .await
        }),
        check("default-newest-first", async |t| {
            ordered(
                t,
                "Account",
                json!({}),
                &["delta", "gamma", "beta", "alpha"],
            )
            .await
        }),
        check("null-comes-first", async |t| {
            ordered(
                t,
                "Account",
                json!({"orderBy": "sicCode", "order": "asc"}),
                &["gamma", "alpha", "beta", "delta"],
            )
            .await
        }),
        check("text-is-not-sorted-as-numbers", async |t| {
            ordered(
                t,
                "Account",
                json!({"orderBy": "sicCode", "order": "desc"}),
                &["delta", "beta", "alpha", "gamma"],
            )
            .await
        }),
        check("enum-by-position", async |t| {
            ordered(
                t,
                "Opportunity",
                json!({"orderBy": "stage", "order": "asc"}),
                &["big", "mid", "won", "lost"],
            )
            .await
        }),
        check("enum-by-position-descending", async |t| {
            ordered(
                t,
                "Opportunity",
                json!({"orderBy": "stage", "order": "desc"}),
                &["lost", "won", "mid", "big"],
            )
            .await
        }),
        check("currency-by-converted-value", async |t| {
            ordered(
                t,
                "Opportunity",
                json!({"orderBy": "amount", "order": "asc"}),
                &["lost", "won", "mid", "big"],
            )
            .await
        }),
        check("date", async |t| {
            ordered(
                t,
                "Opportunity",
                json!({"orderBy": "closeDate", "order": "asc"}),
                &["won", "lost", "big", "mid"],
            )
            .await
        }),
        check("ties-by-id-in-the-same-direction", async |t| {
            // None is assigned; IDs grow with time.
            ordered(
                t,
                "Account",
                json!({"orderBy": "assignedUser", "order": "asc"}),
                &["alpha", "beta", "gamma", "delta"],
            )
            .await?;
            ordered(
                t,
                "Account",
                json!({"orderBy": "assignedUser", "order": "desc"}),
                &["delta", "gamma", "beta", "alpha"],
            )
            .await
        }),
        check("address-by-its-parts", async |t| {
            // Country, city, street: Paris before Zürich by country, the two in Paris by ID.
            ordered(
                t,
                "Account",
                json!({"orderBy": "billingAddress", "order": "asc"}),
                &["gamma", "alpha", "delta", "beta"],
            )
            .await
        }),
        check("bool", async |t| {
            ordered(
                t,
                "Contact",
                json!({"orderBy": "doNotCall", "order": "asc"}),
                &["bob", "ann"],
            )
            .await
        }),
        check("legacy-names", async |t| {
            let world = t.world().await?;
            let (first, last) = (world.id("alpha"), world.id("delta"));
            let pairs = [
                ("where[0][type]", "in"),
                ("where[0][attribute]", "id"),
                ("where[0][value][]", &first),
                ("where[0][value][]", &last),
                ("sortBy", "name"),
                ("asc", "false"),
            ];
            t.query("Account", &pairs)
                .await?
                .ok()?
                .rows_are(&[&last, &first])
                .map(drop)
        }),
        check("bad-direction", async |t| {
            t.get("Account?orderBy=name&order=up")
                .await?
                .is(400)?
                .reason("order value is bad.")?
                .empty()
                .map(drop)
        }),
        check("unknown-field", async |t| {
            t.get("Account?orderBy=noSuch")
                .await?
                .refused(400, "Order by non-existing field 'noSuch'.")
        }),
        check("link-multiple", async |t| {
            t.get("Opportunity?orderBy=contacts")
                .await?
                .is(400)?
                .reason("Order by non-existing field 'contacts'.")
                .map(drop)
        })
        .since(9, 2),
        check("through-a-link", async |t| {
            forbidden(
                t,
                "campaign.name",
                "Complex expressions are forbidden in 'orderBy'.",
            )
            .await
        }),
    ]
}
