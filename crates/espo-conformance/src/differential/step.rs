//! One request of a walk, and its execution on one server.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::users::{Login, Users};
use crate::wire::{Raw, Wire};

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The user that sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum As {
    Api,
    Hmac,
    Weak,
    Regular,
    Admin,
}

impl As {
    pub(crate) const ALL: [As; 5] = [As::Api, As::Hmac, As::Weak, As::Regular, As::Admin];

    pub(crate) fn login(self, users: &Users) -> Option<&Login> {
        match self {
            As::Api => users.api.as_ref(),
            As::Hmac => users.hmac.as_ref(),
            As::Weak => users.weak.as_ref(),
            As::Regular => users.regular.as_ref(),
            As::Admin => users.admin.as_ref(),
        }
    }
}

/// A request with placeholders (`{{r1}}`) for the IDs of records that earlier steps created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Kind of operation and entity type, for grouping.
    pub(crate) label: String,
    #[serde(rename = "as")]
    pub(crate) as_: As,
    #[serde(serialize_with = "method_name", deserialize_with = "method_of")]
    pub(crate) method: Method,
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) query: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Name under which the ID in the response is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) binds: Option<String>,
}

fn method_name<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

fn method_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
    let name = String::deserialize(deserializer)?;
    Method::from_bytes(name.as_bytes()).map_err(serde::de::Error::custom)
}

impl Step {
    pub(crate) fn new(label: String, as_: As, method: Method, path: String) -> Step {
        Step {
            label,
            as_,
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            binds: None,
        }
    }

    pub(crate) fn body(mut self, body: Value) -> Step {
        self.body = Some(body);
        self
    }

    pub(crate) fn query(mut self, key: &str, value: impl Into<String>) -> Step {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Names of the records that the request refers to.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut found = names_in(&self.path);
        for (_, value) in &self.query {
            found.extend(names_in(value));
        }
        if let Some(body) = &self.body {
            found.extend(names_in(&body.to_string()));
        }
        found
    }

    /// The request as one line, with the placeholders.
    pub(crate) fn text(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{}", query.join("&"))
        };
        let body = match &self.body {
            Some(body) => format!(" {body}"),
            None => String::new(),
        };
        let who = format!("{:?}", self.as_).to_lowercase();
        format!("[{who}] {} {}{query}{body}", self.method, self.path)
    }
}

fn names_in(text: &str) -> Vec<String> {
    text.split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// One server, and the IDs of its named records.
pub(crate) struct Side {
    wire: Wire,
    users: Users,
    names: HashMap<String, String>,
}

/// The compared parts of a response.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(rename = "type")]
    pub(crate) content_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<String>,
    /// The body, if it is not JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
    /// The body, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
}

impl Side {
    pub(crate) fn new(wire: Wire, users: Users) -> Side {
        Side {
            wire,
            users,
            names: HashMap::new(),
        }
    }

    pub(crate) fn id(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }

    pub(crate) fn bind(&mut self, name: &str, id: &str) {
        self.names.insert(name.to_owned(), id.to_owned());
    }

    /// Forgets the IDs of a walk.
    pub(crate) fn forget(&mut self) {
        self.names.clear();
    }

    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for name in names_in(text) {
            if let Some(id) = self.names.get(&name) {
                filled = filled.replace(&format!("{{{{{name}}}}}"), id);
            }
        }
        filled
    }

    /// Sends a request, and retries once if the connection failed.
    pub(crate) async fn send(&self, step: &Step) -> Result<Response, String> {
        match self.try_send(step).await {
            Ok(response) => Ok(response),
            Err(_) if step.method == Method::GET => self.try_send(step).await,
            Err(error) => Err(error),
        }
    }

    async fn try_send(&self, step: &Step) -> Result<Response, String> {
        let path = self.fill(&step.path);
        let mut headers = HeaderMap::new();
        if let Some(login) = step.as_.login(&self.users) {
            login.apply(&mut headers, &step.method, &path);
        }
        for (name, value) in &step.headers {
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            headers.insert(name, value);
        }
        let body = step.body.as_ref().map(|body| {
            headers
                .entry(http::header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            Bytes::from(self.fill(&body.to_string()))
        });
        let query: Vec<String> = step
            .query
            .iter()
            .map(|(key, value)| {
                let value = self.fill(value);
                format!(
                    "{}={}",
                    utf8_percent_encode(key, ESCAPED),
                    utf8_percent_encode(&value, ESCAPED)
                )
            })
            .collect();
        let target = if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        };
        let raw = self.wire.send(&step.method, &target, headers, body).await?;
        Ok(Response::of(raw))
    }
}

impl Response {
    fn of(raw: Raw) -> Response {
        let header = |name: &str| {
            raw.headers
                .get(name)
                .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        };
        let content_type = header("content-type").unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let body: Option<Value> = serde_json::from_slice(&raw.body).ok();
        Response {
            status: raw.status.as_u16(),
            reason: header("x-status-reason"),
            content_type: content_type.to_owned(),
            allow: header("allow"),
            text: match &body {
                Some(_) => String::new(),
                None => String::from_utf8_lossy(&raw.body).into_owned(),
            },
            body,
        }
    }

    /// The ID of the record in the response.
    pub(crate) fn id(&self) -> Option<&str> {
        self.body.as_ref()?.get("id")?.as_str()
    }

    /// The rows of a list.
    pub(crate) fn rows(&self) -> Option<&[Value]> {
        self.body
            .as_ref()?
            .get("list")?
            .as_array()
            .map(Vec::as_slice)
    }
}
