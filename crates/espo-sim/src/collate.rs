//! String comparison like MySQL's `utf8mb4_unicode_ci`, which ignores case, accents and trailing spaces.

use std::borrow::Cow;
use std::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The string without case and accents.
pub(crate) fn fold(s: &str) -> Cow<'_, str> {
    if s.is_ascii() {
        if s.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(s.to_ascii_lowercase())
        } else {
            Cow::Borrowed(s)
        }
    } else {
        let mut plain = String::with_capacity(s.len());
        for c in s.chars() {
            match c {
                // A separate letter, although it decomposes.
                'Й' | 'й' => plain.push('й'),
                'İ' => plain.push('i'),
                c => plain.extend(
                    std::iter::once(c)
                        .nfkd()
                        .filter(|c| !is_combining_mark(*c))
                        .flat_map(char::to_lowercase)
                        .flat_map(expand),
                ),
            }
        }
        Cow::Owned(plain)
    }
}

/// Letters that the collation decomposes.
fn expand(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ß' => ('s', Some('s')),
        'œ' => ('o', Some('e')),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

/// Whether a string equals a folded one without trailing spaces.
pub(crate) fn equals_folded(text: &str, folded: &str) -> bool {
    let text = text.trim_end_matches(' ');
    if text.is_ascii() {
        text.eq_ignore_ascii_case(folded)
    } else {
        fold(text) == folded
    }
}

/// A needle for [`equals_folded`].
pub(crate) fn needle(s: &str) -> String {
    fold(s.trim_end_matches(' ')).into_owned()
}

/// Order of two strings.
pub(crate) fn cmp(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_end_matches(' '), b.trim_end_matches(' '));
    if a.is_ascii() && b.is_ascii() {
        return a.bytes().map(weight).cmp(b.bytes().map(weight));
    }
    let (a, b) = (fold(a), fold(b));
    a.chars().map(char_weight).cmp(b.chars().map(char_weight))
}

/// Punctuation in the order of the collation; digits and letters follow.
const PUNCTUATION: &str = " `´^¯¨¸_-,;:!¡?¿.·'\"«»()[]{}§¶©®@*/\\&#%°+±÷×<=>¬|¦~¤¢$£¥";
/// Letters that are sorted after a basic letter and do not equal it.
const LETTERS: &[(char, char)] = &[
    ('æ', 'a'),
    ('đ', 'd'),
    ('ð', 'd'),
    ('ħ', 'h'),
    ('ı', 'i'),
    ('ł', 'l'),
    ('ŋ', 'n'),
    ('ø', 'o'),
    ('ĸ', 'q'),
    ('ŧ', 't'),
    ('þ', 'z'),
];

/// Weights of ASCII characters, control characters first.
static WEIGHTS: [u32; 128] = ascii_weights();

const fn ascii_weights() -> [u32; 128] {
    let mut weights = [0; 128];
    let mut b = 0;
    while b < 128 {
        let c = b as u8;
        weights[b] = if c.is_ascii_alphabetic() {
            0x400 + 8 * c.to_ascii_lowercase() as u32
        } else if c.is_ascii_digit() {
            0x200 + c as u32
        } else {
            0
        };
        b += 1;
    }
    // The position in the bytes of the list orders ASCII characters in the same way as the position in its characters.
    let list = PUNCTUATION.as_bytes();
    let mut at = 0;
    while at < list.len() {
        if list[at] < 128 {
            weights[list[at] as usize] = 1 + at as u32;
        }
        at += 1;
    }
    weights
}

fn weight(b: u8) -> u32 {
    WEIGHTS[usize::from(b & 0x7f)]
}

fn char_weight(c: char) -> u32 {
    if c.is_ascii() {
        return weight(c as u8);
    }
    if let Some(at) = PUNCTUATION.find(c) {
        return 1 + u32::try_from(at).unwrap_or(0);
    }
    match LETTERS.iter().position(|(letter, _)| *letter == c) {
        Some(at) => {
            let basic = LETTERS[at].1;
            let before = LETTERS[..at].iter().filter(|(_, b)| *b == basic).count();
            weight(basic as u8) + 1 + u32::try_from(before).unwrap_or(0)
        }
        None => u32::from(c) + 0x1000,
    }
}

/// A compiled `LIKE` pattern: `%` matches any characters, `_` one character, and `\` escapes the next character.
#[derive(Debug, Clone)]
pub(crate) struct Like {
    parts: Vec<Part>,
    /// The pattern is a plain string with `%` at neither, one or both ends, as in nearly all searches. ASCII strings
    /// are compared with it without being copied.
    plain: Option<Plain>,
}

#[derive(Debug, Clone)]
struct Plain {
    text: String,
    open_start: bool,
    open_end: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Any,
    One,
    Char(char),
}

impl Like {
    pub(crate) fn new(pattern: &str) -> Like {
        let folded = fold(pattern);
        let mut parts = Vec::new();
        let mut chars = folded.chars();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '%' => Part::Any,
                '_' => Part::One,
                '\\' => Part::Char(chars.next().unwrap_or('\\')),
                c => Part::Char(c),
            });
        }
        let (open_start, rest) = match parts.split_first() {
            Some((Part::Any, rest)) => (true, rest),
            _ => (false, parts.as_slice()),
        };
        let (open_end, middle) = match rest.split_last() {
            Some((Part::Any, middle)) => (true, middle),
            _ => (false, rest),
        };
        let text = middle
            .iter()
            .map(|p| {
                if let Part::Char(c) = p {
                    Some(*c)
                } else {
                    None
                }
            })
            .collect::<Option<String>>();
        let plain = text.map(|text| Plain {
            text,
            open_start,
            open_end,
        });
        Like { parts, plain }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        if let Some(plain) = &self.plain
            && text.is_ascii()
        {
            return plain.matches(text.as_bytes());
        }
        let text = fold(text);
        let text: Vec<char> = text.chars().collect();
        // Greedy matching that backtracks only to the last `%`.
        let (mut t, mut p, mut back) = (0, 0, None);
        while t < text.len() {
            match self.parts.get(p) {
                Some(Part::Any) => {
                    back = Some((p, t));
                    p += 1;
                }
                Some(Part::One) => (t, p) = (t + 1, p + 1),
                Some(Part::Char(c)) if *c == text[t] => (t, p) = (t + 1, p + 1),
                _ => match back {
                    Some((bp, bt)) => {
                        back = Some((bp, bt + 1));
                        (p, t) = (bp + 1, bt + 1);
                    }
                    None => return false,
                },
            }
        }
        self.parts[p..].iter().all(|x| *x == Part::Any)
    }
}

impl Plain {
    fn matches(&self, text: &[u8]) -> bool {
        let needle = self.text.as_bytes();
        let Some(most) = text.len().checked_sub(needle.len()) else {
            return false;
        };
        let at = |i: usize| text[i..i + needle.len()].eq_ignore_ascii_case(needle);
        match (self.open_start, self.open_end) {
            (false, false) => most == 0 && at(0),
            (false, true) => at(0),
            (true, false) => at(most),
            (true, true) => (0..=most).any(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_trailing_spaces_are_ignored() {
        for (a, b) in [
            ("Acme", "ACME  "),
            ("Zażóć", "zazoc"),
            ("Œuvre", "oeuvre"),
            ("Straße", "STRASSE"),
            ("é", "E"),
        ] {
            assert!(equals_folded(a, &needle(b)), "{a} {b}");
        }
        for (a, b) in [
            (" acme", "acme"),
            ("Łukasz", "lukasz"),
            ("Ø", "o"),
            ("й", "и"),
        ] {
            assert!(!equals_folded(a, &needle(b)), "{a} {b}");
        }
    }

    #[test]
    fn like_patterns_support_wildcards() {
        for (pattern, text, matches) in [
            ("%ot_er%", "another", true),
            ("all%", "All of them", true),
            ("%them", "All of them", true),
            ("a%c%e", "abcde", true),
            ("%", "", true),
            ("_", "", false),
            ("100\\%", "100%", true),
            ("100\\%", "1000", false),
        ] {
            assert_eq!(
                Like::new(pattern).matches(text),
                matches,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn punctuation_sorts_before_digits_and_letters() {
        let mut names = ["b", "A", "-x", "m", "ł", "_x", "(x", "1", "Ä1", "lz"];
        names.sort_by(|a, b| cmp(a, b));
        assert_eq!(
            names,
            ["_x", "-x", "(x", "1", "A", "Ä1", "b", "lz", "ł", "m"]
        );
    }
}
