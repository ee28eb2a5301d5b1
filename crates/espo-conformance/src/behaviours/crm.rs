//! Leads, activities, boards and target lists.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Body, Outcome};
use crate::test::{Test, merged};

/// Creates a lead with a unique last name and these values.
async fn lead(t: &Test, values: Value) -> Outcome<Body> {
    t.create("Lead", &merged(json!({"lastName": t.name("lead")}), values))
        .await
}

/// Converts a lead, and registers the created records for deletion.
async fn convert(t: &Test, lead: &Body, records: Value) -> Outcome<Body> {
    let lead = t
        .post(
            "Lead/action/convert",
            &json!({"id": lead.id(), "records": records}),
        )
        .await?
        .ok()?;
    for (attribute, entity) in [
        ("createdOpportunityId", "Opportunity"),
        ("createdContactId", "Contact"),
        ("createdAccountId", "Account"),
    ] {
        if !lead.text(attribute).is_empty() {
            t.owe(entity, lead.text(attribute));
        }
    }
    Ok(lead)
}

pub(super) fn leads() -> Vec<Behaviour> {
    vec![
        check("convert", async |t| {
            let lead = lead(t, json!({"firstName": "Lee"})).await?;
            let (account, contact) = (
                t.named("converted", json!({})),
                json!({"firstName": "Lee", "lastName": lead["lastName"]}),
            );
            let converted =
                convert(t, &lead, json!({"Account": account, "Contact": contact})).await?;
            converted
                .has("status", "Converted")?
                .that("createdAccountId", "an id", Value::is_string)?
                .that("createdContactId", "an id", Value::is_string)?;
            let path = format!("Contact/{}", converted.text("createdContactId"));
            t.get(&path)
                .await?
                .ok()?
                .has("accountId", converted["createdAccountId"].clone())
                .map(drop)
        }),
        check("convert-into-nothing", async |t| {
            let lead = lead(t, json!({})).await?;
            convert(t, &lead, json!({}))
                .await?
                .has("status", "Converted")
                .map(drop)
        }),
        check("convert-again", async |t| {
            let lead = lead(t, json!({})).await?;
            convert(t, &lead, json!({})).await?;
            convert(t, &lead, json!({})).await.map(drop)
        }),
        check("convert-into-unknown-types", async |t| {
            let lead = lead(t, json!({})).await?;
            convert(t, &lead, json!({"NoSuch": {"name": "x"}}))
                .await?
                .has("status", "Converted")
                .map(drop)
        }),
        check("convert-what-is-missing", async |t| {
            let answer = t
                .post(
                    "Lead/action/convert",
                    &json!({"id": "0123456789abcdef0", "records": {}}),
                )
                .await?;
            answer.is(404)?.no_reason().map(drop)
        }),
        check("convert-into-a-duplicate", async |t| {
            let (account, lead) = (t.account(json!({})).await?, lead(t, json!({})).await?);
            let records = json!({"Account": {"name": account.text("name")}});
            let answer = t
                .post(
                    "Lead/action/convert",
                    &json!({"id": lead.id(), "records": records}),
                )
                .await?;
            answer
                .is(409)?
                .reason("duplicate")?
                .body()?
                .has("/0/id", account.id())?
                .has("/0/_entityType", "Account")
                .map(drop)
        }),
        check("convert-without-the-duplicate-check", async |t| {
            let (account, lead) = (t.account(json!({})).await?, lead(t, json!({})).await?);
            let records = json!({"Account": {"name": account.text("name")}});
            let body = json!({"id": lead.id(), "records": records, "skipDuplicateCheck": true});
            let converted = t.post("Lead/action/convert", &body).await?.ok()?;
            t.owe("Account", converted.text("createdAccountId"));
            converted.has("status", "Converted").map(drop)
        }),
        check("convert-as-a-link", async |t| {
            let lead = lead(t, json!({})).await?;
            t.post(
                &format!("Lead/{}/convert", lead.id()),
                &json!({"records": {}}),
            )
            .await?
            .no()
        }),
        check("attributes-to-convert-into", async |t| {
            let lead = lead(
                t,
                json!({"firstName": "Lee", "accountName": t.name("acme")}),
            )
            .await?;
            let attributes = t
                .post(
                    "Lead/action/getConvertAttributes",
                    &json!({"id": lead.id()}),
                )
                .await?
                .ok()?;
            attributes
                .has("/Account/name", lead["accountName"].clone())?
                .has("/Contact/firstName", "Lee")
                .map(drop)
        }),
        check("name-falls-back-to-the-account", async |t| {
            let company = t.name("acme");
            let made = t.create("Lead", &json!({"accountName": company})).await?;
            t.read("Lead", &made).await?.has("name", company).map(drop)
        }),
    ]
}

pub(super) fn crm() -> Vec<Behaviour> {
    vec![
        check("activities-of-a-record", async |t| {
            let (account, somebody) = (t.account(json!({})).await?, t.assignee().await?);
            let times =
                json!({"dateStart": "2030-02-01 09:00:00", "dateEnd": "2030-02-01 10:00:00"});
            let parent = json!({"assignedUserId": somebody, "parentType": "Account", "parentId": account.id()});
            let meeting = t.make("Meeting", merged(times, parent)).await?;
            let list = t
                .get(&format!("Activities/Account/{}/activities", account.id()))
                .await?
                .ok()?;
            list.rows_are(&[meeting.id()])?
                .first()?
                .has("_scope", "Meeting")
                .map(drop)
        }),
        check("history-of-a-record", async |t| {
            let account = t.account(json!({})).await?;
            let list = t
                .get(&format!(
                    "Activities/Account/{}/history?maxSize=3",
                    account.id()
                ))
                .await?
                .ok()?;
            list.only("", &["total", "list"])?.has("total", 0).map(drop)
        }),
        check("board", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "in", "attribute": "id", "value": world.ids("Opportunity")});
            let board = t
                .list("Kanban/Opportunity", &json!({"where": [item]}))
                .await?
                .ok()?;
            board.that(
                "groups",
                "a group for each stage that has records",
                |groups| {
                    groups.as_array().is_some_and(|groups| {
                        groups
                            .iter()
                            .any(|group| group["name"] == "Prospecting" && group["total"] == 1)
                    })
                },
            )?;
            Ok(())
        }),
        check("board-of-a-type-without-status", async |t| {
            t.get("Kanban/Account").await?.is(500).map(drop)
        }),
        check("target-list-counts-its-entries", async |t| {
            let (list, contact) = (
                t.make("TargetList", json!({})).await?,
                t.contact(json!({})).await?,
            );
            t.post(
                &format!("TargetList/{}/contacts", list.id()),
                &json!({"id": contact.id()}),
            )
            .await?
            .yes()?;
            t.read("TargetList", &list)
                .await?
                .has("entryCount", 1)
                .map(drop)
        }),
        check("target-list-opt-out", async |t| {
            let (list, contact) = (
                t.make("TargetList", json!({})).await?,
                t.contact(json!({})).await?,
            );
            t.post(
                &format!("TargetList/{}/contacts", list.id()),
                &json!({"id": contact.id()}),
            )
            .await?
            .yes()?;
            let body = json!({"id": list.id(), "targetType": "Contact", "targetId": contact.id()});
            t.post("TargetList/action/optOut", &body).await?.yes()?;
            t.read("TargetList", &list)
                .await?
                .has("optedOutCount", 1)
                .map(drop)
        }),
        check("attendees", async |t| {
            let somebody = t.assignee().await?;
            let times =
                json!({"dateStart": "2030-02-01 09:00:00", "dateEnd": "2030-02-01 10:00:00"});
            let meeting = t
                .make(
                    "Meeting",
                    merged(
                        times,
                        json!({"assignedUserId": somebody, "usersIds": [somebody]}),
                    ),
                )
                .await?;
            let list = t
                .get(&format!("Meeting/{}/attendees", meeting.id()))
                .await?
                .ok()?;
            list.that("list", "the user", |rows| {
                rows.to_string().contains(&somebody)
            })
            .map(drop)
        }),
    ]
}
