//! Metadata and the application's routes.

use serde_json::{Value, json};

use super::{Behaviour, check};

pub(super) fn metadata() -> Vec<Behaviour> {
    vec![
        check("needs-a-user", async |t| {
            t.call("GET", "Metadata")
                .anonymous()
                .send()
                .await?
                .is(401)?
                .empty()
                .map(drop)
        }),
        check("key", async |t| {
            let name = t
                .get("Metadata?key=entityDefs.Account.fields.name")
                .await?
                .ok()?;
            name.has("type", "varchar")?.has("required", true).map(drop)
        }),
        check("key-of-a-list", async |t| {
            let options = t
                .get("Metadata?key=entityDefs.Opportunity.fields.stage.options")
                .await?
                .ok()?;
            options
                .that("", "a list of strings", |v| {
                    v.as_array()
                        .is_some_and(|v| v.iter().all(Value::is_string) && !v.is_empty())
                })
                .map(drop)
        }),
        check("missing-key-is-an-empty-body", async |t| {
            t.get("Metadata?key=a.b.c")
                .await?
                .is(200)?
                .empty()
                .map(drop)
        }),
        check("filters-are-hidden", async |t| {
            t.get("Metadata")
                .await?
                .ok()?
                .lacks("selectDefs")?
                .lacks("pdfDefs")?
                .holds("entityDefs")?
                .holds("scopes")?
                .holds("fields")
                .map(drop)
        }),
        check("record-rules-are-for-administrators", async |t| {
            t.as_api()?
                .get("Metadata")
                .await?
                .ok()?
                .lacks("recordDefs")
                .map(drop)
        }),
        check("an-administrator-sees-every-type", async |t| {
            let admin = t.as_admin()?.get("Metadata?key=entityDefs").await?.ok()?;
            admin
                .holds("Settings")?
                .holds("ScheduledJob")?
                .holds("Account")
                .map(drop)
        }),
        check("closed-scopes-are-left-out", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Contact", "read", "no").await?;
            let defs = weak.get("Metadata?key=entityDefs").await?.ok()?;
            // Fragments that open scopes refer to can remain.
            defs.holds("Account")?
                .lacks("/Contact/links")?
                .lacks("/Contact/fields/lastName")
                .map(drop)
        }),
        check("parts-of-composites-are-fields", async |t| {
            let fields = t
                .get("Metadata?key=entityDefs.Account.fields")
                .await?
                .ok()?;
            fields
                .holds("billingAddressCity")?
                .holds("emailAddressIsOptedOut")?
                .has("/billingAddressCity/type", "varchar")
                .map(drop)
        }),
        check("collections-have-old-and-new-keys", async |t| {
            let collection = t
                .get("Metadata?key=entityDefs.Account.collection")
                .await?
                .ok()?;
            collection
                .has("orderBy", "createdAt")?
                .has("sortBy", "createdAt")?
                .has("asc", false)
                .map(drop)
        }),
        check("stream-date-is-a-field", async |t| {
            let fields = t
                .get("Metadata?key=entityDefs.Account.fields")
                .await?
                .ok()?;
            if t.at_least(9, 0) {
                fields.has("/streamUpdatedAt/type", "datetime").map(drop)
            } else {
                fields.lacks("streamUpdatedAt").map(drop)
            }
        }),
        check("parts-of-types", async |t| {
            let link = t.get("Metadata?key=fields.link").await?.ok()?;
            link.has("actualFields", json!(["id"]))?
                .has("notActualFields", json!(["name"]))
                .map(drop)
        }),
    ]
}

pub(super) fn routes() -> Vec<Behaviour> {
    vec![
        check("about", async |t| {
            t.get("App/about")
                .await?
                .ok()?
                .that("version", "a version", Value::is_string)?
                .that("text", "a string", Value::is_string)
                .map(drop)
        }),
        check("user", async |t| {
            let user = t.get("App/user").await?.ok()?;
            user.holds("/user/id")?
                .holds("/user/userName")?
                .holds("acl")?
                .holds("preferences")?
                .holds("settings")?
                .lacks("/user/password")
                .map(drop)
        }),
        check("rights-of-the-user", async |t| {
            t.as_api()?
                .get("App/user")
                .await?
                .ok()?
                .that("/acl/table/Account/read", "a level", Value::is_string)
                .map(drop)
        }),
        check("parameters", async |t| {
            let answer = t.get("App/appParams").await?;
            if t.at_least(9, 3) {
                answer.ok().map(drop)
            } else {
                answer.is(404).map(drop)
            }
        }),
        check("settings-for-nobody", async |t| {
            t.call("GET", "Settings")
                .anonymous()
                .send()
                .await?
                .ok()?
                .lacks("currencyRates")
                .map(drop)
        }),
        check("settings", async |t| {
            let settings = t.get("Settings").await?.ok()?;
            settings
                .that("currencyList", "a list", Value::is_array)?
                .holds("defaultCurrency")?
                .holds("timeZone")
                .map(drop)
        }),
        check("translations-for-nobody", async |t| {
            t.call("GET", "I18n")
                .anonymous()
                .send()
                .await?
                .ok()
                .map(drop)
        }),
        check("translations", async |t| {
            t.get("I18n")
                .await?
                .ok()?
                .holds("Account")?
                .holds("Global")
                .map(drop)
        }),
        check("layout", async |t| {
            t.get("Account/layout/list")
                .await?
                .ok()?
                .that("", "a list", Value::is_array)
                .map(drop)
        }),
        check("layout-that-is-none", async |t| {
            t.get("Account/layout/noSuch")
                .await?
                .refused(404, "Layout Account:noSuch is not found.")
        }),
        check("global-search", async |t| {
            let account = t.account(json!({})).await?;
            let found = t
                .query("GlobalSearch", &[("q", account.text("name"))])
                .await?
                .ok()?;
            found
                .has("total", -2)?
                .first()?
                .has("id", account.id())?
                .has("_scope", "Account")?
                .has("name", account.text("name"))
                .map(drop)
        }),
        check("global-search-for-nothing", async |t| {
            t.get("GlobalSearch?q=")
                .await?
                .html("")?
                .refused(400, "No `q` parameter.")
        }),
        check("email-addresses", async |t| {
            t.get("EmailAddress/search?q=nobody-of-this-name&maxSize=5")
                .await?
                .is(200)?
                .exactly("[]")
                .map(drop)
        }),
        check("last-viewed", async |t| {
            t.get("LastViewed")
                .await?
                .ok()?
                .that("list", "a list", Value::is_array)?
                .holds("total")
                .map(drop)
        }),
        check("unread-notifications", async |t| {
            t.get("Notification/action/notReadCount")
                .await?
                .ok()?
                .that("", "a number", Value::is_u64)
                .map(drop)
        }),
        check("own-preferences", async |t| {
            let me = t.get("App/user").await?.ok()?.text("/user/id").to_owned();
            t.get(&format!("Preferences/{me}"))
                .await?
                .ok()?
                .has("id", me)
                .map(drop)
        }),
        check("rights-of-another", async |t| {
            let user = t
                .as_person()?
                .get("App/user")
                .await?
                .ok()?
                .text("/user/id")
                .to_owned();
            t.as_admin()?
                .get(&format!("User/{user}/acl"))
                .await?
                .ok()?
                .holds("table")
                .map(drop)
        }),
        check("open-api", async |t| {
            let answer = t.as_admin()?.get("OpenApi").await?;
            if t.at_least(9, 3) {
                answer
                    .ok()?
                    .has("openapi", "3.1.1")?
                    .holds("paths")
                    .map(drop)
            } else {
                answer.is(404).map(drop)
            }
        }),
    ]
}
