//! Parses the search parameters of a query string, in both encodings.

use serde_json::{Map, Value as Json};

use crate::http::{Refusal, Request, Result};

/// The parameters of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct SearchParams {
    pub(crate) select: Option<Vec<String>>,
    pub(crate) where_: Vec<Json>,
    pub(crate) order_by: Option<String>,
    pub(crate) descending: Option<bool>,
    pub(crate) offset: i64,
    pub(crate) max_size: Option<i64>,
    pub(crate) primary_filter: Option<String>,
    pub(crate) bool_filters: Vec<String>,
    pub(crate) text_filter: Option<String>,
    /// Whether totals are -1 or -2 instead of a count.
    pub(crate) no_total: bool,
}

impl SearchParams {
    pub(crate) fn of(request: &Request, limit: i64) -> Result<SearchParams> {
        let too_many = |n: i64| match n > limit {
            true => Err(Refusal::forbidden(format!(
                "Max size should not exceed {limit}. Use offset and limit."
            ))),
            false => Ok(()),
        };
        let mut params = match request.query.get("searchParams") {
            Some(Json::String(text)) => {
                let parsed: Json = serde_json::from_str(text)
                    .map_err(|_| Refusal::bad_request("Invalid search params JSON."))?;
                match parsed {
                    Json::Object(map) => {
                        // Checked before the values of the other parameters.
                        too_many(map.get("maxSize").and_then(Json::as_i64).unwrap_or(0))?;
                        SearchParams::from_object(&map)?
                    }
                    Json::Array(list) if list.is_empty() => SearchParams::default(),
                    _ => return Err(Refusal::internal_page()),
                }
            }
            Some(_) => return Err(Refusal::bad_request("Invalid search params JSON.")),
            None => {
                too_many(request.param("maxSize").map_or(0, leading_int))?;
                from_query(&request.query)?
            }
        };
        params.no_total |= request.flag("x-no-total");
        params.lift_pseudo_items()?;
        Ok(params)
    }

    /// Parses the JSON of `searchParams`.
    pub(crate) fn from_object(map: &Map<String, Json>) -> Result<SearchParams> {
        let text = |key: &str| match map.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(s)) => Ok(Some(s.clone()).filter(|s| !s.is_empty())),
            Some(_) => Err(Refusal::bad_request(format!("{key} should be string."))),
        };
        let mut params = SearchParams {
            select: strings(map, "select")?,
            order_by: text("orderBy")?,
            descending: text("order")?.as_deref().map(direction).transpose()?,
            primary_filter: text("primaryFilter")?,
            bool_filters: strings(map, "boolFilterList")?.unwrap_or_default(),
            text_filter: text("textFilter")?,
            ..SearchParams::default()
        };
        if let Some(items) = list(map, "where")? {
            if !items.iter().all(|i| i.is_object() || i.is_array()) {
                return Err(Refusal::internal_page());
            }
            params.where_ = items;
        }
        params.max_size = match map.get("maxSize") {
            None | Some(Json::Null) => None,
            Some(Json::Number(n)) if n.is_i64() => n.as_i64(),
            Some(_) => return Err(Refusal::bad_request("maxSize must be integer.")),
        };
        params.offset = match map.get("offset") {
            None | Some(Json::Null) => 0,
            Some(Json::Number(n)) if n.is_i64() => n.as_i64().unwrap_or_default(),
            Some(Json::String(s)) if s.parse::<i64>().is_ok() => leading_int(s),
            Some(_) => return Err(Refusal::bad_request("offset should be int.")),
        };
        if !matches!(map.get("q"), None | Some(Json::Null | Json::String(_))) {
            return Err(Refusal::bad_request("q must be string."));
        }
        if let Some(q) = text("q")?
            .map(|q| q.trim().to_owned())
            .filter(|q| !q.is_empty())
        {
            // Within `searchParams`, `q` does not disable counting.
            params.text_filter = Some(q);
        }
        Ok(params)
    }

    /// Whether the database accepts the page. It rejects pages that begin or end before the first row.
    pub(crate) fn is_page_possible(&self) -> bool {
        self.offset >= 0 && self.max_size.is_none_or(|n| n >= 0)
    }

    /// Top-level items that are not conditions: bool, primary and text filters.
    pub(crate) fn lift_pseudo_items(&mut self) -> Result<()> {
        let mut kept = Vec::with_capacity(self.where_.len());
        for item in std::mem::take(&mut self.where_) {
            let value = item.get("value");
            match item.get("type").and_then(Json::as_str) {
                Some("bool") => {
                    let names = value
                        .and_then(Json::as_array)
                        .ok_or_else(Refusal::internal)?;
                    self.bool_filters
                        .extend(names.iter().filter_map(Json::as_str).map(str::to_owned));
                }
                Some("primary") => {
                    self.primary_filter = value.and_then(Json::as_str).map(str::to_owned)
                }
                Some("textFilter") => {
                    self.text_filter = value.filter(|v| !v.is_null()).map(super::compare::text_of)
                }
                _ => kept.push(item),
            }
        }
        self.where_ = kept;
        Ok(())
    }
}

/// Returns an array, or the values of an object, which the server treats like an array.
fn list(map: &Map<String, Json>, key: &str) -> Result<Option<Vec<Json>>> {
    match map.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(list)) => Ok(Some(list.clone())),
        Some(Json::Object(map)) => Ok(Some(map.values().cloned().collect())),
        Some(_) => Err(Refusal::bad_request(format!("{key} should be array."))),
    }
}

fn strings(map: &Map<String, Json>, key: &str) -> Result<Option<Vec<String>>> {
    let Some(list) = list(map, key)? else {
        return Ok(None);
    };
    let strings: Option<Vec<String>> = list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
    strings
        .map(Some)
        .ok_or_else(|| Refusal::bad_request(format!("{key} has non-string item.")))
}

fn from_query(query: &Map<String, Json>) -> Result<SearchParams> {
    let text = |key: &str| {
        query
            .get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let mut params = SearchParams {
        select: text("attributeSelect")
            .or_else(|| text("select"))
            .map(|s| s.split(',').map(str::to_owned).collect()),
        where_: match query.get("whereGroup").or_else(|| query.get("where")) {
            Some(Json::Array(list)) => list.clone(),
            Some(Json::Object(map)) => map.values().cloned().collect(),
            _ => Vec::new(),
        },
        order_by: text("orderBy")
            .or_else(|| text("sortBy"))
            .map(str::to_owned),
        max_size: text("maxSize").map(leading_int),
        offset: text("offset").map_or(0, leading_int),
        primary_filter: text("primaryFilter").map(str::to_owned),
        text_filter: text("textFilter").map(str::to_owned),
        ..SearchParams::default()
    };
    params.bool_filters = match query.get("boolFilterList") {
        Some(Json::Array(list)) => list
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Json::Object(map)) => map
            .values()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    params.descending = match (text("order"), text("asc")) {
        (Some(s), _) => Some(direction(s)?),
        (None, Some(asc)) => Some(asc != "true"),
        (None, None) => None,
    };
    if let Some(q) = text("q").map(str::trim).filter(|q| !q.is_empty()) {
        params.text_filter = Some(q.to_owned());
        params.no_total = true;
    }
    Ok(params)
}

fn direction(s: &str) -> Result<bool> {
    match s.to_ascii_lowercase().as_str() {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(Refusal::bad_request("order value is bad.")),
    }
}

/// PHP's `intval`: the leading digits, or 0.
pub(crate) fn leading_int(s: &str) -> i64 {
    let s = s.trim_start();
    let end = s
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || (*i == 0 && (*c == '-' || *c == '+'))))
        .map_or(s.len(), |(i, _)| i);
    s[..end]
        .parse()
        .unwrap_or(if end > 18 { i64::MAX } else { 0 })
}
