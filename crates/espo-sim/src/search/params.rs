//! Search parameters out of a query string, in both encodings (ESPO-API.md E1).

use serde_json::{Map, Value as Json};

use crate::http::{Refusal, Request, Result};

/// What a list asks for.
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
    /// Totals are -1 or -2.
    pub(crate) no_total: bool,
}

impl SearchParams {
    pub(crate) fn of(request: &Request, limit: i64) -> Result<SearchParams> {
        let mut params = match request.query.get("searchParams") {
            Some(Json::String(text)) => {
                let parsed: Json = serde_json::from_str(text)
                    .map_err(|_| Refusal::bad_request("Invalid search params JSON."))?;
                let Json::Object(map) = parsed else {
                    return Err(Refusal::internal_page());
                };
                SearchParams::from_object(&map)?
            }
            Some(_) => return Err(Refusal::internal_page()),
            None => from_query(&request.query)?,
        };
        if params.max_size.is_some_and(|n| n > limit) {
            return Err(Refusal::forbidden(format!(
                "Max size should not exceed {limit}. Use offset and limit."
            )));
        }
        if params.offset < 0 || params.max_size.is_some_and(|n| n < 0) {
            return Err(Refusal::internal());
        }
        params.no_total |= request.flag("x-no-total");
        params.lift_pseudo_items()?;
        Ok(params)
    }

    /// From the JSON of `searchParams`.
    pub(crate) fn from_object(map: &Map<String, Json>) -> Result<SearchParams> {
        let mut params = SearchParams::default();
        let text = |key: &str| match map.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(s)) => Ok(Some(s.clone())),
            Some(_) => Err(Refusal::bad_request(format!("{key} must be string."))),
        };
        params.select = match map.get("select").or_else(|| map.get("attributeSelect")) {
            None | Some(Json::Null) => None,
            Some(Json::Array(list)) => Some(
                list.iter()
                    .filter_map(Json::as_str)
                    .map(str::to_owned)
                    .collect(),
            ),
            Some(_) => return Err(Refusal::bad_request("select must be array.")),
        };
        params.where_ = match map.get("where").or_else(|| map.get("whereGroup")) {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(list)) => list.clone(),
            Some(_) => return Err(Refusal::internal_page()),
        };
        params.max_size = match map.get("maxSize") {
            None | Some(Json::Null) => None,
            Some(Json::Number(n)) if n.is_i64() => n.as_i64(),
            Some(_) => return Err(Refusal::bad_request("maxSize must be integer.")),
        };
        params.offset = match map.get("offset") {
            None | Some(Json::Null) => 0,
            Some(Json::Number(n)) => n.as_i64().unwrap_or_default(),
            Some(Json::String(s)) => leading_int(s),
            Some(_) => return Err(Refusal::bad_request("offset must be integer.")),
        };
        params.order_by = text("orderBy")?.filter(|s| !s.is_empty());
        params.descending = match map.get("order") {
            None | Some(Json::Null) => None,
            Some(Json::String(s)) => Some(direction(s)?),
            Some(Json::Bool(asc)) => Some(!asc),
            Some(_) => return Err(Refusal::bad_request("order value is bad.")),
        };
        params.primary_filter = text("primaryFilter")?.filter(|s| !s.is_empty());
        params.bool_filters = match map.get("boolFilterList") {
            Some(Json::Array(list)) => list
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        params.text_filter = text("textFilter")?.filter(|s| !s.is_empty());
        if let Some(q) = text("q")?
            .map(|q| q.trim().to_owned())
            .filter(|q| !q.is_empty())
        {
            // Inside of `searchParams`, `q` does not switch the count off [665].
            params.text_filter = Some(q);
        }
        Ok(params)
    }

    /// Top-level items that are no conditions: bool, primary and text filters.
    pub(crate) fn lift_pseudo_items(&mut self) -> Result<()> {
        let mut kept = Vec::with_capacity(self.where_.len());
        for item in std::mem::take(&mut self.where_) {
            let value = item.get("value");
            match item.get("type").and_then(Json::as_str) {
                Some("bool") => {
                    let names = value
                        .and_then(Json::as_array)
                        .ok_or_else(|| Refusal::bad_request("Bad where item 'bool'."))?;
                    self.bool_filters
                        .extend(names.iter().filter_map(Json::as_str).map(str::to_owned));
                }
                Some("primary") => {
                    self.primary_filter = value.and_then(Json::as_str).map(str::to_owned)
                }
                Some("textFilter") => {
                    self.text_filter = value.and_then(Json::as_str).map(str::to_owned)
                }
                _ => kept.push(item),
            }
        }
        self.where_ = kept;
        Ok(())
    }
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

/// PHP's `intval`: leading digits, else 0.
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
