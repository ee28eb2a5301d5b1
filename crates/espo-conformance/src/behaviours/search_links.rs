//! Where items about links.

use serde_json::json;

use super::search::{asked, finds};
use super::{Behaviour, check};

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("linked-with", async |t| {
            let ann = t.world().await?.id("ann");
            finds(
                t,
                "Opportunity",
                json!({"type": "linkedWith", "attribute": "contacts", "value": [ann]}),
                &["big", "mid"],
            )
            .await
        }),
        check("linked-with-scalar", async |t| {
            let bob = t.world().await?.id("bob");
            finds(
                t,
                "Opportunity",
                json!({"type": "linkedWith", "attribute": "contacts", "value": bob}),
                &["big"],
            )
            .await
        }),
        check("linked-with-any-of", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "linkedWith", "attribute": "contacts", "value": [world.id("ann"), world.id("bob")]});
            finds(t, "Opportunity", item, &["big", "mid"]).await
        }),
        check("users-of-teams-through-another-link", async |t| {
            asked(t, json!({"type": "isUserFromTeams", "attribute": "teams", "value": []}))
                .await?
                .refused(400, "Not supported link 'teams' in where item.")
        }),
        check("linked-with-a-number", async |t| {
            asked(t, json!({"type": "linkedWith", "attribute": "teams", "value": [5]}))
                .await?
                .refused(400, "Bad where item. Non-string ID.")
        })
        .since(9, 2),
        check("category-that-is-none", async |t| {
            asked(t, json!({"type": "inCategory", "attribute": "teams", "value": []}))
                .await?
                .is(500)
                .map(drop)
        }),
        check("linked-with-all", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "linkedWithAll", "attribute": "contacts", "value": [world.id("ann"), world.id("bob")]});
            finds(t, "Opportunity", item, &["big"]).await
        }),
        check("not-linked-with", async |t| {
            let ann = t.world().await?.id("ann");
            finds(
                t,
                "Opportunity",
                json!({"type": "notLinkedWith", "attribute": "contacts", "value": [ann]}),
                &["won", "lost"],
            )
            .await
        }),
        check("linked-with-through-belongs-to", async |t| {
            let alpha = t.world().await?.id("alpha");
            finds(
                t,
                "Opportunity",
                json!({"type": "linkedWith", "attribute": "account", "value": [alpha]}),
                &["big", "mid"],
            )
            .await
        }),
        check("linked-with-through-has-many", async |t| {
            let big = t.world().await?.id("big");
            finds(
                t,
                "Account",
                json!({"type": "linkedWith", "attribute": "opportunities", "value": [big]}),
                &["alpha"],
            )
            .await
        }),
        check("is-linked", async |t| {
            finds(
                t,
                "Opportunity",
                json!({"type": "isLinked", "attribute": "contacts"}),
                &["big", "mid"],
            )
            .await
        }),
        check("is-not-linked", async |t| {
            finds(
                t,
                "Opportunity",
                json!({"type": "isNotLinked", "attribute": "contacts"}),
                &["won", "lost"],
            )
            .await
        }),
        check("is-linked-through-belongs-to", async |t| {
            finds(
                t,
                "Opportunity",
                json!({"type": "isLinked", "attribute": "account"}),
                &["big", "mid"],
            )
            .await
        }),
        check(
            "linked-with-what-is-missing",
            async |t| {
                let item = json!({"type": "linkedWith", "attribute": "contacts", "value": ["0123456789abcdef0"]});
                let answer = asked(t, item).await?.is(400)?;
                match answer.reason_text() {
                    Some(reason)
                        if reason.contains("Record 'Contact'") && reason.contains("not found") =>
                    {
                        Ok(())
                    }
                    _ => answer.reason("Record 'Contact' … not found.").map(drop),
                }
            },
        ).since(9, 2),
        check("linked-with-unknown-link", async |t| {
            let item = json!({"type": "linkedWith", "attribute": "noSuch", "value": ["0123456789abcdef0"]});
            asked(t, item)
                .await?
                .refused(400, "Not existing relation 'noSuch' in where.")
        }),
        check("parent", async |t| {
            let account = t.account(json!({})).await?;
            let task = t
                .task(json!({"parentType": "Account", "parentId": account.id()}))
                .await?;
            t.task(json!({})).await?;
            let item = json!({"type": "equals", "attribute": "parentId", "value": account.id()});
            t.list("Task", &json!({"where": [item], "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[task.id()])
                .map(drop)
        }),
        check("column-of-a-link", async |t| {
            let (contact, somebody) = (t.contact(json!({})).await?, t.assignee().await?);
            let times =
                json!({"dateStart": "2030-02-01 09:00:00", "dateEnd": "2030-02-01 10:00:00"});
            let values = json!({"assignedUserId": somebody, "contactsIds": [contact.id()], "contactsColumns": {contact.id(): {"status": "Accepted"}}});
            t.make("Meeting", crate::test::merged(times, values))
                .await?;
            let status = |value: &str| {
                json!({"where": [
                    {"type": "columnEquals", "attribute": "acceptanceStatusMeetings", "value": value},
                    {"type": "equals", "attribute": "id", "value": contact.id()},
                ]})
            };
            t.list("Contact", &status("Accepted"))
                .await?
                .ok()?
                .count(1)?;
            t.list("Contact", &status("Declined"))
                .await?
                .ok()?
                .count(0)
                .map(drop)
        }),
        check("column-without-a-link", async |t| {
            let item = json!({"type": "columnEquals", "attribute": "sicCode", "value": "x"});
            asked(t, item)
                .await?
                .refused(400, "Bad where item 'column'.")
        }),
        check("in-category", async |t| {
            let above = t.make("KnowledgeBaseCategory", json!({})).await?;
            let below = t
                .make("KnowledgeBaseCategory", json!({"parentId": above.id()}))
                .await?;
            let article = t
                .make(
                    "KnowledgeBaseArticle",
                    json!({"categoriesIds": [below.id()]}),
                )
                .await?;
            let item =
                json!({"type": "inCategory", "attribute": "categories", "value": above.id()});
            t.list(
                "KnowledgeBaseArticle",
                &json!({"where": [item], "select": ["id"]}),
            )
            .await?
            .ok()?
            .rows_are(&[article.id()])
            .map(drop)
        }).since(9, 2),
    ]
}
