//! Chainable assertions on responses.

use std::ops::Deref;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::report::Difference;

/// Why a check ended early.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    Differs(Box<Difference>),
    Skipped(String),
}

pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// A response and the request that it belongs to.
pub(crate) struct Answer {
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The JSON of a response.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) request: String,
    pub(crate) value: Value,
}

pub(crate) fn differs<T>(
    request: &str,
    what: impl Into<String>,
    expected: Value,
    got: Value,
) -> Outcome<T> {
    Err(Stop::Differs(Box::new(Difference {
        request: request.to_owned(),
        what: what.into(),
        expected,
        got,
    })))
}

pub(crate) fn skip<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Stop::Skipped(why.into()))
}

impl Answer {
    /// Asserts the status.
    pub(crate) fn is(self, status: u16) -> Outcome<Self> {
        if self.status == status {
            return Ok(self);
        }
        let reason = self
            .reason_text()
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        differs(
            &self.request,
            "status",
            json!(status),
            json!(format!("{}{reason}", self.status)),
        )
    }

    /// Asserts 200 and JSON.
    pub(crate) fn ok(self) -> Outcome<Body> {
        self.is(200)?.body()
    }

    /// Asserts a JSON body.
    pub(crate) fn body(self) -> Outcome<Body> {
        match serde_json::from_slice(&self.body) {
            Ok(value) => Ok(Body {
                request: self.request,
                value,
            }),
            Err(error) => differs(
                &self.request,
                format!("body ({error})"),
                json!("JSON"),
                json!(self.text()),
            ),
        }
    }

    /// Asserts 200 and the JSON body `true`.
    pub(crate) fn yes(self) -> Outcome {
        self.is(200)?.exactly("true").map(drop)
    }

    /// Asserts 200 and the JSON body `false`.
    pub(crate) fn no(self) -> Outcome {
        self.is(200)?.exactly("false").map(drop)
    }

    /// Asserts the exact bytes of the body.
    pub(crate) fn exactly(self, text: &str) -> Outcome<Self> {
        if self.body == text.as_bytes() {
            Ok(self)
        } else {
            differs(&self.request, "body", json!(text), json!(self.text()))
        }
    }

    /// Asserts that the body contains `text`.
    pub(crate) fn contains(self, text: &str) -> Outcome<Self> {
        if self.text().contains(text) {
            return Ok(self);
        }
        differs(
            &self.request,
            "body",
            json!(format!("… {text} …")),
            json!(self.text()),
        )
    }

    /// Asserts an empty body.
    pub(crate) fn empty(self) -> Outcome<Self> {
        self.exactly("")
    }

    /// Asserts the exact value of `X-Status-Reason`.
    pub(crate) fn reason(self, reason: &str) -> Outcome<Self> {
        let got = self.reason_text();
        if got.as_deref() == Some(reason) {
            return Ok(self);
        }
        differs(&self.request, "X-Status-Reason", json!(reason), json!(got))
    }

    /// Asserts that `X-Status-Reason` is absent or empty.
    pub(crate) fn no_reason(self) -> Outcome<Self> {
        match self.reason_text().as_deref() {
            None | Some("") => Ok(self),
            got => differs(&self.request, "X-Status-Reason", json!(null), json!(got)),
        }
    }

    /// Asserts an error response: the status, the reason, and an empty body.
    pub(crate) fn refused(self, status: u16, reason: &str) -> Outcome {
        self.is(status)?.reason(reason)?.empty().map(drop)
    }

    /// Asserts that validation rule `rule` of a field rejected a value, by status, reason and body.
    pub(crate) fn invalid(self, entity: &str, field: &str, rule: &str) -> Outcome {
        self.is(400)?
            .reason(&format!(
                "Field validation failure; entityType: {entity}, field: {field}, type: {rule}."
            ))?
            .translation("validationFailure", &json!({"field": field, "type": rule}))
    }

    /// Asserts the body of a translatable error.
    pub(crate) fn translation(self, label: &str, data: &Value) -> Outcome {
        let expected = json!({"messageTranslation": {"label": label, "scope": null, "data": data}});
        let body = self.body()?;
        if body.value == expected {
            Ok(())
        } else {
            differs(&body.request, "body", expected, body.value)
        }
    }

    /// Asserts the value of a header; `None` asserts that it is absent.
    pub(crate) fn header(self, name: &str, expected: Option<&str>) -> Outcome<Self> {
        let got = self.header_text(name);
        if got.as_deref() == expected {
            Ok(self)
        } else {
            differs(&self.request, name, json!(expected), json!(got))
        }
    }

    /// Asserts an HTML page that contains `text`.
    pub(crate) fn html(self, text: &str) -> Outcome<Self> {
        let kind = self.header_text("content-type").unwrap_or_default();
        if kind.starts_with("text/html") {
            return self.contains(text);
        }
        differs(
            &self.request,
            "content-type",
            json!("text/html"),
            json!(kind),
        )
    }

    pub(crate) fn header_text(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    pub(crate) fn reason_text(&self) -> Option<String> {
        self.header_text("x-status-reason")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Body {
    /// Asserts that the value at `key` (a name, or a JSON pointer that starts with `/`) equals `expected`; numbers are
    /// compared by value.
    pub(crate) fn has(&self, key: &str, expected: impl Into<Value>) -> Outcome<&Self> {
        let (expected, got) = (expected.into(), self.at(key));
        match got {
            Some(got) if equal(got, &expected) => Ok(self),
            Some(got) => differs(&self.request, key, expected, got.clone()),
            None => differs(&self.request, key, expected, json!("(absent)")),
        }
    }

    /// Asserts that `key` is `null`.
    pub(crate) fn null(&self, key: &str) -> Outcome<&Self> {
        self.has(key, Value::Null)
    }

    /// Asserts that `key` is absent.
    pub(crate) fn lacks(&self, key: &str) -> Outcome<&Self> {
        match self.at(key) {
            None => Ok(self),
            Some(got) => differs(&self.request, key, json!("(absent)"), got.clone()),
        }
    }

    /// Asserts that `key` is absent or null.
    pub(crate) fn unset(&self, key: &str) -> Outcome<&Self> {
        if self.at(key).is_none_or(Value::is_null) {
            Ok(self)
        } else {
            self.lacks(key)
        }
    }

    /// Asserts that `key` is present, with any value.
    pub(crate) fn holds(&self, key: &str) -> Outcome<&Self> {
        self.that(key, "(present)", |_| true)
    }

    /// Asserts that the value at `key` passes a test, which `words` describe.
    pub(crate) fn that(
        &self,
        key: &str,
        words: &str,
        test: impl Fn(&Value) -> bool,
    ) -> Outcome<&Self> {
        match self.at(key) {
            Some(got) if test(got) => Ok(self),
            got => differs(
                &self.request,
                key,
                json!(words),
                got.cloned().unwrap_or_else(|| json!("(absent)")),
            ),
        }
    }

    /// Asserts an object with exactly these keys.
    pub(crate) fn only(&self, key: &str, keys: &[&str]) -> Outcome<&Self> {
        let mut got: Vec<&str> = self
            .at(key)
            .and_then(Value::as_object)
            .map_or_else(Vec::new, |map| map.keys().map(String::as_str).collect());
        let mut expected = keys.to_vec();
        got.sort_unstable();
        expected.sort_unstable();
        if got == expected {
            Ok(self)
        } else {
            differs(
                &self.request,
                format!("keys of {key}"),
                json!(expected),
                json!(got),
            )
        }
    }

    /// The record's ID; empty if absent.
    pub(crate) fn id(&self) -> &str {
        self.value["id"].as_str().unwrap_or_default()
    }

    /// The string at `key`; empty if absent.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.at(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The rows of a list.
    pub(crate) fn rows(&self) -> &[Value] {
        self.value["list"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The IDs of a list's rows, in order.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.rows()
            .iter()
            .filter_map(|row| row["id"].as_str())
            .collect()
    }

    /// The first row of a list as a separate body.
    pub(crate) fn first(&self) -> Outcome<Body> {
        match self.rows().first() {
            Some(row) => Ok(Body {
                request: self.request.clone(),
                value: row.clone(),
            }),
            None => differs(
                &self.request,
                "list",
                json!("at least one row"),
                self.value.clone(),
            ),
        }
    }

    /// Asserts the IDs of a list's rows, in order.
    pub(crate) fn rows_are(&self, expected: &[&str]) -> Outcome<&Self> {
        let got = self.ids();
        if got == expected {
            Ok(self)
        } else {
            differs(
                &self.request,
                "IDs of the rows",
                json!(expected),
                json!(got),
            )
        }
    }

    /// Asserts the number of rows.
    pub(crate) fn count(&self, expected: usize) -> Outcome<&Self> {
        let got = self.rows().len();
        if got == expected {
            Ok(self)
        } else {
            differs(&self.request, "number of rows", json!(expected), json!(got))
        }
    }

    fn at(&self, key: &str) -> Option<&Value> {
        if key.starts_with('/') || key.is_empty() {
            self.value.pointer(key)
        } else {
            self.value.get(key)
        }
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// Compares values, with 100 equal to 100.0, because PHP writes one as the other.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(key, x)| y.get(key).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::equal;

    #[test]
    fn integral_floats_equal_integers_only() {
        assert!(equal(&json!({"a": [100]}), &json!({"a": [100.0]})));
        assert!(!equal(&json!(100), &json!("100")));
        assert!(!equal(&json!(1), &json!(true)));
        assert!(!equal(&json!([]), &json!({})));
        assert!(!equal(&json!({"a": null}), &json!({})));
    }
}
