//! Sets of links given as IDs.

use serde_json::{Value, json};

use super::{Behaviour, check};

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("ids-link", async |t| {
            let contact = t.contact(json!({})).await?;
            let deal = t
                .opportunity(json!({"contactsIds": [contact.id()]}))
                .await?;
            let read = t.read("Opportunity", &deal).await?;
            let name = t.read("Contact", &contact).await?.text("name").to_owned();
            read.has("contactsIds", json!([contact.id()]))?
                .has("contactsNames", json!({contact.id(): name}))
                .map(drop)
        }),
        check("ids-replace-the-set", async |t| {
            let (one, two) = (t.contact(json!({})).await?, t.contact(json!({})).await?);
            let deal = t.opportunity(json!({"contactsIds": [one.id()]})).await?;
            t.update("Opportunity", &deal, &json!({"contactsIds": [two.id()]}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("contactsIds", json!([two.id()]))
                .map(drop)
        }),
        check("no-ids-empty-the-set", async |t| {
            let deal = t
                .opportunity(json!({"contactsIds": [t.contact(json!({})).await?.id()]}))
                .await?;
            t.update("Opportunity", &deal, &json!({"contactsIds": []}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("contactsIds", json!([]))?
                .has("contactsNames", json!({}))
                .map(drop)
        }),
        check("names-are-ignored", async |t| {
            let contact = t.contact(json!({})).await?;
            let deal = t
                .opportunity(json!({"contactsIds": [contact.id()]}))
                .await?;
            t.update("Opportunity", &deal, &json!({"contactsNames": {"x": "y"}}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("contactsIds", json!([contact.id()]))
                .map(drop)
        }),
        check("null-ids-are-echoed", async |t| {
            let deal = t
                .opportunity(json!({"contactsIds": [t.contact(json!({})).await?.id()]}))
                .await?;
            t.update("Opportunity", &deal, &json!({"contactsIds": null}))
                .await?
                .null("contactsIds")
                .map(drop)
        }),
        check("columns", async |t| {
            let contact = t.contact(json!({})).await?;
            let columns = json!({contact.id(): {"role": "Evaluator"}});
            let deal = t
                .opportunity(json!({"contactsIds": [contact.id()], "contactsColumns": columns}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("contactsColumns", columns)
                .map(drop)
        }),
        check("columns-alone-update", async |t| {
            let contact = t.contact(json!({})).await?;
            let deal = t
                .opportunity(json!({"contactsIds": [contact.id()]}))
                .await?;
            let columns = json!({contact.id(): {"role": "Influencer"}});
            t.update("Opportunity", &deal, &json!({"contactsColumns": columns}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("contactsColumns", columns)?
                .has("contactsIds", json!([contact.id()]))
                .map(drop)
        }),
        check("columns-of-a-new-link-are-null", async |t| {
            let contact = t.contact(json!({})).await?;
            let deal = t
                .opportunity(json!({"contactsIds": [contact.id()]}))
                .await?;
            deal.has("contactsColumns", json!({contact.id(): {"role": null}}))
                .map(drop)
        }),
        check("teams", async |t| {
            let team = t.team().await?;
            let account = t.account(json!({"teamsIds": [team]})).await?;
            let item = json!({"type": "linkedWith", "attribute": "teams", "value": [team]});
            let mine = json!({"type": "equals", "attribute": "id", "value": account.id()});
            t.list(
                "Account",
                &json!({"where": [item, mine], "select": ["teamsIds"]}),
            )
            .await?
            .ok()?
            .first()?
            .has("teamsIds", json!([team]))
            .map(drop)
        }),
        check("contact-account-joins-the-accounts", async |t| {
            let account = t.account(json!({})).await?;
            let contact = t.contact(json!({"accountId": account.id()})).await?;
            let read = t.read("Contact", &contact).await?;
            read.has("accountId", account.id())?
                .has("accountsIds", json!([account.id()]))
                .map(drop)
        }),
        check("contact-accounts-have-two-columns", async |t| {
            let account = t.account(json!({})).await?;
            let contact = t.contact(json!({"accountsIds": [account.id()]})).await?;
            let read = t.read("Contact", &contact).await?;
            read.only(
                &format!("/accountsColumns/{}", account.id()),
                &["role", "isInactive"],
            )
            .map(drop)
        }),
        check("attachments", async |t| {
            let file = json!({"name": "a.txt", "type": "text/plain", "role": "Attachment", "parentType": "Task", "field": "attachments", "file": "data:text/plain;base64,eA=="});
            let attachment = t.create("Attachment", &file).await?;
            let task = t.task(json!({"attachmentsIds": [attachment.id()]})).await?;
            let read = t.read("Task", &task).await?;
            read.has("attachmentsNames", json!({attachment.id(): "a.txt"}))?
                .has("attachmentsTypes", json!({attachment.id(): "text/plain"}))?;
            t.update("Task", &task, &json!({"attachmentsIds": []}))
                .await?;
            t.read("Task", &task)
                .await?
                .that("attachmentsIds", "no ids", |ids| {
                    ids == &json!([]) || ids == &Value::Null
                })
                .map(drop)
        }),
    ]
}
