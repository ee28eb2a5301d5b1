//! Access control. The checks first read the permissions of the user with few permissions, so any such user is
//! suitable.

use serde_json::json;

use super::{Behaviour, check};
use crate::answer::{Outcome, skip};
use crate::test::Test;

/// The user with few rights, if it may not read one field of accounts; and that field.
async fn blind(t: &Test) -> Outcome<(Test, String)> {
    let weak = t.as_weak()?;
    weak.needs_level("Account", "read", "all").await?;
    let acl = weak.get("App/user").await?.ok()?["acl"].clone();
    let fields = acl["fieldTable"]["Account"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    match fields
        .iter()
        .find(|(field, rights)| field.as_str() == "website" && rights["read"] == "no")
    {
        Some((field, _)) => Ok((weak, field.clone())),
        None => skip("requires a user who may read accounts but not their field `website`"),
    }
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = by_level();
    behaviours.extend(by_field());
    behaviours.extend(by_kind());
    behaviours
}

fn by_level() -> Vec<Behaviour> {
    vec![
        check("create", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Account", "create", "no").await?;
            weak.post("Account", &weak.named("refused", json!({})))
                .await?
                .is(403)?
                .empty()
                .map(drop)
        }),
        check("update", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Account", "edit", "no").await?;
            let account = t.account(json!({})).await?;
            let answer = weak
                .put(
                    &format!("Account/{}", account.id()),
                    &json!({"sicCode": "7"}),
                )
                .await?;
            answer.refused(403, "No edit access.")
        }),
        check("delete", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Account", "delete", "no").await?;
            let account = t.account(json!({})).await?;
            weak.delete(&format!("Account/{}", account.id()))
                .await?
                .refused(403, "No delete access.")
        }),
        check("closed-scope", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Contact", "read", "no").await?;
            weak.get("Contact").await?.is(403)?.empty().map(drop)
        }),
        check("lists-hide-what-is-not-readable", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Opportunity", "read", "own").await?;
            let deal = t.opportunity(json!({})).await?;
            let item = json!({"type": "equals", "attribute": "id", "value": deal.id()});
            weak.list("Opportunity", &json!({"where": [item]}))
                .await?
                .ok()?
                .has("total", 0)?
                .count(0)
                .map(drop)
        }),
        check("reads-refuse-what-is-not-readable", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Opportunity", "read", "own").await?;
            let deal = t.opportunity(json!({})).await?;
            weak.get(&format!("Opportunity/{}", deal.id()))
                .await?
                .refused(403, "No 'read' access.")
        }),
        check("own-is-the-assigned-user-alone", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Opportunity", "read", "own").await?;
            weak.needs_level("Opportunity", "create", "yes").await?;
            let made = weak.opportunity(json!({})).await?;
            weak.get(&format!("Opportunity/{}", made.id()))
                .await?
                .refused(403, "No 'read' access.")
        }),
        check("mass-delete", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Account", "delete", "no").await?;
            let account = t.account(json!({})).await?;
            let body = json!({"entityType": "Account", "action": "delete", "params": {"ids": [account.id()]}});
            weak.post("MassAction", &body)
                .await?
                .refused(403, "No delete access for 'Account'.")
        }),
        check("link-to-what-may-not-be-read", async |t| {
            let weak = t.as_weak()?;
            weak.needs_level("Contact", "read", "no").await?;
            weak.needs_level("Opportunity", "create", "yes").await?;
            let contact = t.contact(json!({})).await?;
            weak.post(
                "Opportunity",
                &weak.deal(json!({"contactsIds": [contact.id()]})),
            )
            .await?
            .is(403)
            .map(drop)
        }),
    ]
}

fn by_field() -> Vec<Behaviour> {
    vec![
        check("field-is-absent-in-reads", async |t| {
            let (weak, field) = blind(t).await?;
            let account = t.account(json!({"website": "hidden.example"})).await?;
            weak.read("Account", &account)
                .await?
                .lacks(&field)?
                .holds("name")
                .map(drop)
        }),
        check("field-is-absent-in-rows", async |t| {
            let (weak, field) = blind(t).await?;
            let account = t.account(json!({"website": "hidden.example"})).await?;
            let item = json!({"type": "equals", "attribute": "id", "value": account.id()});
            weak.list("Account", &json!({"where": [item]}))
                .await?
                .ok()?
                .first()?
                .lacks(&field)?
                .holds("name")
                .map(drop)
        }),
        check("field-cannot-be-chosen", async |t| {
            let (weak, field) = blind(t).await?;
            let list = weak
                .list("Account", &json!({"select": ["name", field], "maxSize": 1}))
                .await?
                .ok()?;
            list.first()?.lacks(&field)?.holds("name").map(drop)
        }),
        check("field-cannot-be-searched", async |t| {
            let (weak, field) = blind(t).await?;
            let item = json!({"type": "equals", "attribute": field, "value": "x"});
            let answer = weak.list("Account", &json!({"where": [item]})).await?;
            let reason = format!("Forbidden attribute '{field}' in where.");
            if t.at_least(10, 0) {
                answer.refused(400, &reason)
            } else if t.at_least(9, 2) {
                answer.refused(400, &format!("{reason} {reason}"))
            } else {
                answer.refused(403, &reason)
            }
        }),
        check("field-cannot-be-ordered-by", async |t| {
            let (weak, field) = blind(t).await?;
            let answer = weak.query("Account", &[("orderBy", &field)]).await?;
            answer
                .is(if t.at_least(9, 2) { 400 } else { 403 })?
                .empty()
                .map(drop)
        })
        .since(9, 2),
    ]
}

fn by_kind() -> Vec<Behaviour> {
    vec![
        check("administration", async |t| {
            t.as_api()?
                .post("Admin/rebuild", &json!({}))
                .await?
                .is(403)?
                .no_reason()?
                .empty()
                .map(drop)
        }),
        check("settings", async |t| {
            t.as_api()?
                .put("Settings", &json!({}))
                .await?
                .is(403)?
                .empty()
                .map(drop)
        }),
        check("types-of-administrators", async |t| {
            t.as_api()?
                .get("ScheduledJob")
                .await?
                .is(403)?
                .empty()
                .map(drop)
        }),
        check("email-queue-even-with-every-right", async |t| {
            t.as_api()?.get("EmailQueueItem").await?.is(403).map(drop)
        }),
        check("roles-are-closed", async |t| {
            t.as_api()?.get("Role").await?.is(403).map(drop)
        }),
        check("types-without-controller", async |t| {
            t.as_api()?
                .get("Reminder")
                .await?
                .refused(404, "Controller 'Reminder' does not exist.")
        }),
        check("own-user", async |t| {
            let api = t.as_api()?;
            let me = api.get("App/user").await?.ok()?.text("/user/id").to_owned();
            api.get(&format!("User/{me}"))
                .await?
                .ok()?
                .has("type", "api")?
                .lacks("password")
                .map(drop)
        }),
        check("api-users-are-not-listed", async |t| {
            let api = t.as_api()?;
            let me = api.get("App/user").await?.ok()?.text("/user/id").to_owned();
            let list = api.get("User?select=id&maxSize=200").await?.ok()?;
            list.that("list", "without API users", |rows| {
                !rows.to_string().contains(&me)
            })
            .map(drop)
        }),
    ]
}
