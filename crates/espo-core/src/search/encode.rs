use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Operand, SearchParams, WhereItem};

/// Escapes everything except RFC 3986's unreserved characters: `+` would be read as a space, and `&` and `#` would end
/// the parameter.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// How search parameters are encoded in the query string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchEncoding {
    /// One JSON string in the parameter `searchParams`. Preserves types; the default.
    #[default]
    Json,
    /// PHP's brackets: `where[0][type]=equals`. Use it behind firewalls that reject JSON in a URL. Every value is
    /// sent as a string, so a value without a string form (an empty list) is an error.
    Brackets,
    /// Like [`SearchEncoding::Brackets`], but with the parameter names `whereGroup` and `attributeSelect` (EspoCRM 9.0
    /// and later), for firewalls that reject SQL keywords.
    BracketsAliased,
}

/// Search parameters that the selected encoding does not support.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}` is {what}, which the bracket form of search parameters does not support; \
     use the JSON form or remove the condition"
)]
pub struct EncodeError {
    path: String,
    what: &'static str,
}

impl SearchParams {
    /// Returns the query string (without `?`), percent-encoded.
    ///
    /// # Errors
    /// Fails if `encoding` is one of the bracket forms and a value has no text form: an empty list, an object, or a
    /// null outside of `equals`.
    pub fn to_query(&self, encoding: SearchEncoding) -> Result<String, EncodeError> {
        let mut out = String::new();
        match encoding {
            SearchEncoding::Json => push(&mut out, "searchParams", &self.to_json()),
            SearchEncoding::Brackets => self.write_brackets(&mut out, "select", "where")?,
            SearchEncoding::BracketsAliased => {
                self.write_brackets(&mut out, "attributeSelect", "whereGroup")?;
            }
        }
        Ok(out)
    }

    fn write_brackets(
        &self,
        out: &mut String,
        select_key: &str,
        where_key: &str,
    ) -> Result<(), EncodeError> {
        if let Some(select) = &self.select {
            push(out, select_key, &select.join(","));
        }
        for (index, item) in self.where_.iter().enumerate() {
            write_item(out, &format!("{where_key}[{index}]"), item)?;
        }
        if let Some(field) = &self.order_by {
            push(out, "orderBy", field);
        }
        if let Some(order) = self.order {
            push(out, "order", order.as_str());
        }
        if let Some(offset) = self.offset {
            push(out, "offset", &offset.to_string());
        }
        if let Some(max_size) = self.max_size {
            push(out, "maxSize", &max_size.to_string());
        }
        if let Some(name) = &self.primary_filter {
            push(out, "primaryFilter", name);
        }
        for (index, name) in self.bool_filter_list.iter().enumerate() {
            push(out, &format!("boolFilterList[{index}]"), name);
        }
        if let Some(text) = &self.text_filter {
            push(out, "textFilter", text);
        }
        Ok(())
    }
}

pub(crate) fn push(out: &mut String, key: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{}={}",
        utf8_percent_encode(key, ESCAPED),
        utf8_percent_encode(value, ESCAPED)
    );
}

fn write_item(out: &mut String, path: &str, item: &WhereItem) -> Result<(), EncodeError> {
    let null = matches!(item.operand(), Operand::Value(Value::Null));
    // Null has no text form; these two types have an equivalent without a value.
    let kind = match item.kind() {
        "equals" if null => "isNull",
        "notEquals" if null => "isNotNull",
        other => other,
    };
    push(out, &format!("{path}[type]"), kind);
    if let Some(attribute) = item.attribute() {
        push(out, &format!("{path}[attribute]"), attribute);
    }
    match item.operand() {
        Operand::None => {}
        Operand::Value(_) if kind != item.kind() => {}
        Operand::Value(value) => write_value(out, &format!("{path}[value]"), value)?,
        Operand::Items(items) if items.is_empty() => {
            return Err(refuse(&format!("{path}[value]"), "an empty list"));
        }
        Operand::Items(items) => {
            for (index, inner) in items.iter().enumerate() {
                write_item(out, &format!("{path}[value][{index}]"), inner)?;
            }
        }
    }
    if item.is_date_time() {
        push(out, &format!("{path}[dateTime]"), "true");
    }
    if item.is_date() {
        push(out, &format!("{path}[date]"), "true");
    }
    if let Some(zone) = item.zone() {
        push(out, &format!("{path}[timeZone]"), zone);
    }
    Ok(())
}

fn write_value(out: &mut String, path: &str, value: &Value) -> Result<(), EncodeError> {
    match value {
        Value::String(text) => push(out, path, text),
        Value::Number(number) => push(out, path, &number.to_string()),
        // The database compares the text "true" as the number 0, so that it
        // would match the false rows.
        Value::Bool(true) => push(out, path, "1"),
        Value::Bool(false) => push(out, path, "0"),
        Value::Array(items) if items.is_empty() => return Err(refuse(path, "an empty list")),
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                write_value(out, &format!("{path}[{index}]"), inner)?;
            }
        }
        Value::Null => return Err(refuse(path, "null")),
        Value::Object(_) => return Err(refuse(path, "an object")),
    }
    Ok(())
}

fn refuse(path: &str, what: &'static str) -> EncodeError {
    EncodeError {
        path: path.to_owned(),
        what,
    }
}
