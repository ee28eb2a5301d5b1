//! The causes of an error, without the types of the libraries that they come from.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io;

use super::visible::Visible;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// One level of an error's chain: its text, and the level below. An [`io::Error`] at the end stays one, so that its kind
/// can be read.
#[derive(Debug)]
struct Cause {
    text: String,
    next: Option<Source>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

/// Copies the chain below `error` in plain words, without levels that only name a library or repeat the one below.
pub(crate) fn causes_of(error: &(dyn StdError + 'static)) -> Option<Source> {
    let mut levels = Vec::new();
    let mut level = error.source();
    while let Some(current) = level {
        levels.push(current);
        level = current.source();
    }
    let mut chain: Option<Source> = None;
    let mut below = String::new();
    for level in levels.into_iter().rev() {
        let text = level.to_string();
        let is_wrapper = text.starts_with("client error (") || text == "connection error";
        let names_library = matches!(
            &*text,
            "tcp connect error" | "dns error" | "error resolving DNS"
        );
        let text = plain(&text).into_owned();
        if is_wrapper || (chain.is_some() && (names_library || text == below)) {
            continue;
        }
        chain = Some(match level.downcast_ref::<io::Error>() {
            Some(error) if chain.is_none() => match error.raw_os_error() {
                Some(code) => Box::new(io::Error::from_raw_os_error(code)),
                None => Box::new(io::Error::new(error.kind(), text.clone())),
            },
            _ => Box::new(Cause {
                text: text.clone(),
                next: chain,
            }),
        });
        below = text;
    }
    chain
}

/// The text of an operating system's error without its number, which means the same: `Connection refused (os error 111)`.
pub(crate) fn without_os_code(text: &str) -> &str {
    let code = text.rsplit_once(" (os error ");
    let code = code.filter(|(_, code)| code.trim_end_matches(')').parse::<i32>().is_ok());
    code.map_or(text, |(text, _)| text)
}

/// Words of the HTTP client, of TLS and of the JSON parser that only their developers understand.
const PLAIN: [(&str, &str); 10] = [
    (
        "connection closed before message completed",
        "the other side closed the connection before the response was complete",
    ),
    (
        "error reading a body from connection",
        "the connection broke within the response",
    ),
    (
        "end of file before message length reached",
        "the response ended before its announced length",
    ),
    (
        "unexpected EOF during chunk size line",
        "the response ended before its last chunk",
    ),
    (
        "connection was not ready",
        "the other side closed the connection",
    ),
    (
        "invalid HTTP version parsed",
        "the response does not start with an HTTP version",
    ),
    (
        "received corrupt message of type InvalidContentType",
        "the response is not TLS",
    ),
    (
        "invalid content-length parsed",
        "the response has no valid Content-Length",
    ),
    (
        "invalid HTTP status-code parsed",
        "the response has no valid status",
    ),
    ("EOF while parsing ", "the response ends within "),
];

/// Replaces the words of libraries in a message.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    for (words, meaning) in PLAIN {
        if out.contains(words) {
            out = Cow::Owned(out.replace(words, meaning));
        }
    }
    out
}

/// An error with all of its causes, joined with `: `; created by [`Error::report`](super::Error::report) and
/// [`report`].
#[derive(Clone, Copy)]
pub struct Report<'e>(&'e (dyn StdError + 'static));

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut causes = Vec::new();
        let mut source = self.0.source();
        while let Some(cause) = source {
            causes.push(without_os_code(&cause.to_string()).to_owned());
            source = cause.source();
        }
        // An error that names the innermost cause itself, such as that of a failed connection, needs no levels in
        // between.
        let is_complete = causes.last().is_some_and(|last| text.contains(last));
        for cause in causes.iter().filter(|_| !is_complete) {
            if !text.contains(cause) {
                text.push_str(": ");
                text.push_str(cause);
            }
        }
        Visible(f).write_str(&text)
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows an error and all of its causes in one line, for messages of tools. `Display` of an error shows its own part
/// only.
pub fn report<'e>(error: &'e (dyn StdError + 'static)) -> Report<'e> {
    Report(error)
}
