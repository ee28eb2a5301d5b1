//! Currencies and their rates.

use serde_json::{Value, json};

use super::{Behaviour, check};
use crate::answer::{Outcome, skip};
use crate::test::Test;

/// A currency other than the base currency, and its rate.
async fn other(t: &Test) -> Outcome<(String, f64)> {
    if let Ok(found) = listed(t).await {
        return Ok(found);
    }
    t.second_currency().await?;
    listed(t).await
}

async fn listed(t: &Test) -> Outcome<(String, f64)> {
    let rates = t.get("CurrencyRate").await?.ok()?;
    let base = t
        .get("Settings")
        .await?
        .ok()?
        .text("baseCurrency")
        .to_owned();
    let other = rates.as_object().and_then(|rates| {
        rates
            .iter()
            .find(|(code, rate)| **code != base && rate.as_f64() != Some(1.0))
            .map(|(code, rate)| (code.clone(), rate.as_f64()))
    });
    match other {
        Some((code, Some(rate))) => Ok((code, rate)),
        _ => skip(
            "requires a second currency with a rate other than 1, or permission to change settings",
        ),
    }
}

pub(super) fn all() -> Vec<Behaviour> {
    vec![
        check("rates", async |t| {
            let base = t
                .get("Settings")
                .await?
                .ok()?
                .text("baseCurrency")
                .to_owned();
            t.get("CurrencyRate").await?.ok()?.has(&base, 1).map(drop)
        }),
        check("rates-of-the-listed-currencies-alone", async |t| {
            let settings = t.get("Settings").await?.ok()?;
            settings.holds("currencyList")?;
            let listed: Vec<&str> = settings["currencyList"]
                .as_array()
                .map_or_else(Vec::new, |list| {
                    list.iter().filter_map(Value::as_str).collect()
                });
            t.get("CurrencyRate")
                .await?
                .ok()?
                .only("", &listed)
                .map(drop)
        }),
        check("unknown-codes-are-ignored", async |t| {
            t.put("CurrencyRate", &json!({"ZZZ": 1.1})).await?.yes()?;
            t.get("CurrencyRate").await?.ok()?.lacks("ZZZ").map(drop)
        })
        .since(9, 3),
        check("negative-rate", async |t| {
            t.may_touch_everything()?;
            let (code, _) = other(t).await?;
            t.put("CurrencyRate", &json!({code: -1}))
                .await?
                .is(400)
                .map(drop)
        }),
        check("converted-amount", async |t| {
            let (code, rate) = other(t).await?;
            let deal = t
                .opportunity(json!({"amount": 100, "amountCurrency": code}))
                .await?;
            let converted = t.read("Opportunity", &deal).await?;
            converted
                .that("amountConverted", "amount × rate", |v| {
                    v.as_f64().is_some_and(|v| (v - 100.0 * rate).abs() < 0.01)
                })
                .map(drop)
        }),
        check("base-amount-is-its-own-conversion", async |t| {
            let base = t
                .get("Settings")
                .await?
                .ok()?
                .text("baseCurrency")
                .to_owned();
            let deal = t
                .opportunity(json!({"amount": 12.5, "amountCurrency": base}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .has("amountConverted", 12.5)
                .map(drop)
        }),
        check("converted-amount-cannot-be-sent", async |t| {
            let deal = t
                .opportunity(json!({"amount": 10, "amountConverted": 999}))
                .await?;
            t.read("Opportunity", &deal)
                .await?
                .that("amountConverted", "not what was sent", |v| {
                    v.as_f64() != Some(999.0)
                })
                .map(drop)
        }),
        check("convert-one", async |t| {
            let (code, rate) = other(t).await?;
            let deal = t.opportunity(json!({"amount": 100})).await?;
            let body = json!({"entityType": "Opportunity", "id": deal.id(), "action": "convertCurrency", "data": {"targetCurrency": code}});
            let converted = t.post("Action", &body).await?.ok()?;
            converted
                .has("amountCurrency", code)?
                .that("amount", "amount / rate", |v| {
                    v.as_f64().is_some_and(|v| (v - 100.0 / rate).abs() < 0.01)
                })
                .map(drop)
        }),
    ]
}
