//! The attributes of a row.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Body, Outcome};
use crate::test::{Test, merged};

/// The first row of a list of one record of the world.
async fn row(t: &Test, entity: &str, label: &str, more: Value) -> Outcome<Body> {
    let world = t.world().await?;
    let item = json!({"type": "equals", "attribute": "id", "value": world.id(label)});
    t.list(entity, &merged(json!({"where": [item]}), more))
        .await?
        .ok()?
        .first()
}

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("everything-stored", async |t| {
            let row = row(t, "Account", "gamma", json!({})).await?;
            row.null("website")?
                .null("industry")?
                .null("emailAddress")?
                .null("assignedUserName")?
                .holds("createdByName")
                .map(drop)
        }),
        check("no-link-multiples", async |t| {
            row(t, "Account", "alpha", json!({}))
                .await?
                .lacks("teamsIds")?
                .lacks("teamsNames")
                .map(drop)
        }),
        check("no-address-data", async |t| {
            let row = row(t, "Account", "alpha", json!({})).await?;
            row.lacks("emailAddressData")?
                .lacks("phoneNumberData")?
                .holds("emailAddressIsOptedOut")
                .map(drop)
        }),
        check("no-follow-flags", async |t| {
            row(t, "Account", "alpha", json!({}))
                .await?
                .lacks("isFollowed")?
                .lacks("followersIds")
                .map(drop)
        }),
        check("stars-in-rows", async |t| {
            let row = row(t, "Account", "alpha", json!({"select": ["id"]})).await?;
            if t.at_least(9, 0) {
                row.holds("isStarred").map(drop)
            } else {
                row.lacks("isStarred").map(drop)
            }
        }),
        check("version-number-in-rows", async |t| {
            row(t, "Account", "gamma", json!({}))
                .await?
                .has("versionNumber", 1)
                .map(drop)
        })
        .since(9, 2),
        check("chosen", async |t| {
            let row = row(t, "Account", "alpha", json!({"select": ["id", "name"]})).await?;
            let mut keys = vec!["id", "name", "createdAt", "createdById", "assignedUserId"];
            if t.at_least(9, 0) {
                keys.push("isStarred");
            }
            row.only("", &keys).map(drop)
        }),
        check("order-attribute-comes-along", async |t| {
            let row = row(
                t,
                "Account",
                "alpha",
                json!({"select": ["name"], "orderBy": "sicCode"}),
            )
            .await?;
            row.has("sicCode", "10")?.lacks("createdAt").map(drop)
        }),
        check("unknown-names-vanish", async |t| {
            row(t, "Account", "alpha", json!({"select": ["name", "noSuch"]}))
                .await?
                .holds("name")?
                .lacks("noSuch")
                .map(drop)
        }),
        check("blank-behind-the-comma", async |t| {
            let world = t.world().await?;
            let id = world.id("alpha");
            let item = [
                ("where[0][type]", "equals"),
                ("where[0][attribute]", "id"),
                ("where[0][value]", id.as_str()),
            ];
            let list = t
                .query("Account", &[&item[..], &[("select", "id, name")]].concat())
                .await?;
            list.ok()?.first()?.lacks("name").map(drop)
        }),
        check("attribute-select-is-an-alias", async |t| {
            let row = t
                .get("Account?attributeSelect=name&maxSize=1")
                .await?
                .ok()?
                .first()?;
            row.holds("name")?.lacks("website").map(drop)
        })
        .since(9, 0),
        check("field-names-are-no-attributes", async |t| {
            let row = row(t, "Opportunity", "big", json!({"select": ["campaign"]})).await?;
            row.lacks("campaignId")?
                .lacks("campaignName")?
                .lacks("campaign")
                .map(drop)
        })
        .since(9, 2),
        check("ids-bring-names", async |t| {
            let row = row(t, "Opportunity", "mid", json!({"select": ["contactsIds"]})).await?;
            let world = t.world().await?;
            row.has("contactsIds", json!([world.id("ann")]))?
                .holds("contactsNames")?
                .holds("contactsColumns")
                .map(drop)
        }),
        check("address-data-even-if-chosen", async |t| {
            row(
                t,
                "Account",
                "alpha",
                json!({"select": ["emailAddressData"]}),
            )
            .await?
            .lacks("emailAddressData")
            .map(drop)
        }),
        check("mandatory-attributes", async |t| {
            row(t, "Opportunity", "big", json!({"select": ["name"]}))
                .await?
                .holds("accountId")?
                .holds("accountName")
                .map(drop)
        }),
        check("ignored-by-reads", async |t| {
            let world = t.world().await?;
            t.get(&format!("Account/{}?select=id", world.id("alpha")))
                .await?
                .ok()?
                .has("sicCode", "10")
                .map(drop)
        }),
    ]
}
