//! Parses the search parameters of a query string, in both encodings.

use espo_schema::{EntityType, Field};
use serde_json::{Map, Value as Json};

use crate::http::{Refusal, Request, Result};
use crate::value::leading_number;

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
        let max_size = match map.get("maxSize") {
            None | Some(Json::Null) => None,
            Some(Json::Number(n)) if n.is_i64() => n.as_i64(),
            Some(_) => return Err(Refusal::bad_request("maxSize must be integer.")),
        };
        let mut params = SearchParams {
            max_size,
            select: strings(map, "select")?,
            order_by: text("orderBy")?,
            descending: text("order")?.as_deref().map(direction).transpose()?,
            bool_filters: strings(map, "boolFilterList")?.unwrap_or_default(),
            primary_filter: text("primaryFilter")?,
            text_filter: text("textFilter")?,
            ..SearchParams::default()
        };
        if let Some(items) = list(map, "where")? {
            params.where_ = items;
        }
        params.offset = match map.get("offset") {
            None | Some(Json::Null) => 0,
            Some(Json::Number(n)) if n.is_i64() => n.as_i64().unwrap_or_default(),
            Some(Json::String(s)) if s.parse::<i64>().is_ok() => leading_int(s),
            Some(_) => return Err(Refusal::bad_request("offset should be int.")),
        };
        if !matches!(map.get("q"), None | Some(Json::Null | Json::String(_))) {
            return Err(Refusal::bad_request("q must be string."));
        }
        // Within `searchParams`, `q` does not disable counting.
        let q = text("q")?.map(|q| q.trim().to_owned());
        params.text_filter = q.filter(|q| !q.is_empty()).or(params.text_filter);
        Ok(params)
    }

    /// Removes a selection of everything, unless a field of the entity type joins another table by its own.
    pub(crate) fn expand(&mut self, entity: &EntityType) {
        let everything = |names: &Vec<String>| matches!(names.as_slice(), [name] if name == "*");
        let joins = |f: &Field| {
            f.raw
                .get("select")
                .is_some_and(|s| s.get("leftJoins").is_some())
        };
        if !entity.fields.values().any(joins) && entity.name != "Email" {
            self.select = self.select.take().filter(|names| !everything(names));
        }
    }

    /// Whether the database accepts the page. It rejects pages that begin or end before the first row; a list that is
    /// not counted has one row more.
    pub(crate) fn is_page_possible(&self) -> bool {
        self.offset >= 0 && self.max_size.is_none_or(|n| n >= -i64::from(self.no_total))
    }

    /// Returns the total of a list that is not counted and has no rows, if the page is empty by its size.
    pub(crate) fn empty_page(&self) -> Option<i64> {
        match self.max_size.filter(|_| self.no_total)? {
            0 => Some(-2),
            n if n < 0 => Some(-1),
            _ => None,
        }
    }

    /// Top-level items that are not conditions: bool, primary and text filters. Without a value, they are conditions
    /// of an unknown type.
    pub(crate) fn lift_pseudo_items(&mut self) -> Result<()> {
        let mut kept = Vec::with_capacity(self.where_.len());
        for item in std::mem::take(&mut self.where_) {
            let value = item.get("value").unwrap_or(&Json::Null);
            match item.get("type").and_then(Json::as_str) {
                Some("bool") if is_filled(value) && (value.is_array() || value.is_object()) => {
                    let names = super::where_::group(&item);
                    let names = names.into_iter().map(scalar).collect::<Result<Vec<_>>>()?;
                    self.bool_filters.extend(names);
                }
                Some("primary") if is_filled(value) => self.primary_filter = Some(scalar(value)?),
                Some("textFilter") => {
                    let is_list = value.is_array() || value.is_object();
                    let is_text = is_filled(value) || is_list;
                    self.text_filter = is_text.then(|| scalar(value)).transpose()?;
                }
                _ => kept.push(item),
            }
        }
        self.where_ = kept;
        Ok(())
    }
}

/// Whether PHP treats a value as true.
pub(crate) fn is_filled(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(b) => *b,
        Json::Number(n) => n.as_f64() != Some(0.0),
        Json::String(s) => !matches!(s.as_str(), "" | "0"),
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

/// Returns the name of a filter.
fn scalar(value: &Json) -> Result<String> {
    match value {
        Json::Null | Json::Array(_) | Json::Object(_) => Err(Refusal::internal_page()),
        v => Ok(super::compare::text_of(v)),
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
        Some(Json::String(name)) if !name.is_empty() => vec![name.clone()],
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
    if let Some(q) = text("q").filter(|q| *q != "0") {
        params.no_total = true;
        let q = Some(q.trim()).filter(|q| !q.is_empty());
        params.text_filter = q.map(str::to_owned).or(params.text_filter);
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

/// PHP's `intval`: the number at the start, without its fraction, or 0.
pub(crate) fn leading_int(s: &str) -> i64 {
    let s = s.trim_start();
    let end = s
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || (*i == 0 && (*c == '-' || *c == '+'))))
        .map_or(s.len(), |(i, _)| i);
    match s[end..].starts_with(['.', 'e', 'E']) {
        #[allow(clippy::cast_possible_truncation, reason = "PHP truncates")]
        true => leading_number(s) as i64,
        false => s[..end]
            .parse()
            .unwrap_or(if end > 18 { i64::MAX } else { 0 }),
    }
}
