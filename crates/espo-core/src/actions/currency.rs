//! Exchange rates.

use std::collections::BTreeMap;

use http::Method;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use crate::client::Client;
use crate::error::{DecodeFault, Error};
use crate::request::Request;

/// Rates by currency code, relative to the instance's base currency.
pub type Rates = BTreeMap<String, Decimal>;

impl Client {
    /// Returns the rates of the currencies in use. The rate of the base currency is 1.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
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

    /// Sets rates. The server ignores currencies that the instance does not use, and the base currency.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to change rates, and with 400 for a negative rate.
    pub async fn set_currency_rates(&self, rates: &Rates) -> Result<(), Error> {
        let body = Value::Object(rates_json(rates)?);
        self.perform(Method::PUT, &["CurrencyRate"], Some(&body))
            .await
    }
}

/// Rates as JSON numbers that keep all digits.
pub(super) fn rates_json(rates: &Rates) -> Result<crate::JsonObject, Error> {
    rates
        .iter()
        .map(|(code, rate)| {
            let number: Number = rate.normalize().to_string().parse().map_err(|_| {
                Error::build(format!("the rate {rate} of {code} is not a JSON number"))
            })?;
            Ok((code.clone(), Value::Number(number)))
        })
        .collect()
}

/// Uses the shortest decimal form of the number, so that 1.1 stays 1.1.
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
