//! Patterns for validating strings.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use regex::Regex;

/// Shared patterns of a stock instance (`app.regExpPatterns`), for metadata without this section.
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
        "([a-zA-Z0-9]+://)?[a-zA-Z0-9%./?:@\\-_=#$!+*(),']+\\.[a-zA-Z0-9%&./?:@\\-_=#$!+*(),'~]*",
    ),
    (
        "$uri",
        "[a-zA-Z0-9]+://[a-zA-Z0-9%./?:@\\-_=#$!+*(),']+\\.[a-zA-Z0-9%&./?:@\\-_=#$!+*(),'~]*",
    ),
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

/// Whether a whole string matches a pattern. A pattern that this engine cannot parse matches everything.
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

/// Approximately PHP's email filter: the local part may be quoted, the domain may be an address in brackets.
pub(crate) fn is_email(s: &str) -> bool {
    s.len() <= 320
        && s.rsplit_once('@').is_some_and(|(local, domain)| {
            local.len() <= 64 && domain.split('.').all(|label| label.len() <= 63)
        })
        && matches(
            "(\"([^\"\\\\\\x00-\\x1f\\x7f-\\x{10ffff}]|\\\\[\\x20-\\x7e])*\"|[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]+)*)@(([A-Za-z0-9]([A-Za-z0-9\\-]*[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9\\-]*[A-Za-z0-9])?|\\[([0-9]{1,3}\\.){3}[0-9]{1,3}\\])",
            s,
        )
}

/// Whether a string is an international number in its normal form.
pub(super) fn is_phone(s: &str) -> bool {
    matches("\\+[1-9][0-9]{6,14}", s) && calling_code(&s[1..]).is_some()
}

/// Country calling codes of one and two digits; all others have three (ITU-T E.164).
const SHORT_CODES: &[&str] = &[
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45",
    "46", "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// Prefixes of three digits that are not part of any country calling code.
const NO_CODES: &[&str] = &[
    "210", "214", "215", "217", "219", "259", "28", "292", "293", "294", "295", "296", "384",
    "422", "424", "425", "426", "427", "428", "429", "671", "684", "693", "694", "695", "696",
    "697", "698", "699", "801", "802", "803", "804", "805", "806", "807", "809", "83", "851",
    "854", "857", "858", "859", "871", "872", "873", "874", "875", "876", "877", "879", "884",
    "885", "887", "889", "89", "969", "978", "990", "991", "997", "999",
];

/// Returns the calling code of a number.
fn calling_code(digits: &str) -> Option<&str> {
    if let Some(code) = SHORT_CODES.iter().find(|c| digits.starts_with(**c)) {
        return Some(code);
    }
    let known = !NO_CODES.iter().any(|c| digits.starts_with(*c));
    digits.get(..3).filter(|_| known)
}
