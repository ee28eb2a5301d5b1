//! HTTP: parsed requests, responses before they are sent, and errors.

pub(crate) mod body;
pub(crate) mod json;
mod pages;
pub(crate) mod query;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value as Json, json};

use crate::version::Version;

/// A request, with its path below `/api/v1/` split and decoded.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path below the API base as sent on the wire, without the leading slash and the query.
    pub(crate) raw_path: String,
    /// Decoded segments of the path.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Map<String, Json>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The content that was fetched from the URL in its body.
    pub(crate) image: Option<Image>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// A query parameter that is a string.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Json::as_str)
    }

    /// Whether the value of a header is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.header(name)
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }
}

/// An image that was fetched for a request: content type and bytes.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) type_: String,
    pub(crate) contents: Bytes,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Cow<'static, str>,
    /// `X-Status-Reason`.
    pub(crate) reason: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// The body is a file: it is sent with its length.
    pub(crate) sized: bool,
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html; charset=UTF-8";

impl Reply {
    /// 200 with a JSON body.
    pub(crate) fn json(body: impl Into<Bytes>) -> Reply {
        Reply {
            status: 200,
            content_type: Cow::Borrowed(JSON),
            reason: None,
            headers: Vec::new(),
            body: body.into(),
            sized: false,
        }
    }

    /// 200 with the literal `true` or `false`.
    pub(crate) fn bool(v: bool) -> Reply {
        Reply::json(if v { "true" } else { "false" })
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }
}

/// The reason for rejecting a request; becomes an error response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: Option<String>,
    pub(crate) body: Option<Json>,
    pub(crate) kind: RefusalKind,
    /// Whether one exception wraps another: up to 9.3, the reason is then sent twice.
    pub(crate) wrapped: bool,
}

/// The properties that an error response depends on in addition to the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorContext<'a> {
    pub(crate) version: Version,
    /// Whether JSON is written as PHP writes it.
    pub(crate) php_json: bool,
    /// Whether the route is an action class, which sets no content type for errors.
    pub(crate) action_route: bool,
    /// The request's `Accept` header.
    pub(crate) accept: &'a str,
}

/// The layer of the server that rejects a request, which determines the content type and the error page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// An exception of the application: empty body or JSON.
    Application,
    /// Authentication: empty HTML.
    Auth,
    /// The framework's own page.
    Page,
}

pub(crate) type Result<T, E = Refusal> = std::result::Result<T, E>;

impl Refusal {
    fn new(status: u16, reason: impl Into<Option<String>>) -> Refusal {
        Refusal {
            status,
            reason: reason.into(),
            body: None,
            kind: RefusalKind::Application,
            wrapped: false,
        }
    }

    pub(crate) fn bad_request(reason: impl Into<String>) -> Refusal {
        Refusal::new(400, reason.into())
    }

    pub(crate) fn forbidden(reason: impl Into<String>) -> Refusal {
        Refusal::new(403, reason.into())
    }

    /// 403 with an `X-Status-Reason` that is present and empty.
    pub(crate) fn forbidden_silently() -> Refusal {
        Refusal::new(403, String::new())
    }

    /// A rejected filter or order: 400, and up to 9.3 with the reason repeated.
    pub(crate) fn forbidden_search(reason: impl Into<String>) -> Refusal {
        Refusal {
            wrapped: true,
            ..Refusal::new(400, reason.into())
        }
    }

    /// The refusal of a forbidden search in requests that do not turn it into a bad request, as lists do.
    pub(crate) fn unwrapped(self) -> Refusal {
        let status = if self.wrapped { 403 } else { self.status };
        Refusal {
            status,
            wrapped: false,
            ..self
        }
    }

    pub(crate) fn not_found(reason: impl Into<String>) -> Refusal {
        Refusal::new(404, reason.into())
    }

    pub(crate) fn not_found_silently() -> Refusal {
        Refusal::new(404, String::new())
    }

    pub(crate) fn conflict(reason: &str, body: Json) -> Refusal {
        Refusal {
            body: Some(body),
            ..Refusal::new(409, reason.to_owned())
        }
    }

    /// 500 with an empty body: an exception that the application does not handle.
    pub(crate) fn internal() -> Refusal {
        Refusal::new(500, None)
    }

    /// 500 with the framework's page: a type error.
    pub(crate) fn internal_page() -> Refusal {
        Refusal {
            kind: RefusalKind::Page,
            ..Refusal::new(500, None)
        }
    }

    /// 404 of the router.
    pub(crate) fn no_route() -> Refusal {
        Refusal {
            kind: RefusalKind::Page,
            ..Refusal::new(404, None)
        }
    }

    pub(crate) fn auth(status: u16, reason: Option<String>) -> Refusal {
        Refusal {
            kind: RefusalKind::Auth,
            ..Refusal::new(status, reason)
        }
    }

    /// The value of a field fails a validation rule.
    pub(crate) fn validation(entity: &str, field: &str, type_: &str) -> Refusal {
        Refusal::bad_request(format!(
            "Field validation failure; entityType: {entity}, field: {field}, type: {type_}."
        ))
        .translated("validationFailure", json!({"field": field, "type": type_}))
    }

    /// Adds the body that names a translatable message.
    pub(crate) fn translated(mut self, label: &str, data: Json) -> Refusal {
        self.body =
            Some(json!({"messageTranslation": {"label": label, "scope": null, "data": data}}));
        self
    }

    /// The response to the rejected request.
    pub(crate) fn reply(&self, to: &ErrorContext) -> Reply {
        let (content_type, body) = match (self.kind, &self.body) {
            (RefusalKind::Page, _) => pages::error(self.status, to.accept),
            (RefusalKind::Auth, _) => (HTML, Bytes::new()),
            (RefusalKind::Application, Some(body)) => {
                let mut out = json::Out::new(to.php_json);
                out.json(body);
                (JSON, Bytes::from(out.into_bytes()))
            }
            (RefusalKind::Application, None) => {
                (if to.action_route { HTML } else { JSON }, Bytes::new())
            }
        };
        let reason = match &self.reason {
            Some(reason) if self.wrapped && to.version < Version::V10_0 => {
                Some(format!("{reason} {reason}"))
            }
            reason => reason.clone(),
        };
        Reply {
            status: self.status,
            content_type: Cow::Borrowed(content_type),
            reason,
            headers: Vec::new(),
            body,
            sized: false,
        }
    }
}

/// Returns the reason as bytes that are valid in a header: control characters become spaces, and all other characters
/// are kept as UTF-8.
pub(crate) fn reason_header(reason: &str) -> Option<HeaderValue> {
    let bytes: Vec<u8> = reason
        .bytes()
        .map(|b| if b < 0x20 || b == 0x7f { b' ' } else { b })
        .collect();
    HeaderValue::from_bytes(&bytes).ok()
}
