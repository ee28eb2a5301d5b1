//! Updates, versions, duplicates, deletion.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Answer, Body, Outcome};
use crate::test::Test;

/// An update with a version number.
async fn versioned(t: &Test, record: &Body, version: &str, values: Value) -> Outcome<Answer> {
    let call = t
        .call("PUT", &format!("Account/{}", record.id()))
        .header("x-version-number", version);
    call.json(&values).send().await
}

/// An account whose industry was changed once, so that its version is 2.
async fn changed(t: &Test) -> Outcome<Body> {
    let account = t.account(json!({"industry": "Finance"})).await?;
    t.update("Account", &account, &json!({"industry": "Banking"}))
        .await?
        .has("versionNumber", 2)?;
    Ok(account)
}

pub(super) fn updates() -> Vec<Behaviour> {
    vec![
        check("put-is-partial", async |t| {
            let made = t
                .account(json!({"sicCode": "7", "industry": "Finance"}))
                .await?;
            t.update("Account", &made, &json!({"industry": "Banking"}))
                .await?
                .has("sicCode", "7")?
                .has("industry", "Banking")
                .map(drop)
        }),
        check("patch-is-put", async |t| {
            let made = t.account(json!({"sicCode": "7"})).await?;
            let call = t
                .call("PATCH", &format!("Account/{}", made.id()))
                .json(&json!({"industry": "Banking"}));
            call.send()
                .await?
                .ok()?
                .has("sicCode", "7")?
                .has("industry", "Banking")
                .map(drop)
        }),
        check("answers-the-whole-record", async |t| {
            let made = t.account(json!({})).await?;
            t.update("Account", &made, &json!({"sicCode": "7"}))
                .await?
                .null("website")?
                .null("description")?
                .holds("teamsIds")
                .map(drop)
        }),
        check("null-clears", async |t| {
            let made = t.account(json!({"sicCode": "7"})).await?;
            t.update("Account", &made, &json!({"sicCode": null}))
                .await?
                .null("sicCode")
                .map(drop)
        }),
        check("says-who-and-when", async |t| {
            let made = t.account(json!({})).await?;
            made.unset("modifiedById")?;
            let me = t.get("App/user").await?.ok()?.text("/user/id").to_owned();
            t.update("Account", &made, &json!({"sicCode": "7"}))
                .await?
                .has("modifiedById", me)?
                .holds("modifiedByName")
                .map(drop)
        }),
        check("nothing-changed", async |t| {
            let made = t.account(json!({})).await?;
            t.update("Account", &made, &json!({}))
                .await?
                .has("name", made.text("name"))
                .map(drop)
        }),
        check("system-attributes-are-ignored", async |t| {
            let made = t.account(json!({})).await?;
            let sent = json!({"createdAt": "2001-01-01 00:00:00", "id": "other", "deleted": true, "createdById": "zzz"});
            let put = t.update("Account", &made, &sent).await?;
            put.has("id", made.id())?
                .has("createdAt", made.text("createdAt"))?
                .has("deleted", false)
                .map(drop)
        }).since(9, 2),
        check("unknown-record", async |t| {
            let answer = t
                .put("Account/0123456789abcdef0", &json!({"sicCode": "7"}))
                .await?;
            answer.is(404)?.empty().map(drop)
        }),
        check("email-data-is-stale-in-the-answer", async |t| {
            let (old, new) = (t.email(), t.email());
            let made = t.account(json!({"emailAddress": old})).await?;
            let put = t
                .update("Account", &made, &json!({"emailAddress": new}))
                .await?;
            put.has("emailAddress", new.as_str())?
                .has("/emailAddressData/0/emailAddress", old)?;
            t.read("Account", &made)
                .await?
                .has("/emailAddressData/0/emailAddress", new)
                .map(drop)
        }).until(9, 3),
        check("email-data-is-fresh-in-the-answer", async |t| {
            let (old, new) = (t.email(), t.email());
            let made = t.account(json!({"emailAddress": old})).await?;
            t.update("Account", &made, &json!({"emailAddress": new}))
                .await?
                .has("/emailAddressData/0/emailAddress", new)
                .map(drop)
        })
        .since(10, 0),
        check("email-keeps-the-others", async |t| {
            let (first, second, new) = (t.email(), t.email(), t.email());
            let data = json!([{"emailAddress": first, "primary": true}, {"emailAddress": second, "primary": false}]);
            let made = t.account(json!({"emailAddressData": data})).await?;
            t.update("Account", &made, &json!({"emailAddress": new}))
                .await?;
            let read = t.read("Account", &made).await?;
            read.has("emailAddress", new)?
                .that(
                    "emailAddressData",
                    "the second address still there",
                    |data| data.to_string().contains(&second),
                )
                .map(drop)
        }),
    ]
}

pub(super) fn versions() -> Vec<Behaviour> {
    vec![
        check("grows-with-every-update", async |t| {
            let made = t.account(json!({})).await?;
            t.update("Account", &made, &json!({"sicCode": "7"}))
                .await?
                .has("versionNumber", 2)?;
            t.update("Account", &made, &json!({"sicCode": "7"}))
                .await?
                .has("versionNumber", 3)
                .map(drop)
        })
        .since(9, 2),
        check("current", async |t| {
            let made = changed(t).await?;
            versioned(t, &made, "2", json!({"industry": "Retail"}))
                .await?
                .ok()?
                .has("industry", "Retail")
                .map(drop)
        })
        .since(9, 2),
        check("stale", async |t| {
            let made = changed(t).await?;
            let answer = versioned(t, &made, "1", json!({"industry": "Retail"}))
                .await?
                .is(409)?
                .reason("modified")?;
            answer
                .body()?
                .has(
                    "",
                    json!({"values": {"industry": "Banking"}, "versionNumber": 2}),
                )
                .map(drop)
        })
        .since(9, 2),
        check("stale-for-another-field", async |t| {
            let made = changed(t).await?;
            versioned(t, &made, "1", json!({"sicCode": "7"}))
                .await?
                .is(409)?
                .reason("modified")
                .map(drop)
        })
        .since(9, 2),
        check("stale-with-the-same-value", async |t| {
            let made = changed(t).await?;
            versioned(t, &made, "1", json!({"industry": "Banking"}))
                .await?
                .ok()
                .map(drop)
        })
        .since(9, 2),
        check("garbage-is-zero", async |t| {
            let made = changed(t).await?;
            versioned(t, &made, "abc", json!({"industry": "Retail"}))
                .await?
                .is(409)?
                .reason("modified")
                .map(drop)
        })
        .since(9, 2),
        check("in-the-body-is-ignored", async |t| {
            let made = changed(t).await?;
            t.update(
                "Account",
                &made,
                &json!({"industry": "Retail", "versionNumber": 1}),
            )
            .await?
            .has("industry", "Retail")
            .map(drop)
        })
        .since(9, 2),
        check("deletes-ignore-it", async |t| {
            let made = t.account(json!({})).await?;
            t.call("DELETE", &format!("Account/{}", made.id()))
                .header("x-version-number", "999")
                .send()
                .await?
                .yes()
        }),
        check("types-without-versions-ignore-it", async |t| {
            let made = t.contact(json!({})).await?;
            made.lacks("versionNumber")?;
            let call = t
                .call("PUT", &format!("Contact/{}", made.id()))
                .header("x-version-number", "999");
            call.json(&json!({"title": "x", "description": "y"}))
                .send()
                .await?
                .ok()
                .map(drop)
        }),
    ]
}

pub(super) fn duplicates() -> Vec<Behaviour> {
    vec![
        check("by-name", async |t| {
            let made = t.account(json!({})).await?;
            let answer = t
                .post("Account", &json!({"name": made.text("name")}))
                .await?
                .is(409)?
                .reason("duplicate")?;
            let body = answer.body()?;
            body.that("", "a list", Value::is_array)?
                .has("/0/id", made.id())?
                .holds("/0/website")
                .map(drop)
        }),
        check("by-email", async |t| {
            let address = t.email();
            t.account(json!({"emailAddress": address})).await?;
            let answer = t
                .post(
                    "Account",
                    &t.named("other", json!({"emailAddress": address.to_uppercase()})),
                )
                .await?;
            answer.is(409)?.reason("duplicate").map(drop)
        }),
        check("by-person-name", async |t| {
            let last = t.name("Doe");
            t.contact(json!({"firstName": "John", "lastName": last}))
                .await?;
            t.post("Contact", &json!({"firstName": "John", "lastName": last}))
                .await?
                .is(409)?
                .reason("duplicate")
                .map(drop)
        }),
        check("another-first-name-is-another-person", async |t| {
            let last = t.name("Doe");
            t.contact(json!({"firstName": "John", "lastName": last}))
                .await?;
            t.contact(json!({"firstName": "Jane", "lastName": last}))
                .await
                .map(drop)
        }),
        check("skipped-by-header", async |t| {
            let made = t.account(json!({})).await?;
            let call = t
                .call("POST", "Account")
                .header("x-skip-duplicate-check", "true");
            call.json(&json!({"name": made.text("name")}))
                .send()
                .await?
                .ok()
                .map(drop)
        }),
        check("skipped-in-the-body", async |t| {
            let made = t.account(json!({})).await?;
            t.post(
                "Account",
                &json!({"name": made.text("name"), "_skipDuplicateCheck": true}),
            )
            .await?
            .ok()
            .map(drop)
        }),
        check("not-on-update", async |t| {
            let (one, other) = (t.account(json!({})).await?, t.account(json!({})).await?);
            t.update("Account", &other, &json!({"name": one.text("name")}))
                .await
                .map(drop)
        }),
        check("not-for-other-types", async |t| {
            let made = t.opportunity(json!({})).await?;
            t.opportunity(json!({"name": made.text("name")}))
                .await
                .map(drop)
        }),
        check("not-with-deleted-records", async |t| {
            let made = t.account(json!({})).await?;
            t.delete(&format!("Account/{}", made.id())).await?.yes()?;
            t.create("Account", &json!({"name": made.text("name")}))
                .await
                .map(drop)
        }),
    ]
}

pub(super) fn deletion() -> Vec<Behaviour> {
    vec![
        check("then-reads-fail", async |t| {
            let api = t.as_api()?;
            let made = gone(&api).await?;
            let answer = api.get(&format!("Account/{}", made.id())).await?;
            answer.refused(404, &format!("Record {} does not exist.", made.id()))
        }),
        check("then-deletes-fail", async |t| {
            let made = gone(t).await?;
            t.delete(&format!("Account/{}", made.id()))
                .await?
                .refused(404, &format!("Record {} not found.", made.id()))
        }),
        check("then-updates-fail", async |t| {
            let made = gone(t).await?;
            t.put(&format!("Account/{}", made.id()), &json!({"sicCode": "7"}))
                .await?
                .is(404)?
                .empty()
                .map(drop)
        }),
        check("unknown-record", async |t| {
            t.get("Account/0123456789abcdef0")
                .await?
                .refused(404, "Record 0123456789abcdef0 does not exist.")
        }),
        check("an-administrator-still-reads", async |t| {
            let admin = t.as_admin()?;
            let made = gone(t).await?;
            admin
                .read("Account", &made)
                .await?
                .has("deleted", true)?
                .has("name", made.text("name"))
                .map(drop)
        }),
        check("restored-by-an-administrator", async |t| {
            let admin = t.as_admin()?;
            let made = gone(t).await?;
            admin
                .post("Account/action/restoreDeleted", &json!({"id": made.id()}))
                .await?
                .yes()?;
            t.owe("Account", made.id());
            t.read("Account", &made)
                .await?
                .has("deleted", false)
                .map(drop)
        }),
        check("restored-by-nobody-else", async |t| {
            let api = t.as_api()?;
            let made = gone(&api).await?;
            api.post("Account/action/restoreDeleted", &json!({"id": made.id()}))
                .await?
                .is(403)
                .map(drop)
        }),
        check("restoring-what-lives", async |t| {
            let admin = t.as_admin()?;
            let made = t.account(json!({})).await?;
            let answer = admin
                .post("Account/action/restoreDeleted", &json!({"id": made.id()}))
                .await?;
            answer.is(403)?.reason("No 'deleted' attribute.").map(drop)
        })
        .until(9, 3),
        check("restoring-what-lives-conflicts", async |t| {
            let admin = t.as_admin()?;
            let made = t.account(json!({})).await?;
            let answer = admin
                .post("Account/action/restoreDeleted", &json!({"id": made.id()}))
                .await?;
            answer
                .is(409)?
                .reason("Record type is not soft-deleted.")
                .map(drop)
        })
        .since(10, 0),
        check("children-keep-their-link", async |t| {
            let account = t.account(json!({})).await?;
            let deal = t.opportunity(json!({"accountId": account.id()})).await?;
            t.delete(&format!("Account/{}", account.id()))
                .await?
                .yes()?;
            t.read("Opportunity", &deal)
                .await?
                .has("accountId", account.id())?
                .null("accountName")
                .map(drop)
        })
        .since(9, 2),
        check("links-of-the-deleted", async |t| {
            let made = gone(t).await?;
            t.get(&format!("Account/{}/opportunities?select=id", made.id()))
                .await?
                .is(404)
                .map(drop)
        }),
    ]
}

/// An account that was deleted.
async fn gone(t: &Test) -> Outcome<Body> {
    let made = t.account(json!({})).await?;
    t.delete(&format!("Account/{}", made.id())).await?.yes()?;
    Ok(made)
}
