//! Full-text search as the database does it in natural language: whole words, any of them, or a phrase in quotes. A
//! word with an asterisk at its end matches by its start.

use std::collections::HashSet;

use crate::collate;

/// Words that are not in the index.
const STOP_WORDS: &[&str] = &[
    "a", "about", "an", "are", "as", "at", "be", "by", "com", "de", "en", "for", "from", "how",
    "i", "in", "is", "it", "la", "of", "on", "or", "that", "the", "this", "to", "was", "what",
    "when", "where", "who", "will", "with", "und", "www",
];
/// Minimum length of words in the index.
const MIN_WORD: usize = 3;

/// A search string.
#[derive(Debug)]
pub(super) enum Query {
    /// Rows with any of these words, or with a word that begins with one of these prefixes.
    Words(HashSet<String>, Vec<String>),
    /// Rows with these words in this order.
    Phrase(Vec<String>),
}

impl Query {
    pub(super) fn new(text: &str) -> Query {
        let text = text.trim();
        if let Some(phrase) = text
            .strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .filter(|t| !t.is_empty())
        {
            return Query::Phrase(words(phrase).collect());
        }
        let mut parts: Vec<&str> = text.split('*').collect();
        let mut wanted: HashSet<String> = parts.pop().into_iter().flat_map(words).collect();
        let mut prefixes = Vec::new();
        for part in parts {
            let is_prefix = part.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let mut found: Vec<String> = words(part).collect();
            prefixes.extend(found.pop_if(|_| is_prefix));
            wanted.extend(found);
        }
        wanted.retain(|w| is_indexed(w));
        Query::Words(wanted, prefixes)
    }

    /// Returns whether the value of a field matches the search string.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Query::Words(wanted, prefixes) => words(text)
                .any(|w| wanted.contains(&w) || prefixes.iter().any(|p| w.starts_with(p))),
            Query::Phrase(wanted) => {
                let found: Vec<String> = words(text).collect();
                !wanted.is_empty() && found.windows(wanted.len()).any(|w| w == wanted.as_slice())
            }
        }
    }
}

fn is_indexed(word: &str) -> bool {
    word.chars().count() >= MIN_WORD && !STOP_WORDS.contains(&word)
}

/// Returns the words of a string, folded. An underscore is part of a word.
fn words(text: &str) -> impl Iterator<Item = String> {
    collate::fold(text)
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_whole_and_phrases_in_order() {
        let found = |query: &str| Query::new(query).matches("The Acme Corp deal, broken_pipe");
        for query in [
            "acme",
            "CORP",
            "nothing deal",
            "\"acme corp\"",
            "broken_pipe",
            "ac*",
            "Ac*e",
        ] {
            assert!(found(query), "{query}");
        }
        for query in ["acm", "the", "\"corp acme\"", "broken", "*", "*cme", ""] {
            assert!(!found(query), "{query}");
        }
    }
}
