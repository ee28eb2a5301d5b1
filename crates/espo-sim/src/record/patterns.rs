//! Patterns that texts are held against.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use regex::Regex;

/// Shared patterns of a stock instance (`app.regExpPatterns`), for metadata that leaves them out.
const NAMED: &[(&str, &str)] = &[
    ("$noBadCharacters", "[^<>=]+"),
    (
        "$noAsciiSpecialCharacters",
        "[^`~!@#$%^&*()_+={}\\[\\]|\\\\:;\"'<,>.?]+",
    ),
    ("$latinLetters", "[A-Za-z]+"),
    ("$latinLettersDigits", "[A-Za-z0-9]+"),
    ("$latinLettersDigitsWhitespace", "[A-Za-z0-9 ]+"),
    ("$latinLettersWhitespace", "[A-Za-z ]+"),
    ("$digits", "[0-9]+"),
    ("$id", "[A-Za-z0-9_=\\-.]+"),
    ("$phoneNumberLoose", "[0-9A-Za-z_@:#\\+\\(\\)\\-\\. ]+"),
    (
        "$uriOptionalProtocol",
        "([a-zA-Z0-9]+:(//)?)?[^\\s]+\\.[^\\s]+|[a-zA-Z0-9]+:[^\\s]+",
    ),
    ("$uri", "[a-zA-Z0-9]+:(//)?[^\\s]+"),
];

fn regex(pattern: &str) -> Option<Arc<Regex>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Option<Arc<Regex>>>>> =
        LazyLock::new(Mutex::default);
    KNOWN
        .lock()
        .entry(pattern.to_owned())
        .or_insert_with(|| Regex::new(&format!("^(?:{pattern})$")).ok().map(Arc::new))
        .clone()
}

/// Whether a text matches a pattern as a whole. A pattern that this engine cannot read lets everything pass.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    regex(pattern).is_none_or(|r| r.is_match(text))
}

pub(super) fn named(name: &str) -> &'static str {
    NAMED
        .iter()
        .find(|(n, _)| *n == name)
        .map_or(".*", |(_, p)| p)
}

pub(super) fn is_decimal(s: &str) -> bool {
    matches("-?[0-9]+(\\.[0-9]+)?", s)
}

/// PHP's e-mail filter, nearly.
pub(super) fn is_email(s: &str) -> bool {
    s.len() <= 320
        && matches(
            "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]+)*@([A-Za-z0-9]([A-Za-z0-9\\-]*[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9\\-]*[A-Za-z0-9])?",
            s,
        )
}

/// An international number in its normal form.
pub(super) fn is_phone(s: &str) -> bool {
    matches("\\+[1-9][0-9]{6,14}", s)
}
