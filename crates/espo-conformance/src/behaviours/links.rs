//! Links: listing, linking and unlinking, and columns.

use serde_json::json;

use super::{Behaviour, check};

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = lists();
    behaviours.extend(linking());
    behaviours.extend(unlinking());
    behaviours.extend(super::link_sets::all());
    behaviours
}

fn lists() -> Vec<Behaviour> {
    vec![
        check("list", async |t| {
            let world = t.world().await?;
            let path = format!(
                "Account/{}/opportunities?select=id,name&orderBy=amount&order=desc",
                world.id("alpha")
            );
            let list = t.get(&path).await?.ok()?;
            list.only("", &["total", "list"])?
                .has("total", 2)?
                .rows_are(&[&world.id("big"), &world.id("mid")])
                .map(drop)
        }),
        check("list-with-where", async |t| {
            let world = t.world().await?;
            let item = json!({"type": "equals", "attribute": "stage", "value": "Qualification"});
            let path = format!("Account/{}/opportunities", world.id("alpha"));
            t.list(&path, &json!({"where": [item], "select": ["id"]}))
                .await?
                .ok()?
                .rows_are(&[&world.id("mid")])
                .map(drop)
        }),
        check("list-over-the-limit", async |t| {
            let path = format!(
                "Account/{}/opportunities?maxSize=201",
                t.world().await?.id("alpha")
            );
            t.get(&path)
                .await?
                .refused(403, "Max size should not exceed 200. Use offset and limit.")
        }),
        check("bare-rows-without-select", async |t| {
            let path = format!("Account/{}/contacts", t.world().await?.id("alpha"));
            t.get(&path)
                .await?
                .ok()?
                .first()?
                .lacks("name")?
                .lacks("lastName")
                .map(drop)
        }),
        check("whole-rows-without-select", async |t| {
            let path = format!("Account/{}/opportunities", t.world().await?.id("alpha"));
            t.get(&path)
                .await?
                .ok()?
                .first()?
                .holds("name")?
                .holds("amount")
                .map(drop)
        }),
        check("list-of-one-through-belongs-to", async |t| {
            let world = t.world().await?;
            let path = format!("Opportunity/{}/account?select=id", world.id("big"));
            t.get(&path)
                .await?
                .ok()?
                .has("total", 1)?
                .rows_are(&[&world.id("alpha")])
                .map(drop)
        }),
        check("list-through-parent-fails", async |t| {
            let account = t.account(json!({})).await?;
            let task = t
                .task(json!({"parentType": "Account", "parentId": account.id()}))
                .await?;
            t.get(&format!("Task/{}/parent", task.id()))
                .await?
                .is(500)
                .map(drop)
        }),
        check("unknown-link", async |t| {
            t.get(&format!("Account/{}/noSuch", t.world().await?.id("alpha")))
                .await?
                .is(404)?
                .empty()
                .map(drop)
        })
        .since(9, 2),
        check("of-an-unknown-record", async |t| {
            t.get("Account/0123456789abcdef0/opportunities")
                .await?
                .is(404)?
                .empty()
                .map(drop)
        }),
        check("column-in-a-related-row", async |t| {
            let account = t.account(json!({})).await?;
            let columns = json!({account.id(): {"role": "CTO"}});
            t.contact(json!({"accountsIds": [account.id()], "accountsColumns": columns}))
                .await?;
            let path = format!(
                "Account/{}/contacts?select=id,name,accountRole",
                account.id()
            );
            t.get(&path)
                .await?
                .ok()?
                .first()?
                .has("accountRole", "CTO")
                .map(drop)
        }),
    ]
}

fn linking() -> Vec<Behaviour> {
    vec![
        check("many-to-many", async |t| {
            let (account, contact) = (t.account(json!({})).await?, t.contact(json!({})).await?);
            t.post(
                &format!("Account/{}/contacts", account.id()),
                &json!({"id": contact.id()}),
            )
            .await?
            .yes()?;
            t.read("Contact", &contact)
                .await?
                .has("accountsIds", json!([account.id()]))
                .map(drop)
        }),
        check("twice", async |t| {
            let (account, contact) = (t.account(json!({})).await?, t.contact(json!({})).await?);
            let path = format!("Account/{}/contacts", account.id());
            t.post(&path, &json!({"id": contact.id()})).await?.yes()?;
            t.post(&path, &json!({"id": contact.id()})).await?.yes()?;
            t.get(&format!("{path}?select=id"))
                .await?
                .ok()?
                .has("total", 1)
                .map(drop)
        }),
        check("several", async |t| {
            let (account, one, two) = (
                t.account(json!({})).await?,
                t.contact(json!({})).await?,
                t.contact(json!({})).await?,
            );
            let path = format!("Account/{}/contacts", account.id());
            t.post(&path, &json!({"ids": [one.id(), two.id()]}))
                .await?
                .yes()?;
            t.get(&format!("{path}?select=id"))
                .await?
                .ok()?
                .has("total", 2)
                .map(drop)
        }),
        check("has-many-writes-the-child", async |t| {
            let (account, deal) = (t.account(json!({})).await?, t.opportunity(json!({})).await?);
            t.post(
                &format!("Account/{}/opportunities", account.id()),
                &json!({"id": deal.id()}),
            )
            .await?
            .yes()?;
            t.read("Opportunity", &deal)
                .await?
                .has("accountId", account.id())
                .map(drop)
        }),
        check("has-children-writes-the-parent", async |t| {
            let (account, task) = (t.account(json!({})).await?, t.task(json!({})).await?);
            t.post(
                &format!("Account/{}/tasks", account.id()),
                &json!({"id": task.id()}),
            )
            .await?
            .yes()?;
            t.read("Task", &task)
                .await?
                .has("parentType", "Account")?
                .has("parentId", account.id())
                .map(drop)
        }),
        check("one-that-is-linked-elsewhere", async |t| {
            let (first, second) = (t.account(json!({})).await?, t.account(json!({})).await?);
            let deal = t.opportunity(json!({"accountId": first.id()})).await?;
            let answer = t
                .post(
                    &format!("Account/{}/opportunities", second.id()),
                    &json!({"id": deal.id()}),
                )
                .await?
                .is(403)?;
            let answer = answer
                .reason("Cannot link as the record is already linked (Account:opportunities).")?;
            answer.translation("cannotLinkAlreadyLinked", &json!({}))
        }),
        check("moved-by-an-update", async |t| {
            let (first, second) = (t.account(json!({})).await?, t.account(json!({})).await?);
            let deal = t.opportunity(json!({"accountId": first.id()})).await?;
            t.update("Opportunity", &deal, &json!({"accountId": second.id()}))
                .await?
                .has("accountId", second.id())
                .map(drop)
        }),
        check("without-id", async |t| {
            t.post(
                &format!("Account/{}/contacts", t.account(json!({})).await?.id()),
                &json!({}),
            )
            .await?
            .no()
        }),
        check("attributes-create-nothing", async |t| {
            let account = t.account(json!({})).await?;
            t.post(
                &format!("Account/{}/opportunities", account.id()),
                &t.deal(json!({})),
            )
            .await?
            .no()
        }),
        check("what-is-missing", async |t| {
            let path = format!("Account/{}/contacts", t.account(json!({})).await?.id());
            t.post(&path, &json!({"id": "0123456789abcdef0"}))
                .await?
                .is(404)?
                .no_reason()?
                .empty()
                .map(drop)
        }),
        check("through-belongs-to", async |t| {
            let (account, deal) = (t.account(json!({})).await?, t.opportunity(json!({})).await?);
            let answer = t
                .post(
                    &format!("Opportunity/{}/account", deal.id()),
                    &json!({"id": account.id()}),
                )
                .await?;
            answer
                .is(403)?
                .reason("Only manyMany, hasMany & hasChildren relations are allowed.")
                .map(drop)
        }),
        check("a-team-needs-rights-on-it", async |t| {
            let api = t.as_api()?;
            let (account, team) = (api.account(json!({})).await?, api.team().await?);
            let answer = api
                .post(
                    &format!("Account/{}/teams", account.id()),
                    &json!({"id": team}),
                )
                .await?
                .is(403)?;
            let answer =
                answer.reason("No foreign record access for link operation (Account:teams).")?;
            answer.translation("noAccessToForeignRecord", &json!({"action": "edit"}))
        }),
        check("by-search-is-refused", async |t| {
            let path = format!("Account/{}/contacts", t.account(json!({})).await?.id());
            let item = json!({"type": "equals", "attribute": "lastName", "value": "No contact has this name"});
            t.post(&path, &json!({"massRelate": true, "where": [item]}))
                .await?
                .refused(403, "Mass link is not allowed.")
        }),
        check("by-search-where-allowed", async |t| {
            let (list, contact) = (
                t.make("TargetList", json!({})).await?,
                t.contact(json!({})).await?,
            );
            let path = format!("TargetList/{}/contacts", list.id());
            let item = json!({"type": "equals", "attribute": "lastName", "value": contact.text("lastName")});
            t.post(&path, &json!({"massRelate": true, "where": [item]}))
                .await?
                .yes()?;
            t.get(&format!("{path}?select=id"))
                .await?
                .ok()?
                .rows_are(&[contact.id()])
                .map(drop)
        }),
    ]
}

fn unlinking() -> Vec<Behaviour> {
    vec![
        check("unlink", async |t| {
            let account = t.account(json!({})).await?;
            let contact = t.contact(json!({"accountsIds": [account.id()]})).await?;
            let path = format!("Account/{}/contacts", account.id());
            t.unlink(&path, &json!({"id": contact.id()})).await?.yes()?;
            t.get(&format!("{path}?select=id"))
                .await?
                .ok()?
                .has("total", 0)
                .map(drop)
        }),
        check("unlink-several", async |t| {
            let account = t.account(json!({})).await?;
            let one = t.contact(json!({"accountsIds": [account.id()]})).await?;
            let two = t.contact(json!({"accountsIds": [account.id()]})).await?;
            let path = format!("Account/{}/contacts", account.id());
            t.unlink(&path, &json!({"ids": [one.id(), two.id()]}))
                .await?
                .yes()?;
            t.get(&format!("{path}?select=id"))
                .await?
                .ok()?
                .has("total", 0)
                .map(drop)
        }),
        check("unlink-what-is-not-linked", async |t| {
            let (account, contact) = (t.account(json!({})).await?, t.contact(json!({})).await?);
            t.unlink(
                &format!("Account/{}/contacts", account.id()),
                &json!({"id": contact.id()}),
            )
            .await?
            .yes()
        }),
        check("unlink-by-query-does-nothing", async |t| {
            let account = t.account(json!({})).await?;
            let contact = t.contact(json!({"accountsIds": [account.id()]})).await?;
            t.delete(&format!(
                "Account/{}/contacts?id={}",
                account.id(),
                contact.id()
            ))
            .await?
            .no()?;
            t.get(&format!("Account/{}/contacts?select=id", account.id()))
                .await?
                .ok()?
                .has("total", 1)
                .map(drop)
        }),
        check("unlink-without-body", async |t| {
            t.delete(&format!(
                "Account/{}/contacts",
                t.account(json!({})).await?.id()
            ))
            .await?
            .no()
        }),
        check("unlink-empties-the-child", async |t| {
            let account = t.account(json!({})).await?;
            let deal = t.opportunity(json!({"accountId": account.id()})).await?;
            t.unlink(
                &format!("Account/{}/opportunities", account.id()),
                &json!({"id": deal.id()}),
            )
            .await?
            .yes()?;
            t.read("Opportunity", &deal)
                .await?
                .null("accountId")?
                .null("accountName")
                .map(drop)
        }),
        check("unlink-empties-the-parent", async |t| {
            let account = t.account(json!({})).await?;
            let task = t
                .task(json!({"parentType": "Account", "parentId": account.id()}))
                .await?;
            t.unlink(
                &format!("Account/{}/tasks", account.id()),
                &json!({"id": task.id()}),
            )
            .await?
            .yes()?;
            t.read("Task", &task).await?.null("parentId").map(drop)
        }),
    ]
}
