//! Error pages of the framework, in the format that the request accepts.

use bytes::Bytes;
use serde_json::json;

use super::{HTML, JSON};

const XML: &str = "application/xml";
const PLAIN: &str = "text/plain; charset=UTF-8";

/// Content types that the framework has pages for, with the type of the response.
const FORMATS: &[(&str, &str)] = &[
    (JSON, JSON),
    (XML, XML),
    ("text/xml", "text/xml; charset=UTF-8"),
    ("text/html", HTML),
    ("text/plain", PLAIN),
];

/// The content type and body of the page for a status.
pub(super) fn error(status: u16, accept: &str) -> (&'static str, Bytes) {
    let title = match status {
        404 => "404 Not Found",
        405 => "405 Method Not Allowed",
        _ => "Slim Application Error",
    };
    let content_type = format_of(accept);
    let body = match content_type {
        JSON => format!("{:#}", json!({"message": title})).replace("  \"", "    \""),
        HTML => format!(
            "<!doctype html><html lang=\"en\">    <head>        <meta charset=\"utf-8\">        \
             <title>{title}</title>    </head>    <body>        <h1>{title}</h1>    </body></html>"
        ),
        PLAIN => title.to_owned(),
        _ => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<error>\n  \
             <message><![CDATA[{title}]]></message>\n</error>"
        ),
    };
    (content_type, Bytes::from(body))
}

/// The first accepted format; plain text only if it is the only one. Types are compared verbatim, so a type with a
/// parameter or after a space is not recognised.
fn format_of(accept: &str) -> &'static str {
    let mut accepted = accept
        .split(',')
        .filter_map(|a| FORMATS.iter().find(|(name, _)| *name == a))
        .map(|(_, content_type)| *content_type);
    match (accepted.next(), accepted.next()) {
        (Some(PLAIN), Some(next)) => next,
        (Some(first), _) => first,
        (None, _) if accept.contains("+json") => JSON,
        (None, _) if accept.contains("+xml") => XML,
        _ => HTML,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_pages_follow_the_accept_header() {
        for (accept, content_type) in [
            ("", HTML),
            ("*/*", HTML),
            ("application/json", JSON),
            ("application/json, text/html", JSON),
            ("text/plain,application/json", JSON),
            ("text/plain", PLAIN),
            ("application/vnd.api+json", JSON),
            ("application/xml", XML),
            ("application/json;q=0.9", HTML),
        ] {
            assert_eq!(error(404, accept).0, content_type, "{accept}");
        }
        let (_, body) = error(404, "application/json");
        assert_eq!(body, "{\n    \"message\": \"404 Not Found\"\n}");
    }
}
