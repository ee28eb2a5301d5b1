//! The records for the search checks.

use serde_json::{Value, json};

use crate::answer::{Body, Outcome};
use crate::test::Test;

/// A few records of several types with known values, each identified by a label.
pub(crate) struct World {
    /// The default currency.
    pub(crate) currency: String,
    /// The server's own date.
    pub(crate) today: jiff::civil::Date,
    /// Months between the start of the calendar year and that of the fiscal year.
    pub(crate) fiscal_shift: i8,
    pub(crate) records: Vec<Known>,
}

/// One record of the world.
pub(crate) struct Known {
    pub(crate) entity: &'static str,
    pub(crate) label: &'static str,
    pub(crate) body: Body,
}

impl World {
    pub(crate) async fn make(t: &Test) -> Outcome<World> {
        let settings = t.get("Settings").await?.ok()?;
        let currency = settings["defaultCurrency"]
            .as_str()
            .unwrap_or("USD")
            .to_owned();
        let zone = settings["timeZone"].as_str().unwrap_or("UTC");
        let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let today = jiff::Timestamp::now().to_zoned_datetime(zone).date();
        let fiscal_shift = settings["fiscalYearShift"]
            .as_i64()
            .and_then(|shift| i8::try_from(shift).ok())
            .unwrap_or(0);
        let mut world = World {
            currency,
            today,
            fiscal_shift,
            records: Vec::new(),
        };
        world.accounts(t).await?;
        world.contacts(t).await?;
        world.opportunities(t).await?;
        world.campaigns(t).await?;
        Ok(world)
    }

    async fn add(
        &mut self,
        t: &Test,
        entity: &'static str,
        label: &'static str,
        values: Value,
    ) -> Outcome {
        let body = t.create(entity, &values).await?;
        self.records.push(Known {
            entity,
            label,
            body,
        });
        Ok(())
    }

    async fn accounts(&mut self, t: &Test) -> Outcome {
        let alpha = json!({
            "type": "Customer", "industry": "Finance", "sicCode": "10", "billingAddressCity": "Paris",
            "billingAddressCountry": "France", "website": "alpha.example", "description": "one two three",
            "emailAddress": t.email(), "phoneNumber": "+12025550143",
        });
        let beta = json!({
            "type": "Partner", "industry": "Banking", "sicCode": "20", "billingAddressCity": "Zürich",
            "billingAddressCountry": "Switzerland", "description": "50% off",
        });
        let delta = json!({
            "type": "Customer", "sicCode": "9", "billingAddressCity": "PARIS", "billingAddressCountry": "France",
            "description": "under_score",
        });
        self.add(t, "Account", "alpha", t.named("Alpha", alpha))
            .await?;
        self.add(t, "Account", "beta", t.named("Beta", beta))
            .await?;
        self.add(t, "Account", "gamma", t.named("Gamma", json!({})))
            .await?;
        self.add(t, "Account", "delta", t.named("Delta", delta))
            .await
    }

    async fn contacts(&mut self, t: &Test) -> Outcome {
        let ann = json!({"firstName": "Ann", "lastName": t.name("Ann"), "doNotCall": true, "accountId": self.id("alpha")});
        let bob = json!({"firstName": "Bob", "lastName": t.name("Bob"), "doNotCall": false});
        self.add(t, "Contact", "ann", ann).await?;
        self.add(t, "Contact", "bob", bob).await
    }

    async fn opportunities(&mut self, t: &Test) -> Outcome {
        let (alpha, ann, bob) = (self.id("alpha"), self.id("ann"), self.id("bob"));
        let deal = |label: &str,
                    stage: &str,
                    amount: f64,
                    probability: i64,
                    date: &str,
                    more: Value| {
            let values = json!({
                "stage": stage, "amount": amount, "amountCurrency": self.currency, "probability": probability, "closeDate": date,
            });
            t.named(label, crate::test::merged(values, more))
        };
        let values = [
            (
                "big",
                deal(
                    "Big",
                    "Prospecting",
                    1000.0,
                    10,
                    "2030-01-31",
                    json!({"accountId": alpha, "contactsIds": [ann, bob]}),
                ),
            ),
            (
                "mid",
                deal(
                    "Mid",
                    "Qualification",
                    500.5,
                    20,
                    "2030-02-28",
                    json!({"accountId": alpha, "contactsIds": [ann]}),
                ),
            ),
            (
                "won",
                deal(
                    "Won",
                    "Closed Won",
                    100.0,
                    100,
                    "2020-05-05",
                    json!({"leadSource": "Call"}),
                ),
            ),
            (
                "lost",
                deal("Lost", "Closed Lost", 1.0, 0, "2020-06-06", json!({})),
            ),
        ];
        for (label, values) in values {
            self.add(t, "Opportunity", label, values).await?;
        }
        Ok(())
    }

    /// Campaigns, because their dates may be null.
    async fn campaigns(&mut self, t: &Test) -> Outcome {
        for (label, days) in DAYS {
            let values = json!({"startDate": self.day(*days).to_string()});
            self.add(t, "Campaign", label, t.named(label, values))
                .await?;
        }
        self.add(t, "Campaign", "never", t.named("never", json!({})))
            .await
    }

    /// The day `days` days from today.
    pub(crate) fn day(&self, days: i32) -> jiff::civil::Date {
        self.today.saturating_add(jiff::Span::new().days(days))
    }

    /// The day of a campaign, by its label.
    pub(crate) fn day_of(&self, label: &str) -> Option<jiff::civil::Date> {
        DAYS.iter()
            .find(|(known, _)| *known == label)
            .map(|(_, days)| self.day(*days))
    }

    /// The ID of a record; empty if no record has this label.
    pub(crate) fn id(&self, label: &str) -> String {
        self.get(label)
            .map_or_else(String::new, |body| body.id().to_owned())
    }

    /// A record, by its label.
    pub(crate) fn get(&self, label: &str) -> Option<&Body> {
        self.records
            .iter()
            .find(|known| known.label == label)
            .map(|known| &known.body)
    }

    /// The IDs of all records of a type.
    pub(crate) fn ids(&self, entity: &str) -> Vec<&str> {
        self.of(entity).map(|known| known.body.id()).collect()
    }

    /// The records of a type.
    pub(crate) fn of(&self, entity: &str) -> impl Iterator<Item = &Known> {
        self.records
            .iter()
            .filter(move |known| known.entity == entity)
    }

    /// The label of the record with an ID.
    pub(crate) fn label<'a>(&self, id: &'a str) -> &'a str {
        self.records
            .iter()
            .find(|known| known.body.id() == id)
            .map_or(id, |known| known.label)
    }
}

/// Campaigns with a date, as days from today.
const DAYS: &[(&str, i32)] = &[
    ("year-ago", -370),
    ("last-month", -31),
    ("days-ago", -3),
    ("now", 0),
    ("soon", 3),
    ("next-month", 32),
    ("far", 800),
];
