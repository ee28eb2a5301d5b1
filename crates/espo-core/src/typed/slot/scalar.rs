//! Scalars of a response, and their conversion into Rust values.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

/// A JSON value that is neither array nor object; a string without escapes is borrowed from the response.
#[derive(Debug)]
pub(super) enum Scalar<'de> {
    Null,
    Bool(bool),
    Int(i64),
    Big(u64),
    Float(f64),
    Borrowed(&'de str),
    Owned(String),
}

impl Scalar<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Scalar::Borrowed(text) => Some(text),
            Scalar::Owned(text) => Some(text),
            _ => None,
        }
    }

    /// Strings unchanged; numbers and booleans as PHP prints them.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Scalar::Owned(text) => Some(text),
            Scalar::Borrowed(text) => Some(text.to_owned()),
            Scalar::Null => None,
            Scalar::Bool(value) => Some(if value { "1".to_owned() } else { String::new() }),
            Scalar::Int(number) => Some(number.to_string()),
            Scalar::Big(number) => Some(number.to_string()),
            Scalar::Float(number) => Some(number.to_string()),
        }
    }

    pub(super) fn with_text(self, set: impl FnOnce(Option<&str>)) {
        match self.text() {
            Some(text) => set(Some(text)),
            None => set(self.into_text().as_deref()),
        }
    }

    pub(super) fn to_bool(&self) -> Result<Option<bool>, String> {
        Ok(match self {
            Scalar::Null => None,
            Scalar::Bool(value) => Some(*value),
            Scalar::Int(number @ (0 | 1)) => Some(*number == 1),
            _ => match self.text() {
                Some("1" | "true") => Some(true),
                Some("0" | "false" | "") => Some(false),
                _ => return Err(self.unexpected("a boolean")),
            },
        })
    }

    pub(super) fn to_int(&self) -> Result<Option<i64>, String> {
        let unexpected = || self.unexpected("an integer");
        Ok(match self {
            Scalar::Null => None,
            Scalar::Int(number) => Some(*number),
            // 2^53: above it, a float cannot represent every integer.
            Scalar::Float(number)
                if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 =>
            {
                Some(*number as i64)
            }
            _ => match self.text() {
                Some("") => None,
                Some(text) => Some(text.trim().parse().map_err(|_| unexpected())?),
                None => return Err(unexpected()),
            },
        })
    }

    pub(super) fn to_float(&self) -> Result<Option<f64>, String> {
        Ok(match self {
            Scalar::Null => None,
            Scalar::Int(number) => Some(*number as f64),
            Scalar::Big(number) => Some(*number as f64),
            Scalar::Float(number) => Some(*number),
            _ => match self.text() {
                Some("") => None,
                Some(text) => Some(
                    text.trim()
                        .parse()
                        .map_err(|_| self.unexpected("a number"))?,
                ),
                None => return Err(self.unexpected("a number")),
            },
        })
    }

    /// A JSON number is a PHP float: its shortest decimal form is used, which is what the server printed.
    pub(super) fn to_decimal(&self) -> Result<Option<Decimal>, String> {
        let unexpected = || self.unexpected("a decimal number of at most 28 digits");
        let parse = |text: &str| {
            text.parse()
                .or_else(|_| Decimal::from_scientific(text))
                .map_err(|_| unexpected())
                .map(Some)
        };
        match self {
            Scalar::Null => Ok(None),
            Scalar::Int(number) => Ok(Some(Decimal::from(*number))),
            Scalar::Big(number) => Ok(Some(Decimal::from(*number))),
            Scalar::Float(number) => parse(&number.to_string()),
            _ => match self.text() {
                Some("") => Ok(None),
                Some(text) => parse(text.trim()),
                None => Err(unexpected()),
            },
        }
    }

    pub(super) fn parse<T>(
        &self,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self {
            Scalar::Null => Ok(None),
            _ => match self.text() {
                Some("") => Ok(None),
                // MySQL's zero date stands for no date.
                Some(text) if text.starts_with("0000-00-00") => Ok(None),
                Some(text) => parse(text)
                    .map(Some)
                    .ok_or_else(|| self.unexpected(expected)),
                None => Err(self.unexpected(expected)),
            },
        }
    }

    fn unexpected(&self, expected: &str) -> String {
        let found = match self {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(number) => number.to_string(),
            Scalar::Big(number) => number.to_string(),
            Scalar::Float(number) => number.to_string(),
            // A value may be long and contain personal data: its beginning is enough to recognise it.
            Scalar::Borrowed(_) | Scalar::Owned(_) => {
                format!(
                    "the string {:?}",
                    self.text()
                        .unwrap_or_default()
                        .chars()
                        .take(32)
                        .collect::<String>()
                )
            }
        };
        format!("expected {expected}, found {found}")
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Reads a boolean in any form in which PHP prints one; null is false.
pub(in crate::typed) fn lenient_bool<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<bool, D::Error> {
    let flag = Scalar::deserialize(deserializer)?.to_bool();
    flag.map(Option::unwrap_or_default)
        .map_err(D::Error::custom)
}

/// Reads a string, or a number as PHP prints it; null is empty.
pub(in crate::typed) fn lenient_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    Ok(Scalar::deserialize(deserializer)?
        .into_text()
        .unwrap_or_default())
}

/// Reads an integer, possibly in a string.
pub(in crate::typed) fn lenient_int<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    Scalar::deserialize(deserializer)?
        .to_int()
        .map_err(D::Error::custom)
}

pub(super) struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, number, boolean or null")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Scalar::Owned(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Scalar::Big(number), Scalar::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(number))
    }
}
