//! Settings of an administrator: the part of `GET Settings` that affects behaviour.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

/// Configuration of an instance.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) currency_list: Vec<String>,
    pub(crate) default_currency: String,
    pub(crate) base_currency: String,
    /// Value of one unit of the currency in the base currency.
    pub(crate) currency_rates: IndexMap<String, f64>,
    pub(crate) time_zone: String,
    /// Months between the start of the calendar year and that of the fiscal year.
    pub(crate) fiscal_year_shift: i8,
    pub(crate) list_max_size: i64,
    /// Maximum length of text attributes in lists, in characters; longer ones are truncated.
    pub(crate) list_text_length: usize,
    /// Minimum length of a text filter for matches inside text attributes.
    pub(crate) min_length_for_content_search: usize,
    /// Settings that do not affect behaviour.
    pub(crate) other: Map<String, Json>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            currency_list: vec!["USD".to_owned()],
            default_currency: "USD".to_owned(),
            base_currency: "USD".to_owned(),
            currency_rates: IndexMap::new(),
            time_zone: "UTC".to_owned(),
            fiscal_year_shift: 0,
            list_max_size: 200,
            list_text_length: 10_000,
            min_length_for_content_search: 4,
            other: Map::new(),
        }
    }
}

impl Config {
    /// Applies settings in the format of `GET Settings`.
    pub(crate) fn apply(&mut self, settings: Map<String, Json>) {
        for (key, value) in settings {
            let text = value.as_str().map(str::to_owned);
            match key.as_str() {
                "currencyList" => {
                    self.currency_list = value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Json::as_str)
                        .map(str::to_owned)
                        .collect();
                }
                "currencyRates" => {
                    let rates = value.as_object().into_iter().flatten();
                    self.currency_rates = rates
                        .filter_map(|(code, rate)| Some((code.clone(), rate.as_f64()?)))
                        .collect();
                }
                "defaultCurrency" => self.default_currency = text.unwrap_or_default(),
                "baseCurrency" => self.base_currency = text.unwrap_or_default(),
                "timeZone" => self.time_zone = text.unwrap_or_else(|| "UTC".to_owned()),
                "fiscalYearShift" => {
                    self.fiscal_year_shift = value
                        .as_i64()
                        .and_then(|n| i8::try_from(n).ok())
                        .unwrap_or(0);
                }
                "recordListMaxSizeLimit" => self.list_max_size = value.as_i64().unwrap_or(200),
                _ => {
                    self.other.insert(key, value);
                }
            }
        }
    }

    /// Returns the value of one unit of `code` in the base currency.
    pub(crate) fn rate(&self, code: &str) -> f64 {
        if code == self.base_currency {
            1.0
        } else {
            self.currency_rates.get(code).copied().unwrap_or(1.0)
        }
    }
}
