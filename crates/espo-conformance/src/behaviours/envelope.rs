//! Headers and format of all responses.

use serde_json::{Value, json};

use super::{Behaviour, check};

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("root", async |t| {
            t.get("")
                .await?
                .is(200)?
                .exactly(r#""EspoCRM REST API""#)
                .map(drop)
        }),
        check("create-is-200", async |t| {
            let made = t.post("Account", &t.named("a", json!({}))).await?.is(200)?;
            made.header("location", None)?
                .header("etag", None)?
                .body()?
                .that("id", "an id", Value::is_string)
                .map(drop)
        }),
        check("content-type-without-charset", async |t| {
            t.get("Account?maxSize=1")
                .await?
                .is(200)?
                .header("content-type", Some("application/json"))
                .map(drop)
        }),
        check("never-cached", async |t| {
            let kept = "no-store, no-cache, must-revalidate, post-check=0, pre-check=0";
            let answer = t.get("Account?maxSize=1").await?.is(200)?;
            answer
                .header("cache-control", Some(kept))?
                .header("expires", Some("0"))
                .map(drop)
        }),
        check("app-timestamp", async |t| {
            let answer = t.get("Account?maxSize=1").await?.is(200)?;
            let stamp = answer.header_text("x-app-timestamp").unwrap_or_default();
            let number = if stamp.parse::<u64>().is_ok() {
                None
            } else {
                Some("unix seconds")
            };
            number.map_or(Ok(()), |words| {
                answer.header("x-app-timestamp", Some(words)).map(drop)
            })
        }),
        check("conditional-requests-are-ignored", async |t| {
            let account = t.account(json!({})).await?;
            let call = t
                .call("GET", &format!("Account/{}", account.id()))
                .header("if-none-match", "\"x\"");
            call.header("if-modified-since", "Wed, 21 Oct 2099 07:28:00 GMT")
                .send()
                .await?
                .ok()?
                .holds("name")
                .map(drop)
        }),
        check("slashes-are-escaped", async |t| {
            let account = t
                .account(json!({"website": "https://slash.example/x"}))
                .await?;
            let answer = t.get(&format!("Account/{}", account.id())).await?;
            answer.contains(r"https:\/\/slash.example\/x").map(drop)
        }),
        check("other-letters-are-escaped", async |t| {
            let account = t.account(json!({"description": "Żółć 漢 😀"})).await?;
            let answer = t.get(&format!("Account/{}", account.id())).await?;
            answer
                .contains(r"\u017b\u00f3\u0142\u0107 \u6f22 \ud83d\ude00")
                .map(drop)
        }),
        check("whole-floats-are-integers", async |t| {
            let deal = t.opportunity(json!({"amount": 100.0})).await?;
            let answer = t.get(&format!("Opportunity/{}", deal.id())).await?;
            answer.contains(r#""amount":100,"#).map(drop)
        }),
        check("compact", async |t| {
            t.get("Account?maxSize=0")
                .await?
                .is(200)?
                .contains(r#"{"total":"#)?
                .contains(r#","list":[]}"#)
                .map(drop)
        }),
        check("empty-maps-are-objects", async |t| {
            let account = t.account(json!({})).await?;
            t.read("Account", &account)
                .await?
                .has("teamsIds", json!([]))?
                .has("teamsNames", json!({}))
                .map(drop)
        }),
        check("delete-is-true", async |t| {
            let account = t.account(json!({})).await?;
            t.delete(&format!("Account/{}", account.id())).await?.yes()
        }),
        check("ids-are-17-hexadecimal-digits", async |t| {
            let account = t.account(json!({})).await?;
            let hex = |id: &str| {
                id.len() == 17
                    && id
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            };
            let uuid = |id: &str| id.len() == 36;
            account.that("id", "17 hexadecimal digits, or a UUID", |id: &Value| {
                id.as_str().is_some_and(|id| hex(id) || uuid(id))
            })?;
            Ok(())
        }),
        check("times-are-utc-without-zone", async |t| {
            let account = t.account(json!({})).await?;
            let parsed = |v: &Value| {
                v.as_str().is_some_and(|v| {
                    jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", v).is_ok()
                })
            };
            account
                .that("createdAt", "YYYY-MM-DD HH:MM:SS", parsed)?
                .that("modifiedAt", "YYYY-MM-DD HH:MM:SS", parsed)?;
            let stamp =
                jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", account.text("createdAt"))
                    .unwrap_or_default();
            let apart = stamp
                .to_zoned_datetime(jiff::tz::TimeZone::UTC)
                .map_or(i64::MAX, |at| {
                    (at.timestamp().as_second() - jiff::Timestamp::now().as_second()).abs()
                });
            // A difference of an hour would be a time zone; a few minutes are a difference between two clocks.
            account
                .that("createdAt", "the present in UTC", |_| apart < 20 * 60)
                .map(drop)
        }),
    ]
}
