//! A small HTTP client for tests. It shares nothing with the server.

pub(crate) mod custom;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use espo_sim::{Sim, User, Users};
use serde_json::{Value as Json, json};

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn reason(&self) -> &str {
        self.headers
            .get("x-status-reason")
            .map_or("", String::as_str)
    }

    /// The JSON of a success.
    pub(crate) fn ok(self) -> Json {
        assert_eq!(self.status, 200, "{} {}", self.reason(), self.text());
        self.json()
    }
}

/// Sends bytes and reads everything that comes back.
pub(crate) fn raw(address: std::net::SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Sends a request on a new connection.
pub(crate) fn send(
    sim: &Sim,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> std::io::Result<Answer> {
    let mut request =
        format!("{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
            .into_bytes();
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if let Some(body) = body {
        request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body.unwrap_or_default());
    parse(&raw(sim.address(), &request)?, method == "HEAD")
        .ok_or_else(|| std::io::Error::other("not HTTP"))
}

/// Reads an HTTP response; `None` if it is invalid or incomplete.
pub(crate) fn parse(bytes: &[u8], head: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = text.split("\r\n");
    let status = lines
        .next()?
        .strip_prefix("HTTP/1.1 ")?
        .get(..3)?
        .parse()
        .ok()?;
    let headers: HashMap<String, String> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let body = if head {
        Vec::new()
    } else if headers
        .get("transfer-encoding")
        .is_some_and(|t| t == "chunked")
    {
        dechunk(rest)?
    } else {
        let length: usize = headers
            .get("content-length")
            .map_or(Some(0), |l| l.parse().ok())?;
        rest.get(..length)?.to_vec()
    };
    Some(Answer {
        status,
        headers,
        body,
    })
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

pub(crate) fn base64(s: impl AsRef<[u8]>) -> String {
    base64::engine::general_purpose::STANDARD.encode(s)
}

/// A server with a client.
pub(crate) struct Talk<'a> {
    pub sim: &'a Sim,
    headers: Vec<(String, String)>,
}

impl<'a> Talk<'a> {
    /// As the API user with a role for everything.
    pub(crate) fn api(sim: &'a Sim) -> Talk<'a> {
        Talk::key(sim, "api-key")
    }

    /// As an API user by name.
    pub(crate) fn key(sim: &'a Sim, user: &str) -> Talk<'a> {
        let user = sim
            .users()
            .find(|u| u.user_name == user)
            .expect("a declared user");
        let key = user.api_key.clone().expect("a user with a key");
        Talk {
            sim,
            headers: vec![("X-Api-Key".to_owned(), key)],
        }
    }

    pub(crate) fn admin(sim: &'a Sim) -> Talk<'a> {
        Talk::by_password(sim, sim.users().admin().expect("an admin"))
    }

    pub(crate) fn regular(sim: &'a Sim) -> Talk<'a> {
        let user = sim.users().find(|u| u.type_ == "regular");
        Talk::by_password(sim, user.expect("a regular user"))
    }

    fn by_password(sim: &'a Sim, user: &User) -> Talk<'a> {
        let pair = format!(
            "{}:{}",
            user.user_name,
            user.password.as_deref().unwrap_or_default()
        );
        Talk {
            sim,
            headers: vec![("Espo-Authorization".to_owned(), base64(pair))],
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Talk<'a> {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Json>) -> Answer {
        let mut headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let body = body.map(|b| b.to_string());
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        send(
            self.sim,
            method,
            path,
            &headers,
            body.as_deref().map(str::as_bytes),
        )
        .expect("a response")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Json) -> Answer {
        self.call("POST", path, Some(body))
    }

    pub(crate) fn put(&self, path: &str, body: Json) -> Answer {
        self.call("PUT", path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    /// Creates a record and returns its ID.
    pub(crate) fn create(&self, entity: &str, body: Json) -> String {
        self.post(entity, body).ok()["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// IDs of a list with these search parameters.
    pub(crate) fn found(&self, entity: &str, params: Json) -> Vec<String> {
        let list = self.search(entity, params).ok();
        list["list"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|r| r["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) fn search(&self, entity: &str, params: Json) -> Answer {
        let encoded: String = params
            .to_string()
            .bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() {
                    (b as char).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect();
        self.get(&format!("{entity}?searchParams={encoded}"))
    }
}

pub(crate) async fn sim() -> Sim {
    Sim::start().await.expect("a server")
}

/// Starts a server with a user `narrow` that reads accounts alone.
pub(crate) async fn narrow() -> Sim {
    let mut users = Users::sample();
    let more: Users = serde_json::from_value(json!({
        "roles": [{"id": "r-narrow", "name": "Narrow", "data": {"Account": {"create": "no", "read": "all", "edit": "no", "delete": "no", "stream": "no"}}}],
        "users": [{"id": "u-narrow", "type": "api", "userName": "narrow", "authMethod": "ApiKey", "apiKey": "n".repeat(32), "rolesIds": ["r-narrow"]}],
    }))
    .expect("users");
    users.roles.extend(more.roles);
    users.users.extend(more.users);
    Sim::builder().users(users).start().await.expect("a server")
}
