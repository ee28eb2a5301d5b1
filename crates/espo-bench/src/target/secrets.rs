//! Hides secrets in text that the server sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Shorter values are too common in ordinary text to be replaced.
const SHORTEST: usize = 4;

/// The secrets of a run. A server or a gateway can repeat them in its responses, which reports quote.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    values: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    pub(crate) fn add(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.values.push(value.to_owned());
            // A value that is contained in a longer one would leave the rest of that one visible.
            self.values
                .sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
    }

    /// Adds the value of a header, and its parts: a server can repeat the token of `Bearer TOKEN` alone, or the password
    /// in `Basic BASE64`.
    pub(crate) fn add_header(&mut self, value: &str) {
        /// Shorter parts are words such as `Bearer`.
        const PART: usize = 8;
        self.add(value);
        let parts = value.split(|c: char| c.is_whitespace() || ";,\"'".contains(c));
        for part in parts.filter(|part| part.len() >= PART) {
            self.add(part);
            if let Some((_, secret)) = part.split_once('=').filter(|(_, s)| s.len() >= PART) {
                self.add(secret);
            }
        }
        let login = value.strip_prefix("Basic ").map(str::trim);
        let login = login.and_then(|login| BASE64.decode(login).ok());
        let login = login.and_then(|login| String::from_utf8(login).ok());
        if let Some((_, password)) = login.as_deref().and_then(|login| login.split_once(':')) {
            self.add(password);
        }
    }

    /// Adds an API key and its secret, and the beginning of the header that HMAC sends: base64 of `key:signature`.
    pub(crate) fn add_hmac(&mut self, key: &str, secret: &str) {
        let start = format!("{key}:");
        let aligned = start.len() / 3 * 3;
        self.add(&BASE64.encode(&start.as_bytes()[..aligned]));
        self.add(secret);
    }

    /// Adds a password, and the form in which it is sent.
    pub(crate) fn add_password(&mut self, user: &str, password: &str) {
        self.add(&BASE64.encode(format!("{user}:{password}")));
        self.add(password);
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.values.iter().for_each(|value| self.add(value));
    }

    /// Returns the text with an ellipsis in place of each secret. The text may have been cut within a secret.
    pub(crate) fn hide(&self, text: String) -> String {
        let mut text = text;
        for value in &self.values {
            if text.contains(value) {
                text = text.replace(value, "…");
            }
        }
        let end = text.trim_end_matches(['…', '.', '"', ')']);
        let cut = self.values.iter().find_map(|value| {
            let lengths = (SHORTEST..value.len()).filter(|n| value.is_char_boundary(*n));
            let mut starts = lengths.rev().map(|n| &value[..n]);
            starts.find(|start| end.ends_with(*start)).map(str::len)
        });
        if let Some(length) = cut {
            text.truncate(end.len() - length);
            text.push('…');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_headers_are_secrets() {
        for (value, text, shown) in [
            (
                "Bearer canary-token-1",
                "no Bearer, canary-token-1",
                "no Bearer, …",
            ),
            ("Bearer canary-token-1", "token: canary-to", "token: …"),
            (
                "Basic Z2F0ZTpjYW5hcnktZ2F0ZQ==",
                "the password canary-gate is old",
                "the password … is old",
            ),
            (
                "Basic Z2F0ZTpjYW5hcnktZ2F0ZQ==",
                "Z2F0ZTpjYW5hcnktZ2F0ZQ==",
                "…",
            ),
            ("session=canary-session; path=/", "canary-session", "…"),
            ("ab", "a b ab", "a b ab"),
        ] {
            let mut secrets = Secrets::default();
            secrets.add_header(value);
            assert_eq!(secrets.hide(text.into()), shown, "{value}");
        }
    }

    #[test]
    fn secrets_are_replaced_in_texts() {
        let mut secrets = Secrets::default();
        secrets.add("key-1234");
        secrets.add("abc");
        secrets.add_password("jane", "key-1234-long");
        let hidden = secrets
            .hide("X-Api-Key: key-1234, Basic amFuZTprZXktMTIzNC1sb25n, key-1234-long, abc".into());
        assert_eq!(hidden, "X-Api-Key: …, Basic …, …, abc");
        for cut in [
            "the key is key-12",
            "the key is key-12…",
            "the key is \"key-1\")",
        ] {
            let hidden = secrets.hide(cut.into());
            assert!(
                hidden.ends_with('…') && !hidden.contains("key-"),
                "{hidden}"
            );
        }
        assert_eq!(format!("{secrets:?}"), "Secrets(..)");
    }
}
