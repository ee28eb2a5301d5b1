//! Exchange rates.

use std::collections::BTreeMap;

use http::Method;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::client::Client;
use crate::error::{DecodeFault, Error};
use crate::request::Request;

/// Rates by currency code, to the instance's base currency.
pub type Rates = BTreeMap<String, Decimal>;

impl Client {
    /// The rates of the currencies in use; the base currency's is 1.
    ///
    /// # Errors
    /// As any request.
    pub async fn currency_rates(&self) -> Result<Rates, Error> {
        let response = self
            .send(Request::new(Method::GET, &["CurrencyRate"]))
            .await?;
        let numbers: BTreeMap<String, Number> = response.json()?;
        numbers
            .into_iter()
            .map(|(code, number)| match parse(&number) {
                Some(rate) => Ok((code, rate)),
                None => Err(Error::decode(
                    &response,
                    DecodeFault::new(format!("`{number}` is not a rate")).at(code),
                )),
            })
            .collect()
    }

    /// Sets rates; codes that the instance does not use, and the base
    /// currency's, are ignored by the server.
    ///
    /// # Errors
    /// As any request; a negative rate is a 400.
    pub async fn set_currency_rates(&self, rates: &Rates) -> Result<(), Error> {
        let mut body = crate::JsonObject::new();
        for (code, rate) in rates {
            let number: Number = rate
                .normalize()
                .to_string()
                .parse()
                .map_err(|_| Error::build(format!("the rate {rate} is no JSON number")))?;
            body.insert(code.clone(), Value::Number(number));
        }
        self.perform(Method::PUT, &["CurrencyRate"], Some(&Value::Object(body)))
            .await
    }
}

/// From the shortest text of the number, so that 1.1 stays 1.1.
fn parse(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_their_digits() {
        for (text, expected) in [
            ("1.1", "1.1"),
            ("1", "1"),
            ("0.000012", "0.000012"),
            ("1e-7", "0.0000001"),
        ] {
            let number: Number = serde_json::from_str(text).unwrap();
            assert_eq!(parse(&number), Some(expected.parse().unwrap()), "{text}");
        }
    }
}
