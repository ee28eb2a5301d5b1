//! Responses and input of create requests.

use serde_json::{Value, json};

use super::{Behaviour, check};

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check(
            "untouched-attributes-are-absent",
            async |t| {
                let made = t.account(json!({})).await?;
                made.lacks("website")?
                    .lacks("description")?
                    .lacks("industry")?
                    .lacks("assignedUserId")
                    .map(drop)
            },
        ),
        check("names-of-unset-links-are-null", async |t| {
            let made = t.account(json!({})).await?;
            made.null("assignedUserName")?
                .null("campaignName")?
                .null("modifiedByName")
                .map(drop)
        }),
        check("reads-give-every-attribute", async |t| {
            let made = t.account(json!({})).await?;
            let read = t.read("Account", &made).await?;
            read.null("website")?
                .null("description")?
                .null("assignedUserId")?
                .null("emailAddress")
                .map(drop)
        }),
        check("system-attributes-are-set", async |t| {
            let made = t.account(json!({})).await?;
            let me = t.get("App/user").await?.ok()?.text("/user/id").to_owned();
            made.has("createdById", me)?
                .holds("createdByName")?
                .has("deleted", false)?
                .unset("modifiedById")
                .map(drop)
        }),
        check("defaults", async |t| {
            let case = t.make("Case", json!({})).await?;
            case.has("status", "New")?
                .has("priority", "Normal")
                .map(drop)
        }),
        check("client-ids-are-dropped", async |t| {
            let made = t.account(json!({"id": "abcdefabcdefabcd1"})).await?;
            made.that("id", "the server's own", |id| id != "abcdefabcdefabcd1")
                .map(drop)
        }),
        check("system-attributes-are-ignored", async |t| {
            let ignored = json!({"createdAt": "2001-01-01 00:00:00", "createdById": "zzz", "deleted": true, "versionNumber": 9});
            let made = t.account(ignored).await?;
            made.that("createdAt", "the present", |at| at != "2001-01-01 00:00:00")?
                .has("deleted", false)?
                .has("versionNumber", 1)
                .map(drop)
        }).since(9, 2),
        check("unknown-attributes-are-ignored", async |t| {
            t.account(json!({"noSuch": 1}))
                .await?
                .lacks("noSuch")
                .map(drop)
        }),
        check(
            "read-only-attributes-are-ignored",
            async |t| {
                t.make("Case", json!({"streamUpdatedAt": "2001-01-01 00:00:00"}))
                    .await?
                    .that("streamUpdatedAt", "the present", |at| {
                        at != "2001-01-01 00:00:00"
                    })
                    .map(drop)
            },
        ).since(9, 2),
        check("link-names-are-ignored", async |t| {
            let account = t.account(json!({})).await?;
            let made = t
                .opportunity(json!({"accountId": account.id(), "accountName": "Whatever"}))
                .await?;
            t.read("Opportunity", &made)
                .await?
                .has("accountName", account.text("name"))
                .map(drop)
        }),
        check(
            "foreign-names-are-filled",
            async |t| {
                let account = t.account(json!({})).await?;
                let made = t.opportunity(json!({"accountId": account.id()})).await?;
                made.has("accountId", account.id())?
                    .has("accountName", account.text("name"))
                    .map(drop)
            },
        ).since(9, 2),
        check("person-name-is-composed", async |t| {
            let last = t.name("Doe");
            let made = t
                .contact(json!({"salutationName": "Mr.", "firstName": "John", "lastName": last}))
                .await?;
            let read = t.read("Contact", &made).await?;
            read.has("name", format!("John {last}"))?
                .has("salutationName", "Mr.")
                .map(drop)
        }),
        check(
            "contact-with-last-name-answers-no-name",
            async |t| {
                let made = t.contact(json!({})).await?;
                made.lacks("name")?;
                t.read("Contact", &made)
                    .await?
                    .has("name", made.text("lastName"))
                    .map(drop)
            },
        ).since(9, 2),
        check("email-data-from-the-primary", async |t| {
            let address = t.email();
            let made = t.account(json!({"emailAddress": address})).await?;
            let item = json!([{"emailAddress": address, "lower": address, "primary": true, "optOut": false, "invalid": false}]);
            made.has("emailAddress", address)?
                .has("emailAddressData", item)?
                .has("emailAddressIsOptedOut", false)
                .map(drop)
        }),
        check("email-keeps-its-case", async |t| {
            let address = t.email().replace("conformance", "ConFormance");
            let made = t.account(json!({"emailAddress": address})).await?;
            let read = t.read("Account", &made).await?;
            read.has("emailAddress", address.as_str())?
                .has("/emailAddressData/0/lower", address.to_lowercase())
                .map(drop)
        }),
        check("first-of-email-data-is-primary", async |t| {
            let (first, second) = (t.email(), t.email());
            let made = t.account(json!({"emailAddressData": [{"emailAddress": first}, {"emailAddress": second}]})).await?;
            let read = t.read("Account", &made).await?;
            read.has("emailAddress", first)?
                .has("/emailAddressData/0/primary", true)?
                .has("/emailAddressData/1/primary", false)
                .map(drop)
        }),
        check("flags-are-null-without-an-address", async |t| {
            let made = t.account(json!({})).await?;
            made.has("emailAddressIsOptedOut", false)?
                .has("phoneNumberIsInvalid", false)?;
            t.read("Account", &made)
                .await?
                .null("emailAddressIsOptedOut")?
                .null("phoneNumberIsInvalid")
                .map(drop)
        }),
        check("phone-data-from-the-primary", async |t| {
            let made = t.account(json!({"phoneNumber": "+12025550144"})).await?;
            let read = t.read("Account", &made).await?;
            read.has("/phoneNumberData/0/phoneNumber", "+12025550144")?
                .has("/phoneNumberData/0/primary", true)
                .map(drop)
        }),
        check("version-number-begins-with-one", async |t| {
            t.account(json!({}))
                .await?
                .has("versionNumber", 1)
                .map(drop)
        }).since(9, 2),
        check("stream-attributes", async |t| {
            let made = t.account(json!({})).await?;
            made.has("isFollowed", false)?
                .has("followersIds", json!([]))?
                .has("followersNames", json!({}))
                .map(drop)
        }),
        check(
            "autoincrement-comes-with-the-read",
            async |t| {
                let made = t.make("Case", json!({})).await?;
                made.lacks("number")?;
                t.read("Case", &made)
                    .await?
                    .that("number", "a number", Value::is_u64)
                    .map(drop)
            },
        ),
        check(
            "currency-of-an-amount",
            async |t| {
                let values =
                    json!({"name": t.name("deal"), "amount": 5, "closeDate": "2030-01-31"});
                t.world().await?;
                let made = t.create("Opportunity", &values).await?;
                made.has("amountCurrency", t.currency())?
                    .has("amountConverted", 5)
                    .map(drop)
            },
        ),
        check(
            "opportunity-takes-its-probability-from-the-stage",
            async |t| {
                t.opportunity(json!({"stage": "Closed Won"}))
                    .await?
                    .has("probability", 100)
                    .map(drop)
            },
        ),
        check("weighted-amount", async |t| {
            let made = t
                .opportunity(json!({"amount": 1000, "probability": 10}))
                .await?;
            t.read("Opportunity", &made)
                .await?
                .has("amountWeightedConverted", 100)
                .map(drop)
        }),
        check("duplicate-attributes", async |t| {
            let made = t.account(json!({"sicCode": "7"})).await?;
            let copy = t
                .post(
                    "Account/action/getDuplicateAttributes",
                    &json!({"id": made.id()}),
                )
                .await?
                .ok()?;
            copy.lacks("id")?
                .has("sicCode", "7")?
                .has("name", made.text("name"))
                .map(drop)
        }),
    ]
}
