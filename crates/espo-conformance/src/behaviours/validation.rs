//! Rejected values and their error messages.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::Outcome;
use crate::test::{Test, merged};

/// Asserts that creating an account with these values fails with a validation rule of a field.
async fn account(t: &Test, values: Value, field: &str, rule: &str) -> Outcome {
    t.post("Account", &t.named("refused", values))
        .await?
        .invalid("Account", field, rule)
}

/// The same for an opportunity.
async fn deal(t: &Test, values: Value, field: &str, rule: &str) -> Outcome {
    t.post("Opportunity", &t.deal(values))
        .await?
        .invalid("Opportunity", field, rule)
}

/// The same for a team, which has a list.
async fn team(t: &Test, values: Value, rule: &str) -> Outcome {
    let admin = t.as_admin()?;
    admin
        .post("Team", &admin.named("refused", values))
        .await?
        .invalid("Team", "positionList", rule)
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = texts();
    behaviours.extend(numbers_and_dates());
    behaviours.extend(links());
    behaviours
}

fn texts() -> Vec<Behaviour> {
    vec![
        check("required-absent", async |t| {
            t.post("Account", &json!({}))
                .await?
                .invalid("Account", "name", "required")
        }),
        check("required-empty", async |t| {
            account(t, json!({"name": ""}), "name", "required").await
        }),
        check("required-null", async |t| {
            account(t, json!({"name": null}), "name", "required").await
        }),
        check("required-blank", async |t| {
            account(t, json!({"name": "   "}), "name", "required").await
        }),
        check("first-failing-field-alone", async |t| {
            let fields = t
                .get("Metadata?key=entityDefs.Account.fields")
                .await?
                .ok()?;
            let rules = [
                ("name", "required"),
                ("industry", "valid"),
                ("emailAddress", "emailAddress"),
            ];
            // Metadata with sorted keys does not preserve the order of the server's files, in which the name comes
            // first.
            let keys: Vec<&String> = fields
                .as_object()
                .into_iter()
                .flat_map(|m| m.keys())
                .collect();
            let sorted = keys.is_sorted();
            let place = |field: &str| {
                if sorted && field == "name" {
                    return Some(0);
                }
                keys.iter().position(|key| *key == field)
            };
            let (field, rule) = rules
                .into_iter()
                .min_by_key(|(field, _)| place(field))
                .unwrap_or(rules[0]);
            account(
                t,
                json!({"name": "", "industry": "Nope", "emailAddress": "nope"}),
                field,
                rule,
            )
            .await
        }),
        check("person-name-required", async |t| {
            t.post("Contact", &json!({"firstName": "Only"}))
                .await?
                .invalid("Contact", "lastName", "required")
        }),
        check("lead-needs-some-name", async |t| {
            t.post("Lead", &json!({}))
                .await?
                .invalid("Lead", "name", "required")
        })
        .since(9, 1),
        check("max-length", async |t| {
            account(
                t,
                json!({"sicCode": "9".repeat(41)}),
                "sicCode",
                "maxLength",
            )
            .await
        }),
        check("max-length-counts-characters", async |t| {
            t.account(json!({"sicCode": "é".repeat(40)}))
                .await
                .map(drop)
        }),
        check("pattern-less-than", async |t| {
            account(t, json!({"name": "a<b"}), "name", "pattern").await
        }),
        check("pattern-greater-than", async |t| {
            account(t, json!({"name": "a>b"}), "name", "pattern").await
        }),
        check("pattern-lets-quotes-pass", async |t| {
            let name = t.name("a & \"b\" 'c'");
            t.create("Account", &json!({"name": name}))
                .await?
                .has("name", name)
                .map(drop)
        }),
        check("enum", async |t| {
            account(t, json!({"industry": "Nope"}), "industry", "valid").await
        }),
        check("enum-is-case-sensitive", async |t| {
            account(t, json!({"industry": "finance"}), "industry", "valid").await
        }),
        check("enum-null-without-an-empty-option", async |t| {
            t.post("Case", &t.named("refused", json!({"status": null})))
                .await?
                .invalid("Case", "status", "valid")
        }),
        check("enum-on-update", async |t| {
            let made = t.account(json!({})).await?;
            t.put(&format!("Account/{}", made.id()), &json!({"type": "Nope"}))
                .await?
                .invalid("Account", "type", "valid")
        }),
        check("required-on-update-when-sent", async |t| {
            let made = t.account(json!({})).await?;
            t.put(&format!("Account/{}", made.id()), &json!({"name": null}))
                .await?
                .invalid("Account", "name", "required")
        }),
        check("email", async |t| {
            account(
                t,
                json!({"emailAddress": "not-an-email"}),
                "emailAddress",
                "emailAddress",
            )
            .await
        }),
        check("email-in-data", async |t| {
            account(
                t,
                json!({"emailAddressData": [{"emailAddress": "nope", "primary": true}]}),
                "emailAddress",
                "emailAddress",
            )
            .await
        }),
        check("phone", async |t| {
            account(t, json!({"phoneNumber": "abc"}), "phoneNumber", "valid").await
        }),
        check("phone-must-be-international", async |t| {
            account(t, json!({"phoneNumber": "12"}), "phoneNumber", "valid").await
        }),
        check("url", async |t| {
            account(t, json!({"website": "no url at all"}), "website", "valid").await
        }),
        check("list-of-a-scalar", async |t| {
            team(t, json!({"positionList": "a"}), "array").await
        }),
        check("list-of-numbers", async |t| {
            team(t, json!({"positionList": [1, 2]}), "arrayOfString").await
        }),
        check("list-item-too-long", async |t| {
            team(
                t,
                json!({"positionList": ["x".repeat(101)]}),
                "maxItemLength",
            )
            .await
        }),
    ]
}

fn numbers_and_dates() -> Vec<Behaviour> {
    vec![
        check("max", async |t| {
            deal(t, json!({"probability": 200}), "probability", "max").await
        }),
        check("min", async |t| {
            deal(t, json!({"probability": -1}), "probability", "min").await
        }),
        check("int-of-text", async |t| {
            deal(t, json!({"probability": "abc"}), "probability", "valid").await
        }),
        check("int-of-text-that-begins-as-one", async |t| {
            deal(t, json!({"probability": "12abc"}), "probability", "valid").await
        }),
        check("int-of-bool", async |t| {
            deal(t, json!({"probability": true}), "probability", "valid").await
        }),
        check("amount-of-text", async |t| {
            deal(t, json!({"amount": "abc"}), "amount", "valid").await
        }),
        check("amount-below-the-minimum", async |t| {
            deal(t, json!({"amount": -1}), "amount", "min").await
        }),
        check("amount-required", async |t| {
            deal(t, json!({"amount": null}), "amount", "required").await
        }),
        check("unknown-currency", async |t| {
            deal(
                t,
                json!({"amountCurrency": "ZZZ"}),
                "amount",
                "validCurrency",
            )
            .await
        }),
        check("date-in-another-form", async |t| {
            deal(t, json!({"closeDate": "31/01/2030"}), "closeDate", "valid").await
        }),
        check("impossible-date", async |t| {
            deal(t, json!({"closeDate": "2030-02-31"}), "closeDate", "valid").await
        }),
        check("empty-date", async |t| {
            let values = t.named("refused", json!({"startDate": ""}));
            t.post("Campaign", &values)
                .await?
                .invalid("Campaign", "startDate", "valid")
        }),
        check("date-required", async |t| {
            deal(t, json!({"closeDate": null}), "closeDate", "required").await
        }),
        check("moment-in-another-form", async |t| {
            let somebody = t.assignee().await?;
            let values = t.named(
                "refused",
                json!({"dateEnd": "tomorrow", "assignedUserId": somebody}),
            );
            t.post("Task", &values)
                .await?
                .invalid("Task", "dateEnd", "valid")
        }),
        check("moment-with-fractions", async |t| {
            let somebody = t.assignee().await?;
            let values = t.named(
                "refused",
                json!({"dateEnd": "2030-01-01T10:00:00.5Z", "assignedUserId": somebody}),
            );
            t.post("Task", &values)
                .await?
                .invalid("Task", "dateEnd", "valid")
        }),
    ]
}

fn links() -> Vec<Behaviour> {
    vec![
        check("activity-needs-an-assignee", async |t| {
            let api = t.as_api()?;
            api.post("Task", &api.named("refused", json!({})))
                .await?
                .invalid("Task", "assignedUser", "required")
        }),
        check("link-to-what-is-missing", async |t| {
            let values = json!({"lastName": t.name("refused"), "accountId": "0123456789abcdef0"});
            let answer = t.post("Contact", &values).await?.is(403)?;
            let answer = answer.reason(
                "Can't relate with non-existing record. entity type: Contact, link: account.",
            )?;
            answer.translation(
                "cannotRelateNonExisting",
                &json!({"foreignEntityType": "Account"}),
            )
        }),
        check("assignee-who-is-missing", async |t| {
            let answer = t
                .post(
                    "Account",
                    &t.named("refused", json!({"assignedUserId": "0123456789abcdef0"})),
                )
                .await?
                .is(403)?;
            answer.translation(
                "cannotRelateNonExisting",
                &json!({"foreignEntityType": "User"}),
            )
        }),
        check("one-of-several-is-missing", async |t| {
            let contact = t.contact(json!({})).await?;
            let values = t.deal(json!({"contactsIds": [contact.id(), "0123456789abcdef0"]}));
            let answer = t.post("Opportunity", &values).await?.is(403)?;
            answer.translation(
                "cannotRelateNonExisting",
                &json!({"foreignEntityType": "Contact"}),
            )
        }),
        check("link-id-of-bad-characters", async |t| {
            t.post("Opportunity", &t.deal(json!({"accountId": "a b"})))
                .await?
                .invalid("Opportunity", "account", "pattern")
        }),
        check("parent-of-a-wrong-type", async |t| {
            let somebody = t.assignee().await?;
            let values = json!({"assignedUserId": somebody, "parentType": "NoSuch", "parentId": "0123456789abcdef0"});
            t.post("Task", &t.named("refused", values))
                .await?
                .invalid("Task", "parent", "valid")
        }),
        check("bad-value-in-a-column", async |t| {
            let contact = t.contact(json!({})).await?;
            let columns = json!({contact.id(): {"role": "Nope"}});
            let values = merged(
                json!({"contactsIds": [contact.id()]}),
                json!({"contactsColumns": columns}),
            );
            t.post("Opportunity", &t.deal(values)).await?.invalid(
                "Opportunity",
                "contacts",
                "columnsValid",
            )
        }),
    ]
}
