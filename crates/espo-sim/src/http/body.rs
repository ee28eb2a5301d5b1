//! Parses request bodies by the server's rules.

use serde_json::{Map, Value as Json};

use super::{Refusal, Request, Result, query};

/// PHP's `json_decode` rejects JSON that is nested deeper.
const MAX_DEPTH: usize = 512;

impl Request {
    /// Returns the body as an object.
    ///
    /// A list is wrapped as `{"list": […]}`; a body of another content type counts as empty, forms are parsed.
    ///
    /// # Errors
    ///
    /// 500 for invalid JSON, 400 for a scalar or null.
    pub(crate) fn json_body(&self) -> Result<Map<String, Json>> {
        let content_type = self
            .header("content-type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type {
            "application/json" => parse(&self.body),
            "application/x-www-form-urlencoded" => {
                Ok(query::parse(&String::from_utf8_lossy(&self.body)))
            }
            _ => Ok(Map::new()),
        }
    }
}

fn parse(body: &[u8]) -> Result<Map<String, Json>> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    if too_deep(body) {
        return Err(Refusal::internal());
    }
    match serde_json::from_slice::<Json>(body) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(Json::Array(list)) => Ok(Map::from_iter([("list".to_owned(), Json::Array(list))])),
        Ok(_) => Err(Refusal::bad_request("Body is not a JSON object.")),
        // PHP reads a number beyond the range of a double as infinite, and writes it as text.
        Err(_) => match finite(body).and_then(|b| serde_json::from_slice(&b).ok()) {
            Some(Json::Object(map)) => Ok(map),
            _ => Err(Refusal::internal()),
        },
    }
}

/// Returns the body with numbers beyond the range of a double replaced by the strings `INF` and `-INF`; `None` if
/// there is no such number.
fn finite(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut changed) = (text, false);
    while !rest.is_empty() {
        let length = match rest.as_bytes()[0] {
            b'"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
                rest.find(|c| !is_part(c)).unwrap_or(rest.len())
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        let (token, after) = rest.split_at(length);
        match token.parse::<f64>() {
            Ok(n) if n.is_infinite() => {
                changed = true;
                out.push_str(if n < 0.0 { "\"-INF\"" } else { "\"INF\"" });
            }
            _ => out.push_str(token),
        }
        rest = after;
    }
    changed.then(|| out.into_bytes())
}

fn too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for b in body {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
