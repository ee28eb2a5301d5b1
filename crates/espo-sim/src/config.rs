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
    /// Units of the base currency for one unit of `code`.
    pub(crate) fn rate(&self, code: &str) -> f64 {
        if code == self.base_currency {
            1.0
        } else {
            self.currency_rates.get(code).copied().unwrap_or(1.0)
        }
    }
}
