//! What an administrator configures: the part of `GET Settings` that behaviour depends on.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

/// Configuration of an instance.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) currency_list: Vec<String>,
    pub(crate) default_currency: String,
    pub(crate) base_currency: String,
    /// Units of the base currency for one unit of the currency.
    pub(crate) currency_rates: IndexMap<String, f64>,
    pub(crate) time_zone: String,
    /// Months by which the fiscal year starts later than the calendar year.
    pub(crate) fiscal_year_shift: i8,
    pub(crate) list_max_size: i64,
    /// Text attributes are cut to so many characters in lists.
    pub(crate) list_text_length: usize,
    /// Text filters look inside of texts from this length on.
    pub(crate) min_length_for_content_search: usize,
    /// Values that were set and that nothing here depends on.
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
    /// Takes over settings as `GET Settings` returns them.
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

    /// Units of the base currency for one unit of `code`.
    pub(crate) fn rate(&self, code: &str) -> f64 {
        if code == self.base_currency {
            1.0
        } else {
            self.currency_rates.get(code).copied().unwrap_or(1.0)
        }
    }
}
