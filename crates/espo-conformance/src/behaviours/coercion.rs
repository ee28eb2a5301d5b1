//! Conversion of input values, by field type.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::Outcome;
use crate::test::Test;

/// Asserts the value that a read returns after an update sent a value.
async fn becomes(t: &Test, entity: &str, attribute: &str, sent: Value, read: Value) -> Outcome {
    let made = match entity {
        "Opportunity" => t.opportunity(json!({})).await?,
        "Contact" => t.contact(json!({})).await?,
        "Task" => t.task(json!({})).await?,
        _ => t.make(entity, json!({})).await?,
    };
    t.update(entity, &made, &json!({attribute: sent})).await?;
    t.read(entity, &made).await?.has(attribute, read).map(drop)
}

/// Declares a check of a value sent and the value read.
macro_rules! becomes {
    ($name:literal, $entity:literal, $attribute:literal, $sent:tt => $read:tt) => {
        check($name, async |t| {
            becomes(t, $entity, $attribute, json!($sent), json!($read)).await
        })
    };
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = texts_and_numbers();
    behaviours.extend(dates());
    behaviours.extend(composites());
    behaviours
}

fn texts_and_numbers() -> Vec<Behaviour> {
    vec![
        becomes!("text-is-trimmed", "Account", "sicCode", "  ab  " => "ab"),
        becomes!("empty-text-is-null", "Account", "sicCode", "" => null),
        becomes!("empty-long-text-is-null", "Account", "description", "" => null),
        becomes!("number-to-text", "Account", "sicCode", 12345 => "12345"),
        becomes!("true-to-text", "Account", "sicCode", true => "1"),
        becomes!("list-to-text", "Account", "sicCode", ["a"] => "Array").since(9, 2),
        becomes!("object-to-text", "Account", "sicCode", {"a": 1} => "Object").since(9, 2),
        becomes!("markup-in-text-stays", "Account", "description", "<script>x</script>" => "<script>x</script>"),
        becomes!("markup-in-html-stays", "KnowledgeBaseArticle", "body", "<p>x<script>y</script></p>" => "<p>x<script>y</script></p>"),
        becomes!("text-to-int", "Opportunity", "probability", "20" => 20),
        becomes!("float-to-int", "Opportunity", "probability", 4.5 => 4),
        becomes!("text-to-amount", "Opportunity", "amount", "99.9" => 99.9),
        becomes!("text-to-bool", "Contact", "doNotCall", "true" => true),
        becomes!("one-to-bool", "Contact", "doNotCall", 1 => true),
        becomes!("other-text-to-bool", "Contact", "doNotCall", "yes" => false),
        becomes!("empty-option-is-kept", "Account", "industry", "" => ""),
        becomes!("null-option-is-kept", "Account", "industry", null => null),
        check("null-on-a-bool-fails", async |t| {
            let made = t.contact(json!({"doNotCall": true})).await?;
            t.put(
                &format!("Contact/{}", made.id()),
                &json!({"doNotCall": null}),
            )
            .await?
            .is(500)?
            .empty()
            .map(drop)
        }),
        check("list-never-set-is-null", async |t| {
            let admin = t.as_admin()?;
            let team = admin.make("Team", json!({})).await?;
            admin
                .read("Team", &team)
                .await?
                .that("positionList", "null or an empty list", |v| {
                    v.is_null() || v == &json!([])
                })
                .map(drop)
        }),
        check("list-set-to-null-is-empty", async |t| {
            let admin = t.as_admin()?;
            let team = admin.make("Team", json!({"positionList": ["a"]})).await?;
            admin
                .update("Team", &team, &json!({"positionList": null}))
                .await?;
            admin
                .read("Team", &team)
                .await?
                .has("positionList", json!([]))
                .map(drop)
        }),
        check("list-keeps-duplicates", async |t| {
            let admin = t.as_admin()?;
            let team = admin
                .make("Team", json!({"positionList": ["a", "a"]}))
                .await?;
            admin
                .read("Team", &team)
                .await?
                .has("positionList", json!(["a", "a"]))
                .map(drop)
        }),
    ]
}

fn dates() -> Vec<Behaviour> {
    vec![
        becomes!("date", "Campaign", "startDate", "2030-01-31" => "2030-01-31"),
        becomes!("date-null", "Campaign", "startDate", null => null),
        becomes!("date-of-a-moment-with-zone", "Campaign", "startDate", "2030-01-31T23:30:00+02:00" => "2030-01-31"),
        becomes!("moment", "Task", "dateEnd", "2030-01-01 10:00:00" => "2030-01-01 10:00:00"),
        becomes!("moment-without-seconds", "Task", "dateEnd", "2030-01-01 10:00" => "2030-01-01 10:00:00"),
        becomes!("moment-in-atom", "Task", "dateEnd", "2030-01-01T10:00:00Z" => "2030-01-01 10:00:00"),
        becomes!("moment-with-zone", "Task", "dateEnd", "2030-01-01T10:00:00+02:00" => "2030-01-01 08:00:00"),
        check("moment-without-seconds-is-echoed", async |t| {
            t.task(json!({"dateEnd": "2030-01-01 10:00"}))
                .await?
                .has("dateEnd", "2030-01-01 10:00")
                .map(drop)
        }),
        check("day-of-an-optional-moment", async |t| {
            let task = t.task(json!({"dateEndDate": "2030-01-02"})).await?;
            let read = t.read("Task", &task).await?;
            // The end is the start of the next day in the server's zone: one day behind in UTC, give or take the zone.
            let near = |v: &Value| {
                v.as_str()
                    .is_some_and(|v| v.starts_with("2030-01-02") || v.starts_with("2030-01-03"))
            };
            read.has("dateEndDate", "2030-01-02")?
                .that("dateEnd", "the start of the next day", near)
                .map(drop)
        }),
        check("all-day-meeting", async |t| {
            let somebody = t.assignee().await?;
            let values = json!({"dateStartDate": "2030-03-01", "dateEndDate": "2030-03-02", "isAllDay": true, "assignedUserId": somebody});
            let meeting = t.make("Meeting", values).await?;
            let read = t.read("Meeting", &meeting).await?;
            read.has("dateStartDate", "2030-03-01")?
                .has("isAllDay", true)?
                .that("dateStart", "a moment", Value::is_string)
                .map(drop)
        }),
        check("meeting-may-end-before-it-starts", async |t| {
            let somebody = t.assignee().await?;
            let values = json!({"dateStart": "2030-02-01 09:00:00", "dateEnd": "2030-02-01 08:30:00", "assignedUserId": somebody});
            t.make("Meeting", values).await.map(drop)
        }),
        check("duration-is-the-difference", async |t| {
            let somebody = t.assignee().await?;
            let values = json!({"dateStart": "2030-02-01 09:00:00", "dateEnd": "2030-02-01 10:30:00", "assignedUserId": somebody});
            let meeting = t.make("Meeting", values).await?;
            t.read("Meeting", &meeting)
                .await?
                .has("duration", 5400)
                .map(drop)
        }),
    ]
}

fn composites() -> Vec<Behaviour> {
    vec![
        becomes!("phone-loses-its-blanks", "Account", "phoneNumber", "+1 202 555 0145" => "+12025550145"),
        check("email-null-removes-it", async |t| {
            let made = t.account(json!({"emailAddress": t.email()})).await?;
            t.update("Account", &made, &json!({"emailAddress": null}))
                .await?;
            t.read("Account", &made)
                .await?
                .null("emailAddress")?
                .has("emailAddressData", json!([]))
                .map(drop)
        }),
        check("email-data-in-small-letters", async |t| {
            let address = t.email();
            let made = t.account(json!({})).await?;
            let data = json!([{"emailAddress": address.to_uppercase(), "primary": true}]);
            let answer = t
                .update("Account", &made, &json!({"emailAddressData": data}))
                .await?;
            answer.has("emailAddress", address).map(drop)
        })
        .since(9, 2),
        check("parent-without-id-is-half-set", async |t| {
            let task = t.task(json!({"parentType": "Account"})).await?;
            t.read("Task", &task)
                .await?
                .has("parentType", "Account")?
                .null("parentId")
                .map(drop)
        }),
        check("parent", async |t| {
            let account = t.account(json!({})).await?;
            let task = t
                .task(json!({"parentType": "Account", "parentId": account.id()}))
                .await?;
            let read = t.read("Task", &task).await?;
            read.has("parentType", "Account")?
                .has("parentId", account.id())?
                .has("parentName", account.text("name"))
                .map(drop)
        }),
        check("ids-that-are-no-list-are-ignored", async |t| {
            let contact = t.contact(json!({})).await?;
            let deal = t
                .opportunity(json!({"contactsIds": [contact.id()]}))
                .await?;
            t.update("Opportunity", &deal, &json!({"contactsIds": "text"}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("contactsIds", json!([contact.id()]))
                .map(drop)
        }),
    ]
}
