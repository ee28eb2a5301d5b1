//! Mass actions, single actions and exports.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Answer, Outcome};
use crate::test::{Test, merged};

/// A mass action on accounts.
async fn mass(t: &Test, action: &str, params: Value, more: Value) -> Outcome<Answer> {
    let body = json!({"entityType": "Account", "action": action, "params": params});
    t.post("MassAction", &merged(body, more)).await
}

pub(super) fn mass_actions() -> Vec<Behaviour> {
    vec![
        check("update-by-ids", async |t| {
            let (one, two) = (t.account(json!({})).await?, t.account(json!({})).await?);
            let data = json!({"data": {"values": {"industry": "Retail"}, "actions": {}}});
            let answer = mass(t, "update", json!({"ids": [one.id(), two.id()]}), data)
                .await?
                .ok()?;
            answer.has("count", 2)?.that("ids", "both ids", |ids| {
                ids.as_array().is_some_and(|ids| ids.len() == 2)
            })?;
            t.read("Account", &two)
                .await?
                .has("industry", "Retail")
                .map(drop)
        }),
        check("update-by-search-names-no-ids", async |t| {
            let account = t.account(json!({})).await?;
            let item = json!({"type": "equals", "attribute": "id", "value": account.id()});
            let data = json!({"data": {"values": {"sicCode": "7"}, "actions": {}}});
            mass(
                t,
                "update",
                json!({"searchParams": {"where": [item]}}),
                data,
            )
            .await?
            .ok()?
            .only("", &["count"])?
            .has("count", 1)?;
            t.read("Account", &account)
                .await?
                .has("sicCode", "7")
                .map(drop)
        }),
        check("update-by-where", async |t| {
            let account = t.account(json!({})).await?;
            let item = json!({"type": "equals", "attribute": "id", "value": account.id()});
            let data = json!({"data": {"values": {"sicCode": "7"}, "actions": {}}});
            mass(t, "update", json!({"where": [item]}), data)
                .await?
                .ok()?
                .has("count", 1)
                .map(drop)
        }),
        check("update-with-bare-values", async |t| {
            let account = t.account(json!({})).await?;
            mass(
                t,
                "update",
                json!({"ids": [account.id()]}),
                json!({"data": {"sicCode": "7"}}),
            )
            .await?
            .ok()?
            .has("count", 1)?;
            t.read("Account", &account)
                .await?
                .has("sicCode", "7")
                .map(drop)
        }),
        check("invalid-values-change-nothing", async |t| {
            let account = t.account(json!({})).await?;
            let data = json!({"data": {"values": {"industry": "Nope"}, "actions": {}}});
            let answer = mass(t, "update", json!({"ids": [account.id()]}), data)
                .await?
                .ok()?;
            answer.has("", json!({"count": 0, "ids": []})).map(drop)
        }),
        check("delete", async |t| {
            let account = t.account(json!({})).await?;
            let answer = mass(t, "delete", json!({"ids": [account.id()]}), json!({}))
                .await?
                .ok()?;
            answer.has("count", 1)?.has("ids", json!([account.id()]))?;
            t.as_api()?
                .get(&format!("Account/{}", account.id()))
                .await?
                .is(404)
                .map(drop)
        }),
        check("follow", async |t| {
            let account = t.account(json!({})).await?;
            mass(t, "follow", json!({"ids": [account.id()]}), json!({}))
                .await?
                .ok()?
                .has("count", 1)?;
            t.read("Account", &account)
                .await?
                .has("isFollowed", true)
                .map(drop)
        }),
        check("idle", async |t| {
            let account = t.account(json!({})).await?;
            let more = json!({"data": {"values": {"sicCode": "7"}, "actions": {}}, "idle": true});
            let job = mass(t, "update", json!({"ids": [account.id()]}), more)
                .await?
                .ok()?;
            job.only("", &["id"])?;
            let status = t
                .get(&format!("MassAction/{}/status", job.id()))
                .await?
                .ok()?;
            status.only("", &["status", "processedCount"])?.that(
                "status",
                "a state of a job",
                |state| {
                    ["Pending", "Running", "Success"]
                        .iter()
                        .any(|known| state == known)
                },
            )?;
            Ok(())
        }),
        check("nothing-chosen", async |t| {
            t.may_touch_everything()?;
            mass(
                t,
                "update",
                json!({}),
                json!({"data": {"values": {"sicCode": "7"}}}),
            )
            .await?
            .is(400)
            .map(drop)
        }),
        check("unknown-action", async |t| {
            let account = t.account(json!({})).await?;
            let answer = mass(t, "nope", json!({"ids": [account.id()]}), json!({})).await?;
            answer
                .html("")?
                .refused(404, "Mass action 'nope' not found.")
        }),
        check("legacy-route-is-gone", async |t| {
            let answer = t
                .put(
                    "Account/action/massUpdate",
                    &json!({"ids": [], "attributes": {}}),
                )
                .await?;
            answer.refused(
                404,
                "Action PUT 'massUpdate' does not exist in controller 'Account'.",
            )
        }),
        check("merge", async |t| {
            let (target, source) = (
                t.account(json!({})).await?,
                t.account(json!({"sicCode": "7"})).await?,
            );
            let deal = t.opportunity(json!({"accountId": source.id()})).await?;
            let data = json!({"sourceIdList": [source.id()], "attributes": {"sicCode": "7"}});
            let body = json!({"entityType": "Account", "id": target.id(), "action": "merge", "data": data});
            t.post("Action", &body)
                .await?
                .ok()?
                .has("id", target.id())?;
            t.read("Account", &target).await?.has("sicCode", "7")?;
            t.read("Opportunity", &deal)
                .await?
                .has("accountId", target.id())?;
            t.as_api()?
                .get(&format!("Account/{}", source.id()))
                .await?
                .is(404)
                .map(drop)
        }),
        check("unknown-single-action", async |t| {
            let account = t.account(json!({})).await?;
            let body = json!({"entityType": "Account", "id": account.id(), "action": "nope"});
            t.post("Action", &body)
                .await?
                .refused(404, "Action 'nope' not found.")
        }),
    ]
}

pub(super) fn exports() -> Vec<Behaviour> {
    vec![
        check("csv", async |t| {
            let account = t.account(json!({"industry": "Retail"})).await?;
            let body = json!({"entityType": "Account", "format": "csv", "ids": [account.id()], "fieldList": ["name", "industry"]});
            let made = t.post("Export", &body).await?.ok()?;
            made.only("", &["id"])?;
            let file = t
                .get(&format!("Attachment/file/{}", made.id()))
                .await?
                .is(200)?;
            file.contains(account.text("name"))?
                .contains("Retail")
                .map(drop)
        }),
        check("csv-has-chosen-columns", async |t| {
            let account = t
                .account(json!({"industry": "Retail", "sicCode": "4711"}))
                .await?;
            let body = json!({"entityType": "Account", "format": "csv", "ids": [account.id()], "fieldList": ["industry"]});
            let made = t.post("Export", &body).await?.ok()?;
            let file = t
                .get(&format!("Attachment/file/{}", made.id()))
                .await?
                .is(200)?
                .contains("Retail")?;
            let (request, text) = (file.request.clone(), file.text());
            if text.contains("4711") {
                return crate::answer::differs(
                    &request,
                    "body",
                    json!("no other column"),
                    json!(text),
                );
            }
            Ok(())
        }),
        check("by-search", async |t| {
            let (account, other) = (t.account(json!({})).await?, t.account(json!({})).await?);
            let item = json!({"type": "equals", "attribute": "id", "value": account.id()});
            let body = json!({"entityType": "Account", "format": "csv", "where": [item], "fieldList": ["name"]});
            let made = t.post("Export", &body).await?.ok()?;
            let file = t
                .get(&format!("Attachment/file/{}", made.id()))
                .await?
                .is(200)?
                .contains(account.text("name"))?;
            if file.text().contains(other.text("name")) {
                return crate::answer::differs(
                    &file.request,
                    "body",
                    json!("the found record alone"),
                    json!(file.text()),
                );
            }
            Ok(())
        }),
        check("needs-the-permission", async |t| {
            let weak = t.as_weak()?;
            let permission = weak
                .get("App/user")
                .await?
                .ok()?
                .text("/acl/exportPermission")
                .to_owned();
            if permission != "no" {
                return crate::answer::skip("requires a user without the export permission");
            }
            let account = t.account(json!({})).await?;
            let body = json!({"entityType": "Account", "format": "csv", "ids": [account.id()], "fieldList": ["name"]});
            weak.post("Export", &body).await?.is(403)?.empty().map(drop)
        }),
    ]
}
