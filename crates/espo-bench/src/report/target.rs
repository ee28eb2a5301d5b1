//! What was tested, and how it was reached.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetInfo {
    /// Address without credentials.
    pub url: String,
    /// The server ran inside the load tester: it shares the machine's cores with the generator.
    pub embedded: bool,
    /// EspoCRM's version, as `GET App/about` gives it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Records by entity type at the start; only those that the workload names and lists can count.
    pub records: BTreeMap<String, u64>,
    /// Microseconds to open a TCP connection, name look-up included: five attempts before the load.
    pub connect_micros: Vec<u64>,
    /// Microseconds of the full TLS handshake on each of these connections; empty where the target is not HTTPS.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tls_micros: Vec<u64>,
    /// How connections reached the target; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connection: Option<ConnectionInfo>,
}

/// How connections reached the target. No value of a header and no other secret is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionInfo {
    /// IP address and port at the other end; absent behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// HTTP version of the responses: `HTTP/1.1`.
    pub http_version: String,
    /// TLS version and cipher suite; absent without TLS and behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tls: Option<String>,
    /// The proxy and where it was set; absent for direct connections.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proxy: Option<String>,
    /// Names of additional headers.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub headers: Vec<String>,
}

impl ConnectionInfo {
    /// The connection in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut parts = vec![self.http_version.clone()];
        parts.extend(self.tls.clone());
        parts.extend(self.address.as_ref().map(|a| format!("to {a}")));
        parts.extend(
            self.proxy
                .as_ref()
                .map(|p| format!("through the proxy {p}")),
        );
        if !self.headers.is_empty() {
            parts.push(format!("with headers {}", self.headers.join(", ")));
        }
        parts.join(", ")
    }
}
