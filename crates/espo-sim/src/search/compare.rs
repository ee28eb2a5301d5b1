//! Comparison of a value with a where item, with the conversions and the null semantics of SQL.

use std::collections::HashSet;

use jiff::civil::Date;
use serde_json::Value as Json;

use super::dates::Range;
use crate::collate;
use crate::http::json::php_float;
use crate::layout::Ty;
use crate::store::Test;
use crate::value::{Value, leading_number};

pub(super) fn items(v: &Value) -> impl Iterator<Item = &str> {
    v.as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Json::as_str)
}

/// The search value as an SQL string.
pub(super) fn text_of(v: &Json) -> String {
    match v {
        Json::String(s) => s.clone(),
        Json::Bool(b) => if *b { "1" } else { "0" }.to_owned(),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => i.to_string(),
            (None, f) => php_float(f.unwrap_or_default(), 17, 'E'),
        },
        Json::Null => String::new(),
        Json::Array(_) | Json::Object(_) => "Array".to_owned(),
    }
}

/// The search value as a number: of a string, the numeric prefix.
pub(super) fn number_of(v: &Json) -> f64 {
    match v {
        Json::Number(n) => n.as_f64().unwrap_or_default(),
        Json::Bool(b) => f64::from(u8::from(*b)),
        Json::String(s) => leading_number(s),
        _ => 0.0,
    }
}

/// The search value for a date or date-time column: a date means its midnight.
pub(super) fn moment(ty: Ty, v: &Json) -> String {
    let text = text_of(v);
    if ty == Ty::DateTime && text.len() == 10 {
        format!("{text} 00:00:00")
    } else {
        text
    }
}

/// The negation of a test; never true for null.
pub(super) fn not(test: Test) -> Test {
    Box::new(move |v| !v.is_null() && !test(v))
}

#[allow(clippy::float_cmp, reason = "SQL compares exactly")]
pub(super) fn equals(ty: Ty, needle: &Json) -> Test {
    match ty {
        _ if ty.is_number() => {
            let n = number_of(needle);
            Box::new(move |v| v.as_f64() == Some(n))
        }
        Ty::Date | Ty::DateTime => {
            let n = moment(ty, needle);
            Box::new(move |v| v.as_str() == Some(n.as_str()))
        }
        // The database compares text with a number as numbers.
        _ if needle.is_number() || needle.is_boolean() => {
            let n = number_of(needle);
            Box::new(move |v| v.as_str().is_some_and(|s| leading_number(s) == n))
        }
        _ => {
            let n = collate::needle(&text_of(needle));
            Box::new(move |v| v.as_str().is_some_and(|s| collate::equals_folded(s, &n)))
        }
    }
}

#[allow(clippy::float_cmp, reason = "SQL compares exactly")]
pub(super) fn one_of(ty: Ty, list: &[Json]) -> Test {
    let list: Vec<&Json> = list.iter().filter(|v| !v.is_null()).collect();
    match ty {
        _ if ty.is_number() => {
            let numbers: Vec<f64> = list.into_iter().map(number_of).collect();
            Box::new(move |v| v.as_f64().is_some_and(|n| numbers.contains(&n)))
        }
        _ => {
            let needles: HashSet<String> = list
                .into_iter()
                .map(|v| collate::needle(&moment(ty, v)))
                .collect();
            if needles.len() <= 8 {
                // A few comparisons cost less than a fold and a hash.
                let few: Vec<String> = needles.into_iter().collect();
                return Box::new(move |v| {
                    v.as_str()
                        .is_some_and(|s| few.iter().any(|n| collate::equals_folded(s, n)))
                });
            }
            Box::new(move |v| {
                v.as_str()
                    .is_some_and(|s| needles.contains(collate::needle(s).as_str()))
            })
        }
    }
}

/// `NOT IN`: never true if the list contains null, and always true if it is empty.
pub(super) fn none_of(ty: Ty, list: &[Json]) -> Test {
    match list {
        [] => Box::new(|_| true),
        _ if list.iter().any(Json::is_null) => Box::new(|_| false),
        _ => not(one_of(ty, list)),
    }
}

pub(super) fn compare(ty: Ty, needle: &Json, holds: fn(std::cmp::Ordering) -> bool) -> Test {
    if needle.is_null() || needle.is_array() || needle.is_object() {
        return Box::new(|_| false);
    }
    match ty {
        _ if ty.is_number() => {
            let n = number_of(needle);
            Box::new(move |v| {
                v.as_f64()
                    .and_then(|v| v.partial_cmp(&n))
                    .is_some_and(holds)
            })
        }
        Ty::Date | Ty::DateTime => {
            // The database reads a string that is not a date as a date before all others.
            let n = moment(ty, needle);
            let is_date = n.get(..10).is_some_and(|day| day.parse::<Date>().is_ok());
            let n = if is_date { n } else { String::new() };
            Box::new(move |v| v.as_str().is_some_and(|s| holds(s.cmp(&n))))
        }
        _ if needle.is_number() || needle.is_boolean() => {
            let n = number_of(needle);
            Box::new(move |v| {
                let number = v.as_str().map(leading_number);
                number.and_then(|v| v.partial_cmp(&n)).is_some_and(holds)
            })
        }
        _ => {
            let n = text_of(needle);
            Box::new(move |v| v.as_str().is_some_and(|s| holds(collate::cmp(s, &n))))
        }
    }
}

pub(super) fn like(needle: &Json, pattern: impl Fn(&str) -> String) -> Test {
    let like = collate::Like::new(&pattern(&text_of(needle)));
    Box::new(move |v| match v {
        Value::Null => false,
        Value::Text(s) => like.matches(s),
        Value::Int(i) => like.matches(&i.to_string()),
        Value::Float(f) => like.matches(&php_float(*f, 17, 'E')),
        Value::Bool(b) => like.matches(if *b { "1" } else { "0" }),
        Value::Json(j) => like.matches(&j.to_string()),
    })
}

pub(super) fn in_range(range: Range) -> Test {
    Box::new(move |v| match v {
        Value::Text(s) => range.contains(s),
        v => v.as_f64().is_some_and(|n| range.contains_number(n)),
    })
}
