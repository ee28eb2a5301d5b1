//! Webhooks: creation and validation. They are created inactive, so that nothing is delivered.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Answer, Outcome};
use crate::test::Test;

/// Requests the creation of a webhook.
async fn ask(t: &Test, event: &str, url: &str) -> Outcome<Answer> {
    let api = t.as_api()?;
    let answer = api
        .post(
            "Webhook",
            &json!({"event": event, "url": url, "isActive": false}),
        )
        .await?;
    if answer.status == 403
        && answer
            .reason_text()
            .is_some_and(|reason| reason.contains("access"))
    {
        return crate::answer::skip("the user may not create webhooks");
    }
    Ok(answer)
}

/// A public IP address, because the server would have to resolve a name.
const URL: &str = "https://8.8.8.8/hook";

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("create-is-201", async |t| {
            let made = ask(t, "Account.delete", URL).await?.is(201)?.body()?;
            made.that("id", "an id", Value::is_string)?
                .that("secretKey", "a secret", Value::is_string)?
                .has("event", "Account.delete")
                .map(drop)
        }),
        check("field-event", async |t| {
            ask(t, "Account.fieldUpdate.assignedUser", URL)
                .await?
                .is(201)
                .map(drop)
        }),
        check("twice-is-allowed", async |t| {
            ask(t, "Account.update", URL).await?.is(201)?;
            ask(t, "Account.update", URL).await?.is(201).map(drop)
        }),
        check("unknown-type", async |t| {
            ask(t, "NoSuch.create", URL)
                .await?
                .is(403)?
                .reason("Entity type is not available for Webhooks.")
                .map(drop)
        }),
        check("unknown-action", async |t| {
            ask(t, "Account.explode", URL)
                .await?
                .is(403)?
                .reason("Not supported event.")
                .map(drop)
        }),
        check("event-is-fixed", async |t| {
            let made = ask(t, "Account.create", URL).await?.is(201)?.body()?;
            let api = t.as_api()?;
            api.put(
                &format!("Webhook/{}", made.id()),
                &json!({"event": "Account.delete"}),
            )
            .await?
            .ok()?
            .has("event", "Account.create")
            .map(drop)
        }),
        check("host-that-does-not-resolve", async |t| {
            ask(t, "Account.create", "https://no-such-host.invalid/hook")
                .await?
                .invalid("Webhook", "url", "notInternal")
        })
        .since(9, 3),
        check("delete", async |t| {
            let made = ask(t, "Account.create", URL).await?.is(201)?.body()?;
            t.as_api()?
                .delete(&format!("Webhook/{}", made.id()))
                .await?
                .yes()
        }),
    ]
}
