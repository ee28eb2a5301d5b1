//! Request bodies by the server's rules.

use serde_json::{Map, Value as Json};

use super::{Refusal, Request, Result, query};

/// PHP's `json_decode` gives up at this depth.
const MAX_DEPTH: usize = 512;

impl Request {
    /// The body as an object.
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
        Err(_) => Err(Refusal::internal()),
    }
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
